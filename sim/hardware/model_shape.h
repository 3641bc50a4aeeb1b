/* The shape of a dense decoder-only transformer and what follows from it: how many weights a step
 * reads and how many bytes of KV a token takes. Names are those of a Hugging Face config.json. */
#ifndef SIM_HARDWARE_MODEL_SHAPE_H
#define SIM_HARDWARE_MODEL_SHAPE_H

#include <stdint.h>

#include "sim/base/error.h"

struct model_shape {
    char name[64];
    uint32_t hidden_size;
    uint32_t num_hidden_layers;
    uint32_t num_attention_heads;
    uint32_t num_key_value_heads;
    uint32_t head_dim;
    uint32_t intermediate_size;
    uint32_t vocab_size;
    uint32_t max_position_embeddings;
    bool tie_word_embeddings;
    bool attention_bias; /* on q, k and v */
    bool qk_norm;
};

enum { MODEL_LAYER_PRODUCTS = 4 }; /* with weights: qkv, output, gate and up, down */

struct model_catalog {
    struct model_shape *shapes;
    uint32_t count;
};

/* Reads the shipped catalog (sim/hardware/data/models.json). */
MUST_CHECK bool model_catalog_read(struct model_catalog *catalog, struct error *error);
void model_catalog_clear(struct model_catalog *catalog);

/* The shape called 'name': equal but for case, else the first whose name contains it, else the
 * first that contains all its parts between hyphens ("qwen2.5-1.5b"). When 'name' is a path that
 * ends in
 * ".json" it is read as a config.json. Unknown names are an error that names the nearest. */
MUST_CHECK bool model_catalog_find(const struct model_catalog *catalog, const char *name,
                                   struct model_shape *ret_shape, struct error *error);

/* The same, from the shipped catalog. */
MUST_CHECK bool model_shape_find(const char *name, struct model_shape *ret_shape,
                                 struct error *error);

/* KV heads on each of 'degree' GPUs: at least one, which is then a copy. */
uint32_t model_shape_kv_heads_per_gpu(const struct model_shape *shape, uint32_t degree);

/* Weights of the linear layers (q, k, v, o, gate, up, down), the part that quantization touches. */
uint64_t model_shape_linear_weights(const struct model_shape *shape);
/* One vocabulary matrix: embedding, and again the output head unless tied. */
uint64_t model_shape_vocabulary_weights(const struct model_shape *shape);
/* Norms and biases. */
uint64_t model_shape_small_weights(const struct model_shape *shape);
/* All of the above. */
uint64_t model_shape_weights(const struct model_shape *shape);

#endif
