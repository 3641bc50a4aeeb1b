#include "sim/pricing/cost_transfer.h"

#include <assert.h>
#include <math.h>

#include "sim/base/text.h"
#include "sim/base/units.h"

/* What the terms of a step cost scale with. */
struct scales {
    double read; /* time to read the weights of a GPU once */
    double overhead_ps;
    double tile_change;
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

/* A configuration with the kernel that the engine takes for its weights, and the facts to scale by.
 */
struct side {
    const struct cost_configuration *configuration;
    const struct weight_kernel *kernel;
    const struct pricing_facts *facts;
    struct scales scales;
};

/* Decode bases rise with the batch by about as much for each layer, whatever its size and on
 * however many GPUs: in bf16 by 8.1 to 11.7 us up to 64 requests and 19 to 25 up to 128 (7B, 14B on
 * one and two, 32B on two). That is what every GPU does for the whole batch; only what a format's
 * kernels take longer is shared among GPUs. */
static struct scales scales_of(const struct side *side)
{
    const struct cost_configuration *configuration = side->configuration;
    const struct model_shape *model = &configuration->model;
    const struct weight_kernel *kernel = side->kernel;
    const struct step_terms *terms = &side->facts->terms;
    double degree = configuration->tensor_parallel;
    double linear = (double)model_shape_linear_weights(model) / degree;
    double head = (double)model_shape_vocabulary_weights(model) / degree;
    const struct gpu_efficiency *share = pricing_facts_efficiency(side->facts, &configuration->gpu);
    double bandwidth = configuration->gpu.memory_gb_per_s;
    double flops = configuration->gpu.bf16_tflops * share->compute;
    double layers = model->num_hidden_layers;
    bool fp8_kv = configuration->kv->bytes < 2;
    double layer_us = terms->layer_overhead_us + (fp8_kv ? terms->fp8_kv_layer_us : 0) +
                      MODEL_LAYER_PRODUCTS * kernel->product_us;
    double read = kernel->read * pow(model->hidden_size / 5120.0, kernel->read_exponent);
    return (struct scales){
        .read = (linear * configuration->weights->linear_bytes / read + 2 * head) /
                (bandwidth * share->read),
        .overhead_ps = (terms->step_overhead_us + layers * layer_us) * (double)PS_PER_US,
        .tile_change = kernel->tile_change,
        .batch = layers * (1 + (kernel->batch - 1) / degree) / flops,
        .compute = linear / kernel->compute / flops,
        .attention = layers * model->num_attention_heads * model->head_dim / degree / flops,
        .tile = layers * (fp8_kv ? share->fp8_kv : 1) * model->head_dim /
                (bandwidth * share->attention) * configuration->gpu.sm_count *
                pow(kv_heads_per_gpu(configuration), terms->tile_heads_exponent),
        .layers = layers,
        .launch =
            (fp8_kv ? terms->fp8_kv_launch_ratio : 1) * pow(layers, terms->launch_layers_exponent),
    };
}

/* Prices need these facts of the GPU; one that is missing would make a part of them free. */
static bool side_init(struct side *side, const struct cost_configuration *configuration,
                      const struct pricing_facts *facts, struct error *error)
{
    const struct gpu *gpu = &configuration->gpu;
    *side = (struct side){.configuration = configuration, .facts = facts};
    if (!gpu_check_fact(gpu, "memory_gb_per_s", gpu->memory_gb_per_s, error) ||
        !gpu_check_fact(gpu, "bf16_tflops", gpu->bf16_tflops, error) ||
        !gpu_check_fact(gpu, "sm_count", gpu->sm_count, error) ||
        !weight_kernel_find(&facts->kernels, configuration->weights->name, gpu, &side->kernel,
                            error)) {
        return false;
    }
    side->scales = scales_of(side);
    assert(side->scales.read > 0 && side->scales.tile > 0);
    return true;
}

/* Of a step with so many tokens: two a layer. */
static double all_reduces_ps(const struct side *side, double tokens)
{
    const struct cost_configuration *configuration = side->configuration;
    const struct model_shape *model = &configuration->model;
    double us = all_reduce_us(&side->facts->all_reduces, &configuration->gpu,
                              configuration->tensor_parallel, 2 * tokens * model->hidden_size);
    return 2.0 * model->num_hidden_layers * us * (double)PS_PER_US;
}

/* From one configuration to another. Communication aside, the first knot of a curve is reading plus
 * overhead, and what rises above it is work. */
struct transfer {
    struct side from;
    struct side to;
};

/* Of the rise of a curve, what computing takes beyond the reading of the weights: where it sets the
 * pace, it is divided among GPUs as the weights are. 'token_ps' is the slope of large steps. */
static double computing_ps(double token_ps, double tokens, double reading_ps)
{
    return fmax(0, token_ps * tokens - reading_ps);
}

/* How the work of a curve changes: the computing by its slopes, the rest by 'rest' up to
 * 'small_tokens' (what each layer does for the whole batch); what it rises by beyond is the
 * host's and sampling, and stays. 'reading_ps' is what reading the weights takes before. */
struct work_change {
    double reading_ps;
    double from_token_ps;
    double to_token_ps;
    double rest;
    double small_tokens;
};

/* The first knot, communication aside. */
static double floor_of(const struct cost_curve *curve, const struct transfer *transfer)
{
    return curve->cost_ps[0] - all_reduces_ps(&transfer->from, curve->tokens[0]);
}

/* What a decode takes to read the weights, as its first knot shows. */
static double reading_of(const struct cost_curve *decode, const struct transfer *transfer)
{
    double floor_ps = floor_of(decode, transfer);
    return fmax(floor_ps - transfer->from.scales.overhead_ps, 0.2 * floor_ps);
}

static double rest_ps(const struct cost_curve *curve, const struct transfer *transfer,
                      const struct work_change *change, double tokens)
{
    double work_ps =
        fmax(0, cost_curve_at(curve, tokens) - all_reduces_ps(&transfer->from, tokens) -
                    floor_of(curve, transfer));
    return work_ps - fmin(work_ps, computing_ps(change->from_token_ps, tokens, change->reading_ps));
}

/* Weights are read once in any step: what a step with a prompt takes beyond a decode's reading and
 * overhead belongs to its layers (their launches one by one, above all), not to reading. */
static void transfer_curve(struct cost_curve *curve, const struct transfer *transfer,
                           const struct work_change *change)
{
    const struct scales *a = &transfer->from.scales;
    const struct scales *b = &transfer->to.scales;
    const struct cost_curve from = *curve;
    double new_reading_ps = change->reading_ps * b->read / a->read;
    double more_ps = fmax(0, floor_of(&from, transfer) - change->reading_ps - a->overhead_ps);
    double constant_ps = new_reading_ps + b->overhead_ps + more_ps * b->layers / a->layers;
    double small_ps =
        rest_ps(&from, transfer, change, fmin(change->small_tokens, from.tokens[from.count - 1]));
    assert(new_reading_ps > 0);
    for (uint32_t k = 0; k < from.count; k++) {
        double tokens = from.tokens[k];
        double of_layers_ps = rest_ps(&from, transfer, change, tokens);
        double beyond_ps = tokens > change->small_tokens ? fmax(0, of_layers_ps - small_ps) : 0;
        double work_ps = (of_layers_ps - beyond_ps) * change->rest + beyond_ps +
                         computing_ps(change->to_token_ps, tokens, new_reading_ps);
        curve->cost_ps[k] = constant_ps + work_ps + all_reduces_ps(&transfer->to, tokens);
        if (k > 0 && from.cost_ps[k] >= from.cost_ps[k - 1]) {
            curve->cost_ps[k] = fmax(curve->cost_ps[k], curve->cost_ps[k - 1]);
        }
    }
}

/* Picoseconds a token of the largest measured steps. */
static double large_slope_ps(const struct cost_curve *mixed, const struct side *side)
{
    uint32_t last = mixed->count - 1;
    if (last == 0) {
        return 0;
    }
    double rise_ps = mixed->cost_ps[last] - all_reduces_ps(side, mixed->tokens[last]) -
                     (mixed->cost_ps[last - 1] - all_reduces_ps(side, mixed->tokens[last - 1]));
    return fmax(0, rise_ps / (mixed->tokens[last] - mixed->tokens[last - 1]));
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
    cost->attention.multiprocessors = to->gpu.sm_count;
    if (cost->attention.query_heads > 0) {
        cost->attention.query_heads = to->model.num_attention_heads / to->tensor_parallel;
    }
    cost->tile_ps *= tile_ratio;
    cost->split_ps = nearest_whole((double)cost->split_ps * tile_ratio);
    cost->split_request_ps = nearest_whole((double)cost->split_request_ps * tile_ratio);
}

/* One engine thread launches for one GPU; workers of their own take longer, and longest without a
 * graph (means of 14B and 32B on two GPUs: 1.2 and 1.5 times as long with piecewise graphs, 1.8 and
 * 1.4 times without). */
static void transfer_launches(struct step_cost *cost, const struct transfer *transfer)
{
    const struct step_terms *terms = &transfer->to.facts->terms;
    const double workers[] = {[CUDA_GRAPH_FULL] = 1,
                              [CUDA_GRAPH_PIECEWISE] = terms->workers_piecewise_ratio,
                              [CUDA_GRAPH_NONE] = terms->workers_no_graph_ratio};
    bool from_one_gpu = transfer->from.configuration->tensor_parallel == 1;
    bool to_one_gpu = transfer->to.configuration->tensor_parallel == 1;
    double launch_ratio = transfer->to.scales.launch / transfer->from.scales.launch;
    for (int graph = 0; graph < 3; graph++) {
        double ratio = graph == CUDA_GRAPH_FULL ? 1 : launch_ratio;
        if (from_one_gpu && !to_one_gpu) {
            ratio *= workers[graph];
        } else if (!from_one_gpu && to_one_gpu) {
            ratio /= workers[graph];
        }
        cost->host.launch_ps[graph] = nearest_whole((double)cost->host.launch_ps[graph] * ratio);
    }
    cost->host.launch_blocks_loop = to_one_gpu;
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
    squares += !text_equal(from->gpu.name, to->gpu.name) ? 20 * 20 : 0;
    return sqrt(squares);
}

bool cost_transfer_shares_kernels(const struct pricing_facts *facts,
                                  const struct cost_configuration *a,
                                  const struct cost_configuration *b)
{
    const struct weight_kernel *of_a = NULL;
    const struct weight_kernel *of_b = NULL;
    struct error ignored;
    return weight_kernel_find(&facts->kernels, a->weights->name, &a->gpu, &of_a, &ignored) &&
           weight_kernel_find(&facts->kernels, b->weights->name, &b->gpu, &of_b, &ignored) &&
           of_a == of_b;
}

bool cost_transfer(struct step_cost *cost, const struct pricing_facts *facts,
                   const struct cost_configuration *from, const struct cost_configuration *to,
                   struct error *error)
{
    struct transfer transfer;
    cost->uncertainty = cost_transfer_uncertainty_pct(from, to) / 100;
    if (cost->uncertainty <= 0) {
        return true;
    }
    if (!side_init(&transfer.from, from, facts, error) ||
        !side_init(&transfer.to, to, facts, error)) {
        return false;
    }
    const struct scales *a = &transfer.from.scales;
    const struct scales *b = &transfer.to.scales;
    double kv_ratio = b->layers * kv_heads_per_gpu(to) * to->kv->bytes /
                      (a->layers * kv_heads_per_gpu(from) * from->kv->bytes);
    bool other_format = from->weights != to->weights; /* else its change of tiles carries over */
    double token_ps = large_slope_ps(&cost->mixed, &transfer.from);
    double compute = b->compute / a->compute;
    scale_tile_change(&cost->decode, other_format ? 1 / a->tile_change : 1);
    double reading_ps = reading_of(&cost->decode, &transfer);
    const struct work_change decode = {reading_ps, token_ps, token_ps * compute,
                                       b->batch / a->batch, 128};
    const struct work_change mixed = {reading_ps, token_ps, token_ps * compute, compute, INFINITY};
    transfer_curve(&cost->decode, &transfer, &decode);
    scale_tile_change(&cost->decode, other_format ? b->tile_change : 1);
    transfer_curve(&cost->mixed, &transfer, &mixed);
    transfer_attention(cost, to, b->tile / a->tile);
    cost->mixed_attention_ps *= b->attention / a->attention;
    cost->beside_prefill_ps = nearest_whole((double)cost->beside_prefill_ps * kv_ratio);
    transfer_launches(cost, &transfer);
    return true;
}
