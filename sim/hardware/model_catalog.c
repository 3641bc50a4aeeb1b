#include "sim/hardware/model_catalog.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/hardware/config_reader.h"
#include "sim/hardware/model_config.h"
#include "sim/hardware/name_match.h"

#define CATALOG_PATH "sim/hardware/data/models.json"

/* The list under "hugging_face" as one text with bars between. */
static bool join_ids(const struct json *entry, char *ids, size_t ids_bytes, struct error *error)
{
    size_t used = 0;
    ids[0] = '\0';
    const struct json *id = json_first(json_find(entry, "hugging_face"));
    for (; id != NULL; id = json_next(id)) {
        const char *text = json_text(id) != NULL ? json_text(id) : "";
        used += (size_t)snprintf(ids + used, ids_bytes - used, "%s%s", used > 0 ? "|" : "", text);
        if (used >= ids_bytes) {
            return error_set(error, CATALOG_PATH ": too many ids of '%s'",
                             config_text(entry, "name"));
        }
    }
    return true;
}

static bool read_models(struct model_catalog *catalog, const struct json *list, struct error *error)
{
    catalog->models = memory_zeroed(json_child_count(list) + 1, sizeof *catalog->models);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        struct model_entry *entry = &catalog->models[catalog->count];
        const char *name = config_text(item, "name");
        char place[160];
        snprintf(place, sizeof place, CATALOG_PATH ": '%.60s'", name);
        if (!model_config_parse(item, place, name, &entry->shape, error) ||
            !join_ids(item, entry->ids, sizeof entry->ids, error)) {
            return false;
        }
        catalog->count++;
    }
    return true;
}

static bool read_refusals(struct model_catalog *catalog, const struct json *list,
                          struct error *error)
{
    catalog->refusals = memory_zeroed(json_child_count(list) + 1, sizeof *catalog->refusals);
    for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
        struct model_refusal *refusal = &catalog->refusals[catalog->refusal_count];
        if (!text_copy(refusal->name, sizeof refusal->name, config_text(item, "name")) ||
            !text_copy(refusal->reason, sizeof refusal->reason, config_text(item, "reason"))) {
            return error_set(error, CATALOG_PATH ": '%.60s': name or reason is too long",
                             config_text(item, "name"));
        }
        if (!join_ids(item, refusal->ids, sizeof refusal->ids, error)) {
            return false;
        }
        catalog->refusal_count++;
    }
    return true;
}

bool model_catalog_read(struct model_catalog *catalog, struct error *error)
{
    struct json *document = NULL;
    *catalog = (struct model_catalog){.count = 0};
    if (!embedded_read_json(CATALOG_PATH, &document, error)) {
        return false;
    }
    bool ok = read_models(catalog, json_find(document, "models"), error) &&
              read_refusals(catalog, json_find(document, "not_modelled"), error);
    json_destroy(document);
    if (!ok) {
        model_catalog_clear(catalog);
    }
    return ok;
}

void model_catalog_clear(struct model_catalog *catalog)
{
    free(catalog->models);
    free(catalog->refusals);
    memset(catalog, 0, sizeof *catalog);
}

/* Filled under pthread_once and constant from then on. */
static struct {
    pthread_once_t once;
    bool ok;
    struct model_catalog catalog;
    struct error error;
} shipped = {.once = PTHREAD_ONCE_INIT};

static void read_shipped(void)
{
    shipped.ok = model_catalog_read(&shipped.catalog, &shipped.error);
}

bool model_catalog_shipped(const struct model_catalog **ret_catalog, struct error *error)
{
    pthread_once(&shipped.once, read_shipped);
    if (!shipped.ok) {
        *error = shipped.error;
        return false;
    }
    *ret_catalog = &shipped.catalog;
    return true;
}

/* True when 'name' is a file to read, whose path is then in 'path'. */
static bool is_file(const char *name, char *path, size_t path_bytes)
{
    size_t length = strlen(name);
    if (length > 5 && text_equal(name + length - 5, ".json")) {
        return text_copy(path, path_bytes, name);
    }
    int written = snprintf(path, path_bytes, "%s/config.json", name);
    return length > 0 && written > 0 && (size_t)written < path_bytes && access(path, R_OK) == 0;
}

static const struct model_refusal *find_refusal(const struct model_catalog *catalog,
                                                const char *name)
{
    for (uint32_t i = 0; i < catalog->refusal_count; i++) {
        const struct model_refusal *refusal = &catalog->refusals[i];
        if (name_match_is_exact(&(struct name_entry){refusal->name, refusal->ids}, name)) {
            return refusal;
        }
    }
    return NULL;
}

/* How repositories mark the format of weights, and what that is here. */
static const struct {
    const char *ending;
    const char *weights;
} format_endings[] = {
    {"-AWQ", "awq-int4-g128"},
    {"-GPTQ-Int4", "gptq-int4-g128"},
    {"-quantized.w4a16", "gptq-int4-g128"},
    {"-quantized.w8a8", "int8"},
    {"-FP8-dynamic", "fp8"},
    {"-FP8", "fp8"},
    {"-unsloth-bnb-4bit", "bnb-nf4"},
    {"-bnb-4bit", "bnb-nf4"},
};

/* "Qwen/Qwen3-32B-AWQ" is Qwen3-32B, published in that format. */
static bool find_quantized(const struct model_catalog *catalog, const char *name,
                           struct model_shape *ret_shape)
{
    char plain[256];
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof format_endings / sizeof format_endings[0]; i++) {
        size_t cut = strlen(format_endings[i].ending);
        if (length <= cut || length >= sizeof plain ||
            strcasecmp(name + length - cut, format_endings[i].ending) != 0) {
            continue;
        }
        snprintf(plain, sizeof plain, "%.*s", (int)(length - cut), name);
        for (uint32_t k = 0; k < catalog->count; k++) {
            const struct model_entry *entry = &catalog->models[k];
            if (name_match_is_exact(&(struct name_entry){entry->shape.name, entry->ids}, plain)) {
                *ret_shape = entry->shape;
                snprintf(ret_shape->checkpoint.weights, sizeof ret_shape->checkpoint.weights, "%s",
                         format_endings[i].weights);
                return true;
            }
        }
    }
    return false;
}

bool model_catalog_find(const struct model_catalog *catalog, const char *name,
                        struct model_shape *ret_shape, struct error *error)
{
    char path[4096];
    assert(catalog != NULL && name != NULL && ret_shape != NULL);
    if (is_file(name, path, sizeof path)) {
        return model_config_read(path, ret_shape, error);
    }
    if (find_quantized(catalog, name, ret_shape)) {
        return true;
    }
    struct name_entry *entries = memory_zeroed(catalog->count + 1, sizeof *entries);
    for (uint32_t i = 0; i < catalog->count; i++) {
        entries[i] = (struct name_entry){catalog->models[i].shape.name, catalog->models[i].ids};
    }
    const struct name_catalog names = {.kind = "model",
                                       .hint = " ('kvcast list models' names them all)",
                                       .entries = entries,
                                       .count = catalog->count};
    uint32_t index = 0;
    bool ok = name_match(&names, name, &index, error);
    const struct model_refusal *refusal = find_refusal(catalog, name);
    if (ok) {
        *ret_shape = catalog->models[index].shape;
    }
    if (refusal != NULL) {
        struct error others = *error;
        bool has_others = !ok && strstr(others.message, "fits several") != NULL;
        ok = error_set(error, "model '%s' is %s, which is not modelled%s%.380s", refusal->name,
                       refusal->reason, has_others ? "; " : "",
                       has_others ? strstr(others.message, "expected") : "");
    }
    free(entries);
    return ok;
}

bool model_shape_find(const char *name, struct model_shape *ret_shape, struct error *error)
{
    const struct model_catalog *catalog = NULL;
    return model_catalog_shipped(&catalog, error) &&
           model_catalog_find(catalog, name, ret_shape, error);
}

bool model_hub_id(const char *name, char *ret_id, size_t id_bytes)
{
    struct model_catalog catalog;
    struct model_shape shape;
    struct error error;
    char path[4096];
    bool found = false;
    if (is_file(name, path, sizeof path) || !model_catalog_read(&catalog, &error)) {
        return false;
    }
    if (model_catalog_find(&catalog, name, &shape, &error)) {
        for (uint32_t i = 0; i < catalog.count && !found; i++) {
            const char *ids = catalog.models[i].ids;
            found = ids[0] != '\0' && text_equal(catalog.models[i].shape.name, shape.name);
            if (found) {
                snprintf(ret_id, id_bytes, "%.*s", (int)strcspn(ids, "|"), ids);
            }
        }
    }
    model_catalog_clear(&catalog);
    return found;
}
