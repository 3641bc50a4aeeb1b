/* A file holds durations in readable units; a cost holds picoseconds. Numbers are rounded when they
 * are written, so that a file that is read and written again does not change. */
#include "sim/pricing/step_cost_file.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/settings.h"
#include "sim/base/units.h"

static const struct setting identity_settings[] = {
    {.name = "name", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, name)},
    {.name = "source", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, source)},
    {.name = "engine", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, engine)},
    {.name = "model", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, model)},
    {.name = "gpu", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, gpu)},
    {.name = "weights", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, weights)},
    {.name = "kv_cache", .type = SETTING_TEXT, SETTING_OF(step_cost_identity, kv_cache)},
    {.name = "tensor_parallel",
     .type = SETTING_WHOLE,
     SETTING_OF(step_cost_identity, tensor_parallel),
     .minimum = 1,
     .maximum = 64},
    {.name = "max_batch_requests",
     .type = SETTING_WHOLE,
     SETTING_OF(step_cost_identity, max_batch_requests),
     .maximum = 1e6},
    {.name = "max_batch_tokens",
     .type = SETTING_WHOLE,
     SETTING_OF(step_cost_identity, max_batch_tokens),
     .maximum = 1e9},
    {.name = NULL},
};

/* The coefficients as a file has them: durations in readable units. */
struct coefficients {
    double split_ms;
    double split_request_us;
    double tile_us;
    uint32_t kv_heads;
    uint32_t multiprocessors;
    double beside_prefill_ns;
    double mixed_attention_ps;
    double launch_ms[3];
    double launch_tail_ms;
    bool launch_blocks_loop;
    double request_overhead_ms;
    double wake_ms;
    double output_overhead_ms;
    double largest_context_tokens;
    double step_noise;
    double launch_noise;
    double idle_start_noise;
};

/* Of milliseconds: a step of a quarter of an hour is a mistake of units; of smaller units it is far
 * beyond what was ever measured. */
#define MAX_COST 1e6
#define COEFFICIENT(key, member)                                                                   \
    .name = key, .type = SETTING_NUMBER, .required = true, SETTING_OF(coefficients, member),       \
    .minimum = 0, .maximum = MAX_COST
#define RATIO(key, member)                                                                         \
    .name = key, .type = SETTING_NUMBER, .required = true, SETTING_OF(coefficients, member),       \
    .minimum = 0, .maximum = 3

static const struct setting coefficient_settings[] = {
    {COEFFICIENT("split_ms", split_ms)},
    {COEFFICIENT("split_request_us", split_request_us)},
    {COEFFICIENT("attention_tile_us", tile_us)},
    {.name = "kv_heads_per_gpu",
     .type = SETTING_WHOLE,
     .required = true,
     SETTING_OF(coefficients, kv_heads),
     .minimum = 1,
     .maximum = 1024},
    {.name = "multiprocessors",
     .type = SETTING_WHOLE,
     .required = true,
     SETTING_OF(coefficients, multiprocessors),
     .minimum = 1,
     .maximum = 4096},
    {COEFFICIENT("beside_prefill_ns_per_token", beside_prefill_ns)},
    {COEFFICIENT("mixed_attention_ps_per_pair", mixed_attention_ps)},
    {COEFFICIENT("launch_ms.full_graph", launch_ms[CUDA_GRAPH_FULL])},
    {COEFFICIENT("launch_ms.piecewise_graph", launch_ms[CUDA_GRAPH_PIECEWISE])},
    {COEFFICIENT("launch_ms.no_graph", launch_ms[CUDA_GRAPH_NONE])},
    {COEFFICIENT("launch_tail_ms", launch_tail_ms)},
    {.name = "launch_blocks_loop",
     .type = SETTING_BOOL,
     .required = true,
     SETTING_OF(coefficients, launch_blocks_loop)},
    {COEFFICIENT("request_overhead_ms", request_overhead_ms)},
    {COEFFICIENT("wake_ms", wake_ms)},
    {COEFFICIENT("output_overhead_ms", output_overhead_ms)},
    {.name = "largest_context_tokens",
     .type = SETTING_NUMBER,
     .required = true,
     SETTING_OF(coefficients, largest_context_tokens),
     .maximum = 1e12},
    {RATIO("step_noise_ratio", step_noise)},
    {RATIO("launch_noise_ratio", launch_noise)},
    {.name = "wake_noise_ratio", /* none in files from before it was fitted */
     .type = SETTING_NUMBER,
     SETTING_OF(coefficients, idle_start_noise),
     .minimum = 0,
     .maximum = 10},
    {.name = NULL},
};

/* How a file calls a curve and its costs, and the unit of those. */
struct curve_name {
    const char *curve;
    const char *axis;
    const char *costs;
    double unit_ps;
};

static const struct curve_name decode_name = {"decode", "padded_requests", "cost_ms", 1e9};
static const struct curve_name mixed_name = {"mixed", "padded_tokens", "cost_ms", 1e9};

static bool read_curve(struct cost_curve *curve, const struct json *document, const char *place,
                       const struct curve_name *name, struct error *error)
{
    assert(name->unit_ps > 0);
    const struct json *object = json_find(document, name->curve);
    double costs[STEP_COST_MAX_KNOTS];
    uint32_t count = 0;
    for (const struct json *item = json_first(json_find(object, name->axis)); item != NULL;
         item = json_next(item)) {
        count++;
    }
    if (object == NULL || count == 0 || count > STEP_COST_MAX_KNOTS) {
        return error_set(error, "%s: '%s' must hold '%s' and '%s' of 1 to %d numbers", place,
                         name->curve, name->axis, name->costs, STEP_COST_MAX_KNOTS);
    }
    if (!json_numbers(object, place, name->axis, curve->tokens, count, error) ||
        !json_numbers(object, place, name->costs, costs, count, error)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (costs[i] < 0 || costs[i] > MAX_COST ||
            (i > 0 && curve->tokens[i] <= curve->tokens[i - 1])) {
            return error_set(error,
                             "%s: '%s' must have rising '%s' and costs from 0 to %g, item %u is "
                             "%g",
                             place, name->curve, name->axis, MAX_COST, i + 1, costs[i]);
        }
        curve->cost_ps[i] = costs[i] * name->unit_ps;
    }
    curve->count = count;
    return true;
}

/* 2: attention is played out and no longer tabulated. */
enum { FORMAT_VERSION = 2 };

bool step_cost_from_json(struct step_cost *cost, const struct json *document, const char *place,
                         struct error *error)
{
    static const char *const known[] = {"format_version", "about",        "identity", "decode",
                                        "mixed",          "coefficients", "fit",      NULL};
    double version = 0;
    const struct json *version_item = json_find(document, "format_version");
    if (version_item == NULL || !json_number(version_item, &version) ||
        (int)version != FORMAT_VERSION) {
        return error_set(error, "%s: 'format_version' must be %d ('kvcast calibrate' writes it)",
                         place, FORMAT_VERSION);
    }
    struct step_cost read = {.identity = {.tensor_parallel = 1}};
    struct coefficients file = {0};
    const struct json *identity = json_find(document, "identity");
    const struct json *coefficients = json_find(document, "coefficients");
    if (identity == NULL || coefficients == NULL) {
        return error_set(error, "%s: key '%s' is missing", place,
                         identity == NULL ? "identity" : "coefficients");
    }
    if (!json_check_keys(document, place, known, error) ||
        !settings_read(identity_settings, identity, place, &read.identity, error) ||
        !settings_read(coefficient_settings, coefficients, place, &file, error) ||
        !read_curve(&read.decode, document, place, &decode_name, error) ||
        !read_curve(&read.mixed, document, place, &mixed_name, error)) {
        return false;
    }
    read.split_ps = llround(file.split_ms * (double)PS_PER_MS);
    read.split_request_ps = llround(file.split_request_us * (double)PS_PER_US);
    read.tile_ps = file.tile_us * (double)PS_PER_US;
    read.attention = (struct attention_shape){.kv_heads = file.kv_heads,
                                              .multiprocessors = file.multiprocessors};
    read.beside_prefill_ps = llround(file.beside_prefill_ns * 1000);
    read.mixed_attention_ps = file.mixed_attention_ps;
    for (int i = 0; i < 3; i++) {
        read.host.launch_ps[i] = llround(file.launch_ms[i] * (double)PS_PER_MS);
    }
    read.host.launch_tail_ps = llround(file.launch_tail_ms * (double)PS_PER_MS);
    read.host.launch_blocks_loop = file.launch_blocks_loop;
    read.host.request_overhead_ps = llround(file.request_overhead_ms * (double)PS_PER_MS);
    read.host.idle_start_ps = llround(file.wake_ms * (double)PS_PER_MS);
    read.host.output_overhead_ps = llround(file.output_overhead_ms * (double)PS_PER_MS);
    step_cost_note_measured(&read, file.largest_context_tokens);
    read.spread.step = file.step_noise;
    read.spread.launch = file.launch_noise;
    read.spread.idle_start = file.idle_start_noise;
    *cost = read;
    return true;
}

bool step_cost_read(struct step_cost *cost, const char *path, struct error *error)
{
    struct json *document = NULL;
    bool ok = embedded_read_json(path, &document, error) &&
              step_cost_from_json(cost, document, path, error);
    json_destroy(document);
    return ok;
}

static void curve_to_json(const struct cost_curve *curve, struct json *document,
                          const struct curve_name *name)
{
    struct json *object = json_add_object(document, name->curve);
    struct json *tokens = json_add_array(object, name->axis);
    struct json *costs = json_add_array(object, name->costs);
    for (uint32_t i = 0; i < curve->count; i++) {
        json_add_number(tokens, NULL, curve->tokens[i]);
        json_add_number(costs, NULL, round(curve->cost_ps[i] / name->unit_ps * 1e6) / 1e6);
    }
}

void step_cost_to_json(const struct step_cost *cost, struct json *document)
{
    assert(cost->decode.count > 0 && cost->mixed.count > 0);
    assert(cost->identity.tensor_parallel > 0);
    struct coefficients file = {
        .split_ms = (double)cost->split_ps / (double)PS_PER_MS,
        .split_request_us = (double)cost->split_request_ps / (double)PS_PER_US,
        .tile_us = round(cost->tile_ps) / (double)PS_PER_US,
        .kv_heads = cost->attention.kv_heads,
        .multiprocessors = cost->attention.multiprocessors,
        .beside_prefill_ns = (double)cost->beside_prefill_ps / 1000,
        .mixed_attention_ps = round(cost->mixed_attention_ps * 1e6) / 1e6,
        .launch_tail_ms = (double)cost->host.launch_tail_ps / (double)PS_PER_MS,
        .launch_blocks_loop = cost->host.launch_blocks_loop,
        .request_overhead_ms = (double)cost->host.request_overhead_ps / (double)PS_PER_MS,
        .wake_ms = (double)cost->host.idle_start_ps / (double)PS_PER_MS,
        .output_overhead_ms = (double)cost->host.output_overhead_ps / (double)PS_PER_MS,
        .largest_context_tokens = cost->measured.context_tokens,
        .step_noise = round(cost->spread.step * 1e4) / 1e4,
        .launch_noise = round(cost->spread.launch * 1e4) / 1e4,
        .idle_start_noise = round(cost->spread.idle_start * 1e4) / 1e4,
    };
    for (int i = 0; i < 3; i++) {
        file.launch_ms[i] = (double)cost->host.launch_ps[i] / (double)PS_PER_MS;
    }
    json_add_number(document, "format_version", FORMAT_VERSION);
    settings_echo(identity_settings, &cost->identity, json_add_object(document, "identity"));
    curve_to_json(&cost->decode, document, &decode_name);
    curve_to_json(&cost->mixed, document, &mixed_name);
    settings_echo(coefficient_settings, &file, json_add_object(document, "coefficients"));
}
