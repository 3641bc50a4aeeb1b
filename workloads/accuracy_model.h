/* How many answers are right: by model, dataset, precisions and token budget, from measured points
 * (workloads/data/accuracy.json). */
#ifndef WORKLOADS_ACCURACY_MODEL_H
#define WORKLOADS_ACCURACY_MODEL_H

#include "sim/base/settings.h"
#include "workloads/length_model.h"

enum { ACCURACY_MAX_POINTS = 16 };

/* Whose scorers say what is right. */
enum accuracy_scale {
    ACCURACY_STUDY,
    ACCURACY_PUBLIC,
};

/* A measured or derived share of right answers; see workloads/fitting/fit_accuracy.py. */
struct accuracy_model {
    char model[64];
    char dataset[48];
    char weights[32];
    char kv_cache[16];
    enum accuracy_scale scale;
    uint32_t points;
    double budgets[ACCURACY_MAX_POINTS]; /* tokens, rising */
    double correct_pct[ACCURACY_MAX_POINTS];
    double answers[ACCURACY_MAX_POINTS]; /* that each was seen on; 0: derived */
};

struct accuracy_catalog {
    struct accuracy_model *models;
    uint32_t count;
    double problem_share; /* of what makes samples right or wrong beyond their length */
};

/* How likely an answer is right, by its length: one chance for lengths between two budgets. */
struct accuracy_chances {
    uint32_t points;
    double budgets[ACCURACY_MAX_POINTS];
    double chances[ACCURACY_MAX_POINTS]; /* of lengths up to the budget and beyond the one before */
};

/* The scales, up to a NULL name. */
extern const struct setting_choice accuracy_scales[];

MUST_CHECK bool accuracy_catalog_read(struct accuracy_catalog *catalog, const char *path,
                                      struct error *error);
void accuracy_catalog_clear(struct accuracy_catalog *catalog);

/* NULL when nothing is known for just these precisions on this scale. */
const struct accuracy_model *accuracy_catalog_find(const struct accuracy_catalog *catalog,
                                                   const char *model, const char *dataset,
                                                   const char *weights, const char *kv_cache,
                                                   enum accuracy_scale scale);

/* Chances with which answers of the lengths of 'lengths' come as near to the shares at all budgets
 * as they can: shares seen on many answers count more, and no more answers are right between two
 * budgets than end there. */
struct accuracy_chances accuracy_chances_of(const struct accuracy_model *model,
                                            const struct length_distribution *lengths);

/* The chance of an answer of so many tokens. */
double accuracy_chance_at(const struct accuracy_chances *chances, double tokens);

/* The share of all answers that end within the budget and are right. */
double accuracy_expected(const struct accuracy_chances *chances,
                         const struct length_distribution *lengths, double budget_tokens);

#endif
