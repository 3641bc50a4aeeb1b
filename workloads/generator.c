#include "workloads/generator.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/text.h"

struct component {
    const struct length_model *model;
    uint32_t name;
    double weight_up_to; /* running sum */
};

struct mixture {
    struct component components[TRACE_MAXIMUM_DATASETS];
    uint32_t count;
};

static bool add_component(struct mixture *mixture, const char *part,
                          const struct generator_settings *settings,
                          const struct length_catalog *catalog, struct trace_names *names,
                          struct error *error)
{
    char name[TRACE_DATASET_BYTES];
    double weight = 1;
    const char *colon = strchr(part, ':');
    size_t length = colon != NULL ? (size_t)(colon - part) : strlen(part);
    if (length == 0 || length >= sizeof name || mixture->count == TRACE_MAXIMUM_DATASETS ||
        (colon != NULL && (!text_to_double(colon + 1, &weight) || weight <= 0))) {
        return error_set(
            error, "workload.datasets: expected NAME:WEIGHT with a weight > 0, got '%s'", part);
    }
    memcpy(name, part, length);
    name[length] = '\0';
    struct component *component = &mixture->components[mixture->count];
    if (!length_catalog_find(catalog, name, settings->model, &component->model, error) ||
        !trace_names_add(names, component->model->dataset, &component->name, error)) {
        return false;
    }
    double before = mixture->count > 0 ? component[-1].weight_up_to : 0;
    component->weight_up_to = before + weight;
    mixture->count++;
    return true;
}

static bool parse_mixture(struct mixture *mixture, const struct generator_settings *settings,
                          const struct length_catalog *catalog, struct trace_names *names,
                          struct error *error)
{
    char *text = memory_copy_text(settings->datasets);
    bool ok = true;
    char *rest = text;
    for (char *part = strsep(&rest, ","); ok && part != NULL; part = strsep(&rest, ",")) {
        part += strspn(part, " ");
        ok = add_component(mixture, part, settings, catalog, names, error);
    }
    free(text);
    return ok;
}

static double draw_gap_s(const struct generator_settings *settings, struct random_stream *random)
{
    double mean_s = 1 / settings->rate_per_s;
    switch (settings->arrival) {
    case ARRIVAL_GAMMA:
        return random_gamma(random, settings->burstiness, mean_s / settings->burstiness);
    case ARRIVAL_POISSON:
        return random_exponential(random, mean_s);
    case ARRIVAL_CONSTANT:
        return mean_s;
    case ARRIVAL_ALL_AT_ONCE:
        return 0;
    }
    return 0;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* The thinking takes what the visible answer leaves of the uncut output, at least a tenth; then the
 * budget cuts. */
static void draw_lengths(const struct length_model *model, uint32_t token_budget,
                         struct random_stream *random, struct trace_request *request)
{
    uint32_t output = length_distribution_draw(&model->output, random);
    request->prompt_tokens = length_distribution_draw(&model->prompt, random);
    request->output_tokens = smaller(output, token_budget);
    request->max_output_tokens = token_budget;
    if (model->is_reasoning) {
        uint32_t most = output - (output + 9) / 10;
        uint32_t visible = smaller(length_distribution_draw(&model->visible, random), most);
        request->reasoning_tokens = smaller(output - visible, request->output_tokens);
    }
}

static const struct component *choose(const struct mixture *mixture, double uniform)
{
    double wanted = uniform * mixture->components[mixture->count - 1].weight_up_to;
    uint32_t i = 0;
    while (i + 1 < mixture->count && wanted > mixture->components[i].weight_up_to) {
        i++;
    }
    return &mixture->components[i];
}

bool generator_run(const struct generator_settings *settings, const struct length_catalog *catalog,
                   struct trace_names *names, struct trace_request **ret_requests,
                   struct error *error)
{
    struct mixture mixture = {.count = 0};
    if (!parse_mixture(&mixture, settings, catalog, names, error)) {
        return false;
    }
    struct random_stream *gaps = random_create(settings->seed, "arrivals");
    struct random_stream *choices = random_create(settings->seed, "datasets");
    struct random_stream *lengths = random_create(settings->seed, "lengths");
    struct trace_request *requests = memory_zeroed(settings->requests, sizeof requests[0]);
    double now_s = 0;
    for (uint32_t i = 0; i < settings->requests; i++) {
        const struct component *component = choose(&mixture, random_uniform(choices));
        assert(component->model != NULL);
        now_s += draw_gap_s(settings, gaps);
        requests[i].arrival_s = now_s;
        requests[i].dataset = component->name;
        draw_lengths(component->model, settings->token_budget, lengths, &requests[i]);
    }
    random_destroy(lengths);
    random_destroy(choices);
    random_destroy(gaps);
    *ret_requests = requests;
    return true;
}
