/* The shape of a dense decoder-only transformer, as a Hugging Face config.json has it. */
#ifndef PROFILER_SHAPE_H
#define PROFILER_SHAPE_H

#include <cstdint>
#include <string>

struct shape {
    std::string name;
    int hidden_size = 0;
    int layers = 0;
    int heads = 0;
    int kv_heads = 0;
    int head_dim = 0;
    int intermediate_size = 0;
    int vocab_size = 0;
    bool has_bias = false; /* on q, k and v */

    int qkv_rows() const
    {
        return (heads + 2 * kv_heads) * head_dim;
    }
    int64_t linear_weights() const /* of one layer */
    {
        return (int64_t)hidden_size *
               (qkv_rows() + heads * head_dim + 3 * (int64_t)intermediate_size);
    }
};

/* The model called 'name' (any case) in a catalog file, or, where 'name' ends in ".json", that
 * config.json. Ends the program with a message when there is none or it is not of the family. */
struct shape shape_read(const std::string &name, const std::string &catalog);

#endif
