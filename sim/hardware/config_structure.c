#include "sim/hardware/config_structure.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"

#define EXPERTS "a mixture of experts"
#define STATE "state-space or linear-attention layers"

/* A key means its structure when it holds a number above 'least', true, a text or a list. */
static const struct {
    const char *key;
    const char *what;
    double least;
} not_modelled[] = {
    {"n_routed_experts", EXPERTS, 1},
    {"num_experts", EXPERTS, 1},
    {"num_local_experts", EXPERTS, 1},
    {"moe_num_experts", EXPERTS, 1},
    {"num_moe_experts", EXPERTS, 1},
    {"kv_lora_rank", "latent attention", 0},
    {"index_topk", "sparse attention", 0},
    {"hybrid_override_pattern", STATE, 0},
    {"layers_block_type", STATE, 0},
    {"attn_layer_period", STATE, 1},
    {"ssm_cfg", STATE, 0},
    {"ssm_state_size", STATE, 0},
    {"state_size", STATE, 0},
    {"mamba_d_state", STATE, 0},
    {"mamba_num_heads", STATE, 0},
    {"linear_attn_config", STATE, 0},
    {"linear_num_value_heads", STATE, 0},
    {"full_attention_interval", STATE, 1},
    {"lru_width", STATE, 0},
    {"conv_L_cache", "convolution layers", 0},
    {"block_configs", "layers of unlike sizes", 0},
    {"cross_attention_layers", "cross-attention layers", 0},
    {"attention_chunk_size", "chunked attention", 0},
    {"num_kv_shared_layers", "layers that share their KV", 0},
    {"altup_num_inputs", "alternating updates", 0},
    {"is_encoder_decoder", "an encoder", 0},
};

static bool is_meant(const struct json *value, double least)
{
    double number = 0;
    bool flag = false;
    if (value == NULL) {
        return false;
    }
    if (json_number(value, &number)) {
        return number > least;
    }
    if (json_bool(value, &flag)) {
        return flag;
    }
    return (json_text(value) != NULL && json_text(value)[0] != '\0') ||
           ((json_is_array(value) || json_is_object(value)) && json_first(value) != NULL);
}

/* Dbrx keeps its experts one level down. */
static const struct json *find_key(const struct config_reader *keys, const char *key)
{
    const struct json *value = json_find(keys->text, key);
    const struct json *mlp = json_find(keys->text, "ffn_config");
    return value == NULL && mlp != NULL ? json_find(mlp, key) : value;
}

bool config_structure_check(const struct config_reader *keys, struct error *error)
{
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof not_modelled / sizeof not_modelled[0]; i++) {
        if (is_meant(find_key(keys, not_modelled[i].key), not_modelled[i].least) &&
            used < sizeof list) {
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%s'%s' (%s)",
                                 used > 0 ? ", " : "", not_modelled[i].key, not_modelled[i].what);
        }
    }
    return used == 0 || error_set(error, "%s: not modelled: %s", keys->place, list);
}

static bool count_layer_types(const struct config_reader *keys, const struct json *types,
                              struct model_shape *shape, struct error *error)
{
    uint32_t windowed = 0;
    uint32_t all = 0;
    for (const struct json *type = json_first(types); type != NULL; type = json_next(type)) {
        const char *text = json_text(type) != NULL ? json_text(type) : "";
        bool is_window = text_equal(text, "sliding_attention");
        if (!is_window && !text_equal(text, "full_attention")) {
            return error_set(error,
                             "%s: 'layer_types' must hold full_attention and sliding_attention, "
                             "which are modelled, got '%.40s'",
                             keys->place, text);
        }
        windowed += is_window;
        all++;
    }
    if (all != shape->num_hidden_layers) {
        return error_set(error,
                         "%s: 'layer_types' must have one entry for each of %u layers, got "
                         "%u",
                         keys->place, shape->num_hidden_layers, all);
    }
    shape->window.count = windowed;
    return true;
}

/* "LLLG" and 4 both mean three layers with a window and one without. */
static uint32_t period_of(const struct config_reader *keys, const struct model_family *family)
{
    static const char *const names[] = {"sliding_window_pattern", "_sliding_window_pattern", NULL};
    const struct json *pattern = config_reader_find(keys, names);
    double number = 0;
    if (pattern != NULL && json_text(pattern) != NULL && json_text(pattern)[0] != '\0') {
        return (uint32_t)strnlen(json_text(pattern), 1000);
    }
    if (pattern != NULL && json_number(pattern, &number) && number >= 1 && number <= 1000) {
        return (uint32_t)number;
    }
    return family->window_period;
}

static uint32_t windowed_layers(const struct config_reader *keys, const struct model_family *family,
                                uint32_t layers)
{
    double first = config_number(keys->text, "max_window_layers", 0);
    uint32_t period = period_of(keys, family);
    switch (family->window) {
    case WINDOW_NONE:
        return 0;
    case WINDOW_ALL:
        return layers;
    case WINDOW_ON_DEMAND:
        return config_is_true(keys->text, "use_sliding_window") && first >= 0 && first < layers
                   ? layers - (uint32_t)first
                   : 0;
    case WINDOW_PERIODIC:
        return period > 0 ? layers - layers / period : 0;
    }
    return 0;
}

bool config_structure_windows(const struct config_reader *keys, const struct model_family *family,
                              struct model_shape *shape, struct error *error)
{
    assert(shape->num_hidden_layers > 0);
    const struct json *types = json_find(keys->text, "layer_types");
    double window = config_number(keys->text, "sliding_window", 0);
    if (types != NULL && json_is_array(types)) {
        if (!count_layer_types(keys, types, shape, error)) {
            return false;
        }
    } else {
        shape->window.count = windowed_layers(keys, family, shape->num_hidden_layers);
    }
    if (shape->window.count == 0 || !(window >= 1) || window >= shape->max_position_embeddings) {
        shape->window = (struct window_layers){0, 0};
        return true;
    }
    shape->window.tokens = (uint32_t)window;
    return true;
}

static double first_number(const struct json *object, const char *const *names, double otherwise)
{
    for (; *names != NULL; names++) {
        double number = config_number(object, *names, 0);
        if (number > 0 && number <= 1e6) {
            return number;
        }
    }
    return otherwise;
}

/* A tower merges squares of patches into a token by a two-layer product, once or at several of its
 * layers, or projects each. */
static double projector_weights(const struct json *vision, double width, double hidden)
{
    double merge = first_number(vision, (const char *const[]){"spatial_merge_size", NULL}, 1);
    double merged = width * merge * merge;
    uint32_t mergers = 1 + json_child_count(json_find(vision, "deepstack_visual_indexes"));
    return merge > 1 ? mergers * (merged * merged + merged * hidden)
                     : width * hidden + hidden * hidden;
}

uint64_t config_structure_vision_weights(const struct config_reader *keys, uint32_t hidden_size)
{
    static const char *const widths[] = {"embed_dim", "hidden_size", "width", NULL};
    static const char *const depths[] = {"depth", "num_hidden_layers", "layers", NULL};
    const struct json *vision = json_find(keys->top, "vision_config");
    const char *type = config_text(keys->top, "model_type");
    double width = first_number(vision, widths, 0);
    double layers = first_number(vision, depths, 0);
    if (keys->text == keys->top && vision == NULL) {
        return 0;
    }
    if (width <= 0 || layers <= 0) {
        return model_family_vision_weights(type);
    }
    double ratio = config_number(vision, "mlp_ratio", 4);
    double inner =
        first_number(vision, (const char *const[]){"intermediate_size", NULL}, ratio * width);
    bool is_gated = text_equal(config_text(vision, "model_type"), "pixtral") ||
                    text_starts_with(type, "qwen2_5_vl");
    double patch = first_number(vision, (const char *const[]){"patch_size", NULL}, 14);
    double weights = layers * (4 * width * width + (is_gated ? 3 : 2) * width * inner) +
                     3 * patch * patch * width + projector_weights(vision, width, hidden_size);
    return weights > 0 && weights < 1e12 ? (uint64_t)weights : 0;
}
