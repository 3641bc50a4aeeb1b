/* How long prompts and answers are: distributions of token counts by dataset and model. */
#ifndef WORKLOADS_LENGTH_MODEL_H
#define WORKLOADS_LENGTH_MODEL_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/json.h"
#include "sim/base/random.h"

enum { LENGTH_MAX_POINTS = 64 };

enum length_family {
    LENGTH_CONSTANT,
    LENGTH_LOGNORMAL,
    LENGTH_GAMMA,
    LENGTH_WEIBULL,
    LENGTH_QUANTILES, /* linear between given quantiles */
};

struct length_distribution {
    enum length_family family;
    double a;     /* constant: tokens; lognormal: mu; gamma, Weibull: shape */
    double b;     /* lognormal: sigma; gamma, Weibull: scale */
    double lower; /* truncated to [lower, upper] */
    double upper;
    uint32_t points;
    double probabilities[LENGTH_MAX_POINTS];
    double tokens[LENGTH_MAX_POINTS];
};

/* Reads {"distribution": "lognormal", "median": ..., "sigma": ...} and its like; see
 * workloads/README.md. */
MUST_CHECK bool length_distribution_read(struct length_distribution *length,
                                         const struct json *object, const char *place,
                                         struct error *error);

/* The quantile at 'uniform', as a whole number of tokens, at least 1. */
uint32_t length_distribution_at(const struct length_distribution *length, double uniform);
/* The share of lengths up to 'tokens'. */
double length_distribution_share(const struct length_distribution *length, double tokens);
/* Drawn by one uniform number. */
uint32_t length_distribution_draw(const struct length_distribution *length,
                                  struct random_stream *random);

/* Lengths of one dataset under one model. */
struct length_model {
    char dataset[48];
    char model[64];
    char kv_cache[16]; /* precision with which answers have these lengths; empty: any */
    bool is_reasoning;
    char known[16]; /* "poorly" where lengths are assumed or from few answers; else empty */
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
/* Those made for a KV precision go before those for any. */
MUST_CHECK bool length_catalog_find(const struct length_catalog *catalog, const char *dataset,
                                    const char *model, const char *kv_cache,
                                    const struct length_model **ret_found, struct error *error);

#endif
