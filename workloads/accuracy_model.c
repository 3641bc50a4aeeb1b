#include "workloads/accuracy_model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"

enum { FORMAT_VERSION = 2, MAX_SWEEPS = 2000 };
/* A derived share yields to those that were seen. */
#define DERIVED_ANSWERS 2.0

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
            model->correct_pct[i] < 0 || model->correct_pct[i] > 100 || model->answers[i] < 0) {
            return error_set(error,
                             "%s: 'budgets' must rise from 1 on, 'correct_pct' lie from 0 to 100, "
                             "'answers' not be below 0",
                             path);
        }
    }
    return true;
}

const struct setting_choice accuracy_scales[] = {
    {"study", ACCURACY_STUDY, "the strict scorers of arXiv 2510.18672, by budget"},
    {"public", ACCURACY_PUBLIC, "pass@1 of public evaluation at 32,768 tokens"},
    {.name = NULL},
};

#define TEXT(key)                                                                                  \
    .name = #key, .type = SETTING_TEXT, .required = true, SETTING_OF(accuracy_model, key)

static const struct setting text_settings[] = {
    {TEXT(model)},
    {TEXT(dataset)},
    {TEXT(weights)},
    {TEXT(kv_cache)},
    {.name = "scale",
     .type = SETTING_CHOICE,
     .required = true,
     SETTING_OF(accuracy_model, scale),
     .choices = accuracy_scales},
    {.name = "budgets", .type = SETTING_IGNORED}, /* arrays: read_points */
    {.name = "correct_pct", .type = SETTING_IGNORED},
    {.name = "answers", .type = SETTING_IGNORED},
    {.name = "source", .type = SETTING_IGNORED},
    {.name = NULL},
};

static bool read_head(struct accuracy_catalog *catalog, const struct json *document,
                      const char *path, struct error *error)
{
    static const char *const known[] = {"format_version", "about", "problem_share", "accuracies",
                                        NULL};
    double version = 0;
    const struct json *item = json_find(document, "format_version");
    if (item == NULL || !json_number(item, &version) || version != FORMAT_VERSION) {
        return error_set(error,
                         "%s: 'format_version' must be %d, got %g: since then each share has a "
                         "'scale' (study or public)",
                         path, FORMAT_VERSION, version);
    }
    item = json_find(document, "problem_share");
    if (item == NULL || !json_number(item, &catalog->problem_share) || catalog->problem_share < 0 ||
        catalog->problem_share > 1) {
        return error_set(error, "%s: 'problem_share' must be a number from 0 to 1", path);
    }
    return json_check_keys(document, path, known, error);
}

bool accuracy_catalog_read(struct accuracy_catalog *catalog, const char *path, struct error *error)
{
    struct json *document = NULL;
    size_t capacity = 0;
    memset(catalog, 0, sizeof *catalog);
    if (!embedded_read_json(path, &document, error)) {
        return false;
    }
    bool ok = read_head(catalog, document, path, error);
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
                                                   const char *weights, const char *kv_cache,
                                                   enum accuracy_scale scale)
{
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct accuracy_model *one = &catalog->models[i];
        if (text_equal(one->model, model) && text_equal(one->dataset, dataset) &&
            text_equal(one->weights, weights) && text_equal(one->kv_cache, kv_cache) &&
            one->scale == scale) {
            return one;
        }
    }
    return NULL;
}

/* What a share counts: one over the variance that its answers leave it with. */
static double weight_of(const struct accuracy_model *model, uint32_t point)
{
    double share = model->correct_pct[point] / 100;
    double answers = fmax(model->answers[point], DERIVED_ANSWERS);
    return answers / (share * (1 - share) + 1 / answers);
}

/* Least squares over chances from 0 to 1, one after the other until none moves: the sum of squares
 * is convex, so this ends at its minimum. */
struct accuracy_chances accuracy_chances_of(const struct accuracy_model *model,
                                            const struct length_distribution *lengths)
{
    struct accuracy_chances result = {.points = model->points};
    double ended[ACCURACY_MAX_POINTS]; /* between two budgets */
    double off[ACCURACY_MAX_POINTS];   /* the share wanted less the share so far */
    double weights[ACCURACY_MAX_POINTS];
    double before = 0;
    assert(model->points > 0 && model->points <= ACCURACY_MAX_POINTS);
    for (uint32_t i = 0; i < model->points; i++) {
        double share = length_distribution_share(lengths, model->budgets[i]);
        result.budgets[i] = model->budgets[i];
        ended[i] = share - before;
        off[i] = model->correct_pct[i] / 100;
        weights[i] = weight_of(model, i);
        before = share;
    }
    for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        double moved = 0;
        for (uint32_t i = 0; i < model->points; i++) {
            double pull = 0;
            double total = 0;
            for (uint32_t k = i; k < model->points; k++) {
                pull += weights[k] * off[k];
                total += weights[k];
            }
            double wanted = ended[i] > 1e-9 ? result.chances[i] + pull / total / ended[i] : 0;
            double change = fmin(1, fmax(0, wanted)) - result.chances[i];
            result.chances[i] += change;
            for (uint32_t k = i; k < model->points; k++) {
                off[k] -= change * ended[i];
            }
            moved = fmax(moved, fabs(change) * ended[i]);
        }
        if (moved < 1e-7) {
            break;
        }
    }
    return result;
}

/* Lengths beyond the last budget have its chance. */
static uint32_t span_of(const struct accuracy_chances *chances, double tokens)
{
    uint32_t right = 0;
    while (right + 1 < chances->points && tokens > chances->budgets[right]) {
        right++;
    }
    return right;
}

double accuracy_chance_at(const struct accuracy_chances *chances, double tokens)
{
    assert(chances->points > 0);
    return chances->chances[span_of(chances, tokens)];
}

double accuracy_expected(const struct accuracy_chances *chances,
                         const struct length_distribution *lengths, double budget_tokens)
{
    double expected = 0;
    double before = 0;
    uint32_t last = span_of(chances, budget_tokens);
    for (uint32_t i = 0; i <= last; i++) {
        double until = i < last ? chances->budgets[i] : budget_tokens;
        double ended = length_distribution_share(lengths, until);
        expected += chances->chances[i] * (ended - before);
        before = ended;
    }
    assert(expected >= 0 && expected <= 1 + 1e-9);
    return expected;
}
