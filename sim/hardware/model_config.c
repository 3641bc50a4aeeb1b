#include "sim/hardware/model_config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/hardware/checkpoint.h"
#include "sim/hardware/config_reader.h"
#include "sim/hardware/config_structure.h"
#include "sim/hardware/model_family.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

enum { DEFAULT_POSITIONS = 2048 }; /* what engines take where a file gives no limit */

/* A text part is written without what equals its class's defaults. */
struct class_defaults {
    const char *model_type;
    uint32_t hidden, intermediate, layers, heads, vocabulary, positions;
};

static const struct class_defaults nested_defaults[] = {
    {"llama", 4096, 11008, 32, 32, 32000, 2048},
    {"mistral", 4096, 14336, 32, 32, 32000, 131072},
    {"qwen2", 4096, 22016, 32, 32, 151936, 32768},
    {"qwen3", 4096, 22016, 32, 32, 151936, 32768},
    {"gemma", 3072, 24576, 28, 16, 256000, 8192},
    {"gemma2", 2304, 9216, 26, 8, 256000, 8192},
    {"gemma3_text", 2304, 9216, 26, 8, 262208, 131072},
};

/* What is known before the sizes are read. */
struct reading {
    struct config_reader keys;
    const struct model_family *family;
    struct class_defaults defaults; /* all 0 where the file must say */
};

/* The type that the text part or its class names, then those of the whole. */
static const char *find_type(const struct config_reader *keys)
{
    const struct json *const parts[] = {keys->text, keys->top};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *type = config_text(parts[i], "model_type");
        const struct json *classes = json_find(parts[i], "architectures");
        const struct json *class_name = json_first(classes);
        if (*type != '\0') {
            return type;
        }
        if (class_name != NULL && json_text(class_name) != NULL) {
            const char *of_class = model_family_type_of_class(json_text(class_name));
            return of_class != NULL ? of_class : json_text(class_name);
        }
    }
    return "llama";
}

static bool choose_family(struct reading *reading, struct model_shape *shape, struct error *error)
{
    const struct config_reader *keys = &reading->keys;
    const char *type = find_type(keys);
    reading->family = model_family_find(type);
    if (reading->family == NULL) {
        return error_set(error,
                         "%s: 'model_type' must be that of a dense transformer that is modelled, "
                         "such as llama, qwen3, mistral, gemma2 or phi3, got '%s'",
                         keys->place, type);
    }
    if (!text_copy(shape->model_type, sizeof shape->model_type, reading->family->model_type)) {
        return error_set(error, "%s: 'model_type' is too long", keys->place);
    }
    for (size_t i = 0;
         keys->text != keys->top && i < sizeof nested_defaults / sizeof nested_defaults[0]; i++) {
        if (text_equal(nested_defaults[i].model_type, reading->family->model_type)) {
            reading->defaults = nested_defaults[i];
        }
    }
    return true;
}

/* 'multi_query' means one KV head, but for Falcon's newer layout. */
static uint32_t default_kv_heads(const struct reading *reading, const struct model_shape *shape)
{
    const struct json *text = reading->keys.text;
    if (config_is_true(text, "multi_query") && !config_is_true(text, "new_decoder_architecture")) {
        return 1;
    }
    if (reading->family->kv_heads > 0 && reading->family->kv_heads < shape->num_attention_heads) {
        return reading->family->kv_heads;
    }
    return shape->num_attention_heads;
}

static bool read_kv_heads(const struct reading *reading, struct model_shape *shape,
                          struct error *error)
{
    const struct json *text = reading->keys.text;
    uint32_t otherwise = default_kv_heads(reading, shape);
    bool has_one_of_its_own = (otherwise == 1 && config_is_true(text, "multi_query")) ||
                              (text_equal(reading->family->model_type, "chatglm") &&
                               !config_is_true(text, "multi_query_attention"));
    const struct config_reader attention = {.top = reading->keys.top,
                                            .text = json_find(text, "attn_config"),
                                            .place = reading->keys.place};
    shape->num_key_value_heads = otherwise;
    bool ok = has_one_of_its_own ||
              config_reader_whole(&reading->keys,
                                  NAMES("num_key_value_heads", "num_kv_heads",
                                        "multi_query_group_num", "n_head_kv", "kv_n_heads"),
                                  otherwise, &shape->num_key_value_heads, error);
    if (ok && attention.text != NULL) {
        ok = config_reader_whole(&attention, NAMES("kv_n_heads"), shape->num_key_value_heads,
                                 &shape->num_key_value_heads, error);
    }
    if (ok && shape->num_attention_heads % shape->num_key_value_heads != 0) {
        return error_set(error,
                         "%s: 'num_key_value_heads' must divide 'num_attention_heads', got %u and "
                         "%u",
                         reading->keys.place, shape->num_key_value_heads,
                         shape->num_attention_heads);
    }
    return ok;
}

/* Families that leave the MLP's size out have four times the hidden size, MPT by a ratio; Qwen's
 * first counts gate and up together. */
static bool read_mlp(const struct reading *reading, struct model_shape *shape, struct error *error)
{
    const char *type = reading->family->model_type;
    double ratio = config_number(reading->keys.text, "expansion_ratio", 4);
    bool by_ratio = reading->family->mlp_matrices == 2 && ratio > 0 && ratio <= 64;
    uint32_t otherwise =
        by_ratio ? (uint32_t)(ratio * shape->hidden_size) : reading->defaults.intermediate;
    shape->mlp_matrices = reading->family->mlp_matrices;
    if (!config_reader_whole(
            &reading->keys,
            NAMES("intermediate_size", "ffn_dim", "ffn_hidden_size", "n_inner", "hidden_dim"),
            otherwise, &shape->intermediate_size, error)) {
        return false;
    }
    if (text_equal(type, "qwen")) {
        shape->intermediate_size = shape->intermediate_size > 1 ? shape->intermediate_size / 2 : 1;
    }
    return true;
}

/* The least of the limits in the file, but 'model_max_length' stands above the others (Cohere); 0
 * when there is none. */
static bool read_limit(const struct reading *reading, uint32_t *ret_limit, struct error *error)
{
    static const char *const limits[] = {
        "max_position_embeddings", "n_positions",    "max_seq_len", "seq_length",
        "max_sequence_length",     "max_seq_length", "seq_len"};
    if (config_reader_find(&reading->keys, NAMES("model_max_length")) != NULL) {
        return config_reader_whole(&reading->keys, NAMES("model_max_length"), 0, ret_limit, error);
    }
    *ret_limit = 0;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        uint32_t value = 0;
        if (!config_reader_whole(&reading->keys, NAMES(limits[i]), UINT32_MAX, &value, error)) {
            return false;
        }
        if (value != UINT32_MAX && (*ret_limit == 0 || value < *ret_limit)) {
            *ret_limit = value;
        }
    }
    return true;
}

/* What a scaled position embedding makes of a limit; YaRN starts from the length before. */
static uint32_t scaled_limit(const struct config_reader *keys, uint32_t limit)
{
    const struct json *scaling = config_reader_find(keys, NAMES("rope_scaling", "rope_parameters"));
    double factor = config_number(scaling, "factor", 1);
    const char *kind = config_text(scaling, "rope_type");
    kind = *kind != '\0' ? kind : config_text(scaling, "type");
    double scaled = limit;
    if (text_equal(kind, "yarn")) {
        scaled = config_number(scaling, "original_max_position_embeddings", limit) * factor;
    } else if (text_equal(kind, "linear") || text_equal(kind, "dynamic")) {
        scaled = limit * factor;
    }
    return scaled >= 1 && scaled <= 1e9 ? (uint32_t)scaled : limit;
}

static bool read_positions(const struct reading *reading, struct model_shape *shape,
                           struct error *error)
{
    uint32_t limit = 0;
    if (!read_limit(reading, &limit, error)) {
        return false;
    }
    if (limit == 0) {
        limit = reading->defaults.positions > 0 ? reading->defaults.positions : DEFAULT_POSITIONS;
    }
    uint32_t scaled = scaled_limit(&reading->keys, limit);
    bool has_table = reading->family->learned_positions == 0;
    bool keeps_limit = text_equal(reading->family->model_type, "gemma3_text");
    shape->rotary_bytes = has_table ? (uint64_t)scaled * shape->head_dim * 2 : 0;
    shape->max_position_embeddings = keeps_limit ? limit : scaled;
    return true;
}

static bool read_sizes(const struct reading *reading, struct model_shape *shape,
                       struct error *error)
{
    const struct config_reader *keys = &reading->keys;
    const struct class_defaults *defaults = &reading->defaults;
    if (!config_reader_whole(keys, NAMES("hidden_size", "n_embd", "n_embed", "d_model"),
                             defaults->hidden, &shape->hidden_size, error) ||
        !config_reader_whole(keys, NAMES("num_hidden_layers", "n_layer", "n_layers", "num_layers"),
                             defaults->layers, &shape->num_hidden_layers, error) ||
        !config_reader_whole(keys, NAMES("num_attention_heads", "n_head", "n_heads", "num_heads"),
                             defaults->heads, &shape->num_attention_heads, error)) {
        return false;
    }
    uint32_t by_heads = shape->hidden_size / shape->num_attention_heads;
    uint32_t head_dim = reading->family->head_dim > 0 ? reading->family->head_dim : by_heads;
    double embedded = config_number(keys->text, "word_embed_proj_dim", shape->hidden_size);
    if (embedded != shape->hidden_size) {
        return error_set(error, "%s: 'word_embed_proj_dim' must be the hidden size %u, got %g",
                         keys->place, shape->hidden_size, embedded);
    }
    return config_reader_whole(keys, NAMES("head_dim", "kv_channels"), head_dim, &shape->head_dim,
                               error) &&
           read_kv_heads(reading, shape, error) && read_mlp(reading, shape, error) &&
           config_reader_whole(keys, NAMES("padded_vocab_size", "vocab_size"), defaults->vocabulary,
                               &shape->vocab_size, error) &&
           read_positions(reading, shape, error);
}

/* What a file may say at its top for the whole model, or in its text part. */
static bool read_tied(const struct reading *reading, struct model_shape *shape, struct error *error)
{
    const struct json *flag = json_find(reading->keys.top, "tie_word_embeddings");
    flag = flag != NULL ? flag : json_find(reading->keys.text, "tie_word_embeddings");
    shape->tie_word_embeddings = reading->family->ties_embeddings;
    return flag == NULL || text_equal(json_type(flag), "null") ||
           json_bool(flag, &shape->tie_word_embeddings) ||
           error_set(error, "%s: 'tie_word_embeddings' must be true or false, got %s",
                     reading->keys.place, json_type(flag));
}

/* Norms, biases and learned positions. */
static void count_small_weights(const struct reading *reading, struct model_shape *shape)
{
    const struct model_family *family = reading->family;
    const struct json *text = reading->keys.text;
    uint64_t hidden = shape->hidden_size;
    uint64_t query = (uint64_t)shape->num_attention_heads * shape->head_dim;
    uint64_t key = (uint64_t)shape->num_key_value_heads * shape->head_dim;
    bool says_bias = config_is_true(text, "attention_bias") || config_is_true(text, "bias") ||
                     config_is_true(text, "use_qkv_bias");
    uint32_t biases = family->biases | (says_bias ? family->biases_by_key : 0);
    uint64_t layer = family->layer_norms * family->norm_vectors * hidden;
    layer += (biases & BIAS_QKV) != 0 ? query + 2 * key : 0;
    layer += (biases & BIAS_OUTPUT) != 0 ? hidden : 0;
    layer += (biases & BIAS_MLP) != 0
                 ? (family->mlp_matrices - 1) * (uint64_t)shape->intermediate_size + hidden
                 : 0;
    layer += family->qk_norm == QK_NORM_HEAD ? 2 * (uint64_t)shape->head_dim : 0;
    layer += family->qk_norm == QK_NORM_FULL ? query + key : 0;
    uint64_t positions = family->learned_positions > 0
                             ? shape->max_position_embeddings + family->learned_positions - 1
                             : 0;
    shape->small_weights = layer * shape->num_hidden_layers +
                           (family->norm_vectors + positions) * hidden +
                           ((biases & BIAS_HEAD) != 0 ? shape->vocab_size : 0);
}

bool model_config_parse(const struct json *document, const char *place, const char *name,
                        struct model_shape *ret_shape, struct error *error)
{
    assert(document != NULL && place != NULL && name != NULL && ret_shape != NULL);
    struct model_shape shape = {.vocab_size = 0};
    if (!json_is_object(document)) {
        return error_set(error, "%s: expected an object, got %s", place, json_type(document));
    }
    if (!text_copy(shape.name, sizeof shape.name, name)) {
        return error_set(error, "%s: the model's name must be at most %zu characters long", place,
                         sizeof shape.name - 1);
    }
    struct reading reading = {.keys = config_reader_of(document, place)};
    if (!config_structure_check(&reading.keys, error) || !choose_family(&reading, &shape, error) ||
        !read_sizes(&reading, &shape, error) || !read_tied(&reading, &shape, error) ||
        !config_structure_windows(&reading.keys, reading.family, &shape, error) ||
        !checkpoint_read(&reading.keys, &shape.checkpoint, error)) {
        return false;
    }
    count_small_weights(&reading, &shape);
    shape.vision_weights = config_structure_vision_weights(&reading.keys, shape.hidden_size);
    *ret_shape = shape;
    return true;
}

/* "models/Qwen3-32B/config.json" is Qwen3-32B, "gemma.json" keeps its name. */
static void name_of(const char *path, char *name, size_t name_bytes)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash != NULL ? slash + 1 : path;
    const char *start = slash;
    if (slash != NULL && slash > path && text_equal(file, "config.json")) {
        while (start > path && start[-1] != '/') {
            start--;
        }
        snprintf(name, name_bytes, "%.*s", (int)(slash - start), start);
        return;
    }
    snprintf(name, name_bytes, "%s", file);
}

bool model_config_read(const char *path, struct model_shape *ret_shape, struct error *error)
{
    struct json *document = NULL;
    char name[256];
    name_of(path, name, sizeof name);
    if (!json_read_file(path, &document, error)) {
        return false;
    }
    bool ok = model_config_parse(document, path, name, ret_shape, error);
    json_destroy(document);
    return ok;
}
