/* With one run its series are named by what they show; with several each is named by its run, and
 * what cannot share axes gets a panel a run. */
#include "sim/report/run_charts.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/memory.h"

enum { LABEL_BYTES = 256 }; /* a chart cuts what is longer than its labels */

/* "RUN: what" where there are several. */
static const char *name_series(const struct run_curves *run, size_t runs, const char *what,
                               char label[LABEL_BYTES])
{
    if (runs > 1) {
        snprintf(label, LABEL_BYTES, "%s: %s", run->label, what);
    } else {
        snprintf(label, LABEL_BYTES, "%s", what);
    }
    return label;
}

/* One value of a timeline over time, 'scale' times. */
static void add_timeline(struct chart *chart, const char *panel, const char *label,
                         const struct curve_timeline *timeline, size_t value, double scale)
{
    size_t series = chart_add_series(chart, panel, label);
    for (size_t i = 0; i < timeline->count; i++) {
        const struct curve_sample *sample = &timeline->samples[i];
        const double values[] = {sample->kv, sample->running, sample->waiting};
        assert(value < sizeof values / sizeof values[0]);
        chart_add_xy(chart, series, sample->time_s, scale * values[value]);
    }
}

enum { VALUE_KV, VALUE_RUNNING, VALUE_WAITING };
#define PERCENT 100.0

void run_chart_kv_utilization(const struct run_curves *runs, size_t count, struct chart *chart)
{
    char label[LABEL_BYTES];
    char what[64];
    for (size_t i = 0; i < count; i++) {
        if (runs[i].timeline.count == 0) {
            continue;
        }
        snprintf(what, sizeof what, "KV cache in use");
        if (!isnan(runs[i].kv_mean)) {
            snprintf(what, sizeof what, "KV cache in use (mean %.1f %%)",
                     PERCENT * runs[i].kv_mean);
        }
        add_timeline(chart, "", name_series(&runs[i], count, what, label), &runs[i].timeline,
                     VALUE_KV, PERCENT);
    }
}

/* "waiting (peak 47)": between two samples there can be more than in either. */
static void add_requests(struct chart *chart, const struct run_curves *run, size_t runs,
                         const char *name, size_t value, double peak)
{
    char label[LABEL_BYTES];
    char what[64];
    snprintf(what, sizeof what, "%s", name);
    if (peak > 0) {
        snprintf(what, sizeof what, "%s (peak %.0f)", name, peak);
    } else if (!isnan(peak)) {
        snprintf(what, sizeof what, "%s (none)", name);
    }
    add_timeline(chart, "", name_series(run, runs, what, label), &run->timeline, value, 1);
}

void run_chart_running_waiting(const struct run_curves *runs, size_t count, struct chart *chart)
{
    for (size_t i = 0; i < count; i++) {
        if (runs[i].timeline.count > 0) {
            add_requests(chart, &runs[i], count, "running", VALUE_RUNNING, runs[i].running_peak);
            add_requests(chart, &runs[i], count, "waiting", VALUE_WAITING, runs[i].waiting_peak);
        }
    }
}

void run_chart_contrast(const struct run_curves *runs, size_t count, struct chart *chart)
{
    static const struct {
        const char *panel;
        size_t value;
        double scale;
    } panels[] = {{"KV cache (%)", VALUE_KV, PERCENT}, {"running", VALUE_RUNNING, 1}};
    char label[LABEL_BYTES];
    for (size_t p = 0; p < sizeof panels / sizeof panels[0]; p++) {
        for (size_t i = 0; i < count; i++) {
            if (runs[i].contrast.count == 0) {
                continue;
            }
            add_timeline(chart, panels[p].panel,
                         name_series(&runs[i], count, "reasoning model", label), &runs[i].timeline,
                         panels[p].value, panels[p].scale);
            add_timeline(chart, panels[p].panel,
                         name_series(&runs[i], count, "traditional model", label),
                         &runs[i].contrast, panels[p].value, panels[p].scale);
        }
    }
}

/* The share of requests that a latency does not exceed: evenly spread shares, then a tail of ever
 * smaller steps down to a single request. */
static void add_distribution(struct chart *chart, size_t series, const struct samples *latencies,
                             double scale)
{
    enum { STEPS = 200, STEPS_A_DECADE = 20 };
    struct samples sorted; /* asking for quantiles moves values about */
    samples_init(&sorted);
    for (size_t i = 0; i < latencies->count; i++) {
        samples_add(&sorted, latencies->values[i]);
    }
    for (int i = 0; i < STEPS; i++) {
        double share = (double)i / STEPS;
        chart_add_xy(chart, series, scale * samples_quantile(&sorted, share), PERCENT * share);
    }
    const double ratio = pow(10, 1.0 / STEPS_A_DECADE);
    for (double left = 1.0 / STEPS / ratio; left * (double)latencies->count >= 1; left /= ratio) {
        chart_add_xy(chart, series, scale * samples_quantile(&sorted, 1 - left),
                     PERCENT * (1 - left));
    }
    chart_add_xy(chart, series, scale * samples_quantile(&sorted, 1), PERCENT);
    samples_clear(&sorted);
}

/* A series of the same name, of points with an interval. */
static void add_percentiles(struct chart *chart, const char *panel, const char *label,
                            const struct run_curves *run, size_t latency, double scale)
{
    size_t count = run->percentile_count[latency];
    if (count == 0) {
        return;
    }
    size_t series = chart_add_series(chart, panel, label);
    for (size_t i = 0; i < count; i++) {
        const struct curve_percentile *percentile = &run->percentiles[latency][i];
        chart_add_point(chart, series,
                        (struct chart_point){scale * percentile->interval.mean, percentile->percent,
                                             scale * percentile->interval.low,
                                             scale * percentile->interval.high});
    }
}

/* Milliseconds where no run has a request that takes ten seconds. */
static bool is_short(const struct run_curves *runs, size_t count, size_t latency)
{
    enum { LONG_S = 10 };
    for (size_t i = 0; i < count; i++) {
        const struct samples *latencies = &runs[i].latencies[latency];
        for (size_t k = 0; k < latencies->count; k++) {
            if (latencies->values[k] >= LONG_S) {
                return false;
            }
        }
    }
    return true;
}

void run_chart_latency_cdf(const struct run_curves *runs, size_t count, struct chart *chart)
{
    static const char *const names[CURVE_LATENCIES] = {[CURVE_TTFT] = "time to first token",
                                                       [CURVE_TTFVT] =
                                                           "time to first visible token",
                                                       [CURVE_TPOT] = "time per output token",
                                                       [CURVE_E2E] = "end to end"};
    for (size_t latency = 0; latency < CURVE_LATENCIES; latency++) {
        char panel[CHART_LABEL_BYTES];
        bool in_ms = is_short(runs, count, latency);
        snprintf(panel, sizeof panel, "%s (%s)", names[latency], in_ms ? "ms" : "s");
        for (size_t i = 0; i < count; i++) {
            if (runs[i].latencies[latency].count == 0) {
                continue;
            }
            const char *label = count > 1 ? runs[i].label : "requests";
            double scale = in_ms ? 1000 : 1;
            size_t series = chart_add_series(chart, panel, label);
            add_distribution(chart, series, &runs[i].latencies[latency], scale);
            add_percentiles(chart, panel, label, &runs[i], latency, scale);
        }
    }
}

static int compare_ids(const void *a, const void *b)
{
    uint32_t first = ((const struct curve_request *)a)->request_id;
    uint32_t second = ((const struct curve_request *)b)->request_id;
    return (first > second) - (first < second);
}

/* The requests that are drawn, in order of sending, each once: one in '*ret_one_in', and those that
 * took longest. The caller frees them. */
static struct curve_request *choose_requests(const struct curve_requests *requests,
                                             size_t *ret_count, uint64_t *ret_one_in)
{
    enum { MAX_SPREAD = 400 };
    struct curve_request *chosen =
        memory_zeroed(requests->count + requests->longest_count + 1, sizeof chosen[0]);
    size_t every = requests->count / (MAX_SPREAD + 1) + 1;
    size_t count = 0;
    for (size_t i = 0; i < requests->count; i += every) {
        chosen[count++] = requests->spread[i];
    }
    for (size_t i = 0; i < requests->longest_count; i++) {
        chosen[count++] = requests->longest[i];
    }
    qsort(chosen, count, sizeof chosen[0], compare_ids);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || chosen[i].request_id != chosen[i - 1].request_id) {
            chosen[(*ret_count)++] = chosen[i];
        }
    }
    *ret_one_in = (uint64_t)every * requests->stride;
    return chosen;
}

/* The three parts of a request's time; requests cut while thinking have no last one. */
static void add_parts(struct chart *chart, const struct curve_request *request, size_t first_series)
{
    double thinking_s =
        isnan(request->first_visible_s) ? request->last_token_s : request->first_visible_s;
    const double ends_s[] = {request->sent_s, request->first_token_s, thinking_s,
                             request->last_token_s};
    for (size_t part = 0; part < 3; part++) {
        if (ends_s[part + 1] > ends_s[part]) {
            chart_add_point(chart, first_series + part,
                            (struct chart_point){ends_s[part], request->request_id, ends_s[part],
                                                 ends_s[part + 1]});
        }
    }
}

void run_chart_stragglers(const struct run_curves *runs, size_t count, struct chart *chart)
{
    static const char *const parts[] = {"to first token", "thinking", "visible answer"};
    for (size_t i = 0; i < count; i++) {
        size_t drawn = 0;
        uint64_t one_in = 1;
        char panel[LABEL_BYTES];
        char note[96] = "request";
        if (runs[i].requests.count == 0) {
            continue;
        }
        struct curve_request *chosen = choose_requests(&runs[i].requests, &drawn, &one_in);
        if (one_in > 1) {
            snprintf(note, sizeof note, "request (one in %llu and the %zu longest)",
                     (unsigned long long)one_in, runs[i].requests.longest_count);
        }
        name_series(&runs[i], count, note, panel);
        size_t first = chart->count;
        for (size_t part = 0; part < 3; part++) {
            chart_add_series(chart, panel, parts[part]);
        }
        for (size_t k = 0; k < drawn; k++) {
            add_parts(chart, &chosen[k], first);
        }
        free(chosen);
    }
}

void run_chart_difficulty(const struct run_curves *runs, size_t count, struct chart *chart)
{
    for (size_t i = 0; i < count; i++) {
        const struct curve_requests *requests = &runs[i].requests;
        for (uint32_t dataset = 0; dataset < requests->dataset_count; dataset++) {
            size_t series = chart_add_series(chart, count > 1 ? runs[i].label : "",
                                             requests->datasets[dataset]);
            for (size_t k = 0; k < requests->count; k++) {
                const struct curve_request *request = &requests->spread[k];
                if (request->dataset == dataset) {
                    chart_add_xy(chart, series, request->output_tokens,
                                 request->last_token_s - request->sent_s);
                }
            }
        }
    }
}
