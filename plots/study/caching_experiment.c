#include "plots/study/caching_experiment.h"

#include <assert.h>

#include "sim/base/units.h"
#include "sim/engines/engine_presets.h"
#include "sim/scenario/deployment.h"

/* Microseconds a block of 16 tokens, as plots/study/data/hash_times.py measured them: CPython 3.11
 * on an AMD EPYC. Hashing is Python's own, as vLLM 0.8 has it; SHA-256 takes 2.7. */
#define HASH_US 0.74
#define ENTER_US 0.25
#define LOOK_UP_US 0.14

/* A request of MATH-500: the median prompt in the study's template, of which two blocks stand
 * before the question, and the mean answer of R1-Distill-Qwen-7B within 4096 tokens. */
enum {
    BLOCK_TOKENS = 16,
    PROMPT_TOKENS = 122,
    TEMPLATE_TOKENS = 32,
    KNOWN_TOKENS = 112, /* all full blocks: the question was asked before */
    OUTPUT_TOKENS = 1682,
    CONTEXT_TOKENS = 963, /* of a running request, on average */
    BATCH = 16,
    MOST_RUNNING = 256,
};

static const char *const models[] = {
    "DeepSeek-R1-Distill-Qwen-1.5B",
    "DeepSeek-R1-Distill-Qwen-7B",
    "DeepSeek-R1-Distill-Qwen-14B",
    "DeepSeek-R1-Distill-Qwen-32B",
};

static const struct {
    const char *what;
    uint32_t prompts; /* in the step in which one is computed */
    uint32_t found_tokens;
} cases[] = {
    {"nothing is found", 1, 0},
    {"the template is found", 1, TEMPLATE_TOKENS},
    {"the question was asked before", 1, KNOWN_TOKENS},
    {"asked before, 16 prompts at once", BATCH, KNOWN_TOKENS},
};

double caching_host_us(uint32_t found_tokens)
{
    uint32_t found = found_tokens / BLOCK_TOKENS;
    uint32_t full = (PROMPT_TOKENS + OUTPUT_TOKENS) / BLOCK_TOKENS;
    uint32_t looked_up = found + (found < PROMPT_TOKENS / BLOCK_TOKENS); /* up to the first miss */
    return full * HASH_US + (full - found) * ENTER_US + looked_up * LOOK_UP_US;
}

static double step_us(const struct step_cost *cost, uint32_t prompts, uint32_t running,
                      uint32_t found_tokens)
{
    const struct step_noise none = {1, 1};
    uint32_t each = PROMPT_TOKENS - found_tokens;
    uint32_t tokens = prompts * each + running;
    struct batch_summary summary = {
        .decode_requests = running,
        .prefill_requests = prompts,
        .prefill_tokens = prompts * each,
        .decode_context_tokens = (uint64_t)running * CONTEXT_TOKENS,
        .decode_context_squares = (uint64_t)running * CONTEXT_TOKENS * CONTEXT_TOKENS,
        .prefill_context_tokens = (uint64_t)prompts * found_tokens,
        .prefill_attention_pairs_x2 = (uint64_t)prompts * each * (2 * found_tokens + each),
        .padded_tokens = (tokens + 7) / 8 * 8,
        .cuda_graph = CUDA_GRAPH_PIECEWISE,
    };
    struct attention_price attention = step_cost_attention(cost, &summary, NULL);
    return (double)step_cost_price(cost, &summary, attention, none).gpu_ps / PS_PER_US;
}

double caching_saved_us(const struct step_cost *cost, uint32_t prompts, uint32_t running,
                        uint32_t found_tokens)
{
    assert(prompts > 0 && found_tokens < PROMPT_TOKENS);
    return (step_us(cost, prompts, running, 0) - step_us(cost, prompts, running, found_tokens)) /
           prompts;
}

/* On one H200, at whole steps that the profiler measured there. */
static bool resolve(const char *model, struct deployment *deployment, struct scenario *scenario,
                    struct error *error)
{
    const struct engine_preset *preset = NULL;
    if (!engine_preset_find("vllm-0.8", &preset, error)) {
        return false;
    }
    *scenario = scenario_default(preset);
    snprintf(scenario->model.name, sizeof scenario->model.name, "%s", model);
    snprintf(scenario->cost, sizeof scenario->cost, "profiled");
    return deployment_resolve(deployment, scenario, error);
}

static void print_case(size_t i, const struct step_cost *cost, FILE *table)
{
    double spent_us = caching_host_us(cases[i].found_tokens);
    uint32_t turns_at = 0;
    fprintf(table, "    %-34s %8.0f us", cases[i].what, spent_us);
    for (uint32_t running = 1; running <= MOST_RUNNING; running *= 2) {
        double net_us =
            caching_saved_us(cost, cases[i].prompts, running, cases[i].found_tokens) - spent_us;
        if (running == 1 || running == 32 || running == MOST_RUNNING) {
            fprintf(table, " %+8.0f us", net_us);
        }
        if (net_us > 0 && turns_at == 0) {
            turns_at = running;
        }
    }
    if (turns_at > 0) {
        fprintf(table, "   from %u running on\n", turns_at);
    } else {
        fprintf(table, "   never\n");
    }
}

static void print_model(const char *model, const struct step_cost *cost, FILE *table)
{
    enum { RUNNING = 32 };
    double step_host_us = (double)RUNNING / BLOCK_TOKENS * (HASH_US + ENTER_US);
    double whole_us = step_us(cost, 0, RUNNING, 0);
    fprintf(table, "  %s: a step of %d decodes takes %.2f ms, its hashes %.1f us (%.2f %%)\n",
            model, RUNNING, whole_us / 1000, step_host_us, 100 * step_host_us / whole_us);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        print_case(i, cost, table);
    }
}

static void write_rows(const char *model, const struct step_cost *cost, FILE *file)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double spent_us = caching_host_us(cases[i].found_tokens);
        for (uint32_t running = 1; running <= MOST_RUNNING; running *= 2) {
            double saved_us =
                caching_saved_us(cost, cases[i].prompts, running, cases[i].found_tokens);
            fprintf(file, "%s,%u,%u,%u,%.2f,%.2f,%.2f\n", model, cases[i].prompts,
                    cases[i].found_tokens, running, saved_us, spent_us, saved_us - spent_us);
        }
    }
}

bool caching_experiment_run(FILE *file, FILE *table, struct error *error)
{
    fprintf(
        table,
        "\nPrefix caching on one H200, MATH-500: what a request of %d + %d tokens gains where the "
        "host's time is\nadded to the step's (one step in flight); hashing %.2f, entering %.2f, "
        "looking up %.2f us a block\n"
        "    %-34s %11s %11s %11s %11s   %s\n",
        PROMPT_TOKENS, OUTPUT_TOKENS, HASH_US, ENTER_US, LOOK_UP_US, "", "host", "1 running",
        "32 running", "256 running", "gains");
    fprintf(file, "model,prompts,found_tokens,running,saved_us,spent_us,net_us\n");
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        struct scenario scenario;
        struct deployment deployment = {.group_count = 0};
        bool ok = resolve(models[i], &deployment, &scenario, error);
        if (ok) {
            print_model(models[i], &deployment.cost, table);
            write_rows(models[i], &deployment.cost, file);
        }
        deployment_clear(&deployment);
        if (!ok) {
            return false;
        }
    }
    return true;
}
