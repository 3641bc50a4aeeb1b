#include "sim/pricing/step_profile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/metrics/samples.h"

#define PS_OF_MS(ms) ((ms) * (double)PS_PER_MS)

static bool read_text(const struct json *object, const char *place, const char *key, char *buffer,
                      size_t size, struct error *error)
{
    const struct json *item = json_find(object, key);
    const char *text = item != NULL ? json_text(item) : NULL;
    return (text != NULL && text_copy(buffer, size, text)) ||
           error_set(error, "%s: key '%s' must be a text of at most %zu characters", place, key,
                     size - 1);
}

#define MOST 2147483647.0 /* any count or size */

static bool read_number(const struct json *object, const char *place, const char *key,
                        double *ret_value, struct error *error)
{
    const struct json *item = json_find(object, key);
    return (item != NULL && json_number(item, ret_value) && *ret_value > 0) ||
           error_set(error, "%s: key '%s' must be a number above 0", place, key);
}

static bool read_whole(const struct json *object, const char *place, const char *key,
                       uint32_t *ret_value, struct error *error)
{
    double value = 0;
    if (!read_number(object, place, key, &value, error)) {
        return false;
    }
    if (value < 1 || value > MOST) {
        return error_set(error, "%s: key '%s' must be from 1 to 2^31 - 1", place, key);
    }
    *ret_value = (uint32_t)value;
    return true;
}

/* A member of the file and where it goes. */
struct place_of_text {
    const struct json *object;
    const char *key;
    char *text;
    size_t size;
};

struct place_of_whole {
    const struct json *object;
    const char *key;
    uint32_t *value;
};

static bool read_members(struct step_profile *profile, const struct json *document,
                         const char *place, struct error *error)
{
    const struct json *gpu = json_find(document, "gpu");
    const struct json *model = json_find(document, "model");
    const struct place_of_text texts[] = {
        {model, "name", profile->model, sizeof profile->model},
        {gpu, "name", profile->gpu, sizeof profile->gpu},
        {document, "weights", profile->weights, sizeof profile->weights},
        {document, "kv_cache", profile->kv_cache, sizeof profile->kv_cache},
        {document, "date", profile->date, sizeof profile->date}};
    const struct place_of_whole wholes[] = {
        {document, "tensor_parallel", &profile->tensor_parallel},
        {gpu, "multiprocessors", &profile->multiprocessors},
        {model, "num_hidden_layers", &profile->layers},
        {model, "hidden_size", &profile->hidden_size},
        {model, "intermediate_size", &profile->intermediate_size},
        {model, "num_attention_heads", &profile->heads},
        {model, "num_key_value_heads", &profile->kv_heads},
        {model, "head_dim", &profile->head_dim},
        {model, "vocab_size", &profile->vocab_size}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!read_text(texts[i].object, place, texts[i].key, texts[i].text, texts[i].size, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        if (!read_whole(wholes[i].object, place, wholes[i].key, wholes[i].value, error)) {
            return false;
        }
    }
    return read_number(document, place, "weight_bytes", &profile->weight_bytes, error) &&
           read_number(document, place, "kv_bytes_per_token", &profile->kv_bytes_per_token, error);
}

/* From the profiler's name of a format to the simulator's. */
static void rename_weights(struct step_profile *profile)
{
    static const char *const names[][2] = {{"int4-g128", "gptq-int4-g128"}, {"nf4", "bnb-nf4"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_equal(profile->weights, names[i][0])) {
            snprintf(profile->weights, sizeof profile->weights, "%s", names[i][1]);
        }
    }
}

static bool read_identity(struct step_profile *profile, const struct json *document,
                          const char *place, struct error *error)
{
    double version = 0;
    const struct json *version_item = json_find(document, "format_version");
    if (version_item == NULL || !json_number(version_item, &version) || (int)version != 1) {
        return error_set(error, "%s: 'format_version' must be 1", place);
    }
    for (const char *const *key = (const char *const[]){"gpu", "model", NULL}; *key != NULL;
         key++) {
        if (json_find(document, *key) == NULL) {
            return error_set(error, "%s: key '%s' is missing", place, *key);
        }
    }
    if (!read_members(profile, document, place, error)) {
        return false;
    }
    rename_weights(profile);
    profile->intermediate_size /= profile->tensor_parallel;
    profile->heads /= profile->tensor_parallel;
    profile->kv_heads /= profile->tensor_parallel;
    profile->vocab_size /= profile->tensor_parallel;
    return profile->kv_heads > 0 ||
           error_set(error, "%s: key 'tensor_parallel' exceeds the KV heads", place);
}

static bool are_counts(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] >= 0 && values[i] <= MOST)) {
            return false;
        }
    }
    return true;
}

/* The numbers of a row from its 'skip'-th member on; how many there are. */
static size_t row_numbers(const struct json *row, size_t skip, double *values, size_t most)
{
    size_t count = 0;
    for (const struct json *item = json_first(row); item != NULL; item = json_next(item)) {
        if (skip > 0) {
            skip--;
        } else if (count < most && json_number(item, &values[count])) {
            count++;
        }
    }
    return count;
}

static bool read_steps(struct step_profile *profile, const struct json *document, const char *place,
                       struct error *error)
{
    const struct json *row = json_first(json_find(document, "steps"));
    for (; row != NULL; row = json_next(row)) {
        double values[9];
        if (profile->step_count == STEP_PROFILE_MAX_ROWS || row_numbers(row, 0, values, 9) != 9 ||
            !are_counts(values, 5) || !(values[5] > 0 && values[5] < MOST)) {
            return error_set(error,
                             "%s: row %u of 'steps' must hold nine numbers, the time above 0",
                             place, profile->step_count + 1);
        }
        profile->steps[profile->step_count++] =
            (struct profile_step){.prompt_tokens = (uint32_t)values[0],
                                  .prompt_context = (uint32_t)values[1],
                                  .requests = (uint32_t)values[2],
                                  .context = (uint32_t)values[3],
                                  .query_tokens = (uint32_t)values[4],
                                  .median_ms = values[5],
                                  .noisy = values[7] - values[6] > 0.04 * values[5]};
    }
    return true;
}

static bool read_operations(struct step_profile *profile, const struct json *document,
                            const char *place, struct error *error)
{
    const struct json *row = json_first(json_find(document, "operations"));
    for (; row != NULL; row = json_next(row)) {
        double values[3];
        struct profile_operation *operation = &profile->operations[profile->operation_count];
        const char *name = json_first(row) != NULL ? json_text(json_first(row)) : NULL;
        if (profile->operation_count == STEP_PROFILE_MAX_ROWS || name == NULL ||
            row_numbers(row, 1, values, 3) != 3 || !are_counts(values, 2) ||
            !(values[2] > 0 && values[2] < MOST) ||
            !text_copy(operation->name, sizeof operation->name, name)) {
            return error_set(error, "%s: row %u of 'operations' must hold a name and numbers",
                             place, profile->operation_count + 1);
        }
        operation->tokens = (uint32_t)values[0];
        operation->context = (uint32_t)values[1];
        operation->median_ms = values[2];
        profile->operation_count++;
    }
    return true;
}

bool step_profile_parse(struct step_profile *profile, const struct json *document,
                        const char *place, struct error *error)
{
    memset(profile, 0, sizeof *profile);
    return read_identity(profile, document, place, error) &&
           read_steps(profile, document, place, error) &&
           read_operations(profile, document, place, error);
}

bool step_profile_read(struct step_profile *profile, const char *path, struct error *error)
{
    struct json *document = NULL;
    bool ok = embedded_read_json(path, &document, error) &&
              step_profile_parse(profile, document, path, error);
    json_destroy(document);
    return ok;
}

const struct profile_step *step_profile_find(const struct step_profile *profile,
                                             const struct profile_step *like)
{
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == like->prompt_tokens &&
            step->prompt_context == like->prompt_context && step->requests == like->requests &&
            step->context == like->context && step->query_tokens == like->query_tokens) {
            return step;
        }
    }
    return NULL;
}

/* The median, at least 0; 0 of none. Clears the samples. */
static double take_median(struct samples *samples)
{
    double median = samples->count > 0 ? fmax(0, samples_quantile(samples, 0.5)) : 0;
    samples_clear(samples);
    return median;
}

/* Picoseconds a token of context: from each pair of contexts of one batch that are large enough for
 * the KV cache to be read at full rate. 0 when there is none. */
static double context_slope_ps(const struct step_profile *profile)
{
    enum { MIN_REQUESTS = 8, SHORT_CONTEXT = 512 };
    struct samples slopes;
    samples_init(&slopes);
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *far = &profile->steps[i];
        const struct profile_step *near = step_profile_find(
            profile, &(struct profile_step){
                         .requests = far->requests, .context = SHORT_CONTEXT, .query_tokens = 1});
        if (far->prompt_tokens == 0 && far->query_tokens == 1 && near != NULL &&
            far->requests >= MIN_REQUESTS && far->context >= 4 * SHORT_CONTEXT) {
            double tokens = (double)far->requests * (far->context - SHORT_CONTEXT);
            samples_add(&slopes, PS_OF_MS(far->median_ms - near->median_ms) / tokens);
        }
    }
    return take_median(&slopes);
}

/* Picoseconds a query-key pair, from chunks over a context against the same without. */
static double pair_slope_ps(const struct step_profile *profile)
{
    enum { MIN_TOKENS = 1024 };
    struct samples slopes;
    samples_init(&slopes);
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *with = &profile->steps[i];
        const struct profile_step *without =
            step_profile_find(profile, &(struct profile_step){.prompt_tokens = with->prompt_tokens,
                                                              .query_tokens = 1});
        if (with->requests == 0 && with->prompt_context > 0 && without != NULL &&
            with->prompt_tokens >= MIN_TOKENS) {
            double pairs = (double)with->prompt_tokens * with->prompt_context;
            samples_add(&slopes, PS_OF_MS(with->median_ms - without->median_ms) / pairs);
        }
    }
    return take_median(&slopes);
}

/* Puts a knot where it belongs. */
static void add_knot(struct cost_curve *curve, double tokens, double cost_ps)
{
    if (curve->count == STEP_COST_MAX_KNOTS) {
        return;
    }
    uint32_t at = curve->count++;
    for (; at > 0 && curve->tokens[at - 1] > tokens; at--) {
        curve->tokens[at] = curve->tokens[at - 1];
        curve->cost_ps[at] = curve->cost_ps[at - 1];
    }
    curve->tokens[at] = tokens;
    curve->cost_ps[at] = fmax(0, cost_ps);
}

/* The nearest curve that does not fall: neighbours that do are averaged (Barlow et al., 1972). */
static void make_monotone(struct cost_curve *curve)
{
    double means[STEP_COST_MAX_KNOTS];
    uint32_t sizes[STEP_COST_MAX_KNOTS];
    uint32_t pools = 0;
    for (uint32_t i = 0; i < curve->count; i++) {
        means[pools] = curve->cost_ps[i];
        sizes[pools++] = 1;
        while (pools > 1 && means[pools - 2] > means[pools - 1]) {
            double sum = means[pools - 2] * sizes[pools - 2] + means[pools - 1] * sizes[pools - 1];
            sizes[pools - 2] += sizes[pools - 1];
            means[pools - 2] = sum / sizes[pools - 2];
            pools--;
        }
    }
    uint32_t knot = 0;
    for (uint32_t p = 0; p < pools; p++) {
        for (uint32_t i = 0; i < sizes[p]; i++) {
            curve->cost_ps[knot++] = means[p];
        }
    }
}

/* Decodes of the shortest context of each batch, less the attention to it. */
static void compose_decode(const struct step_profile *profile, double slope_ps,
                           struct step_cost *cost)
{
    uint32_t shortest = UINT32_MAX;
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == 0 && step->query_tokens == 1) {
            shortest = step->context < shortest ? step->context : shortest;
            cost->largest_context_tokens =
                fmax(cost->largest_context_tokens, (double)step->requests * step->context);
        }
    }
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->prompt_tokens == 0 && step->query_tokens == 1 && step->context == shortest) {
            double tokens = (double)step->requests * (shortest + ATTENTION_TILE_TOKENS / 2.0);
            add_knot(&cost->decode, step->requests, PS_OF_MS(step->median_ms) - slope_ps * tokens);
        }
    }
    make_monotone(&cost->decode);
}

static void compose_prefill(const struct step_profile *profile, double pair_ps,
                            struct step_cost *cost)
{
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (step->requests == 0 && step->prompt_context == 0) {
            double pairs = (double)step->prompt_tokens * step->prompt_tokens / 2;
            add_knot(&cost->mixed, step->prompt_tokens,
                     PS_OF_MS(step->median_ms) - pair_ps * pairs);
        }
    }
    make_monotone(&cost->mixed);
}

bool step_profile_compose(const struct step_profile *profile, const char *place,
                          struct step_cost *cost, struct error *error)
{
    double slope_ps = context_slope_ps(profile);
    double pair_ps = pair_slope_ps(profile);
    *cost = (struct step_cost){
        .identity = {.source = "profiled", .tensor_parallel = profile->tensor_parallel}};
    const char *slash = strrchr(place, '/');
    const char *name = slash != NULL ? slash + 1 : place;
    const char *dot = strrchr(name, '.');
    snprintf(cost->identity.name, sizeof cost->identity.name, "%.*s",
             (int)(dot != NULL ? (size_t)(dot - name) : strlen(name)), name);
    snprintf(cost->identity.model, sizeof cost->identity.model, "%s", profile->model);
    snprintf(cost->identity.gpu, sizeof cost->identity.gpu, "%s", profile->gpu);
    snprintf(cost->identity.weights, sizeof cost->identity.weights, "%s", profile->weights);
    snprintf(cost->identity.kv_cache, sizeof cost->identity.kv_cache, "%s", profile->kv_cache);
    compose_decode(profile, slope_ps, cost);
    compose_prefill(profile, pair_ps, cost);
    if (slope_ps <= 0 || pair_ps <= 0 || cost->decode.count < 2 || cost->mixed.count < 2) {
        return error_set(error,
                         "%s: too few points to price steps by: measure the full grid "
                         "(the same kvcast-profile command resumes)",
                         place);
    }
    cost->attention = (struct attention_shape){.kv_heads = profile->kv_heads,
                                               .multiprocessors = profile->multiprocessors};
    cost->tile_ps = slope_ps * ATTENTION_TILE_TOKENS * profile->multiprocessors / profile->kv_heads;
    cost->mixed_attention_ps = pair_ps;
    cost->attention_is_even = true;
    return true;
}

static void add_to_curve(struct cost_curve *curve, double constant_ps)
{
    for (uint32_t i = 0; i < curve->count; i++) {
        curve->cost_ps[i] += constant_ps;
    }
}

void step_cost_add_constant(struct step_cost *cost, double constant_ps)
{
    add_to_curve(&cost->decode, constant_ps);
    add_to_curve(&cost->mixed, constant_ps);
}

void step_cost_take_host(struct step_cost *cost, const struct step_cost *host)
{
    memcpy(cost->identity.engine, host->identity.engine, sizeof cost->identity.engine);
    memcpy(cost->launch_ps, host->launch_ps, sizeof cost->launch_ps);
    cost->launch_tail_ps = host->launch_tail_ps;
    cost->launch_blocks_loop = host->launch_blocks_loop;
    cost->request_overhead_ps = host->request_overhead_ps;
    cost->idle_start_ps = host->idle_start_ps;
    cost->output_overhead_ps = host->output_overhead_ps;
    cost->step_noise = host->step_noise;
    cost->launch_noise = host->launch_noise;
    cost->idle_start_noise = host->idle_start_noise;
}
