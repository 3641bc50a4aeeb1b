#include "workloads/generator.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"

#define MAX_TOKENS 1e9

const struct setting_choice arrival_processes[] = {
    {"gamma", ARRIVAL_GAMMA, "gamma gaps: mean 1/rate, shape burstiness"},
    {"poisson", ARRIVAL_POISSON, "exponential gaps: mean 1/rate"},
    {"weibull", ARRIVAL_WEIBULL, "Weibull gaps: mean 1/rate, shape burstiness"},
    {"windows", ARRIVAL_WINDOWS, "gamma gaps whose rate and burstiness change over time"},
    {"constant", ARRIVAL_CONSTANT, "equal gaps of 1/rate"},
    {"all-at-once", ARRIVAL_ALL_AT_ONCE, "all requests arrive at time 0"},
    {.name = NULL},
};

struct component {
    const struct length_model *model;
    struct accuracy_chances chances; /* no points: nothing is known */
    uint32_t name;
    double weight_up_to; /* running sum */
};

/* Rate and burstiness up to a time. */
struct arrival_window {
    double until_s;
    double rate_per_s;
    double burstiness;
};

enum { MAX_WINDOWS = 256 };
#define MIN_WINDOW_S 0.1

struct mixture {
    struct component components[TRACE_MAX_DATASETS];
    uint32_t count;
};

/* A conversation going on: its next prompt holds all before it but the thinking. */
struct conversation {
    uint32_t id;
    uint32_t turns;
    uint32_t prefix_id;
    uint32_t history_tokens;
};

struct generator {
    struct generator_settings settings;
    struct mixture mixture;
    struct random_stream *gaps;
    struct random_stream *choices;
    struct random_stream *lengths;
    struct random_stream *prefixes;
    struct random_stream *answers;
    struct conversation *conversations;
    uint32_t conversations_begun;
    double now_s;
    struct arrival_window windows[MAX_WINDOWS];
    uint32_t window_count;
    uint32_t made;
};

static void set_chances(struct component *component, const struct generator_settings *settings)
{
    const struct length_model *lengths = component->model;
    const struct accuracy_model *accuracy =
        settings->accuracies != NULL
            ? accuracy_catalog_find(settings->accuracies, lengths->model, lengths->dataset,
                                    settings->weights, settings->kv_cache, settings->accuracy_scale)
            : NULL;
    component->chances.points = 0;
    if (accuracy != NULL) {
        component->chances = accuracy_chances_of(accuracy, &lengths->output);
    }
}

static bool add_component(struct mixture *mixture, const char *part,
                          const struct generator_settings *settings,
                          const struct length_catalog *catalog, struct trace_names *names,
                          struct error *error)
{
    char name[TRACE_DATASET_BYTES];
    double weight = 1;
    const char *colon = strchr(part, ':');
    size_t length = colon != NULL ? (size_t)(colon - part) : strlen(part);
    if (length == 0 || length >= sizeof name || mixture->count == TRACE_MAX_DATASETS ||
        (colon != NULL && (!text_to_double(colon + 1, &weight) || weight <= 0))) {
        return error_set(
            error, "workload.datasets: expected NAME:WEIGHT with a weight > 0, got '%s'", part);
    }
    memcpy(name, part, length);
    name[length] = '\0';
    struct component *component = &mixture->components[mixture->count];
    if (!length_catalog_find(catalog, name, settings->model,
                             settings->kv_cache != NULL ? settings->kv_cache : "",
                             &component->model, error) ||
        !trace_names_add(names, component->model->dataset, &component->name, error)) {
        return false;
    }
    set_chances(component, settings);
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

static bool parse_window(char *fields, struct arrival_window *window, double *ret_s)
{
    const char *first = strsep(&fields, ":");
    const char *second = fields != NULL ? strsep(&fields, ":") : NULL;
    return second != NULL && fields != NULL && text_to_double(first, ret_s) &&
           *ret_s >= MIN_WINDOW_S && text_to_double(second, &window->rate_per_s) &&
           window->rate_per_s >= 0 && text_to_double(fields, &window->burstiness) &&
           window->burstiness > 0;
}

static bool parse_windows(struct generator *generator, const char *text, struct error *error)
{
    double until_s = 0;
    bool ok = true;
    bool any = false;
    char *copy = memory_copy_text(text);
    char *rest = copy;
    for (char *part = strsep(&rest, ","); ok && part != NULL; part = strsep(&rest, ",")) {
        struct arrival_window window;
        double seconds = 0;
        ok = generator->window_count < MAX_WINDOWS && parse_window(part, &window, &seconds);
        if (ok) {
            until_s += seconds;
            window.until_s = until_s;
            any = any || window.rate_per_s > 0;
            generator->windows[generator->window_count++] = window;
        }
    }
    free(copy);
    return (ok && any) ||
           error_set(error,
                     "workload.windows: expected at most %d SECONDS:RATE:BURSTINESS, from 0.1 s on "
                     "(a rate may be 0, but not all of them), got '%s'",
                     MAX_WINDOWS, text);
}

/* The next arrival: gaps are drawn by the window they begin in, anew where it ends. */
static double next_in_windows_s(const struct generator *generator, double now_s)
{
    uint32_t last = generator->window_count - 1;
    double cycle_s = generator->windows[last].until_s;
    for (;;) {
        double cycles_s = floor(now_s / cycle_s) * cycle_s;
        uint32_t i = 0;
        while (i < last && now_s >= cycles_s + generator->windows[i].until_s) {
            i++;
        }
        const struct arrival_window *window = &generator->windows[i];
        double end_s = cycles_s + window->until_s;
        if (window->rate_per_s > 0) {
            double scale_s = 1 / window->rate_per_s / window->burstiness;
            double at_s = now_s + random_gamma(generator->gaps, window->burstiness, scale_s);
            if (at_s < end_s) {
                return at_s;
            }
        }
        now_s = end_s > now_s ? end_s : nextafter(now_s, INFINITY);
    }
}

static double draw_gap_s(const struct generator *generator)
{
    const struct generator_settings *settings = &generator->settings;
    struct random_stream *random = generator->gaps;
    double mean_s = 1 / settings->rate_per_s;
    double shape = settings->burstiness;
    switch (settings->arrival) {
    case ARRIVAL_WEIBULL:
        return mean_s / tgamma(1 + 1 / shape) * pow(-log(random_uniform(random)), 1 / shape);
    case ARRIVAL_WINDOWS:
        return next_in_windows_s(generator, generator->now_s) - generator->now_s;
    case ARRIVAL_GAMMA:
        return random_gamma(random, shape, mean_s / shape);
    case ARRIVAL_POISSON:
        return random_exponential(random, mean_s);
    case ARRIVAL_CONSTANT:
        return mean_s;
    case ARRIVAL_ALL_AT_ONCE:
        return 0;
    }
    return 0;
}

static uint32_t draw_output(const struct generator *generator,
                            const struct length_distribution *length)
{
    double tokens = length_distribution_draw(length, generator->lengths);
    double factor = generator->settings.output_factor > 0 ? generator->settings.output_factor : 1;
    return (uint32_t)fmax(1, round(fmin(tokens * factor, MAX_TOKENS)));
}

/* The thinking takes what the visible answer leaves of the uncut output, at least a tenth; then the
 * budget cuts. */
static void draw_lengths(const struct generator *generator, const struct length_model *model,
                         struct trace_request *request)
{
    uint32_t token_budget = generator->settings.token_budget;
    uint32_t output = draw_output(generator, &model->output);
    request->prompt_tokens = length_distribution_draw(&model->prompt, generator->lengths);
    request->output_tokens = smaller(output, token_budget);
    request->max_output_tokens = token_budget;
    if (model->is_reasoning) {
        uint32_t most = output - (output + 9) / 10;
        uint32_t visible = smaller(draw_output(generator, &model->visible), most);
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

bool generator_create(const struct generator_settings *settings,
                      const struct length_catalog *catalog, struct trace_names *names,
                      struct generator **ret_generator, struct error *error)
{
    struct generator *generator = memory_zeroed(1, sizeof *generator);
    generator->settings = *settings;
    if (!parse_mixture(&generator->mixture, settings, catalog, names, error) ||
        (settings->arrival == ARRIVAL_WINDOWS &&
         !parse_windows(generator, settings->windows, error))) {
        free(generator);
        return false;
    }
    generator->gaps = random_create(settings->seed, "arrivals");
    generator->choices = random_create(settings->seed, "datasets");
    generator->lengths = random_create(settings->seed, "lengths");
    generator->prefixes = random_create(settings->seed, "prefixes");
    generator->answers = random_create(settings->seed, "answers");
    if (settings->turns > 1) {
        generator->conversations =
            memory_zeroed(settings->conversations, sizeof generator->conversations[0]);
    }
    *ret_generator = generator;
    return true;
}

void generator_destroy(struct generator *generator)
{
    if (generator != NULL) {
        random_destroy(generator->gaps);
        random_destroy(generator->choices);
        random_destroy(generator->lengths);
        random_destroy(generator->prefixes);
        random_destroy(generator->answers);
        free(generator->conversations);
        free(generator);
    }
}

/* An answer that the budget cuts is not right; how likely one is that ends goes by its length, so
 * that the share of right ones at any budget is the one that was measured. */
static enum correctness draw_answer(struct generator *generator, const struct component *component,
                                    const struct trace_request *request)
{
    if (component->chances.points == 0) {
        return CORRECTNESS_UNKNOWN;
    }
    double uniform = random_uniform(generator->answers);
    bool is_cut = request->output_tokens >= generator->settings.token_budget;
    double chance = accuracy_chance_at(&component->chances, request->output_tokens);
    return !is_cut && uniform < chance ? CORRECTNESS_CORRECT : CORRECTNESS_WRONG;
}

static uint32_t choose_prefix(struct generator *generator)
{
    uint32_t prefixes = generator->settings.prefixes > 1 ? generator->settings.prefixes : 1;
    return generator->settings.prefix_tokens > 0 ? 1 + random_below(generator->prefixes, prefixes)
                                                 : 0;
}

/* The conversations take turns. */
static void continue_conversation(struct generator *generator, struct trace_request *request)
{
    struct conversation *one =
        &generator->conversations[generator->made % generator->settings.conversations];
    if (one->turns == 0) {
        *one = (struct conversation){.id = ++generator->conversations_begun,
                                     .turns = generator->settings.turns,
                                     .prefix_id = choose_prefix(generator),
                                     .history_tokens = generator->settings.prefix_tokens};
    }
    one->turns--;
    request->prefix_id = one->prefix_id;
    request->conversation_id = one->id;
    request->prompt_tokens += one->history_tokens;
    one->history_tokens =
        request->prompt_tokens + request->output_tokens - request->reasoning_tokens;
}

static void share_beginning(struct generator *generator, struct trace_request *request)
{
    request->prefix_tokens = generator->settings.prefix_tokens;
    if (generator->conversations != NULL) {
        continue_conversation(generator, request);
    } else {
        request->prefix_id = choose_prefix(generator);
        request->prompt_tokens += generator->settings.prefix_tokens;
    }
}

bool generator_next(struct generator *generator, struct trace_request *ret_request)
{
    if (generator->made == generator->settings.requests) {
        return false;
    }
    const struct component *component =
        choose(&generator->mixture, random_uniform(generator->choices));
    assert(component->model != NULL);
    generator->made++;
    generator->now_s += draw_gap_s(generator);
    *ret_request =
        (struct trace_request){.arrival_s = generator->now_s, .dataset = component->name};
    draw_lengths(generator, component->model, ret_request);
    share_beginning(generator, ret_request);
    ret_request->correctness = draw_answer(generator, component, ret_request);
    return true;
}
