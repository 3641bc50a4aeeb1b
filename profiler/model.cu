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

/* The part of a layer's rows and heads that one of 'gpus' holds. */
static struct shape shape_of_part(struct shape shape, int gpus)
{
    shape.heads /= gpus;
    shape.kv_heads /= gpus;
    shape.intermediate_size /= gpus;
    return shape;
}

model::model(const struct shape &shape, weight_type weights, kv_type kv,
             const struct step_limits &limits, const struct shard &shard, cudaStream_t stream)
    : shape_(shape_of_part(shape, shard.gpus)), weights_(weights), kv_(kv), shard_(shard),
      pages_((limits.kv_tokens + PAGE_TOKENS - 1) / PAGE_TOKENS + limits.requests), stream_(stream),
      context_(linear_context_create()), cudnn_(attention_cudnn_create())
{
    size_t hidden = shape.hidden_size;
    int device = 0;
    cuda_check(cudaGetDevice(&device));
    cuda_check(cudaDeviceGetAttribute(&multiprocessors_, cudaDevAttrMultiProcessorCount, device));
    embedding_.allocate((size_t)shape.vocab_size * hidden, "the embedding");
    fill_random_bf16(embedding_.get(), embedding_.size(), 1, 1, stream);
    norm_.allocate(hidden, "norms");
    fill_random_bf16(norm_.get(), hidden, 1, 2, stream);
    linear_create(&lm_head_, weight_type::bf16, shape.vocab_size / shard.gpus, shape.hidden_size,
                  false, 3, stream);
    flags_.allocate();
    allocate_activations(limits);
    allocate_layers();
    cuda_check(cudaStreamSynchronize(stream));
}

void model::allocate_activations(const struct step_limits &limits)
{
    size_t hidden = shape_.hidden_size;
    size_t rows = limits.tokens;
    size_t widest =
        std::max(shape_.intermediate_size, std::max(shape_.hidden_size, shape_.heads * HEAD_DIM));
    residual_.allocate(rows * hidden, "activations");
    normed_.allocate(rows * hidden, "activations");
    qkv_.allocate(rows * shape_.qkv_rows(), "activations");
    attended_.allocate(rows * shape_.heads * HEAD_DIM, "activations");
    projected_[0].allocate(rows * hidden, "activations");
    gate_up_.allocate(rows * 2 * shape_.intermediate_size, "activations");
    activated_.allocate(rows * shape_.intermediate_size, "activations");
    quantized_.allocate(rows * widest, "activations");
    token_scales_.allocate(rows, "scales of activations");
    size_t sampled = limits.requests * CHUNK_PART + 1;
    last_.allocate(sampled * hidden, "activations");
    logits_.allocate(sampled * shape_.vocab_size, "logits");
    if (shard_.gpus > 1) {
        projected_[1].allocate(rows * hidden, "activations");
        reduced_.allocate(rows * hidden, "activations");
        half_logits_.allocate(sampled * shape_.vocab_size / 2, "logits");
    }
    fill_random_bf16(last_.get(), last_.size(), 1, 8, stream_);
    fill_random_bf16(logits_.get(), logits_.size(), 6, 9, stream_);
    sampled_.allocate(sampled, "tokens");
    sampled_rows_.allocate(sampled, "tokens");
    ids_.allocate(rows, "tokens");
    positions_.allocate(rows, "tokens");
    slots_.allocate(rows, "tokens");
    lengths_.allocate(limits.requests + 64 / CHUNK_PART, "lengths");
    table_stride_ = (int)pages_;
    table_.allocate((size_t)pages_ + limits.requests + 1, "page tables");
}

void model::allocate_layers(void)
{
    size_t layer_bytes = shape_.linear_weights() * (weights_ == weight_type::bf16 ? 2 : 1);
    for (int i = 0; i < shape_.layers; i++) {
        if (i > 1 && free_bytes() < 12 * layer_bytes) {
            break; /* the rest use the weights of these again */
        }
        layers_.push_back(make_layer(shape_, weights_, 1000 + 100 * i, stream_));
    }
    size_t pool_bytes =
        (size_t)pages_ * PAGE_TOKENS * shape_.kv_heads * HEAD_DIM * (kv_ == kv_type::fp8 ? 1 : 2);
    for (int i = 0; i < shape_.layers && (i < 1 || free_bytes() > 2 * pool_bytes); i++) {
        k_pools_.emplace_back();
        v_pools_.emplace_back();
        for (device_memory<char> *pool : {&k_pools_.back(), &v_pools_.back()}) {
            pool->allocate(pool_bytes, "the KV cache");
            if (kv_ == kv_type::fp8) {
                fill_random_fp8(reinterpret_cast<__nv_fp8_e4m3 *>(pool->get()), pool_bytes, 1,
                                5 + i, stream_);
            } else {
                fill_random_bf16(reinterpret_cast<bf16 *>(pool->get()), pool_bytes / 2, 1, 5 + i,
                                 stream_);
            }
        }
    }
}

void model::connect(const model *other)
{
    other_ = other;
}

model::~model()
{
    attention_cudnn_destroy(cudnn_);
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

/* The arrays of a step, a request after another. */
struct step_arrays {
    std::vector<int> ids, positions, lengths, table, sampled_rows;
    std::vector<int64_t> slots;
};

/* A request's pages, and its tokens in this step. 'page' is the next page that nobody has. */
static void add_request(struct step_arrays *arrays, int before, int tokens, int table_stride,
                        int64_t pages, int *page, int vocab_size)
{
    size_t row = arrays->table.size();
    int number = (int)arrays->lengths.size();
    arrays->lengths.push_back(before + tokens);
    for (int i = 0; i < table_stride; i++) {
        bool used = i * PAGE_TOKENS < before + tokens;
        /* an odd stride spreads pages over the pool */
        arrays->table.push_back(used ? (int)((int64_t)(*page)++ * 7919 % pages) : 0);
    }
    for (int t = 0; t < tokens; t++) {
        int position = before + t;
        arrays->ids.push_back((number * 977 + t * 31) % vocab_size);
        arrays->positions.push_back(position);
        arrays->slots.push_back((int64_t)arrays->table[row + position / PAGE_TOKENS] * PAGE_TOKENS +
                                position % PAGE_TOKENS);
    }
}

/* Turns the one row of a chunk into one for each of its parts. */
static void split_chunk(struct step_arrays *arrays, const struct step &step)
{
    std::vector<int> pages = arrays->table;
    arrays->lengths.clear();
    arrays->table.clear();
    for (int part = 1; part <= step.chunk_parts(); part++) {
        arrays->lengths.push_back(step.prompt_context + part * CHUNK_PART);
        arrays->table.insert(arrays->table.end(), pages.begin(), pages.end());
    }
}

void model::prepare(const struct step &step)
{
    struct step_arrays arrays;
    int longest =
        std::max(step.prompt_context + step.prompt_tokens, step.context + step.query_tokens);
    table_stride_ = (longest + PAGE_TOKENS - 1) / PAGE_TOKENS;
    int page = 0;
    if (step.prompt_tokens > 0) {
        add_request(&arrays, step.prompt_context, step.prompt_tokens, table_stride_, pages_, &page,
                    shape_.vocab_size);
        arrays.sampled_rows.push_back(step.prompt_tokens - 1);
        if (step.chunk_parts() > 0) {
            split_chunk(&arrays, step);
        }
    }
    for (int r = 0; r < step.requests; r++) {
        for (int t = 0; t < step.query_tokens; t++) {
            arrays.sampled_rows.push_back((int)arrays.ids.size() + t);
        }
        add_request(&arrays, step.context, step.query_tokens, table_stride_, pages_, &page,
                    shape_.vocab_size);
    }
    if (arrays.table.size() > table_.size()) {
        table_.allocate(arrays.table.size(), "page tables");
    }
    ids_.upload(arrays.ids);
    positions_.upload(arrays.positions);
    slots_.upload(arrays.slots);
    lengths_.upload(arrays.lengths);
    table_.upload(arrays.table);
    sampled_rows_.upload(arrays.sampled_rows);
}

void model::multiply(const struct linear &linear, const bf16 *x, bf16 *y, int tokens)
{
    linear_quantize(&linear, input_of(x), tokens, stream_);
    linear_run(context_, &linear, input_of(x), y, tokens, stream_);
}

/* Few tokens of each request: the kernel that splits contexts over the GPU. */
void model::attend_few(struct attention_call call, int context)
{
    int splits = attention_splits(call.requests, shape_.kv_heads, context, multiprocessors_);
    size_t needed = attention_partial_floats(&call, splits);
    if (needed > partial_.size()) {
        partial_.allocate(needed, "parts of attention");
    }
    attention_decode(&call, splits, partial_.get(), stream_);
}

void model::attend_prompt(struct attention_call call, const struct step &step)
{
    if (step.chunk_parts() > 0) {
        call.requests = step.chunk_parts();
        call.query_tokens = CHUNK_PART;
        attend_few(call, step.prompt_context);
        return;
    }
    int longest = step.prompt_context + step.prompt_tokens;
    if (!uses_cudnn() || !attention_cudnn_prefill(cudnn_, &call, longest, stream_)) {
        attention_prefill(&call, stream_);
    }
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
        attend_prompt(call, step);
        call.qkv += (size_t)step.prompt_tokens * shape_.qkv_rows();
        call.out += (size_t)step.prompt_tokens * shape_.heads * HEAD_DIM;
        call.page_table += (size_t)(step.rows() - step.requests) * table_stride_;
        call.lengths += step.rows() - step.requests;
    }
    if (step.requests > 0) {
        call.requests = step.requests;
        call.query_tokens = step.query_tokens;
        attend_few(call, step.context);
    }
}

const bf16 *model::reduce(int buffer, int tokens, bool rehearsal)
{
    if (shard_.gpus == 1) {
        return projected_[buffer].get();
    }
    all_reduce(peer_link_of(flags_, rehearsal ? nullptr : &other_->flags_),
               projected_[buffer].get(), other_->projected_[buffer].get(), reduced_.get(),
               (size_t)tokens * shape_.hidden_size, stream_);
    return reduced_.get();
}

void model::run(const struct step &step, bool rehearsal)
{
    int tokens = step.tokens();
    int hidden = shape_.hidden_size;
    int other_buffer = shard_.gpus - 1; /* of the two that are used by turns */
    const bf16 *more = nullptr;
    embed(embedding_.get(), ids_.get(), residual_.get(), tokens, hidden, stream_);
    for (int i = 0; i < shape_.layers; i++) {
        const struct layer &layer = *layers_[i % layers_.size()];
        int pool = i % (int)k_pools_.size();
        add_rmsnorm(residual_.get(), more, layer.attention_norm.get(), normed_.get(), tokens,
                    hidden, stream_);
        multiply(layer.qkv, normed_.get(), qkv_.get(), tokens);
        rope_and_store(qkv_.get(), k_pools_[pool].get(), v_pools_[pool].get(), kv_,
                       positions_.get(), slots_.get(), tokens, shape_.heads, shape_.kv_heads,
                       stream_);
        attend(step, i);
        multiply(layer.o, attended_.get(), projected_[0].get(), tokens);
        more = reduce(0, tokens, rehearsal);
        add_rmsnorm(residual_.get(), more, layer.mlp_norm.get(), normed_.get(), tokens, hidden,
                    stream_);
        multiply(layer.gate_up, normed_.get(), gate_up_.get(), tokens);
        silu_mul(gate_up_.get(), activated_.get(), tokens, shape_.intermediate_size, stream_);
        multiply(layer.down, activated_.get(), projected_[other_buffer].get(), tokens);
        more = reduce(other_buffer, tokens, rehearsal);
    }
    int sampled = step.requests * step.query_tokens + (step.prompt_tokens > 0 ? 1 : 0);
    add_rmsnorm(residual_.get(), more, norm_.get(), normed_.get(), tokens, hidden, stream_);
    gather_rows(normed_.get(), sampled_rows_.get(), last_.get(), sampled, hidden, stream_);
    bf16 *logits = shard_.gpus > 1 ? half_logits_.get() : logits_.get();
    multiply(lm_head_, last_.get(), logits, sampled);
    if (shard_.gpus > 1) {
        gather_halves(peer_link_of(flags_, rehearsal ? nullptr : &other_->flags_), logits,
                      other_->half_logits_.get(), logits_.get(), sampled, shape_.vocab_size / 2,
                      shard_.rank, stream_);
    }
    sample(logits_.get(), sampled_.get(), sampled, shape_.vocab_size, {}, 7, stream_);
}

void model::run_operation(operation operation, const struct step &step)
{
    int tokens = step.tokens();
    struct sampling top_p;
    top_p.top_p = 0.95f;
    for (int i = 0; i < shape_.layers; i++) {
        const struct layer &layer = *layers_[i % layers_.size()];
        switch (operation) {
        case operation::qkv:
            linear_run(context_, &layer.qkv, input_of(normed_.get()), qkv_.get(), tokens, stream_);
            break;
        case operation::o:
            linear_run(context_, &layer.o, input_of(attended_.get()), projected_[0].get(), tokens,
                       stream_);
            break;
        case operation::gate_up:
            linear_run(context_, &layer.gate_up, input_of(normed_.get()), gate_up_.get(), tokens,
                       stream_);
            break;
        case operation::down:
            linear_run(context_, &layer.down, input_of(activated_.get()), projected_[0].get(),
                       tokens, stream_);
            break;
        case operation::lm_head:
            linear_run(context_, &lm_head_, input_of(last_.get()), logits_.get(), tokens, stream_);
            break;
        case operation::attention:
            attend(step, i);
            break;
        case operation::sample:
        case operation::sample_top_p:
            sample(logits_.get(), sampled_.get(), tokens, shape_.vocab_size,
                   operation == operation::sample ? sampling{} : top_p, i, stream_);
            break;
        }
    }
}

void model::choose_ways(void)
{
    if (!weight_type_is_4_bit(weights_) && weights_ != weight_type::fp8) {
        return;
    }
    second_way_from_ = 1 << 30;
    for (int tokens : {16, 24, 32, 48, 64, 96, 128, 192, 256, 512, 1024}) {
        struct step step;
        step.prompt_tokens = tokens;
        double way_ms[2];
        for (int way = 0; way < 2; way++) {
            linear_context_second_way_from(context_, way == 0 ? 1 << 30 : 1);
            auto work = [&] {
                for (operation product :
                     {operation::qkv, operation::o, operation::gate_up, operation::down}) {
                    run_operation(product, step);
                }
            };
            way_ms[way] = time_launches(work, stream_, 0.05).median_ms;
        }
        if (way_ms[1] < way_ms[0]) {
            second_way_from_ = tokens;
            break;
        }
    }
    linear_context_second_way_from(context_, second_way_from_);
}
