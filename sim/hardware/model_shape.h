/* The shape of a dense decoder-only transformer and what follows from it: how many weights a step
 * reads and how many bytes of KV a token takes. Names are those of a Hugging Face config.json. */
#ifndef SIM_HARDWARE_MODEL_SHAPE_H
#define SIM_HARDWARE_MODEL_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Layers that see only the last tokens. */
struct window_layers {
    uint32_t tokens; /* that such a layer sees; 0: there are none */
    uint32_t count;  /* of num_hidden_layers */
};

/* The number format in which the weights are published. */
struct checkpoint_format {
    char weights[24];    /* name of a weight precision; "": 16 bits */
    double linear_bytes; /* per weight of a linear layer; 0: as the precision says */
};

struct model_shape {
    char name[64];
    char model_type[32]; /* of config.json */
    uint32_t hidden_size;
    uint32_t num_hidden_layers;
    uint32_t num_attention_heads;
    uint32_t num_key_value_heads;
    uint32_t head_dim;
    uint32_t intermediate_size;
    uint32_t mlp_matrices; /* 3: gate, up, down; 2: up, down */
    uint32_t vocab_size;
    uint32_t max_position_embeddings;
    bool tie_word_embeddings;
    uint64_t small_weights;  /* norms, biases, learned positions */
    uint64_t vision_weights; /* of the part that turns images into tokens */
    uint64_t rotary_bytes;   /* table of the position embedding; on each GPU */
    struct window_layers window;
    struct checkpoint_format checkpoint;
};

enum { MODEL_LAYER_PRODUCTS = 4 }; /* with weights: qkv, output, gate and up, down */

/* KV heads on each of 'degree' GPUs: at least one, which is then a copy. */
uint32_t model_shape_kv_heads_per_gpu(const struct model_shape *shape, uint32_t degree);

/* Layers for which vLLM's block pools reserve KV: it puts full and windowed layers into groups of
 * one size and fills up the last of each kind. */
uint32_t model_shape_pooled_layers(const struct model_shape *shape);

/* One line on how layers with windows are approximated at contexts of up to 'max_tokens'; false
 * when there is nothing to say. */
bool model_shape_window_remark(const struct model_shape *shape, uint32_t max_tokens, char *text,
                               size_t text_bytes);

/* Weights of the linear layers (q, k, v, o, gate, up, down), the part that quantization touches. */
uint64_t model_shape_linear_weights(const struct model_shape *shape);
/* One vocabulary matrix: embedding, and again the output head unless tied. */
uint64_t model_shape_vocabulary_weights(const struct model_shape *shape);
/* All weights. */
uint64_t model_shape_weights(const struct model_shape *shape);

#endif
