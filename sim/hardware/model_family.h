/* What the families of dense decoder-only transformers have in common and a config.json leaves
 * out: the defaults that Hugging Face's configuration classes give, and the layout of a layer. */
#ifndef SIM_HARDWARE_MODEL_FAMILY_H
#define SIM_HARDWARE_MODEL_FAMILY_H

#include <stdbool.h>
#include <stdint.h>

enum qk_norm {
    QK_NORM_NONE,
    QK_NORM_HEAD, /* one vector of a head's size each for q and k */
    QK_NORM_FULL  /* over all heads */
};

enum window_pattern {
    WINDOW_NONE,      /* a 'sliding_window' in the file is not used */
    WINDOW_ALL,       /* every layer, where the file gives a window */
    WINDOW_ON_DEMAND, /* only with 'use_sliding_window': true */
    WINDOW_PERIODIC   /* every layer but the last of each period */
};

/* Which linear layers have biases. */
enum { BIAS_QKV = 1, BIAS_OUTPUT = 2, BIAS_MLP = 4, BIAS_HEAD = 8 };

struct model_family {
    const char *model_type; /* as in config.json; NULL ends the table */
    uint32_t mlp_matrices;  /* 3: gate, up, down; 2: up, down */
    uint32_t layer_norms;   /* vectors of the hidden size in a layer */
    uint32_t norm_vectors;  /* 1: weights; 2: weights and biases; 0: none */
    uint32_t biases;        /* BIAS_..., whatever the file says */
    uint32_t biases_by_key; /* BIAS_... where 'attention_bias' (or 'bias') is true */
    enum qk_norm qk_norm;
    bool ties_embeddings;       /* when 'tie_word_embeddings' is absent */
    uint32_t head_dim;          /* when absent; 0: hidden size by heads */
    uint32_t kv_heads;          /* when absent; 0: as many as attention heads */
    uint32_t learned_positions; /* 0: none; else rows beyond the positions, plus one */
    enum window_pattern window;
    uint32_t window_period; /* when the file does not say */
};

/* The family called 'model_type' in config.json, or NULL. */
const struct model_family *model_family_find(const char *model_type);

/* Weights of the image tower of models of that type, where their file does not describe it; 0 when
 * they have none. */
uint64_t model_family_vision_weights(const char *model_type);

/* The 'model_type' that goes with an architecture ("Qwen2ForCausalLM"), or NULL. */
const char *model_family_type_of_class(const char *class_name);

#endif
