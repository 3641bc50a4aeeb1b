#include "workloads/length_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/distribution.h"
#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"

#define MAX_TOKENS 1e6

static bool number_in(const struct json *object, const char *place, const char *name,
                      double minimum, double *value, struct error *error)
{
    double number = 0;
    const struct json *item = json_find(object, name);
    if (item == NULL || !json_number(item, &number) || number < minimum || number > MAX_TOKENS) {
        return error_set(error, "%s: '%s' must be a number from %g to %g", place, name, minimum,
                         MAX_TOKENS);
    }
    *value = number;
    return true;
}

static bool read_quantiles(struct length_distribution *length, const struct json *object,
                           const char *place, struct error *error)
{
    const struct json *item = json_first(json_find(object, "tokens"));
    for (; item != NULL; item = json_next(item)) {
        length->points++;
    }
    if (length->points < 2 || length->points > LENGTH_MAX_POINTS) {
        return error_set(error, "%s: 'tokens' must be an array of 2 to %d numbers", place,
                         LENGTH_MAX_POINTS);
    }
    if (!json_numbers(object, place, "tokens", length->tokens, length->points, error) ||
        !json_numbers(object, place, "probabilities", length->probabilities, length->points,
                      error)) {
        return false;
    }
    for (uint32_t i = 0; i < length->points; i++) {
        bool rises = i == 0 || (length->probabilities[i] > length->probabilities[i - 1] &&
                                length->tokens[i] >= length->tokens[i - 1]);
        if (!rises || length->tokens[i] < 1 || length->tokens[i] > MAX_TOKENS) {
            return error_set(error, "%s: 'probabilities' and 'tokens' must rise, tokens from 1 on",
                             place);
        }
    }
    if (length->probabilities[0] != 0 || length->probabilities[length->points - 1] != 1) {
        return error_set(error, "%s: 'probabilities' must go from 0 to 1", place);
    }
    return true;
}

static bool read_family(struct length_distribution *length, const char *family,
                        const struct json *object, const char *place, struct error *error)
{
    static const struct {
        const char *name;
        enum length_family family;
        const char *a;
        const char *b;
    } families[] = {{"constant", LENGTH_CONSTANT, "tokens", NULL},
                    {"lognormal", LENGTH_LOGNORMAL, "median", "sigma"},
                    {"gamma", LENGTH_GAMMA, "shape", "scale"},
                    {"weibull", LENGTH_WEIBULL, "shape", "scale"},
                    {"quantiles", LENGTH_QUANTILES, NULL, NULL}};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (!text_equal(families[i].name, family)) {
            continue;
        }
        length->family = families[i].family;
        if (length->family == LENGTH_QUANTILES) {
            return read_quantiles(length, object, place, error);
        }
        if (!number_in(object, place, families[i].a, 1e-6, &length->a, error) ||
            (families[i].b != NULL &&
             !number_in(object, place, families[i].b, 1e-6, &length->b, error))) {
            return false;
        }
        if (length->family == LENGTH_LOGNORMAL) {
            length->a = log(length->a);
        }
        return true;
    }
    return error_set(error,
                     "%s: 'distribution' must be one of constant, lognormal, gamma, weibull, "
                     "quantiles, got '%s'",
                     place, family);
}

bool length_distribution_read(struct length_distribution *length, const struct json *object,
                              const char *place, struct error *error)
{
    static const char *const known[] = {"distribution", "tokens",        "median", "sigma",
                                        "shape",        "scale",         "lower",  "upper",
                                        "source",       "probabilities", NULL};
    struct length_distribution read = {.lower = 1, .upper = MAX_TOKENS};
    const struct json *name = json_find(object, "distribution");
    if (name == NULL || json_text(name) == NULL) {
        return error_set(error, "%s: 'distribution' must be a text", place);
    }
    if (!json_check_keys(object, place, known, error) ||
        !read_family(&read, json_text(name), object, place, error) ||
        (json_find(object, "lower") != NULL &&
         !number_in(object, place, "lower", 1, &read.lower, error)) ||
        (json_find(object, "upper") != NULL &&
         !number_in(object, place, "upper", read.lower, &read.upper, error))) {
        return false;
    }
    *length = read;
    return true;
}

static double interpolate(const struct length_distribution *length, double probability)
{
    uint32_t right = 1;
    while (right + 1 < length->points && probability > length->probabilities[right]) {
        right++;
    }
    double span = length->probabilities[right] - length->probabilities[right - 1];
    double share = (probability - length->probabilities[right - 1]) / span;
    return length->tokens[right - 1] + share * (length->tokens[right] - length->tokens[right - 1]);
}

static double draw(const struct length_distribution *length, double uniform)
{
    static const enum distribution_family families[] = {
        [LENGTH_LOGNORMAL] = DISTRIBUTION_LOGNORMAL,
        [LENGTH_GAMMA] = DISTRIBUTION_GAMMA,
        [LENGTH_WEIBULL] = DISTRIBUTION_WEIBULL,
    };
    if (length->family == LENGTH_CONSTANT) {
        return length->a;
    }
    if (length->family == LENGTH_QUANTILES) {
        return interpolate(length, uniform);
    }
    enum distribution_family family = families[length->family];
    double below = distribution_cumulative(family, length->a, length->b, length->lower - 0.5);
    double above = distribution_cumulative(family, length->a, length->b, length->upper + 0.5);
    return distribution_quantile(family, length->a, length->b, below + uniform * (above - below));
}

uint32_t length_distribution_at(const struct length_distribution *length, double uniform)
{
    double tokens = round(draw(length, uniform));
    return (uint32_t)fmax(fmax(1, length->lower), fmin(tokens, length->upper));
}

/* By bisection: quantiles rise. */
double length_distribution_share(const struct length_distribution *length, double tokens)
{
    double low = 0;
    double high = 1;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (length_distribution_at(length, middle) <= tokens) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

uint32_t length_distribution_draw(const struct length_distribution *length,
                                  struct random_stream *random)
{
    return length_distribution_at(length, random_uniform(random));
}

static bool read_text(const struct json *object, const char *place, const char *name, char *buffer,
                      size_t size, struct error *error)
{
    const struct json *item = json_find(object, name);
    const char *text = item != NULL ? json_text(item) : NULL;
    if (text == NULL || !text_copy(buffer, size, text)) {
        return error_set(error, "%s: '%s' must be a text of at most %zu characters", place, name,
                         size - 1);
    }
    return true;
}

static bool read_prompt(struct length_model *model, const struct json *document, const char *place,
                        struct error *error)
{
    const struct json *item = json_first(json_find(document, "prompts"));
    for (; item != NULL; item = json_next(item)) {
        const struct json *dataset = json_find(item, "dataset");
        const struct json *length = json_find(item, "length");
        if (dataset != NULL && length != NULL && json_text(dataset) != NULL &&
            text_equal(json_text(dataset), model->dataset)) {
            return length_distribution_read(&model->prompt, length, place, error);
        }
    }
    return error_set(error, "%s: 'prompts' has no dataset '%s'", place, model->dataset);
}

static bool read_optional_text(const struct json *item, const char *path, const char *key,
                               char *buffer, size_t size, struct error *error)
{
    return json_find(item, key) == NULL || read_text(item, path, key, buffer, size, error);
}

static bool read_model(struct length_model *model, const struct json *item,
                       const struct json *document, const char *path, struct error *error)
{
    static const char *const known[] = {"model",   "dataset",        "kind",     "length", "source",
                                        "visible", "visible_source", "kv_cache", "known",  NULL};
    char place[256];
    char kind[16];
    memset(model, 0, sizeof *model);
    if (!json_check_keys(item, path, known, error) ||
        !read_text(item, path, "dataset", model->dataset, sizeof model->dataset, error) ||
        !read_text(item, path, "model", model->model, sizeof model->model, error) ||
        !read_text(item, path, "kind", kind, sizeof kind, error)) {
        return false;
    }
    if (!read_optional_text(item, path, "kv_cache", model->kv_cache, sizeof model->kv_cache,
                            error) ||
        !read_optional_text(item, path, "known", model->known, sizeof model->known, error)) {
        return false;
    }
    snprintf(place, sizeof place, "%.120s: %s, %s", path, model->model, model->dataset);
    model->is_reasoning = text_equal(kind, "reasoning");
    const struct json *length = json_find(item, "length");
    const struct json *visible = json_find(item, "visible");
    if (length == NULL || (model->is_reasoning && visible == NULL)) {
        return error_set(error, "%s: key '%s' is missing", place,
                         length == NULL ? "length" : "visible");
    }
    return read_prompt(model, document, place, error) &&
           length_distribution_read(&model->output, length, place, error) &&
           (visible == NULL || length_distribution_read(&model->visible, visible, place, error));
}

bool length_catalog_read(struct length_catalog *catalog, const char *path, struct error *error)
{
    memset(catalog, 0, sizeof *catalog);
    struct json *document = NULL;
    if (!embedded_read_json(path, &document, error)) {
        return false;
    }
    size_t capacity = 0;
    bool ok = true;
    const struct json *item = json_first(json_find(document, "outputs"));
    for (; ok && item != NULL; item = json_next(item)) {
        catalog->models =
            memory_grow(catalog->models, &capacity, catalog->count + 1, sizeof catalog->models[0]);
        ok = read_model(&catalog->models[catalog->count++], item, document, path, error);
    }
    if (ok && catalog->count == 0) {
        ok = error_set(error, "%s: 'outputs' must be an array of length models", path);
    }
    json_destroy(document);
    if (!ok) {
        length_catalog_clear(catalog);
    }
    return ok;
}

void length_catalog_clear(struct length_catalog *catalog)
{
    free(catalog->models);
    memset(catalog, 0, sizeof *catalog);
}

bool length_catalog_find(const struct length_catalog *catalog, const char *dataset,
                         const char *model, const char *kv_cache,
                         const struct length_model **ret_found, struct error *error)
{
    const struct length_model *found = NULL;
    bool dataset_known = false;
    const char *names[65] = {NULL};
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct length_model *one = &catalog->models[i];
        bool same_dataset = strcasecmp(one->dataset, dataset) == 0;
        dataset_known = dataset_known || same_dataset;
        if (same_dataset && strcasecmp(one->model, model) == 0 &&
            (text_equal(one->kv_cache, kv_cache) || (found == NULL && one->kv_cache[0] == '\0'))) {
            found = one;
        }
        if (i < 64) {
            names[i] = one->dataset;
        }
    }
    if (found != NULL) {
        *ret_found = found;
        return true;
    }
    if (dataset_known) {
        return error_set(error,
                         "no length model for '%s' on '%s' ('kvcast list datasets' names them all)",
                         model, dataset);
    }
    return text_error_unknown(error, "unknown dataset", dataset, names,
                              " ('kvcast list datasets' names them all)");
}
