#include "plots/study/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
 * of the KV cache in its figures (430,000 and 290,000 tokens); 32B: 8 GPUs by its scripts; 70B fits
 * no 24 GB cards, of the others A100 is a guess. */
static const struct study_model {
    const char *name;
    const char *reasoning;
    const char *traditional;
    const char *gpu;
    uint32_t gpus;
    const char
        *awq; /* what its AWQ weights ran through: 7B took 2.2 to 2.6 times as long as bf16 */
} models[] = {
    {"7B", "DeepSeek-R1-Distill-Qwen-7B", "Qwen2.5-Math-7B", "RTX 4090", 2, "awq-int4-plain"},
    {"14B", "DeepSeek-R1-Distill-Qwen-14B", "Qwen2.5-14B", "RTX 4090", 4, "awq-int4-g128"},
    {"32B", "DeepSeek-R1-Distill-Qwen-32B", "Qwen2.5-32B", "RTX 4090", 8, "awq-int4-g128"},
    {"70B", "DeepSeek-R1-Distill-Llama-70B", "Llama-3.3-70B-Instruct", "A100-PCIE-40GB", 8,
     "awq-int4-g128"},
};

/* Words of a prompt, which its throughput counts. */
static const struct study_dataset {
    const char *name;
    const char *ours;
    uint32_t items;
    double prompt_words;
} datasets[] = {
    {"GSM8k", "gsm8k", 100, 55},
    {"MATH500", "math-500", 100, 82},
    {"AIME24", "aime-2024", 30, 82},
    {"GPQA", "gpqa-diamond", 100, 117},
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

static bool read_text(const struct csv_reader *csv, const char *name, char *buffer, size_t size,
                      struct error *error)
{
    size_t column = 0;
    return csv_require(csv, name, &column, error) &&
           (text_copy(buffer, size, csv->fields[column]) ||
            error_set(error, "%s:%llu: '%s' is too long", csv->path, (unsigned long long)csv->line,
                      name));
}

static bool read_number(const struct csv_reader *csv, const char *name, double *ret_value,
                        struct error *error)
{
    size_t column = 0;
    *ret_value = NAN;
    return csv_require(csv, name, &column, error) &&
           (csv->fields[column][0] == '\0' || csv_double(csv, column, 0, 1e9, ret_value, error));
}

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
        ok = read_text(csv, texts[i].name, texts[i].text, texts[i].size, error);
    }
    for (size_t i = 0; ok && i < sizeof numbers / sizeof numbers[0]; i++) {
        ok = read_number(csv, numbers[i].name, numbers[i].value, error);
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
    bool ok = csv_open(&csv, "workloads/data/study/tables.csv", NULL, error);
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
 * on two RTX A6000. */
static void set_table_1(struct scenario *scenario, const struct study_model *model,
                        const struct study_method *method)
{
    snprintf(scenario->hardware.gpu, sizeof scenario->hardware.gpu, "%s",
             text_equal(model->name, "14B") ? "RTX A6000" : "RTX 4090");
    scenario->hardware.tensor_parallel = method->is_split ? 1 : 2;
    scenario->fleet.prefill_instances = method->is_split ? 1 : 0;
    scenario->fleet.decode_instances = method->is_split ? 1 : 0;
}

/* vLLM 0.8.1 with its defaults; an FP8 KV cache makes it fall back to its V0 engine. */
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
    if (!engine_preset_find(plain_kv ? "vllm-0.8" : "vllm-v0", &preset, &error)) {
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
    scenario->engine.settings.prefix_caching = plain_kv && !method->no_prefix_cache;
    scenario->engine.settings.draft_tokens = cell->draft_tokens;
    scenario->workload.token_budget = cell->token_budget > 0 ? cell->token_budget : TOKEN_BUDGET;
    scenario->workload.client.width = cell->batch_size > 0 ? cell->batch_size : BATCH_SIZE;
    scenario->workload.requests = dataset->items;
    scenario->engine.settings.host.intake_ps = INTAKE_MS * PS_PER_MS;
    scenario->metrics.timeline_interval_ps = 0;
    if (text_equal(cell->table, "1")) {
        set_table_1(scenario, model, method);
    }
    return true;
}

static void shuffle(uint32_t *order, uint32_t count, struct random_stream *random)
{
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = random_below(random, i);
        uint32_t moved = order[i - 1];
        order[i - 1] = order[other];
        order[other] = moved;
    }
}

/* The quantile that the item of this rank stands for. */
static uint32_t length_of(const struct length_distribution *length, uint32_t rank, uint32_t items)
{
    return length_distribution_at(length, (rank + 0.5) / items);
}

/* The items are the same in every pass: one stands for each part of the distribution of lengths.
 * Their order is not known. */
static bool make_items(const struct scenario *scenario, const struct scenario_run *run,
                       uint64_t seed, struct request *requests, struct error *error)
{
    const struct length_model *lengths = NULL;
    uint32_t count = scenario->workload.requests;
    if (!length_catalog_find(&run->workload.catalog, scenario->workload.datasets,
                             run->deployment->model.name, scenario->model.kv_cache, &lengths,
                             error)) {
        return false;
    }
    uint32_t *of_output = memory_zeroed((size_t)3 * count, sizeof of_output[0]);
    uint32_t *of_prompt = of_output + count;
    uint32_t *of_visible = of_prompt + count;
    struct random_stream *random = random_create(seed, "items");
    shuffle(of_output, count, random);
    shuffle(of_prompt, count, random);
    shuffle(of_visible, count, random);
    random_destroy(random);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t output = length_of(&lengths->output, of_output[i], count);
        uint32_t visible = output;
        if (lengths->is_reasoning) {
            uint32_t most = output - (output + 9) / 10;
            visible = length_of(&lengths->visible, of_visible[i], count);
            visible = smaller(visible, most);
        }
        uint32_t budget = scenario->workload.token_budget;
        uint32_t reasoning = output - visible;
        requests[i] = (struct request){
            .ask.prompt_tokens = length_of(&lengths->prompt, of_prompt[i], count),
            .ask.max_output_tokens = budget,
            .truth.output_tokens = smaller(output, budget),
            .truth.reasoning_tokens = smaller(reasoning, budget),
            .truth.drafts = {.probability = scenario->workload.draft_acceptance,
                             .key = random_bits_at(random_key(seed, "drafts"), i)},
        };
    }
    free(of_output);
    return true;
}

static void add_numbers(struct study_numbers *sum, const struct run_summary *summary,
                        const struct study_cell *cell, uint32_t items)
{
    bool plain_ttft = text_equal(cell->table, "1") || !text_equal(cell->model_kind, "reasoning");
    double chunks = (double)(summary->speculation.streamed_chunks);
    double words = dataset_of(cell)->prompt_words * items;
    sum->mean_output_tokens += chunks / items;
    sum->pass_time_s += summary->makespan_s;
    sum->tokens_per_s += (words + chunks) / summary->makespan_s;
    sum->ttfvt_s += plain_ttft ? summary->latency.ttft_s.mean : summary->latency.ttfvt_s.mean;
}

/* The share of right answers that a generated load would have. */
static double accuracy_of(const struct scenario_run *run, const struct scenario *scenario)
{
    const char *name = run->deployment->model.name;
    const struct length_model *lengths = NULL;
    struct error ignored;
    const struct accuracy_model *model =
        accuracy_catalog_find(&run->workload.accuracies, name, scenario->workload.datasets,
                              weight_precision_answers_as(scenario->model.weights),
                              scenario->model.kv_cache, ACCURACY_STUDY);
    if (model == NULL || !length_catalog_find(&run->workload.catalog, scenario->workload.datasets,
                                              name, scenario->model.kv_cache, &lengths, &ignored)) {
        return NAN;
    }
    struct accuracy_chances chances = accuracy_chances_of(model, &lengths->output);
    return 100 * accuracy_expected(&chances, &lengths->output, scenario->workload.token_budget);
}

bool study_simulate(const struct study_cell *cell, uint32_t replications,
                    struct study_numbers *ret_simulated, struct error *error)
{
    struct scenario scenario;
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    struct study_numbers sum = {0};
    *ret_simulated = (struct study_numbers){NAN, NAN, NAN, NAN, NAN};
    if (!study_scenario(cell, &scenario)) {
        return true;
    }
    struct request *requests = memory_zeroed(scenario.workload.requests, sizeof requests[0]);
    bool ok = deployment_resolve(&deployment, &scenario, error) &&
              scenario_run_init(&run, &scenario, &deployment, error);
    for (uint32_t i = 0; ok && i < replications; i++) {
        ok = make_items(&scenario, &run, 1 + i, requests, error);
        if (ok) {
            struct simulation *simulation =
                simulation_create(&run.settings, requests, scenario.workload.requests);
            simulation_run(simulation);
            struct run_summary summary = simulation_summarize(simulation);
            add_numbers(&sum, &summary, cell, scenario.workload.requests);
            simulation_destroy(simulation);
        }
    }
    if (ok) {
        double count = replications;
        *ret_simulated =
            (struct study_numbers){.accuracy_pct = accuracy_of(&run, &scenario),
                                   .mean_output_tokens = sum.mean_output_tokens / count,
                                   .pass_time_s = sum.pass_time_s / count,
                                   .tokens_per_s = sum.tokens_per_s / count,
                                   .ttfvt_s = sum.ttfvt_s / count};
    }
    scenario_run_clear(&run);
    free(requests);
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

static void add_point(struct study_points *points, size_t *capacity,
                      const struct study_point *point)
{
    if (!isnan(point->published)) {
        points->points = memory_grow(points->points, capacity, (size_t)points->count + 1,
                                     sizeof points->points[0]);
        points->points[points->count++] = *point;
    }
}

/* One row holds the reasoning model's value and, in the 7B figure, the traditional one's. */
static bool read_points(struct study_points *points, size_t *capacity, const char *path,
                        const char *model, const char *dataset, struct error *error)
{
    struct csv_reader csv;
    bool more = true;
    bool ok = csv_open(&csv, path, NULL, error);
    if (!ok) {
        return false;
    }
    while ((ok = csv_next(&csv, &more, error)) && more) {
        struct study_point point = {.published = NAN};
        double traditional = NAN;
        snprintf(point.model, sizeof point.model, "%s", model);
        snprintf(point.dataset, sizeof point.dataset, "%s", dataset);
        ok = read_text(&csv, "series", point.series, sizeof point.series, error) &&
             read_number(&csv, "t_s", &point.at_s, error) &&
             read_number(&csv, "rllm", &point.published, error);
        if (ok && csv_find(&csv, "llm") >= 0) {
            ok = read_text(&csv, "dataset", point.dataset, sizeof point.dataset, error) &&
                 read_number(&csv, "llm", &traditional, error);
        }
        if (!ok) {
            break;
        }
        snprintf(point.model_kind, sizeof point.model_kind, "reasoning");
        add_point(points, capacity, &point);
        point.published = traditional;
        snprintf(point.model_kind, sizeof point.model_kind, "traditional");
        add_point(points, capacity, &point);
    }
    csv_close(&csv);
    return ok;
}

static double value_at(const struct simulation *simulation, const struct study_point *point,
                       uint32_t delay_s)
{
    const struct timeline *timeline = simulation_timeline(simulation);
    uint64_t index = (uint64_t)point->at_s + delay_s;
    if (index >= timeline->samples.kept_count) {
        return 0;
    }
    const struct timeline_state *state = &timeline->samples.kept[index].state;
    return text_equal(point->series, "running")
               ? state->running
               : 100.0 * state->used_blocks / timeline->total_blocks;
}

/* As the figures spell them. */
static const char *table_name(const char *dataset)
{
    return text_equal(dataset, "GSM8K")      ? "GSM8k"
           : text_equal(dataset, "AIME2024") ? "AIME24"
                                             : dataset;
}

/* Runs past the last of the points, not to the end of the pass. */
static void run_past(struct simulation *simulation, struct study_point *const *points,
                     uint32_t count)
{
    double last_s = 0;
    for (uint32_t k = 0; k < count; k++) {
        last_s = fmax(last_s, points[k]->at_s);
    }
    while (simulation_now_ps(simulation) < ps_from_s(last_s + 2 * STUDY_LOG_INTERVAL_S) &&
           simulation_step(simulation)) {
    }
    simulation_settle(simulation);
}

/* Bands of all points of one curve: same model, kind and dataset. A pass is batch after batch, and
 * so are the curves: models that are done with a batch in 20 s use the cache again after 30. */
static bool simulate_curve(struct study_point *const *points, uint32_t count, uint32_t replications,
                           struct error *error)
{
    enum { FIGURE_BUDGET = 20480 };
    struct study_cell cell = {.batch_size = BATCH_SIZE, .token_budget = FIGURE_BUDGET};
    struct scenario scenario;
    struct deployment deployment;
    struct scenario_run run = {.deployment = NULL};
    snprintf(cell.model, sizeof cell.model, "%s", points[0]->model);
    snprintf(cell.model_kind, sizeof cell.model_kind, "%s", points[0]->model_kind);
    snprintf(cell.method, sizeof cell.method, "baseline");
    snprintf(cell.dataset, sizeof cell.dataset, "%s", table_name(points[0]->dataset));
    if (!study_scenario(&cell, &scenario)) {
        return error_set(error, "the study has no '%s' on '%s'", cell.model, cell.dataset);
    }
    scenario.metrics.timeline_interval_ps = PS_PER_S;
    struct request *requests = memory_zeroed(scenario.workload.requests, sizeof requests[0]);
    struct samples *values = memory_zeroed(count, sizeof values[0]);
    bool ok = deployment_resolve(&deployment, &scenario, error) &&
              scenario_run_init(&run, &scenario, &deployment, error);
    for (uint32_t i = 0; ok && i < replications; i++) {
        ok = make_items(&scenario, &run, 1000 + i, requests, error);
        if (ok) {
            struct simulation *simulation =
                simulation_create(&run.settings, requests, scenario.workload.requests);
            run_past(simulation, points, count);
            for (uint32_t k = 0; k < count; k++) {
                samples_add(&values[k], value_at(simulation, points[k], i % STUDY_LOG_INTERVAL_S));
            }
            simulation_destroy(simulation);
        }
    }
    for (uint32_t k = 0; k < count; k++) {
        if (ok) {
            points[k]->low = samples_quantile(&values[k], 0.05);
            points[k]->middle = samples_quantile(&values[k], 0.5);
            points[k]->high = samples_quantile(&values[k], 0.95);
        }
        samples_clear(&values[k]);
    }
    scenario_run_clear(&run);
    free(requests);
    free(values);
    return ok;
}

static bool same_batch(const struct study_point *a, const struct study_point *b)
{
    return text_equal(a->model, b->model) && text_equal(a->model_kind, b->model_kind) &&
           text_equal(a->dataset, b->dataset);
}

bool study_points_simulate(uint32_t replications, struct study_points *points, struct error *error)
{
    size_t capacity = 0;
    *points = (struct study_points){NULL, 0};
    bool ok = read_points(points, &capacity, "workloads/data/study/kv-and-running-7b-batch16.csv",
                          "7B", "", error) &&
              read_points(points, &capacity, "workloads/data/study/kv-and-running-14b-batch16.csv",
                          "14B", "MATH500", error);
    struct study_point **batch = memory_zeroed((size_t)points->count + 1, sizeof batch[0]);
    bool *is_done = memory_zeroed((size_t)points->count + 1, sizeof is_done[0]);
    for (uint32_t i = 0; ok && i < points->count; i++) {
        uint32_t count = 0;
        for (uint32_t k = i; !is_done[i] && k < points->count; k++) {
            if (same_batch(&points->points[i], &points->points[k])) {
                batch[count++] = &points->points[k];
                is_done[k] = k > i;
            }
        }
        ok = count == 0 || simulate_curve(batch, count, replications, error);
    }
    free(batch);
    free(is_done);
    if (!ok) {
        study_points_clear(points);
    }
    return ok;
}

void study_points_clear(struct study_points *points)
{
    free(points->points);
    *points = (struct study_points){NULL, 0};
}
