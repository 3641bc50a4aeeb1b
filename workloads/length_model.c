#include "workloads/length_model.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"

enum { FORMAT_VERSION = 2 };

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

static const char *const knowledge_names[] = {
    [LENGTH_MEASURED] = "measured", [LENGTH_FAMILY] = "family", [LENGTH_MEANS] = "means",
    [LENGTH_ASSUMED] = "assumed",   [LENGTH_CHOSEN] = "chosen",
};

const char *length_knowledge_name(enum length_knowledge known)
{
    assert((size_t)known < sizeof knowledge_names / sizeof knowledge_names[0]);
    return knowledge_names[known];
}

static bool read_knowledge(struct length_model *model, const struct json *item, const char *place,
                           struct error *error)
{
    char known[16] = "";
    if (!read_text(item, place, "known", known, sizeof known, error)) {
        return false;
    }
    for (size_t i = 0; i < sizeof knowledge_names / sizeof knowledge_names[0]; i++) {
        if (text_equal(known, knowledge_names[i])) {
            model->known = (enum length_knowledge)i;
            return true;
        }
    }
    return error_set(
        error, "%s: 'known' must be one of measured, family, means, assumed, chosen, got '%s'",
        place, known);
}

static bool read_number(const struct json *item, const char *place, const char *name,
                        double maximum, double *ret_value, struct error *error)
{
    const struct json *value = json_find(item, name);
    double number = 0;
    if (value == NULL || !json_number(value, &number) || number < 0 || number > maximum) {
        return error_set(error, "%s: '%s' must be a number from 0 to %g", place, name, maximum);
    }
    *ret_value = number;
    return true;
}

static bool read_data(struct length_model *model, const struct json *item, const char *place,
                      struct error *error)
{
    static const char *const known[] = {"n", "p50", "p90", "p99", "over_16k_pct", NULL};
    struct length_data *data = &model->data;
    double n = 0;
    if (item == NULL) {
        return true;
    }
    if (!json_check_keys(item, place, known, error) ||
        !read_number(item, place, "n", 1e9, &n, error) ||
        !read_number(item, place, "p50", 1e6, &data->p50, error) ||
        !read_number(item, place, "p90", 1e6, &data->p90, error) ||
        !read_number(item, place, "p99", 1e6, &data->p99, error) ||
        !read_number(item, place, "over_16k_pct", 100, &data->over_16k_pct, error)) {
        return false;
    }
    data->n = (uint32_t)n;
    return true;
}

/* What the lengths rest on. */
static bool read_basis(struct length_model *model, const struct json *item, const char *place,
                       struct error *error)
{
    double responses = 0;
    model->between_share = 0;
    if (!read_knowledge(model, item, place, error) ||
        !read_number(item, place, "n", 1e9, &responses, error) ||
        (json_find(item, "between_share") != NULL &&
         !read_number(item, place, "between_share", 1, &model->between_share, error)) ||
        !read_text(item, place, "source", model->source, sizeof model->source, error)) {
        return false;
    }
    model->responses = (uint32_t)responses;
    return read_data(model, json_find(item, "data"), place, error);
}

static bool read_kind(struct length_model *model, const struct json *item, const char *place,
                      struct error *error)
{
    char kind[16];
    if (!read_text(item, place, "kind", kind, sizeof kind, error)) {
        return false;
    }
    model->is_reasoning = text_equal(kind, "reasoning");
    return model->is_reasoning || text_equal(kind, "traditional") ||
           error_set(error, "%s: 'kind' must be one of reasoning, traditional, got '%s'", place,
                     kind);
}

static bool read_model(struct length_model *model, const struct json *item,
                       const struct json *document, const char *path, struct error *error)
{
    static const char *const known[] = {"model",   "dataset",        "kind", "length", "source",
                                        "visible", "visible_source", "data", "n",      "kv_cache",
                                        "known",   "between_share",  NULL};
    char place[256];
    memset(model, 0, sizeof *model);
    if (!json_check_keys(item, path, known, error) ||
        !read_text(item, path, "dataset", model->dataset, sizeof model->dataset, error) ||
        !read_text(item, path, "model", model->model, sizeof model->model, error) ||
        !read_optional_text(item, path, "kv_cache", model->kv_cache, sizeof model->kv_cache,
                            error)) {
        return false;
    }
    snprintf(place, sizeof place, "%s: %s of %s", path, model->dataset, model->model);
    const struct json *length = json_find(item, "length");
    const struct json *visible = json_find(item, "visible");
    if (!read_kind(model, item, place, error) || !read_basis(model, item, place, error)) {
        return false;
    }
    if (length == NULL || (model->is_reasoning && visible == NULL)) {
        return error_set(error, "%s: key '%s' is missing", place,
                         length == NULL ? "length" : "visible");
    }
    return read_prompt(model, document, place, error) &&
           length_distribution_read(&model->output, length, place, error) &&
           (visible == NULL || length_distribution_read(&model->visible, visible, place, error));
}

/* Files of the first format said neither how well a model is known nor on what it rests. */
static bool check_version(const struct json *document, const char *path, struct error *error)
{
    const struct json *item = json_find(document, "format_version");
    double version = 0;
    return (item != NULL && json_number(item, &version) && version == FORMAT_VERSION) ||
           error_set(error,
                     "%s: 'format_version' must be %d, got %g: since then each output also needs "
                     "'known' (measured, family, means, assumed or chosen), 'n' and 'source'",
                     path, FORMAT_VERSION, version);
}

bool length_catalog_read(struct length_catalog *catalog, const char *path, struct error *error)
{
    memset(catalog, 0, sizeof *catalog);
    struct json *document = NULL;
    if (!embedded_read_json(path, &document, error)) {
        return false;
    }
    static const char *const known[] = {"format_version", "about", "prompts", "outputs", NULL};
    size_t capacity = 0;
    bool ok = check_version(document, path, error) && json_check_keys(document, path, known, error);
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

/* Adds 'name' to a list in words, once. */
static void add_name(char *list, size_t list_bytes, const char *name)
{
    size_t used = strlen(list);
    if (!text_contains_words(list, name) && used + strlen(name) + 3 < list_bytes) {
        snprintf(list + used, list_bytes - used, "%s%s", used > 0 ? ", " : "", name);
    }
}

/* Says which datasets the model has, and whose lengths it could borrow. */
static bool lacks_lengths(const struct length_catalog *catalog, const char *dataset,
                          const char *model, struct error *error)
{
    char datasets[128] = "";
    char lenders[160] = "";
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct length_model *one = &catalog->models[i];
        if (strcasecmp(one->model, model) == 0) {
            add_name(datasets, sizeof datasets, one->dataset);
        }
        if (strcasecmp(one->dataset, dataset) == 0) {
            add_name(lenders, sizeof lenders, one->model);
        }
    }
    return error_set(error,
                     "no lengths of '%s' on '%s': set 'workload.lengths_model' to borrow those of "
                     "another model (%s)%s%s%s",
                     model, dataset, lenders,
                     datasets[0] != '\0' ? ", or 'workload.datasets' to one that it has (" : "",
                     datasets, datasets[0] != '\0' ? ")" : "");
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
        return lacks_lengths(catalog, dataset, model, error);
    }
    return text_error_unknown(error, "unknown dataset", dataset, names,
                              " ('kvcast list datasets' names them all)");
}
