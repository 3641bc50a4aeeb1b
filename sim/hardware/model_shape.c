#include "sim/hardware/model_shape.h"

#include <assert.h>
#include <stdio.h>

uint32_t model_shape_kv_heads_per_gpu(const struct model_shape *shape, uint32_t degree)
{
    assert(degree > 0);
    uint32_t heads = shape->num_key_value_heads / degree;
    return heads > 0 ? heads : 1;
}

static uint32_t groups_of(uint32_t layers, uint32_t size)
{
    return (layers + size - 1) / size;
}

/* Kinds of nearly equal number share the larger group, others the smaller. */
uint32_t model_shape_pooled_layers(const struct model_shape *shape)
{
    uint32_t windowed = shape->window.count;
    assert(windowed <= shape->num_hidden_layers);
    uint32_t full = shape->num_hidden_layers - windowed;
    if (windowed == 0 || full == 0) {
        return shape->num_hidden_layers;
    }
    uint32_t fewer = windowed < full ? windowed : full;
    uint32_t more = windowed < full ? full : windowed;
    uint32_t size = 4 * more < 5 * fewer ? more : fewer;
    return size * (groups_of(full, size) + groups_of(windowed, size));
}

bool model_shape_window_remark(const struct model_shape *shape, uint32_t max_tokens, char *text,
                               size_t text_bytes)
{
    assert(text != NULL && text_bytes > 0);
    text[0] = '\0';
    if (shape->window.count == 0 || shape->window.tokens >= max_tokens) {
        return false;
    }
    snprintf(text, text_bytes,
             "%u of the %u layers of '%s' see the last %u tokens only; they are counted as if they "
             "saw all: longer contexts take more memory and time here than they should",
             shape->window.count, shape->num_hidden_layers, shape->name, shape->window.tokens);
    return true;
}

uint64_t model_shape_linear_weights(const struct model_shape *shape)
{
    uint64_t hidden = shape->hidden_size;
    uint64_t query = (uint64_t)shape->num_attention_heads * shape->head_dim;
    uint64_t key_value = (uint64_t)shape->num_key_value_heads * shape->head_dim;
    uint64_t mlp = hidden * shape->intermediate_size * shape->mlp_matrices;
    return (2 * hidden * query + 2 * hidden * key_value + mlp) * shape->num_hidden_layers;
}

uint64_t model_shape_vocabulary_weights(const struct model_shape *shape)
{
    return (uint64_t)shape->vocab_size * shape->hidden_size;
}

uint64_t model_shape_weights(const struct model_shape *shape)
{
    uint64_t vocabulary = model_shape_vocabulary_weights(shape);
    return model_shape_linear_weights(shape) + shape->small_weights + shape->vision_weights +
           (shape->tie_word_embeddings ? vocabulary : 2 * vocabulary);
}
