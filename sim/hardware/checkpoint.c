#include "sim/hardware/checkpoint.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"

#define INT4_GPTQ "gptq-int4-g128"
#define INT4_AWQ "awq-int4-g128"

/* What a checkpoint says of its linear layers. */
struct stored_weights {
    const char *method;
    double bits;
    double group; /* weights that share a scale; -1: a whole row */
    bool is_float;
    bool quantizes_activations;
};

static bool refuse(const struct config_reader *keys, const struct stored_weights *stored,
                   struct error *error)
{
    return error_set(
        error,
        "%s: 'quantization_config' must be of a format that is modelled (16 bits, FP8, "
        "INT8 weights and activations, INT4 GPTQ or AWQ, NF4 of bitsandbytes), got "
        "'%.40s' with %g bits",
        keys->place, stored->method, stored->bits);
}

static bool store(struct checkpoint_format *format, const char *weights, double linear_bytes)
{
    bool fits = text_copy(format->weights, sizeof format->weights, weights);
    assert(fits);
    format->linear_bytes = linear_bytes;
    return fits;
}

/* 4 bits a weight and for each group a 16-bit scale and a 4-bit zero. */
static double int4_bytes(double group)
{
    return group > 0 ? 0.5 + 2.5 / group : 0.5;
}

static bool name_format(const struct config_reader *keys, const struct stored_weights *stored,
                        struct checkpoint_format *format, struct error *error)
{
    bool is_awq = strstr(stored->method, "awq") != NULL;
    if (strstr(stored->method, "bitsandbytes") != NULL) {
        return stored->bits == 4 ? store(format, "bnb-nf4", 0) : refuse(keys, stored, error);
    }
    if (stored->bits == 8 && stored->is_float) {
        return store(format, "fp8", 0);
    }
    if (stored->bits == 8 && stored->quantizes_activations) {
        return store(format, "int8", 0);
    }
    if (stored->bits == 4 && !stored->is_float && !stored->quantizes_activations) {
        return store(format, is_awq ? INT4_AWQ : INT4_GPTQ, int4_bytes(stored->group));
    }
    return refuse(keys, stored, error);
}

/* The first group of compressed-tensors stands for all; what is left out of it is small. */
static void read_compressed(const struct json *config, struct stored_weights *stored)
{
    const struct json *groups = json_find(config, "config_groups");
    const struct json *group = groups != NULL ? json_first(groups) : NULL;
    const struct json *weights = group != NULL ? json_find(group, "weights") : NULL;
    const struct json *activations = group != NULL ? json_find(group, "input_activations") : NULL;
    stored->bits = config_number(weights, "num_bits", 0);
    stored->group = config_number(weights, "group_size", -1);
    stored->is_float = text_equal(config_text(weights, "type"), "float");
    stored->quantizes_activations = activations != NULL && json_is_object(activations);
}

static const struct json *find_config(const struct config_reader *keys)
{
    static const char *const names[] = {"quantization_config", "compression_config"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct json *found = json_find(keys->top, names[i]);
        found = found != NULL ? found : json_find(keys->text, names[i]);
        if (found != NULL && json_is_object(found)) {
            return found;
        }
    }
    return NULL;
}

bool checkpoint_read(const struct config_reader *keys, struct checkpoint_format *ret_format,
                     struct error *error)
{
    const struct json *config = find_config(keys);
    *ret_format = (struct checkpoint_format){.linear_bytes = 0};
    if (config == NULL) {
        return true;
    }
    struct stored_weights stored = {.method = config_text(config, "quant_method"),
                                    .bits = config_number(config, "bits", 0),
                                    .group = config_number(config, "group_size", 128)};
    const char *algorithm = config_text(config, "quant_algo");
    bool is_fp8 = text_equal(stored.method, "fp8") || text_equal(stored.method, "fbgemm_fp8") ||
                  text_equal(algorithm, "FP8");
    if (strstr(stored.method, "bitsandbytes") != NULL) {
        stored.bits = config_is_true(config, "load_in_8bit") ? 8 : 4;
    } else if (is_fp8) {
        stored.bits = 8;
        stored.is_float = true;
    } else if (json_find(config, "config_groups") != NULL) {
        read_compressed(config, &stored);
    } else if (strstr(stored.method, "gptq") == NULL && strstr(stored.method, "awq") == NULL &&
               strstr(stored.method, "auto-round") == NULL) {
        return refuse(keys, &stored, error);
    }
    return name_format(keys, &stored, ret_format, error);
}

bool checkpoint_choose(const struct model_shape *shape, const char *asked,
                       const struct weight_precision **ret_weights, struct error *error)
{
    const char *stored = shape->checkpoint.weights;
    if (*asked == '\0' || text_equal(asked, "auto")) {
        return weight_precision_find(*stored != '\0' ? stored : "bf16", ret_weights, error);
    }
    if (!weight_precision_find(asked, ret_weights, error)) {
        return false;
    }
    const struct weight_precision *published = NULL;
    if (*stored == '\0') {
        return true;
    }
    if (!weight_precision_find(stored, &published, error)) {
        return false;
    }
    return published == *ret_weights ||
           text_equal(weight_precision_answers_as((*ret_weights)->name), published->name) ||
           error_set(error,
                     "'model.weights' must be 'auto' or '%s', in which '%s' is published, got '%s'",
                     published->name, shape->name, (*ret_weights)->name);
}
