#include "plots/study/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/study/study_items.h"
#include "plots/study/study_passes.h"
#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/engines/engine_presets.h"
#include "sim/metrics/samples.h"
#include "sim/scenario/scenario_run.h"

/* Its models, and on what they run. 7B and 14B: GPUs by its scripts (2 and 4), RTX 4090 by the size
 * of the KV cache in its figures (430,000 and 290,000 tokens). 32B: its scripts start 8 GPUs, but
 * the decode steps of Table 6 are those of four RTX A6000. 70B: A100 is a guess. */
static const struct study_model {
    const char *name;
    const char *reasoning;
    const char *traditional;
    const char *gpu;
    uint32_t gpus;
    uint32_t kv_tokens; /* that its figures show in bf16; 0: by the memory model */
    const char
        *awq; /* what its AWQ weights ran through: 7B took 2.2 to 2.6 times as long as bf16 */
} models[] = {
    {"7B", "DeepSeek-R1-Distill-Qwen-7B", "Qwen2.5-Math-7B", "RTX 4090", 2, 430000,
     "awq-int4-plain"},
    {"14B", "DeepSeek-R1-Distill-Qwen-14B", "Qwen2.5-14B", "RTX 4090", 4, 290000, "awq-int4-g128"},
    {"32B", "DeepSeek-R1-Distill-Qwen-32B", "Qwen2.5-32B", "RTX A6000", 4, 0, "awq-int4-g128"},
    {"70B", "DeepSeek-R1-Distill-Llama-70B", "Llama-3.3-70B-Instruct", "A100-PCIE-40GB", 8, 0,
     "awq-int4-g128"},
};

/* Words of a prompt, which its throughput counts; the share of n-gram drafts accepted, by how much
 * shorter answers are in streamed chunks than in tokens (Tables 18 to 23): the longer a model goes
 * on about a question, the more it repeats, traditional ones more than others. */
static const struct study_dataset {
    const char *name;
    const char *ours;
    uint32_t items;
    double prompt_words;
    double accepted;             /* of reasoning models */
    double accepted_traditional; /* of traditional ones */
} datasets[] = {
    {"GSM8k", "gsm8k", 100, 55, .35, .32},
    {"MATH500", "math-500", 100, 82, .355, .37},
    {"AIME24", "aime-2024", 30, 82, .39, .46},
    {"GPQA", "gpqa-diamond", 100, 117, .395, .50},
};

static const struct study_method {
    const char *name;
    const char *weights;
    const char *kv_cache;
    bool no_prefix_cache;
    bool is_split; /* one GPU for prompts, one for what follows */
} methods[] = {
    {"baseline", "bf16", "bf16", false, false},
    {"no-PD", "bf16", "bf16", false, false},
    {"no-prefix-cache", "bf16", "bf16", true, false},
    {"SD-ngram", "bf16", "bf16", false, false},
    {"GPTQ-Int4", "gptq-int4-g128", "bf16", false, false},
    {"AWQ", "awq-int4-g128", "bf16", false, false},
    {"FP8", "fp8", "bf16", false, false},
    {"L4", "bnb-nf4", "bf16", false, false},
    {"KV-FP8-E4M3", "bf16", "fp8", false, false},
    {"KV-FP8-E5M2", "bf16", "fp8-e5m2", false, false},
    {"PD-1P1D", "bf16", "bf16", false, true},
};

enum { BATCH_SIZE = 16, TOKEN_BUDGET = 4096, PASSES = 3 };
/* The study's front end takes requests in one after the other: inferred from how its times to first
 * token grow with the batch (Table 3). */
#define INTAKE_MS 9

static bool read_cell(const struct csv_reader *csv, struct study_cell *cell, struct error *error)
{
    struct study_numbers *published = &cell->published;
    double batch_size = 0;
    double token_budget = 0;
    double draft_tokens = 0;
    const struct {
        const char *name;
        char *text;
        size_t size;
    } texts[] = {{"table", cell->table, sizeof cell->table},
                 {"model", cell->model, sizeof cell->model},
                 {"model_kind", cell->model_kind, sizeof cell->model_kind},
                 {"method", cell->method, sizeof cell->method},
                 {"dataset", cell->dataset, sizeof cell->dataset},
                 {"suspect", cell->suspect, sizeof cell->suspect}};
    const struct {
        const char *name;
        double *value;
    } numbers[] = {{"batch_size", &batch_size},
                   {"token_budget", &token_budget},
                   {"draft_tokens", &draft_tokens},
                   {"accuracy_pct", &published->accuracy_pct},
                   {"mean_output_tokens", &published->mean_output_tokens},
                   {"pass_time_s", &published->pass_time_s},
                   {"tokens_per_s", &published->tokens_per_s},
                   {"ttfvt_s", &published->ttfvt_s}};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof texts / sizeof texts[0]; i++) {
        ok = study_read_text(csv, texts[i].name, texts[i].text, texts[i].size, error);
    }
    for (size_t i = 0; ok && i < sizeof numbers / sizeof numbers[0]; i++) {
        ok = study_read_number(csv, numbers[i].name, numbers[i].value, error);
    }
    cell->batch_size = ok && !isnan(batch_size) ? (uint32_t)batch_size : 0;
    cell->token_budget = ok && !isnan(token_budget) ? (uint32_t)token_budget : 0;
    cell->draft_tokens = ok && !isnan(draft_tokens) ? (uint32_t)draft_tokens : 0;
    return ok;
}

bool study_cells_read(struct study_cells *cells, struct error *error)
{
    struct csv_reader csv;
    size_t capacity = 0;
    bool more = true;
    bool ok = csv_open(&csv, "plots/study/data/tables.csv", NULL, error);
    *cells = (struct study_cells){NULL, 0};
    if (!ok) {
        return false;
    }
    while ((ok = csv_next(&csv, &more, error)) && more) {
        cells->cells =
            memory_grow(cells->cells, &capacity, (size_t)cells->count + 1, sizeof cells->cells[0]);
        memset(&cells->cells[cells->count], 0, sizeof cells->cells[0]);
        if (!read_cell(&csv, &cells->cells[cells->count++], error)) {
            ok = false;
            break;
        }
    }
    csv_close(&csv);
    if (!ok) {
        study_cells_clear(cells);
    }
    return ok;
}

void study_cells_clear(struct study_cells *cells)
{
    free(cells->cells);
    *cells = (struct study_cells){NULL, 0};
}

static const struct study_model *model_of(const struct study_cell *cell)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (text_equal(models[i].name, cell->model)) {
            return &models[i];
        }
    }
    return NULL;
}

static const struct study_dataset *dataset_of(const struct study_cell *cell)
{
    for (size_t i = 0; i < sizeof datasets / sizeof datasets[0]; i++) {
        if (text_equal(datasets[i].name, cell->dataset)) {
            return &datasets[i];
        }
    }
    return NULL;
}

static const struct study_method *method_of(const struct study_cell *cell)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (text_equal(methods[i].name, cell->method)) {
            return &methods[i];
        }
    }
    return NULL;
}

/* Where disaggregation is compared with none, it is said what ran on what: 7B on two RTX 4090, 14B
 * on two RTX A6000. How long a request it was started for is not; with the 32768 tokens of the
 * scripts V0 would have no memory left for a batch on one card. */
static void set_table_1(struct scenario *scenario, const struct study_model *model,
                        const struct study_method *method)
{
    enum { MAX_MODEL_LEN = 8192 };
    struct engine_settings *engine = &scenario->engine.settings;
    snprintf(scenario->hardware.gpu, sizeof scenario->hardware.gpu, "%s",
             text_equal(model->name, "14B") ? "RTX A6000" : "RTX 4090");
    scenario->hardware.tensor_parallel = method->is_split ? 1 : 2;
    scenario->fleet.prefill_instances = method->is_split ? 1 : 0;
    scenario->fleet.decode_instances = method->is_split ? 1 : 0;
    engine->num_blocks = 0;
    engine->max_model_len = MAX_MODEL_LEN;
    engine->max_batch_tokens = MAX_MODEL_LEN;
}

/* vLLM 0.8.1 serves an FP8 KV cache, n-gram drafts and the transfer of KV with its older engine,
 * which has no prefix caching unless told. */
static bool runs_on_v0(const struct study_cell *cell, const struct study_method *method)
{
    return !text_equal(method->kv_cache, "bf16") || cell->draft_tokens > 0 ||
           text_equal(cell->table, "1");
}

/* vLLM 0.8.1 with its defaults. Its V0 engine has no drafts here: V1 stands for it, at the times
 * that drafting took. */
bool study_scenario(const struct study_cell *cell, struct scenario *scenario)
{
    const struct study_model *model = model_of(cell);
    const struct study_dataset *dataset = dataset_of(cell);
    const struct study_method *method = method_of(cell);
    const struct engine_preset *preset = NULL;
    struct error error;
    if (model == NULL || dataset == NULL || method == NULL) {
        return false;
    }
    bool plain_kv = text_equal(method->kv_cache, "bf16");
    bool is_v0 = runs_on_v0(cell, method);
    if (!engine_preset_find(is_v0 && cell->draft_tokens == 0 ? "vllm-v0" : "vllm-0.8", &preset,
                            &error)) {
        return false;
    }
    bool reasons = text_equal(cell->model_kind, "reasoning");
    *scenario = scenario_default(preset);
    snprintf(scenario->name, sizeof scenario->name, "table %s", cell->table);
    snprintf(scenario->model.name, sizeof scenario->model.name, "%s",
             reasons ? model->reasoning : model->traditional);
    snprintf(scenario->model.weights, sizeof scenario->model.weights, "%s",
             text_equal(method->name, "AWQ") ? model->awq : method->weights);
    snprintf(scenario->model.kv_cache, sizeof scenario->model.kv_cache, "%s", method->kv_cache);
    snprintf(scenario->hardware.gpu, sizeof scenario->hardware.gpu, "%s", model->gpu);
    snprintf(scenario->workload.datasets, sizeof scenario->workload.datasets, "%s", dataset->ours);
    scenario->workload.client.kind = CLIENT_BATCH;
    scenario->workload.contrast_model[0] = '\0';
    scenario->hardware.tensor_parallel = model->gpus;
    scenario->engine.settings.prefix_caching = !is_v0 && !method->no_prefix_cache;
    scenario->engine.settings.draft_tokens = cell->draft_tokens;
    scenario->workload.draft_acceptance =
        reasons ? dataset->accepted : dataset->accepted_traditional;
    scenario->workload.token_budget = cell->token_budget > 0 ? cell->token_budget : TOKEN_BUDGET;
    scenario->workload.client.width = cell->batch_size > 0 ? cell->batch_size : BATCH_SIZE;
    scenario->workload.requests = dataset->items;
    scenario->engine.settings.host.intake_ps = INTAKE_MS * PS_PER_MS;
    scenario->metrics.timeline_interval_ps = 0;
    if (plain_kv && text_equal(scenario->model.weights, "bf16")) {
        scenario->engine.settings.num_blocks =
            model->kv_tokens / scenario->engine.settings.block_tokens;
    }
    if (text_equal(cell->table, "1")) {
        set_table_1(scenario, model, method);
    }
    return true;
}

static struct study_numbers numbers_of(const struct study_cell *cell,
                                       const struct study_pass_totals *totals)
{
    bool plain_ttft = text_equal(cell->table, "1") || !text_equal(cell->model_kind, "reasoning");
    double words = dataset_of(cell)->prompt_words * totals->requests;
    double passes = (double)totals->requests / dataset_of(cell)->items;
    return (struct study_numbers){
        .accuracy_pct = NAN,
        .mean_output_tokens = totals->chunks / totals->requests,
        .pass_time_s = totals->time_s / passes,
        .tokens_per_s = (words + totals->chunks) / totals->time_s,
        .ttfvt_s = plain_ttft ? totals->first_token_s / totals->requests
                              : totals->first_visible_s / totals->first_visible,
    };
}

/* The share of right answers that a generated load would have. */
static double accuracy_of(const struct scenario_run *run, const struct scenario *scenario)
{
    const char *name = run->deployment->model.name;
    const struct length_model *lengths = NULL;
    struct error ignored;
    const struct accuracy_model *model =
        accuracy_catalog_find(&run->workload.accuracies, name, scenario->workload.datasets,
                              weight_precision_answers_as(run->deployment->weights->name),
                              run->deployment->kv->name, ACCURACY_STUDY);
    if (model == NULL ||
        !length_catalog_find(&run->workload.catalog, scenario->workload.datasets, name,
                             run->deployment->kv->name, &lengths, &ignored)) {
        return NAN;
    }
    struct accuracy_chances chances = accuracy_chances_of(model, &lengths->output);
    return 100 * accuracy_expected(&chances, &lengths->output, scenario->workload.token_budget);
}

bool study_simulate(const struct study_cell *cell, uint32_t replications,
                    struct study_numbers *ret_simulated, struct error *error)
{
    struct scenario scenario;
    struct deployment deployment = {.group_count = 0};
    struct scenario_run run = {.deployment = NULL};
    struct study_pass_totals totals;
    *ret_simulated = (struct study_numbers){NAN, NAN, NAN, NAN, NAN};
    if (!study_scenario(cell, &scenario)) {
        return true;
    }
    bool ok = deployment_resolve(&deployment, &scenario, error) &&
              scenario_run_init(&run, &scenario, &deployment, error) &&
              study_passes_run(&scenario, &run, replications, &totals, error);
    if (ok) {
        *ret_simulated = numbers_of(cell, &totals);
        ret_simulated->accuracy_pct = accuracy_of(&run, &scenario);
    }
    scenario_run_clear(&run);
    deployment_clear(&deployment);
    return ok || error_add_place(error, "table %s, %s, %s, %s", cell->table, cell->model,
                                 cell->method, cell->dataset);
}

double study_accuracy_error_pct(const struct study_cell *cell)
{
    const struct study_dataset *dataset = dataset_of(cell);
    double share = cell->published.accuracy_pct / 100;
    double answers = dataset != NULL ? PASSES * dataset->items : 1;
    return 100 * sqrt(fmax(share * (1 - share), 0) / answers);
}
