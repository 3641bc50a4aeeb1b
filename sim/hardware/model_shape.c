#include "sim/hardware/model_shape.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim/base/settings.h"
#include "sim/base/text.h"

#define WHOLE(member)                                                                              \
    .name = #member, .type = SETTING_WHOLE, .required = true, SETTING_OF(model_shape, member),     \
    .minimum = 1, .maximum = 1e9
#define FLAG(member) .name = #member, .type = SETTING_BOOL, SETTING_OF(model_shape, member)

static const struct setting shape_settings[] = {
    {.name = "name", .type = SETTING_TEXT, .required = true, SETTING_OF(model_shape, name)},
    {.name = "architecture", .type = SETTING_IGNORED},
    {WHOLE(hidden_size)},
    {WHOLE(num_hidden_layers)},
    {WHOLE(num_attention_heads)},
    {WHOLE(num_key_value_heads)},
    {WHOLE(head_dim)},
    {WHOLE(intermediate_size)},
    {WHOLE(vocab_size)},
    {WHOLE(max_position_embeddings)},
    {FLAG(tie_word_embeddings)},
    {FLAG(attention_bias)},
    {FLAG(qk_norm)},
    {.name = "source", .type = SETTING_IGNORED},
    {.name = "note", .type = SETTING_IGNORED},
    {.name = NULL},
};

bool model_catalog_read(struct model_catalog *catalog, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = settings_read_list(shape_settings, "sim/hardware/data/models.json", "models",
                                 sizeof catalog->shapes[0], &list, error);
    *catalog = (struct model_catalog){.shapes = list.items, .count = list.count};
    return ok;
}

void model_catalog_clear(struct model_catalog *catalog)
{
    free(catalog->shapes);
    memset(catalog, 0, sizeof *catalog);
}

static bool read_whole(const struct json *document, const char *path, const char *name,
                       uint32_t *value, struct error *error)
{
    double number = 0;
    const struct json *item = json_find(document, name);
    if (item == NULL || !json_number(item, &number) || number < 1 || number > 1e9) {
        return error_set(error, "%s: '%s' must be a whole number from 1 to 1e9", path, name);
    }
    *value = (uint32_t)number;
    return true;
}

/* A config.json holds much that does not matter here, so unknown keys are let through. */
static bool read_config(const char *path, struct model_shape *shape, struct error *error)
{
    struct json *document = NULL;
    if (!json_read_file(path, &document, error)) {
        return false;
    }
    memset(shape, 0, sizeof *shape);
    const char *slash = strrchr(path, '/');
    bool ok = text_copy(shape->name, sizeof shape->name, slash != NULL ? slash + 1 : path) ||
              error_set(error, "%s: file name is too long", path);
    const struct {
        const char *name;
        uint32_t *value;
    } needed[] = {{"hidden_size", &shape->hidden_size},
                  {"num_hidden_layers", &shape->num_hidden_layers},
                  {"num_attention_heads", &shape->num_attention_heads},
                  {"num_key_value_heads", &shape->num_key_value_heads},
                  {"intermediate_size", &shape->intermediate_size},
                  {"vocab_size", &shape->vocab_size},
                  {"max_position_embeddings", &shape->max_position_embeddings}};
    for (size_t i = 0; ok && i < sizeof needed / sizeof needed[0]; i++) {
        ok = read_whole(document, path, needed[i].name, needed[i].value, error);
    }
    if (ok && json_find(document, "head_dim") != NULL) {
        ok = read_whole(document, path, "head_dim", &shape->head_dim, error);
    } else if (ok) {
        shape->head_dim = shape->hidden_size / shape->num_attention_heads;
    }
    const struct json *flag = json_find(document, "tie_word_embeddings");
    if (ok && flag != NULL && !json_bool(flag, &shape->tie_word_embeddings)) {
        ok = error_set(error, "%s: 'tie_word_embeddings' must be true or false", path);
    }
    const struct json *type = json_find(document, "model_type");
    const char *family = type != NULL && json_text(type) != NULL ? json_text(type) : "";
    shape->attention_bias = text_equal(family, "qwen2");
    shape->qk_norm = text_equal(family, "qwen3");
    json_destroy(document);
    return ok;
}

/* Every part of 'name' between hyphens stands in 'text'. */
static bool contains_parts(const char *text, const char *name)
{
    char part[64];
    while (*name != '\0') {
        size_t length = strcspn(name, "-");
        if (length > 0 && length < sizeof part) {
            memcpy(part, name, length);
            part[length] = '\0';
            if (!text_contains_words(text, part)) {
                return false;
            }
        }
        name += length + (name[length] == '-');
    }
    return true;
}

bool model_catalog_find(const struct model_catalog *catalog, const char *name,
                        struct model_shape *ret_shape, struct error *error)
{
    size_t length = strlen(name);
    if (length > 5 && text_equal(name + length - 5, ".json")) {
        return read_config(name, ret_shape, error);
    }
    const char *names[65] = {NULL};
    for (uint32_t i = 0; i < catalog->count && i < 64; i++) {
        names[i] = catalog->shapes[i].name;
        if (strcasecmp(names[i], name) == 0) {
            *ret_shape = catalog->shapes[i];
            return true;
        }
    }
    for (uint32_t i = 0; i < catalog->count && length > 0; i++) {
        if (text_contains_words(catalog->shapes[i].name, name)) {
            *ret_shape = catalog->shapes[i];
            return true;
        }
    }
    for (uint32_t i = 0; i < catalog->count && length > 0; i++) {
        if (contains_parts(catalog->shapes[i].name, name)) {
            *ret_shape = catalog->shapes[i];
            return true;
        }
    }
    return text_error_unknown(error, "unknown model", name, names,
                              " ('kvcast list models' names them all)");
}

bool model_shape_find(const char *name, struct model_shape *ret_shape, struct error *error)
{
    struct model_catalog catalog;
    if (!model_catalog_read(&catalog, error)) {
        return false;
    }
    bool ok = model_catalog_find(&catalog, name, ret_shape, error);
    model_catalog_clear(&catalog);
    return ok;
}

uint32_t model_shape_kv_heads_per_gpu(const struct model_shape *shape, uint32_t degree)
{
    uint32_t heads = shape->num_key_value_heads / degree;
    return heads > 0 ? heads : 1;
}

uint64_t model_shape_linear_weights(const struct model_shape *shape)
{
    uint64_t hidden = shape->hidden_size;
    uint64_t query = (uint64_t)shape->num_attention_heads * shape->head_dim;
    uint64_t key_value = (uint64_t)shape->num_key_value_heads * shape->head_dim;
    uint64_t layer =
        2 * hidden * query + 2 * hidden * key_value + 3 * hidden * shape->intermediate_size;
    return layer * shape->num_hidden_layers;
}

uint64_t model_shape_vocabulary_weights(const struct model_shape *shape)
{
    return (uint64_t)shape->vocab_size * shape->hidden_size;
}

uint64_t model_shape_small_weights(const struct model_shape *shape)
{
    uint64_t layer = 2 * (uint64_t)shape->hidden_size;
    if (shape->attention_bias) {
        layer += (uint64_t)(shape->num_attention_heads + 2 * shape->num_key_value_heads) *
                 shape->head_dim;
    }
    if (shape->qk_norm) {
        layer += 2 * (uint64_t)shape->head_dim;
    }
    return layer * shape->num_hidden_layers + shape->hidden_size;
}

uint64_t model_shape_weights(const struct model_shape *shape)
{
    uint64_t vocabulary = model_shape_vocabulary_weights(shape);
    return model_shape_linear_weights(shape) + model_shape_small_weights(shape) +
           (shape->tie_word_embeddings ? vocabulary : 2 * vocabulary);
}
