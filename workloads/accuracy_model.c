#include "workloads/accuracy_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"

static bool read_points(struct accuracy_model *model, const struct json *item, const char *path,
                        struct error *error)
{
    const struct json *budget = json_first(json_find(item, "budgets"));
    for (; budget != NULL; budget = json_next(budget)) {
        model->points++;
    }
    if (model->points == 0 || model->points > ACCURACY_MAX_POINTS) {
        return error_set(error, "%s: 'budgets' must be an array of 1 to %d numbers", path,
                         ACCURACY_MAX_POINTS);
    }
    if (!json_numbers(item, path, "budgets", model->budgets, model->points, error) ||
        !json_numbers(item, path, "correct_pct", model->correct_pct, model->points, error) ||
        !json_numbers(item, path, "answers", model->answers, model->points, error)) {
        return false;
    }
    for (uint32_t i = 0; i < model->points; i++) {
        if (model->budgets[i] < 1 || (i > 0 && model->budgets[i] <= model->budgets[i - 1]) ||
            model->correct_pct[i] < 0 || model->correct_pct[i] > 100 || model->answers[i] < 1) {
            return error_set(error,
                             "%s: 'budgets' must rise from 1 on, 'correct_pct' lie from 0 to 100, "
                             "'answers' be at least 1",
                             path);
        }
    }
    return true;
}

#define TEXT(key)                                                                                  \
    .name = #key, .type = SETTING_TEXT, .required = true, SETTING_OF(accuracy_model, key)

static const struct setting text_settings[] = {
    {TEXT(model)},
    {TEXT(dataset)},
    {TEXT(weights)},
    {TEXT(kv_cache)},
    {.name = "budgets", .type = SETTING_IGNORED}, /* arrays: read_points */
    {.name = "correct_pct", .type = SETTING_IGNORED},
    {.name = "answers", .type = SETTING_IGNORED},
    {.name = "source", .type = SETTING_IGNORED},
    {.name = NULL},
};

bool accuracy_catalog_read(struct accuracy_catalog *catalog, const char *path, struct error *error)
{
    struct json *document = NULL;
    size_t capacity = 0;
    memset(catalog, 0, sizeof *catalog);
    if (!embedded_read_json(path, &document, error)) {
        return false;
    }
    bool ok = true;
    const struct json *item = json_first(json_find(document, "accuracies"));
    for (; ok && item != NULL; item = json_next(item)) {
        catalog->models = memory_grow(catalog->models, &capacity, (size_t)catalog->count + 1,
                                      sizeof catalog->models[0]);
        struct accuracy_model *model = &catalog->models[catalog->count++];
        memset(model, 0, sizeof *model);
        ok = settings_read(text_settings, item, path, model, error) &&
             read_points(model, item, path, error);
    }
    json_destroy(document);
    if (!ok) {
        accuracy_catalog_clear(catalog);
    }
    return ok;
}

void accuracy_catalog_clear(struct accuracy_catalog *catalog)
{
    free(catalog->models);
    memset(catalog, 0, sizeof *catalog);
}

const struct accuracy_model *accuracy_catalog_find(const struct accuracy_catalog *catalog,
                                                   const char *model, const char *dataset,
                                                   const char *weights, const char *kv_cache)
{
    const struct accuracy_model *plain = NULL;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct accuracy_model *one = &catalog->models[i];
        if (!text_equal(one->model, model) || !text_equal(one->dataset, dataset)) {
            continue;
        }
        if (text_equal(one->weights, weights) && text_equal(one->kv_cache, kv_cache)) {
            return one;
        }
        if (text_equal(one->weights, "bf16") && text_equal(one->kv_cache, "bf16")) {
            plain = one;
        }
    }
    return plain;
}

/* The point at or above the budget, and how far towards it the budget is from the one before. */
static uint32_t point_above(const struct accuracy_model *model, double budget, double *ret_share)
{
    uint32_t right = 0;
    while (right + 1 < model->points && budget > model->budgets[right]) {
        right++;
    }
    *ret_share = 1;
    if (right > 0 && budget < model->budgets[right]) {
        *ret_share = log(budget / model->budgets[right - 1]) /
                     log(model->budgets[right] / model->budgets[right - 1]);
    }
    return right;
}

struct accuracy accuracy_at(const struct accuracy_model *model, double budget_tokens)
{
    double share = 1;
    uint32_t right = point_above(model, budget_tokens, &share);
    uint32_t left = right > 0 ? right - 1 : 0;
    double correct =
        (share * model->correct_pct[right] + (1 - share) * model->correct_pct[left]) / 100;
    double answers = share * model->answers[right] + (1 - share) * model->answers[left];
    return (struct accuracy){.share = correct, .error = sqrt(correct * (1 - correct) / answers)};
}

void accuracy_chances(const struct accuracy_model *model, const struct length_distribution *lengths,
                      double *ret_chances)
{
    double ended_before = 0;
    double correct_so_far = 0; /* what more answers than end cannot give is made up for later */
    for (uint32_t i = 0; i < model->points; i++) {
        double ended = length_distribution_share(lengths, model->budgets[i]);
        double correct = model->correct_pct[i] / 100;
        double share = ended - ended_before;
        ret_chances[i] = share > 0 ? fmin(1, fmax(0, (correct - correct_so_far) / share)) : 0;
        ended_before = ended;
        correct_so_far += ret_chances[i] * share;
    }
}

double accuracy_of_length(const struct accuracy_model *model, const double *chances, double tokens)
{
    double unused = 0;
    return chances[point_above(model, tokens, &unused)];
}
