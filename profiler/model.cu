#include "profiler/model.h"

#include <algorithm>

#include "profiler/timer.h"

enum { HEAD_DIM = 128, RESERVED_BYTES = 2000000000 };

static std::unique_ptr<struct layer> make_layer(const struct shape &shape, weight_type weights,
                                                uint64_t seed, cudaStream_t stream)
{
    auto layer = std::make_unique<struct layer>();
    int hidden = shape.hidden_size;
    linear_create(&layer->qkv, weights, shape.qkv_rows(), hidden, shape.has_bias, seed, stream);
    linear_create(&layer->o, weights, hidden, shape.heads * HEAD_DIM, false, seed + 10, stream);
    linear_create(&layer->gate_up, weights, 2 * shape.intermediate_size, hidden, false, seed + 20,
                  stream);
    linear_create(&layer->down, weights, hidden, shape.intermediate_size, false, seed + 30, stream);
    layer->attention_norm.allocate(hidden, "norms");
    layer->mlp_norm.allocate(hidden, "norms");
    fill_random_bf16(layer->attention_norm.get(), hidden, 1, seed + 40, stream);
    fill_random_bf16(layer->mlp_norm.get(), hidden, 1, seed + 41, stream);
    return layer;
}

static size_t free_bytes(void)
{
    size_t free = 0;
    size_t total = 0;
    cuda_check(cudaMemGetInfo(&free, &total));
    return free > RESERVED_BYTES ? free - RESERVED_BYTES : 0;
}

model::model(const struct shape &shape, weight_type weights, kv_type kv, int most_tokens,
             int most_requests, int64_t most_kv_tokens, cudaStream_t stream)
    : shape_(shape), weights_(weights), kv_(kv),
      pages_((most_kv_tokens + PAGE_TOKENS - 1) / PAGE_TOKENS + most_requests), stream_(stream),
      context_(linear_context_create())
{
    size_t hidden = shape.hidden_size;
    size_t rows = (size_t)most_tokens;
    cuda_check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, 0));
    embedding_.allocate((size_t)shape.vocab_size * hidden, "the embedding");
    fill_random_bf16(embedding_.get(), embedding_.size(), 1, 1, stream);
    norm_.allocate(hidden, "norms");
    fill_random_bf16(norm_.get(), hidden, 1, 2, stream);
    linear_create(&lm_head_, weight_type::bf16, shape.vocab_size, shape.hidden_size, false, 3,
                  stream);
    residual_.allocate(rows * hidden, "activations");
    normed_.allocate(rows * hidden, "activations");
    projected_.allocate(rows * hidden, "activations");
    qkv_.allocate(rows * shape.qkv_rows(), "activations");
    attended_.allocate(rows * shape.heads * HEAD_DIM, "activations");
    gate_up_.allocate(rows * 2 * shape.intermediate_size, "activations");
    activated_.allocate(rows * shape.intermediate_size, "activations");
    quantized_.allocate(rows * std::max(shape.intermediate_size, shape.hidden_size), "activations");
    int sampled = most_requests * 8 + 1;
    last_.allocate(sampled * hidden, "activations");
    logits_.allocate((size_t)sampled * shape.vocab_size, "logits");
    sampled_.allocate(sampled, "tokens");
    sampled_rows_.allocate(sampled, "tokens");
    ids_.allocate(rows, "tokens");
    positions_.allocate(rows, "tokens");
    slots_.allocate(rows, "tokens");
    lengths_.allocate(most_requests + 1, "lengths");
    table_stride_ = (int)pages_;
    table_.allocate((size_t)pages_ + most_requests + 1, "page tables");
    size_t layer_bytes = shape.linear_weights() * (weights == weight_type::bf16 ? 2 : 1);
    for (int i = 0; i < shape.layers; i++) {
        if (i > 1 && free_bytes() < 12 * layer_bytes) {
            break; /* the rest use the weights of these again */
        }
        layers_.push_back(make_layer(shape, weights, 1000 + 100 * i, stream));
    }
    size_t pool_bytes =
        (size_t)pages_ * PAGE_TOKENS * shape.kv_heads * HEAD_DIM * (kv == kv_type::fp8 ? 1 : 2);
    for (int i = 0; i < shape.layers && (i < 1 || free_bytes() > 2 * pool_bytes); i++) {
        k_pools_.emplace_back();
        v_pools_.emplace_back();
        for (device_memory<char> *pool : {&k_pools_.back(), &v_pools_.back()}) {
            pool->allocate(pool_bytes, "the KV cache");
            if (kv == kv_type::fp8) {
                fill_random_fp8(reinterpret_cast<__nv_fp8_e4m3 *>(pool->get()), pool_bytes, 1,
                                5 + i, stream);
            } else {
                fill_random_bf16(reinterpret_cast<bf16 *>(pool->get()), pool_bytes / 2, 1, 5 + i,
                                 stream);
            }
        }
    }
    cuda_check(cudaStreamSynchronize(stream));
}

model::~model()
{
    linear_context_destroy(context_);
}

double model::weight_bytes() const
{
    const struct layer &one = *layers_[0];
    double layer = (double)one.qkv.weight_bytes() + one.o.weight_bytes() +
                   one.gate_up.weight_bytes() + one.down.weight_bytes();
    return layer * shape_.layers + (double)lm_head_.weight_bytes();
}

double model::kv_bytes_per_token() const
{
    return 2.0 * shape_.layers * shape_.kv_heads * HEAD_DIM * (kv_ == kv_type::fp8 ? 1 : 2);
}

void model::prepare(const struct step &step)
{
    std::vector<int> ids, positions, lengths, table, sampled_rows;
    std::vector<int64_t> slots;
    int requests = step.rows();
    int longest =
        std::max(step.prompt_context + step.prompt_tokens, step.context + step.query_tokens);
    table_stride_ = (longest + PAGE_TOKENS - 1) / PAGE_TOKENS;
    int page = 0;
    for (int r = 0; r < requests; r++) {
        bool prompt = step.prompt_tokens > 0 && r == 0;
        int before = prompt ? step.prompt_context : step.context;
        int tokens = prompt ? step.prompt_tokens : step.query_tokens;
        lengths.push_back(before + tokens);
        size_t row = table.size();
        for (int i = 0; i < table_stride_; i++) {
            bool used = i * PAGE_TOKENS < before + tokens;
            /* an odd stride spreads pages over the pool */
            table.push_back(used ? (int)((int64_t)page++ * 7919 % pages_) : 0);
        }
        for (int t = 0; t < tokens; t++) {
            int position = before + t;
            ids.push_back((r * 977 + t * 31) % shape_.vocab_size);
            positions.push_back(position);
            slots.push_back((int64_t)table[row + position / PAGE_TOKENS] * PAGE_TOKENS +
                            position % PAGE_TOKENS);
            if (!prompt || t == tokens - 1) {
                sampled_rows.push_back((int)ids.size() - 1);
            }
        }
    }
    if (table.size() > table_.size()) {
        table_.allocate(table.size(), "page tables");
    }
    ids_.upload(ids);
    positions_.upload(positions);
    slots_.upload(slots);
    lengths_.upload(lengths);
    table_.upload(table);
    sampled_rows_.upload(sampled_rows);
}

void model::multiply(const struct linear &linear, const bf16 *x, bf16 *y, int tokens)
{
    if (linear.type == weight_type::fp8) {
        quantize_fp8(x, quantized_.get(), 1, (size_t)tokens * linear.k, stream_);
    }
    linear_run(context_, &linear, x, quantized_.get(), y, tokens, stream_);
}

void model::attend(const struct step &step, int layer)
{
    int pool = layer % (int)k_pools_.size();
    struct attention_call call = {.qkv = qkv_.get(),
                                  .k_pool = k_pools_[pool].get(),
                                  .v_pool = v_pools_[pool].get(),
                                  .page_table = table_.get(),
                                  .lengths = lengths_.get(),
                                  .out = attended_.get(),
                                  .table_stride = table_stride_,
                                  .requests = 1,
                                  .heads = shape_.heads,
                                  .kv_heads = shape_.kv_heads,
                                  .query_tokens = step.prompt_tokens,
                                  .type = kv_};
    if (step.prompt_tokens > 0) {
        attention_prefill(&call, stream_);
        call.qkv += (size_t)step.prompt_tokens * shape_.qkv_rows();
        call.out += (size_t)step.prompt_tokens * shape_.heads * HEAD_DIM;
        call.page_table += table_stride_;
        call.lengths += 1;
    }
    if (step.requests > 0) {
        call.requests = step.requests;
        call.query_tokens = step.query_tokens;
        int splits =
            attention_splits(step.requests, shape_.kv_heads, step.context, multiprocessors_);
        size_t needed = attention_partial_floats(&call, splits);
        if (needed > partial_.size()) {
            partial_.allocate(needed, "parts of attention");
        }
        attention_decode(&call, splits, partial_.get(), stream_);
    }
}

void model::run(const struct step &step)
{
    int tokens = step.tokens();
    int hidden = shape_.hidden_size;
    embed(embedding_.get(), ids_.get(), residual_.get(), tokens, hidden, stream_);
    for (int i = 0; i < shape_.layers; i++) {
        const struct layer &layer = *layers_[i % layers_.size()];
        int pool = i % (int)k_pools_.size();
        add_rmsnorm(residual_.get(), i > 0 ? projected_.get() : nullptr, layer.attention_norm.get(),
                    normed_.get(), tokens, hidden, stream_);
        multiply(layer.qkv, normed_.get(), qkv_.get(), tokens);
        rope_and_store(qkv_.get(), k_pools_[pool].get(), v_pools_[pool].get(), kv_,
                       positions_.get(), slots_.get(), tokens, shape_.heads, shape_.kv_heads,
                       stream_);
        attend(step, i);
        multiply(layer.o, attended_.get(), projected_.get(), tokens);
        add_rmsnorm(residual_.get(), projected_.get(), layer.mlp_norm.get(), normed_.get(), tokens,
                    hidden, stream_);
        multiply(layer.gate_up, normed_.get(), gate_up_.get(), tokens);
        silu_mul(gate_up_.get(), activated_.get(), tokens, shape_.intermediate_size, stream_);
        multiply(layer.down, activated_.get(), projected_.get(), tokens);
    }
    int sampled = step.requests * step.query_tokens + (step.prompt_tokens > 0 ? 1 : 0);
    add_rmsnorm(residual_.get(), projected_.get(), norm_.get(), normed_.get(), tokens, hidden,
                stream_);
    gather_rows(normed_.get(), sampled_rows_.get(), last_.get(), sampled, hidden, stream_);
    multiply(lm_head_, last_.get(), logits_.get(), sampled);
    sample(logits_.get(), sampled_.get(), sampled, shape_.vocab_size, 0.6f, 7, stream_);
}

void model::run_operation(operation operation, const struct step &step)
{
    int tokens = step.tokens();
    for (int i = 0; i < shape_.layers; i++) {
        const struct layer &layer = *layers_[i % layers_.size()];
        switch (operation) {
        case operation::qkv:
            linear_run(context_, &layer.qkv, normed_.get(), quantized_.get(), qkv_.get(), tokens,
                       stream_);
            break;
        case operation::o:
            linear_run(context_, &layer.o, attended_.get(), quantized_.get(), projected_.get(),
                       tokens, stream_);
            break;
        case operation::gate_up:
            linear_run(context_, &layer.gate_up, normed_.get(), quantized_.get(), gate_up_.get(),
                       tokens, stream_);
            break;
        case operation::down:
            linear_run(context_, &layer.down, activated_.get(), quantized_.get(), projected_.get(),
                       tokens, stream_);
            break;
        case operation::lm_head:
            linear_run(context_, &lm_head_, last_.get(), nullptr, logits_.get(), tokens, stream_);
            break;
        case operation::attention:
            attend(step, i);
            break;
        }
    }
}

void model::choose_int4(cudaStream_t stream)
{
    if (weights_ != weight_type::int4_g128) {
        return;
    }
    for (int tokens : {16, 32, 64, 96, 128, 192, 256, 512}) {
        struct step step;
        step.prompt_tokens = tokens;
        double own_ms = 0;
        double dequantized_ms = 0;
        for (int way = 0; way < 2; way++) {
            linear_context_dequantize_from(context_, way == 0 ? 1 << 30 : 1);
            struct timing timing =
                time_launches([&] { run_operation(operation::gate_up, step); }, stream, 0.05);
            (way == 0 ? own_ms : dequantized_ms) = timing.median_ms;
        }
        if (dequantized_ms < own_ms) {
            dequantize_from_ = tokens;
            break;
        }
    }
    linear_context_dequantize_from(context_, dequantize_from_);
}
