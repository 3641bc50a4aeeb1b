/* Headline numbers first, then how the run went, then everything in tables, then what it all rests
 * on. */
#include "sim/pages/run_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"
#include "sim/pages/page.h"
#include "sim/report/run_charts.h"

/* The results as the page reads them. */
struct source {
    const struct json *summary;
    const struct json *intervals; /* of replications; NULL: one run */
    const struct run_curves *curves;
    struct page page;
};

static const struct json *find(const struct json *object, const char *name)
{
    return object != NULL && json_is_object(object) ? json_find(object, name) : NULL;
}

static double number_of(const struct json *value)
{
    double number = NAN;
    return value != NULL && json_number(value, &number) ? number : (double)NAN;
}

static const char *text_of(const struct json *value)
{
    const char *text = value != NULL ? json_text(value) : NULL;
    return text != NULL ? text : "";
}

/* A figure by its key: its group ends at the first dot. */
static const struct json *find_figure(const struct json *figures, const char *key)
{
    char group[64];
    const char *dot = strchr(key, '.');
    if (dot == NULL) {
        return find(figures, key);
    }
    snprintf(group, sizeof group, "%.*s", (int)(dot - key), key);
    return find(find(figures, group), dot + 1);
}

static double value_of(const struct source *source, const char *key)
{
    /* "price" stands beside "results" */
    const struct json *figures =
        text_starts_with(key, "price.") ? source->summary : find(source->summary, "results");
    return number_of(find_figure(figures, key));
}

static struct interval interval_of(const struct source *source, const char *key)
{
    const struct json *interval = find_figure(source->intervals, key);
    return (struct interval){number_of(find(interval, "mean")), number_of(find(interval, "low")),
                             number_of(find(interval, "high"))};
}

static void add_headline(struct source *source, struct json *headlines, const char *key)
{
    const struct figure *figure = NULL;
    struct error error;
    double value = value_of(source, key);
    if (isnan(value) || !figure_find(key, &figure, &error)) {
        return;
    }
    struct interval interval = interval_of(source, key);
    page_add_headline(
        headlines, &(struct page_headline){.label = figure->label,
                                           .unit = page_unit(figure),
                                           .value = page_shown(figure, value),
                                           .bounds = {.low = page_shown(figure, interval.low),
                                                      .high = page_shown(figure, interval.high)}});
}

/* Prices are ranges; so is accuracy, of as many answers as were graded. */
static void add_headlines(struct source *source)
{
    static const char *const keys[] = {"throughput.output_tokens_per_s",
                                       "ttft_s.p50",
                                       "ttft_s.p99",
                                       "tpot_s.p50",
                                       "tpot_s.p99",
                                       "e2e_s.p50",
                                       "e2e_s.p99",
                                       "kv_utilization.peak",
                                       "running.peak",
                                       "preemptions"};
    struct json *headlines = page_add_headlines(&source->page);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        add_headline(source, headlines, keys[i]);
    }
    double graded = value_of(source, "requests.graded");
    double correct = value_of(source, "requests.right");
    if (graded > 0) {
        struct interval share = interval_share(correct, graded);
        page_add_headline(headlines, &(struct page_headline){.label = "accuracy expected",
                                                             .unit = "%",
                                                             .note = "95 % confidence",
                                                             .value = 100 * share.mean,
                                                             .bounds = {.low = 100 * share.low,
                                                                        .high = 100 * share.high}});
    }
    double low = value_of(source, "price.usd_per_million_output_tokens_low");
    double high = value_of(source, "price.usd_per_million_output_tokens_high");
    if (!isnan(low) && !isnan(high)) {
        page_add_headline(headlines, &(struct page_headline){.label = "a million output tokens",
                                                             .unit = "USD",
                                                             .note = "low to high GPU price",
                                                             .value = NAN,
                                                             .bounds = {.low = low, .high = high}});
    }
}

/* KV cache, running and waiting requests below each other, with the traditional model beside them.
 */
static void add_timeline(struct source *source)
{
    static const struct {
        const char *panel;
        double scale;
    } panels[] = {{"KV cache (%)", 100}, {"running", 1}, {"waiting", 1}};
    const struct curve_timeline *timelines[] = {&source->curves->timeline,
                                                &source->curves->contrast};
    const char *const labels[] = {"this run", "traditional model"};
    struct chart chart = {.series = NULL};
    for (size_t p = 0; p < sizeof panels / sizeof panels[0]; p++) {
        for (size_t t = 0; t < 2; t++) {
            if (timelines[t]->count == 0) {
                continue;
            }
            size_t series = chart_add_series(&chart, panels[p].panel, labels[t]);
            for (size_t i = 0; i < timelines[t]->count; i++) {
                const struct curve_sample *sample = &timelines[t]->samples[i];
                const double values[] = {sample->kv, sample->running, sample->waiting};
                chart_add_xy(&chart, series, sample->time_s, panels[p].scale * values[p]);
            }
        }
    }
    if (chart.count > 0) {
        page_add_chart(&source->page,
                       &(struct page_chart){
                           .heading = "Over time",
                           .note =
                               "Drag over a stretch to see it closer; the keys +, - and 0 zoom, "
                               "arrows move along the values.",
                           .kind = "lines",
                           .x = "time (s)",
                           .y = "",
                           .zoom = true},
                       &chart);
    }
    chart_clear(&chart);
}

/* 'row': what bars stand for; NULL: there are none. */
static void add_run_chart(struct source *source, run_chart *build, const struct page_chart *look,
                          const char *row)
{
    struct chart chart = {.series = NULL};
    build(source->curves, 1, &chart);
    if (chart.count > 0) {
        struct json *block = page_add_chart(&source->page, look, &chart);
        if (row != NULL) {
            json_add_text(block, "row", row);
            page_add_colours(block, (const char *const[]){"--wait", "--c6", "--c2"}, 3);
        }
    }
    chart_clear(&chart);
}

static void add_charts(struct source *source)
{
    add_timeline(source);
    add_run_chart(
        source, run_chart_latency_cdf,
        &(struct page_chart){
            .heading = "Latencies",
            .note = source->intervals != NULL
                        ? "The share of requests that a latency does not exceed. Bars are the 95 % "
                          "prediction intervals of percentiles over the replications."
                        : "The share of requests that a latency does not exceed.",
            .kind = "cdf",
            .x = "latency",
            .y = "requests (%)",
            .log_x = true},
        NULL);
    add_run_chart(
        source, run_chart_stragglers,
        &(struct page_chart){
            .heading = "Stragglers",
            .note = "Each request from sending to its last token, in order of sending. Of many "
                    "requests one in N is shown, and the 100 that took longest.",
            .kind = "bars",
            .x = "time (s)",
            .y = "request",
            .zoom = true},
        "request");
}

/* Every figure with its unit, interval and definition. */
static void add_figures(struct source *source)
{
    bool bounded = source->intervals != NULL;
    struct json *table = page_add_table(
        &source->page, "All figures", NULL,
        bounded
            ? "Means of the replications with 95 % prediction intervals, and what each figure is"
            : "Each figure of the run, and what it is");
    page_add_column(table, "figure", NULL, false, "as in summary.json");
    page_add_column(table, "value", NULL, true, NULL);
    if (bounded) {
        page_add_column(table, "low", NULL, true, "lower end of the 95 % prediction interval");
        page_add_column(table, "high", NULL, true, "upper end of the 95 % prediction interval");
    }
    page_add_column(table, "unit", NULL, false, NULL);
    page_add_column(table, "definition", NULL, false, NULL);
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        double value = value_of(source, figure->key);
        if (isnan(value)) {
            continue;
        }
        struct json *row = page_add_row(table);
        json_add_text(row, NULL, figure->key);
        json_add_number(row, NULL, value);
        if (bounded) {
            struct interval interval = interval_of(source, figure->key);
            json_add_number(row, NULL, interval.low);
            json_add_number(row, NULL, interval.high);
        }
        json_add_text(row, NULL, figure->unit != NULL ? figure->unit : "");
        json_add_text(row, NULL, figure->help);
    }
}

static void add_slowest(struct source *source)
{
    enum { SHOWN = 50 };
    const struct curve_requests *requests = &source->curves->requests;
    if (requests->longest_count == 0) {
        return;
    }
    struct json *table =
        page_add_table(&source->page, "Slowest requests", NULL,
                       "The requests that took longest from sending to their last token");
    page_add_column(table, "request", NULL, true, NULL);
    page_add_column(table, "dataset", NULL, false, NULL);
    page_add_column(table, "output tokens", NULL, true, NULL);
    page_add_column(table, "sent at", "s", true, NULL);
    page_add_column(table, "first token after", "s", true, NULL);
    page_add_column(table, "first visible after", "s", true,
                    "empty where it was cut while thinking");
    page_add_column(table, "end to end", "s", true, NULL);
    for (size_t i = 0; i < requests->longest_count && i < SHOWN; i++) {
        const struct curve_request *request = &requests->longest[i];
        struct json *row = page_add_row(table);
        json_add_number(row, NULL, request->request_id);
        json_add_text(row, NULL, requests->datasets[request->dataset]);
        json_add_number(row, NULL, request->output_tokens);
        json_add_number(row, NULL, request->sent_s);
        json_add_number(row, NULL, request->first_token_s - request->sent_s);
        json_add_number(row, NULL, request->first_visible_s - request->sent_s);
        json_add_number(row, NULL, request->last_token_s - request->sent_s);
    }
}

/* What each source of step costs is. */
static const char *explain_cost(const char *source)
{
    static const char *const meanings[][2] = {
        {"calibrated", "fitted to steps measured in a real engine"},
        {"profiled", "composed from a profile of the GPU's kernels"},
        {"roofline", "carried over to this GPU by data sheets"}};
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (text_starts_with(source, meanings[i][0])) {
            return meanings[i][1];
        }
    }
    return "as named";
}

static void add_grounds(struct source *source, const struct warning_list *warnings)
{
    char text[1024];
    const struct json *derived = find(source->summary, "derived");
    const struct json *workload = find(find(source->summary, "scenario"), "workload");
    struct json *paragraphs = page_add_text(&source->page, "What the forecast rests on");
    const char *cost = text_of(find(derived, "cost_source"));
    snprintf(text, sizeof text,
             "Step times are %s from '%s': %s. %.1f %% of the steps had more tokens or more "
             "context than "
             "was measured, and are extrapolated.",
             cost, text_of(find(derived, "cost_name")), explain_cost(cost),
             100 * value_of(source, "steps.extrapolated_share"));
    json_add_text(paragraphs, NULL, text);
    if (text_of(find(workload, "trace"))[0] != '\0') {
        snprintf(text, sizeof text, "Requests come from the trace '%s'.",
                 text_of(find(workload, "trace")));
    } else {
        snprintf(text, sizeof text,
                 "Requests are drawn: prompts and answers of %s with the lengths of '%s'.",
                 text_of(find(workload, "datasets")), text_of(find(workload, "lengths")));
    }
    json_add_text(paragraphs, NULL, text);
    const struct json *replications = find(source->summary, "replications");
    if (replications != NULL) {
        snprintf(
            text, sizeof text,
            "Intervals hold the next run with a probability of 95 %%, by %.0f runs under seeds of "
            "their own. In them: %s.",
            number_of(find(replications, "count")), text_of(find(replications, "prices")));
    } else {
        snprintf(text, sizeof text,
                 "This is one run of one seed: 'kvcast run --replications 10' says how far figures "
                 "scatter.");
    }
    json_add_text(paragraphs, NULL, text);
    if (text_of(find(derived, "price_source"))[0] != '\0') {
        snprintf(text, sizeof text, "GPU prices: %s.", text_of(find(derived, "price_source")));
        json_add_text(paragraphs, NULL, text);
    }
    for (uint32_t i = 0; i < warnings->count; i++) {
        snprintf(text, sizeof text, "Warning: %s.", warnings->messages[i]);
        json_add_text(paragraphs, NULL, text);
    }
    json_add_text(paragraphs, NULL,
                  "How well forecasts met measured engines, row by row: docs/accuracy.md.");
}

static void add_command(struct source *source, const char *command)
{
    page_add_code(&source->page, "How to repeat it",
                  "The same inputs and seed give the same bytes. Saved as a file, the scenario "
                  "below can be run too, and so "
                  "can summary.json.",
                  NULL, command);
}

static void add_scenario(struct source *source)
{
    const struct json *scenario = find(source->summary, "scenario");
    if (scenario != NULL) {
        char *text = json_print(scenario);
        page_add_code(&source->page, "Scenario", NULL, "All settings, as JSON", text);
        free(text);
    }
}

/* "DeepSeek-R1-Distill-Qwen-7B on 1 x H200-SXM, vllm-0.24". */
static void describe(const struct json *summary, char *lead, size_t lead_bytes)
{
    const struct json *scenario = find(summary, "scenario");
    const struct json *hardware = find(scenario, "hardware");
    snprintf(lead, lead_bytes, "%s on %.0f x %s, %s, seed %.0f",
             text_of(find(find(scenario, "model"), "name")),
             number_of(find(hardware, "tensor_parallel")), text_of(find(hardware, "gpu")),
             text_of(find(find(scenario, "engine"), "preset")), number_of(find(scenario, "seed")));
}

static bool write_page(const struct json *summary, const struct run_curves *curves,
                       const struct run_page_source *from, struct error *error)
{
    char lead[512];
    const char *name = text_of(find(find(summary, "scenario"), "name"));
    describe(summary, lead, sizeof lead);
    struct source source = {.summary = summary,
                            .intervals = find(find(summary, "replications"), "intervals"),
                            .curves = curves,
                            .page = page_create("run", name[0] != '\0' ? name : "run", lead)};
    add_headlines(&source);
    add_charts(&source);
    add_grounds(&source, from->warnings);
    add_command(&source, from->command);
    add_slowest(&source);
    add_figures(&source);
    add_scenario(&source);
    bool ok = page_write(&source.page, from->directory, "report.html", error);
    page_destroy(&source.page);
    return ok;
}

bool run_page_write(const struct run_page_source *from, struct error *error)
{
    char path[OUTPUT_PATH_BYTES + 64];
    struct json *summary = NULL;
    struct run_curves *curves = memory_zeroed(1, sizeof *curves);
    snprintf(path, sizeof path, "%s/summary.json", from->directory);
    bool ok =
        json_read_file(path, &summary, error) && run_curves_read(curves, from->directory, error);
    ok = ok && write_page(summary, curves, from, error);
    run_curves_clear(curves);
    free(curves);
    json_destroy(summary);
    return ok;
}
