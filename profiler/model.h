/* A model with random weights on one GPU, or a half of it on each of two, and whole steps of it:
 * what an engine runs between forming a batch and having its tokens, host left aside. */
#ifndef PROFILER_MODEL_H
#define PROFILER_MODEL_H

#include <memory>
#include <vector>

#include "profiler/all_reduce.h"
#include "profiler/attention.h"
#include "profiler/attention_cudnn.h"
#include "profiler/linear.h"
#include "profiler/sampling.h"
#include "profiler/shape.h"

enum { CHUNK_PART = 8 };

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
    /* A short chunk over a long context goes through the kernel of decodes, which splits the
     * context over the GPU, as so many requests of CHUNK_PART tokens; 0: it does not. */
    int chunk_parts() const
    {
        bool is_split =
            prompt_tokens % CHUNK_PART == 0 && prompt_tokens <= 64 && prompt_context >= 1024;
        return is_split ? prompt_tokens / CHUNK_PART : 0;
    }
    /* Rows of the page table: what attention takes as requests. */
    int rows() const
    {
        int chunk = prompt_tokens == 0 ? 0 : (chunk_parts() > 0 ? chunk_parts() : 1);
        return chunk + requests;
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

/* How large steps can be: tokens, requests, tokens of KV. */
struct step_limits {
    int tokens;
    int requests;
    int64_t kv_tokens;
};

/* Which part of the model a GPU holds. */
struct shard {
    int rank = 0;
    int gpus = 1; /* or 2 */
};

class model {
  public:
    model(const struct shape &shape, weight_type weights, kv_type kv,
          const struct step_limits &limits, const struct shard &shard, cudaStream_t stream);
    ~model();

    /* Has the two halves exchange what they computed. */
    void connect(const model *other);

    /* Sets the arrays that a step reads: lengths, positions, pages. */
    void prepare(const struct step &step);
    /* Launches the prepared step on the stream; a rehearsal does not wait for the other half. */
    void run(const struct step &step, bool rehearsal = false);
    /* Launches only one operation, as often as there are layers. */
    enum class operation { qkv, o, gate_up, down, lm_head, attention, sample, sample_top_p };
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
    /* Times both ways of a product (linear.h) and keeps the faster for each token count. */
    void choose_ways(void);
    /* What prompts' attention goes through. */
    std::string prefill_attention() const
    {
        return uses_cudnn() ? attention_cudnn_version() : "builtin";
    }
    int second_way_from() const
    {
        return second_way_from_;
    }

  private:
    void allocate_activations(const struct step_limits &limits);
    void allocate_layers(void);
    bool uses_cudnn() const
    {
        return cudnn_ != nullptr && kv_ == kv_type::bf16;
    }
    void attend_prompt(struct attention_call call, const struct step &step);
    void attend_few(struct attention_call call, int context);
    void attend(const struct step &step, int layer);
    void multiply(const struct linear &linear, const bf16 *x, bf16 *y, int tokens);
    /* What the two halves' projections add up to; their 'buffer'-th (0 or 1) is used by turns. */
    const bf16 *reduce(int buffer, int tokens, bool rehearsal);
    struct linear_input input_of(const bf16 *x) const
    {
        return {x, quantized_.get(), token_scales_.get()};
    }

    struct shape shape_; /* of this part; the vocabulary whole */
    weight_type weights_;
    kv_type kv_;
    struct shard shard_;
    const model *other_ = nullptr;
    int multiprocessors_ = 0;
    int second_way_from_ = 0;
    int64_t pages_;
    cudaStream_t stream_;
    struct linear_context *context_;
    struct attention_cudnn *cudnn_; /* may be NULL */
    std::vector<std::unique_ptr<struct layer>> layers_;
    std::vector<device_memory<char>> k_pools_, v_pools_;
    struct linear lm_head_;
    struct peer_flags flags_;
    device_memory<bf16> embedding_, norm_;
    device_memory<bf16> residual_, normed_, qkv_, attended_, projected_[2], reduced_, gate_up_,
        activated_, last_, half_logits_, logits_;
    device_memory<uint8_t> quantized_;
    device_memory<float> token_scales_, partial_;
    device_memory<int> ids_, positions_, lengths_, table_, sampled_rows_, sampled_;
    device_memory<int64_t> slots_;
    int table_stride_ = 0;
};

#endif
