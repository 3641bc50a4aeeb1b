#include "workloads/generator.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/distribution.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"

#define MAX_TOKENS 1e9

struct component {
    const struct length_model *model;
    struct accuracy_chances chances; /* no points: nothing is known */
    uint32_t name;
    double weight_up_to; /* running sum */
};

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

/* A question that is asked for several answers: how hard it is moves all their lengths, and another
 * trait of it, beyond lengths, moves whether they are right. Both are normal scores. */
struct question {
    const struct component *component;
    uint32_t id;
    uint32_t samples_left;
    uint32_t prompt_tokens;
    uint32_t prefix_id;
    double hardness;
    double trait;
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
    struct question question;
    uint32_t questions_begun;
    struct arrival_process arrivals;
    double now_s;
    uint32_t made;
};

static uint32_t samples_of(const struct generator *generator)
{
    uint32_t samples = generator->settings.sharing.samples;
    return samples > 1 ? samples : 1;
}

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

static double draw_score(struct random_stream *random)
{
    return distribution_normal_quantile(random_uniform(random));
}

/* A uniform number of one sample, of whose normal score a share is its question's. */
static double draw_of_question(struct random_stream *random, double score, double share)
{
    return distribution_normal_cumulative(sqrt(share) * score +
                                          sqrt(1 - share) * draw_score(random));
}

static uint32_t tokens_at(const struct generator *generator,
                          const struct length_distribution *length, double uniform)
{
    double tokens = length_distribution_at(length, uniform);
    double factor = generator->settings.output_factor > 0 ? generator->settings.output_factor : 1;
    return (uint32_t)fmax(1, round(fmin(tokens * factor, MAX_TOKENS)));
}

/* The thinking takes what the visible answer leaves of the uncut output, at least a tenth; then the
 * budget cuts. */
static void draw_lengths(struct generator *generator, const struct length_model *model,
                         struct trace_request *request)
{
    const struct question *question = &generator->question;
    struct random_stream *random = generator->lengths;
    uint32_t token_budget = generator->settings.token_budget;
    bool is_sample = samples_of(generator) > 1;
    double uniform = is_sample ? draw_of_question(random, question->hardness, model->between_share)
                               : random_uniform(random);
    uint32_t output = tokens_at(generator, &model->output, uniform);
    request->prompt_tokens =
        is_sample ? question->prompt_tokens : length_distribution_draw(&model->prompt, random);
    request->output_tokens = smaller(output, token_budget);
    request->max_output_tokens = token_budget;
    if (model->is_reasoning) {
        uint32_t most = output - (output + 9) / 10;
        uint32_t visible =
            smaller(tokens_at(generator, &model->visible, random_uniform(random)), most);
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
    if (settings->sharing.samples > 1 && settings->sharing.turns > 1) {
        free(generator);
        return error_set(error,
                         "workload.samples: several answers to a question cannot be asked for "
                         "in conversations: expected 1 with 'workload.turns' above 1, got %u",
                         settings->sharing.samples);
    }
    generator->settings = *settings;
    if (!parse_mixture(&generator->mixture, settings, catalog, names, error) ||
        !arrival_process_init(&generator->arrivals, &settings->arrivals, samples_of(generator),
                              error)) {
        free(generator);
        return false;
    }
    generator->gaps = random_create(settings->seed, "arrivals");
    generator->choices = random_create(settings->seed, "datasets");
    generator->lengths = random_create(settings->seed, "lengths");
    generator->prefixes = random_create(settings->seed, "prefixes");
    generator->answers = random_create(settings->seed, "answers");
    if (settings->sharing.turns > 1) {
        generator->conversations =
            memory_zeroed(settings->sharing.conversations, sizeof generator->conversations[0]);
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
    double uniform = samples_of(generator) > 1
                         ? draw_of_question(generator->answers, generator->question.trait,
                                            generator->settings.accuracies->problem_share)
                         : random_uniform(generator->answers);
    bool is_cut = request->output_tokens >= generator->settings.token_budget;
    double chance = accuracy_chance_at(&component->chances, request->output_tokens);
    return !is_cut && uniform < chance ? CORRECTNESS_CORRECT : CORRECTNESS_WRONG;
}

static uint32_t choose_prefix(struct generator *generator)
{
    uint32_t prefixes =
        generator->settings.sharing.prefixes > 1 ? generator->settings.sharing.prefixes : 1;
    return generator->settings.sharing.prefix_tokens > 0
               ? 1 + random_below(generator->prefixes, prefixes)
               : 0;
}

/* The conversations take turns. */
static void continue_conversation(struct generator *generator, struct trace_request *request)
{
    struct conversation *one =
        &generator->conversations[generator->made % generator->settings.sharing.conversations];
    if (one->turns == 0) {
        *one = (struct conversation){.id = ++generator->conversations_begun,
                                     .turns = generator->settings.sharing.turns,
                                     .prefix_id = choose_prefix(generator),
                                     .history_tokens = generator->settings.sharing.prefix_tokens};
    }
    one->turns--;
    request->prefix_id = one->prefix_id;
    request->conversation_id = one->id;
    request->prompt_tokens += one->history_tokens;
    one->history_tokens =
        request->prompt_tokens + request->output_tokens - request->reasoning_tokens;
}

/* Samples share the whole prompt: as a prefix of their own, or behind the common prefix as the
 * conversation of their question. */
static void share_question(const struct generator *generator, struct trace_request *request)
{
    const struct question *question = &generator->question;
    uint32_t prefix_tokens = generator->settings.sharing.prefix_tokens;
    request->prompt_tokens += prefix_tokens;
    if (prefix_tokens > 0) {
        request->prefix_id = question->prefix_id;
        request->prefix_tokens = prefix_tokens;
        request->conversation_id = question->id;
    } else {
        request->prefix_id = question->id;
        request->prefix_tokens = request->prompt_tokens;
    }
}

static void share_beginning(struct generator *generator, struct trace_request *request)
{
    if (samples_of(generator) > 1) {
        share_question(generator, request);
        return;
    }
    request->prefix_tokens = generator->settings.sharing.prefix_tokens;
    if (generator->conversations != NULL) {
        continue_conversation(generator, request);
    } else {
        request->prefix_id = choose_prefix(generator);
        request->prompt_tokens += generator->settings.sharing.prefix_tokens;
    }
}

static void begin_question(struct generator *generator)
{
    struct question *question = &generator->question;
    question->component = choose(&generator->mixture, random_uniform(generator->choices));
    question->samples_left = samples_of(generator);
    generator->now_s = arrival_process_next_s(&generator->arrivals, generator->gaps);
    if (question->samples_left > 1) {
        question->id = ++generator->questions_begun;
        question->prompt_tokens =
            length_distribution_draw(&question->component->model->prompt, generator->lengths);
        question->prefix_id = choose_prefix(generator);
        question->hardness = draw_score(generator->lengths);
        question->trait = draw_score(generator->answers);
    }
}

bool generator_next(struct generator *generator, struct trace_request *ret_request)
{
    if (generator->made == generator->settings.requests) {
        return false;
    }
    if (generator->question.samples_left == 0) {
        begin_question(generator);
    }
    const struct component *component = generator->question.component;
    assert(component != NULL && component->model != NULL);
    generator->question.samples_left--;
    generator->made++;
    *ret_request = (struct trace_request){
        .arrival_s = generator->now_s, .dataset = component->name, .user = component->name};
    draw_lengths(generator, component->model, ret_request);
    share_beginning(generator, ret_request);
    ret_request->correctness = draw_answer(generator, component, ret_request);
    assert(ret_request->reasoning_tokens <= ret_request->output_tokens);
    return true;
}

bool generator_note(const struct generator *generator, uint32_t index,
                    struct generator_notes *ret_notes)
{
    const struct generator_settings *settings = &generator->settings;
    if (index >= generator->mixture.count) {
        return false;
    }
    const struct component *component = &generator->mixture.components[index];
    const struct length_model *model = component->model;
    *ret_notes = (struct generator_notes){.lengths = ""};
    if (model->known == LENGTH_ASSUMED) {
        snprintf(ret_notes->lengths, sizeof ret_notes->lengths,
                 "workload.datasets: lengths of '%s' under '%s' are assumed, not measured ('kvcast "
                 "list lengths' says from what)",
                 model->dataset, model->model);
    }
    if (settings->accuracies != NULL && component->chances.points == 0 &&
        model->known != LENGTH_CHOSEN) {
        snprintf(ret_notes->accuracy, sizeof ret_notes->accuracy,
                 "workload.datasets: answers of '%s' to '%s' with %s weights and %s KV are not "
                 "graded: their accuracy is not known on the scale '%s'",
                 model->model, model->dataset, settings->weights, settings->kv_cache,
                 accuracy_scales[settings->accuracy_scale].name);
    }
    return true;
}
