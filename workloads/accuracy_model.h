/* How many answers are right: by model, dataset, precisions and token budget, from measured points
 * (workloads/data/accuracy.json). */
#ifndef WORKLOADS_ACCURACY_MODEL_H
#define WORKLOADS_ACCURACY_MODEL_H

#include "workloads/length_model.h"

enum { ACCURACY_MAX_POINTS = 16 };

struct accuracy_model {
    char model[64];
    char dataset[48];
    char weights[32];
    char kv_cache[16];
    uint32_t points;
    double budgets[ACCURACY_MAX_POINTS]; /* tokens, rising */
    double correct_pct[ACCURACY_MAX_POINTS];
    double answers[ACCURACY_MAX_POINTS]; /* that each was seen on */
};

struct accuracy_catalog {
    struct accuracy_model *models;
    uint32_t count;
};

/* An accuracy and the standard error of a share seen on so many answers. */
struct accuracy {
    double share;
    double error;
};

MUST_CHECK bool accuracy_catalog_read(struct accuracy_catalog *catalog, const char *path,
                                      struct error *error);
void accuracy_catalog_clear(struct accuracy_catalog *catalog);

/* For these precisions, else for bf16; NULL when nothing is known. */
const struct accuracy_model *accuracy_catalog_find(const struct accuracy_catalog *catalog,
                                                   const char *model, const char *dataset,
                                                   const char *weights, const char *kv_cache);

/* Linear in the logarithm of the budget between points, level beyond them. */
struct accuracy accuracy_at(const struct accuracy_model *model, double budget_tokens);

/* How likely answers are right that end between a measured budget and the one before it, so that
 * answers of the lengths of 'lengths' give the measured share at each: 'model->points' chances. */
void accuracy_chances(const struct accuracy_model *model, const struct length_distribution *lengths,
                      double *ret_chances);

/* The chance of an answer of so many tokens. */
double accuracy_of_length(const struct accuracy_model *model, const double *chances, double tokens);

#endif
