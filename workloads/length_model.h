/* How long prompts and answers are: distributions of token counts by dataset and model. */
#ifndef WORKLOADS_LENGTH_MODEL_H
#define WORKLOADS_LENGTH_MODEL_H

#include "workloads/length_distribution.h"

/* What the lengths of a model rest on. */
enum length_knowledge {
    LENGTH_MEASURED, /* single responses of this very model */
    LENGTH_FAMILY,   /* single responses of a sibling, and this model's means */
    LENGTH_MEANS,    /* this model's means; the shape is a sibling's or inferred */
    LENGTH_ASSUMED,  /* taken from another task or another model */
    LENGTH_CHOSEN,   /* nobody's: set on purpose, as a benchmark's are */
};

/* Quantiles of the responses that a model was fitted to. */
struct length_data {
    uint32_t n; /* 0: there are none */
    double p50;
    double p90;
    double p99;
    double over_16k_pct;
};

/* Lengths of one dataset under one model. */
struct length_model {
    char dataset[48];
    char model[64];
    char kv_cache[16]; /* precision with which answers have these lengths; empty: any */
    char source[640];
    bool is_reasoning;
    enum length_knowledge known;
    uint32_t responses; /* that it rests on; 0: none */
    struct length_data data;
    double between_share; /* of the variance of normal scores: between problems, not samples */
    struct length_distribution prompt;
    struct length_distribution output;  /* if no budget cut it */
    struct length_distribution visible; /* of the output, after the thinking */
};

struct length_catalog {
    struct length_model *models;
    uint32_t count;
};

/* The shipped models (workloads/data/lengths.json), or a file of that format. */
MUST_CHECK bool length_catalog_read(struct length_catalog *catalog, const char *path,
                                    struct error *error);
void length_catalog_clear(struct length_catalog *catalog);
const char *length_knowledge_name(enum length_knowledge known);

/* Those made for a KV precision go before those for any. */
MUST_CHECK bool length_catalog_find(const struct length_catalog *catalog, const char *dataset,
                                    const char *model, const char *kv_cache,
                                    const struct length_model **ret_found, struct error *error);

#endif
