#include "sim/pricing/cost_transfer.h"

#include <math.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/pricing/all_reduce.h"

/* Of a decode step, beside reading weights and attention: sampling and the like once, and per layer
 * norms, rotary embedding, gaps. With these the measured bases of 7B and 14B in bf16 both read
 * their weights at 4.32 TB/s; on two GPUs 14B at 4.45, 32B at 4.10. (33.3 us a layer would make
 * three of them 4.18 to 4.21, but transfers come out further off.) */
#define STEP_OVERHEAD_PS (300 * (double)PS_PER_US)
#define LAYER_OVERHEAD_PS (37 * (double)PS_PER_US)

/* Launches but those of full graphs grow, by less than the layers: from 28 to 48 of them by 1.68
 * and 1.59 times without a graph, 1.55 and 1.17 with piecewise graphs (bf16 and GPTQ, 7B to 14B).
 */
#define LAUNCH_LAYERS_EXPONENT 0.75

/* How an engine's kernels use a weight format, relative to bf16; from the decode bases, batch
 * slopes and prefill slopes of vLLM 0.24 on H200 (calibration/qwen7b-gptq4.json, qwen14b-fp8.json,
 * qwen14b-gptq4.json against their bf16 counterparts). bitsandbytes writes all weights out as bf16
 * before a product of more than one token: 4.5 bytes move for 0.56, some of them only in the cache
 * (the study's 14B steps on RTX 4090, Table 11). AWQ's first kernel: such that the study's 7B
 * passes take 2.4 times those of bf16. */
struct format_factors {
    const char *weights;
    double read;          /* bandwidth on the linear layers' bytes, at hidden size 5120 */
    double read_exponent; /* how it grows with the hidden size */
    double batch;         /* rise of a decode step with its batch */
    double compute;       /* rate of large prefills */
    double hump;          /* decode base of 17 to 47 requests, where CUTLASS FP8 changes tiles */
    double product_us;    /* what each product of a layer takes longer, whatever its size */
};

static const struct format_factors formats[] = {
    {"bf16", 1, 0, 1, 1, 1, 0},
    {"fp8", 0.90, 0, 1, 1.85, 1.18, 0},
    {"int8", 0.90, 0, 1, 1.85, 1, 0},
    {"gptq-int4-g128", 0.42, 0.22, 1.5, 1.05, 1, 0},
    {"awq-int4-g128", 0.42, 0.22, 1.5, 1.05, 1, 0},
    {"awq-int4-plain", 0.070, 0, 3.3, 0.9, 1, 0},
    {"bnb-nf4", 0.18, 0, 1, 0.9, 1, 0},
};

/* Every Hopper card but the cut-down H20 has more, no older one has. */
#define MIN_HOPPER_TFLOPS 600

/* Before Hopper, vLLM runs GPTQ and AWQ through Marlin instead of Machete: close to full bandwidth
 * up to batch 16 (its published rates). What each product takes longer is from the study's 14B
 * steps on four RTX 4090; with 0.8 of bf16's bandwidth, which fits them too, single requests on an
 * RTX A6000 would come out too long. */
static const struct format_factors marlin = {"marlin", 1, 0, 3.3, 1.0, 1, 2.2};

/* A tile takes longer where a GPU has fewer KV heads (calibrations: 1.94 to 2.00 us a layer with 8,
 * 2.00 to 2.09 with 4). */
#define TILE_HEADS_EXPONENT (-0.055)
/* Decode attention over FP8 KV takes this share of its time over bf16 KV (calibration of 7B). */
#define FP8_KV_TILE 0.74
/* and beside it each layer quantizes queries and what it writes (the same two calibrations). */
#define FP8_KV_LAYER_PS (3.3 * (double)PS_PER_US)

/* and its launches take longer by this, unless one graph holds all (the same two). */
#define FP8_KV_LAUNCH 1.32

static const struct format_factors *factors_of(const struct cost_configuration *configuration)
{
    const struct weight_precision *weights = configuration->weights;
    bool is_int4 =
        text_equal(weights->name, "gptq-int4-g128") || text_equal(weights->name, "awq-int4-g128");
    if (is_int4 && configuration->gpu.bf16_tflops < MIN_HOPPER_TFLOPS) {
        return &marlin;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (text_equal(formats[i].weights, weights->name)) {
            return &formats[i];
        }
    }
    return &formats[0];
}

bool cost_transfer_shares_kernels(const struct cost_configuration *a,
                                  const struct cost_configuration *b)
{
    return factors_of(a) == factors_of(b);
}

/* What the terms of a step cost scale with. */
struct scales {
    double read; /* time to read the weights of a GPU once */
    double overhead_ps;
    double hump;
    double batch;     /* rise of a decode step with its batch */
    double compute;   /* time per token of a large prefill */
    double attention; /* per query-key pair */
    double tile;      /* a tile of decode attention, all layers */
    double layers;
    double launch; /* of a step without a graph */
};

static uint32_t kv_heads_per_gpu(const struct cost_configuration *configuration)
{
    return model_shape_kv_heads_per_gpu(&configuration->model, configuration->tensor_parallel);
}

/* Decode bases rise with the batch by about as much for each layer, whatever its size and on
 * however many GPUs: in bf16 by 8.1 to 11.7 us up to 64 requests and 19 to 25 up to 128 (7B, 14B on
 * one and two, 32B on two). That is what every GPU does for the whole batch; only what a format's
 * kernels take longer is shared among GPUs. */
static struct scales scales_of(const struct cost_configuration *configuration)
{
    const struct model_shape *model = &configuration->model;
    const struct format_factors *format = factors_of(configuration);
    double degree = configuration->tensor_parallel;
    double linear = (double)model_shape_linear_weights(model) / degree;
    double head = (double)model_shape_vocabulary_weights(model) / degree;
    double bandwidth = configuration->gpu.memory_gb_per_s;
    double flops = configuration->gpu.bf16_tflops;
    double layers = model->num_hidden_layers;
    bool fp8_kv = configuration->kv->bytes < 2;
    double kv_layer_ps = fp8_kv ? FP8_KV_LAYER_PS : 0;
    double read = format->read * pow(model->hidden_size / 5120.0, format->read_exponent);
    double products_ps = layers * MODEL_LAYER_PRODUCTS * format->product_us * (double)PS_PER_US;
    return (struct scales){
        .read = (linear * configuration->weights->linear_bytes / read + 2 * head) / bandwidth,
        .overhead_ps = STEP_OVERHEAD_PS + layers * (LAYER_OVERHEAD_PS + kv_layer_ps) + products_ps,
        .hump = format->hump,
        .batch = layers * (1 + (format->batch - 1) / degree) / flops,
        .compute = linear / format->compute / flops,
        .attention = layers * model->num_attention_heads * model->head_dim / degree / flops,
        .tile = layers * (fp8_kv ? FP8_KV_TILE : 1) * model->head_dim / bandwidth *
                configuration->gpu.sm_count *
                pow(kv_heads_per_gpu(configuration), TILE_HEADS_EXPONENT),
        .layers = layers,
        .launch = (fp8_kv ? FP8_KV_LAUNCH : 1) * pow(layers, LAUNCH_LAYERS_EXPONENT),
    };
}

/* Of a step with so many tokens: two a layer. */
static double all_reduces_ps(const struct cost_configuration *configuration, double tokens)
{
    const struct model_shape *model = &configuration->model;
    double us = all_reduce_us(&configuration->gpu, configuration->tensor_parallel,
                              2 * tokens * model->hidden_size);
    return 2.0 * model->num_hidden_layers * us * (double)PS_PER_US;
}

/* What two configurations make of a curve. Communication aside, the first knot is reading plus
 * overhead, and what rises above it is work. */
struct transfer {
    const struct cost_configuration *from;
    const struct cost_configuration *to;
    struct scales a;
    struct scales b;
};

static void transfer_curve(struct cost_curve *curve, const struct transfer *transfer,
                           double work_ratio)
{
    double floor_ps = curve->cost_ps[0] - all_reduces_ps(transfer->from, curve->tokens[0]);
    double reading_ps = fmax(floor_ps - transfer->a.overhead_ps, 0.2 * floor_ps);
    double new_floor_ps =
        reading_ps * transfer->b.read / transfer->a.read + transfer->b.overhead_ps;
    for (uint32_t k = 0; k < curve->count; k++) {
        double tokens = curve->tokens[k];
        double work_ps =
            fmax(0, curve->cost_ps[k] - all_reduces_ps(transfer->from, tokens) - floor_ps);
        curve->cost_ps[k] =
            new_floor_ps + work_ps * work_ratio + all_reduces_ps(transfer->to, tokens);
    }
}

static void scale_tile_change(struct cost_curve *decode, double ratio)
{
    for (uint32_t k = 0; k < decode->count; k++) {
        if (decode->tokens[k] >= 17 && decode->tokens[k] < 48) {
            decode->cost_ps[k] *= ratio;
        }
    }
}

static void transfer_attention(struct step_cost *cost, const struct cost_configuration *to,
                               double tile_ratio)
{
    cost->attention.kv_heads = kv_heads_per_gpu(to);
    if (to->gpu.sm_count > 0) {
        cost->attention.multiprocessors = to->gpu.sm_count;
    }
    cost->tile_ps *= tile_ratio;
    cost->split_ps = llround((double)cost->split_ps * tile_ratio);
    cost->split_request_ps = llround((double)cost->split_request_ps * tile_ratio);
}

/* One engine thread launches for one GPU; workers of their own take longer, and longest without a
 * graph (means of 14B and 32B on two GPUs: 1.2 and 1.5 times as long with piecewise graphs, 1.8 and
 * 1.4 times without). */
static void transfer_launches(struct step_cost *cost, const struct transfer *transfer)
{
    static const double workers[] = {
        [CUDA_GRAPH_FULL] = 1, [CUDA_GRAPH_PIECEWISE] = 1.35, [CUDA_GRAPH_NONE] = 1.6};
    bool from_one_gpu = transfer->from->tensor_parallel == 1;
    bool to_one_gpu = transfer->to->tensor_parallel == 1;
    double launch_ratio = transfer->b.launch / transfer->a.launch;
    for (int graph = 0; graph < 3; graph++) {
        double ratio = graph == CUDA_GRAPH_FULL ? 1 : launch_ratio;
        if (from_one_gpu && !to_one_gpu) {
            ratio *= workers[graph];
        } else if (!from_one_gpu && to_one_gpu) {
            ratio /= workers[graph];
        }
        cost->launch_ps[graph] = llround((double)cost->launch_ps[graph] * ratio);
    }
    cost->launch_blocks_loop = to_one_gpu;
}

/* From transfers between the measured runs: about 3 % for another size, 5 % for another weight
 * format, 3 % for another KV format, 6 % for another degree; another GPU is a guess. */
double cost_transfer_uncertainty_pct(const struct cost_configuration *from,
                                     const struct cost_configuration *to)
{
    double squares = 0;
    squares += model_shape_linear_weights(&from->model) != model_shape_linear_weights(&to->model)
                   ? 3 * 3
                   : 0;
    squares += from->weights != to->weights ? 5 * 5 : 0;
    squares += from->kv != to->kv ? 3 * 3 : 0;
    squares += from->tensor_parallel != to->tensor_parallel ? 6 * 6 : 0;
    squares += strcmp(from->gpu.name, to->gpu.name) != 0 ? 20 * 20 : 0;
    return sqrt(squares);
}

void cost_transfer(struct step_cost *cost, const struct cost_configuration *from,
                   const struct cost_configuration *to)
{
    cost->uncertainty = cost_transfer_uncertainty_pct(from, to) / 100;
    if (cost->uncertainty <= 0) {
        return;
    }
    struct transfer transfer = {from, to, scales_of(from), scales_of(to)};
    struct scales a = transfer.a;
    struct scales b = transfer.b;
    double kv_ratio = b.layers * kv_heads_per_gpu(to) * to->kv->bytes /
                      (a.layers * kv_heads_per_gpu(from) * from->kv->bytes);
    bool other_format = from->weights != to->weights; /* else what hump there is carries over */
    scale_tile_change(&cost->decode, other_format ? 1 / a.hump : 1);
    transfer_curve(&cost->decode, &transfer, b.batch / a.batch);
    scale_tile_change(&cost->decode, other_format ? b.hump : 1);
    transfer_curve(&cost->mixed, &transfer, b.compute / a.compute);
    transfer_attention(cost, to, b.tile / a.tile);
    cost->mixed_attention_ps *= b.attention / a.attention;
    cost->beside_prefill_ps = llround((double)cost->beside_prefill_ps * kv_ratio);
    transfer_launches(cost, &transfer);
}
