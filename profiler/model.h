/* A model with random weights on one GPU, and whole steps of it: what an engine runs between
 * forming a batch and having its tokens, host left aside. */
#ifndef PROFILER_MODEL_H
#define PROFILER_MODEL_H

#include <memory>
#include <vector>

#include "profiler/attention.h"
#include "profiler/linear.h"
#include "profiler/shape.h"

/* A step: a chunk of one prompt, requests that decode, or both. */
struct step {
    int prompt_tokens = 0;  /* of the chunk; 0: none */
    int prompt_context = 0; /* tokens of that request computed before */
    int requests = 0;       /* that decode */
    int context = 0;        /* tokens of each computed before */
    int query_tokens = 1;   /* of each in this step; more than 1: verification of a draft */

    int tokens() const
    {
        return prompt_tokens + requests * query_tokens;
    }
    int rows() const
    {
        return (prompt_tokens > 0 ? 1 : 0) + requests;
    }
    int64_t kv_tokens() const
    {
        return (int64_t)prompt_context + prompt_tokens +
               (int64_t)requests * (context + query_tokens + PAGE_TOKENS);
    }
};

struct layer {
    struct linear qkv, o, gate_up, down;
    device_memory<bf16> attention_norm, mlp_norm;
};

class model {
  public:
    /* Room for steps of at most so many tokens, requests and tokens of KV. */
    model(const struct shape &shape, weight_type weights, kv_type kv, int most_tokens,
          int most_requests, int64_t most_kv_tokens, cudaStream_t stream);
    ~model();

    /* Sets the arrays that a step reads: lengths, positions, pages. */
    void prepare(const struct step &step);
    /* Launches the prepared step on the stream. */
    void run(const struct step &step);
    /* Launches only one operation of every layer. */
    enum class operation { qkv, o, gate_up, down, lm_head, attention };
    void run_operation(operation operation, const struct step &step);

    const struct shape &shape() const
    {
        return shape_;
    }
    double weight_bytes() const;
    double kv_bytes_per_token() const; /* all layers */
    int distinct_kv_layers() const
    {
        return (int)k_pools_.size();
    }
    int distinct_layers() const
    {
        return (int)layers_.size();
    }
    /* Times both ways for INT4 weights and keeps the faster for each token count. */
    void choose_int4(cudaStream_t stream);
    int dequantize_from() const
    {
        return dequantize_from_;
    }

  private:
    void attend(const struct step &step, int layer);
    void multiply(const struct linear &linear, const bf16 *x, bf16 *y, int tokens);

    struct shape shape_;
    weight_type weights_;
    kv_type kv_;
    int multiprocessors_ = 0;
    int dequantize_from_ = INT4_MOST_TOKENS + 1;
    int64_t pages_;
    cudaStream_t stream_;
    struct linear_context *context_;
    std::vector<std::unique_ptr<struct layer>> layers_;
    std::vector<device_memory<char>> k_pools_, v_pools_;
    struct linear lm_head_;
    device_memory<bf16> embedding_, norm_;
    device_memory<bf16> residual_, normed_, qkv_, attended_, projected_, gate_up_, activated_,
        last_, logits_;
    device_memory<__nv_fp8_e4m3> quantized_;
    device_memory<float> partial_;
    device_memory<int> ids_, positions_, lengths_, table_, sampled_rows_, sampled_;
    device_memory<int64_t> slots_;
    int table_stride_ = 0;
};

#endif
