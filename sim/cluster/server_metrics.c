#include "sim/cluster/server_metrics.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/serving/request.h"

/* Bounds of vLLM's buckets (vllm/v1/metrics/loggers.py), up to 0. */
static const double ttft_bounds[] = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                     0.25,  0.5,   0.75, 1,    2.5,  5,    7.5,  10,
                                     20,    40,    80,   160,  640,  2560, 0};
static const double gap_bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                    0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80,  0};
static const double request_bounds[] = {0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,   15,   20,
                                        30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680, 0};
/* Up to the longest context that the engine takes. */
static const double token_bounds[] = {1,     2,      5,      10,     20,   50,    100,
                                      200,   500,    1000,   2000,   5000, 10000, 20000,
                                      50000, 100000, 200000, 500000, 1e6,  0};

static double between_s(int64_t from_ps, int64_t until_ps)
{
    return s_from_ps(until_ps - from_ps);
}

static double ttft_s(const struct request *request)
{
    return between_s(request->ask.sent_ps, request->clock.first_token_ps);
}

static double tpot_s(const struct request *request)
{
    return request_outputs(request) > 1 ? s_from_ps(request_tpot_ps(request)) : (double)NAN;
}

static double e2e_s(const struct request *request)
{
    return between_s(request->ask.sent_ps, request->clock.last_token_ps);
}

static double queue_s(const struct request *request)
{
    return between_s(request->ask.sent_ps, request->clock.first_scheduled_ps);
}

static double inference_s(const struct request *request)
{
    return between_s(request->clock.first_scheduled_ps, request->clock.last_token_ps);
}

static double prefill_s(const struct request *request)
{
    return between_s(request->clock.first_scheduled_ps, request->clock.first_token_ps);
}

static double decode_s(const struct request *request)
{
    return between_s(request->clock.first_token_ps, request->clock.last_token_ps);
}

static double prompt_tokens(const struct request *request)
{
    return request->ask.prompt_tokens;
}

static double generation_tokens(const struct request *request)
{
    return request_outputs(request);
}

static const struct {
    const char *name;
    const char *help;
    const double *bounds;
    double (*value)(const struct request *request); /* NAN: it has none */
} histograms[SERVER_METRICS_HISTOGRAMS] = {
    {"vllm:time_to_first_token_seconds", "Time to first token.", ttft_bounds, ttft_s},
    {"vllm:request_time_per_output_token_seconds", "Mean time per output token of a request.",
     gap_bounds, tpot_s},
    {"vllm:e2e_request_latency_seconds", "End to end latency of a request.", request_bounds, e2e_s},
    {"vllm:request_queue_time_seconds", "Time until a request is first scheduled.", request_bounds,
     queue_s},
    {"vllm:request_inference_time_seconds", "Time from first scheduling to last token.",
     request_bounds, inference_s},
    {"vllm:request_prefill_time_seconds", "Time from first scheduling to first token.",
     request_bounds, prefill_s},
    {"vllm:request_decode_time_seconds", "Time from first to last token.", request_bounds,
     decode_s},
    {"vllm:request_prompt_tokens", "Prompt tokens of a request.", token_bounds, prompt_tokens},
    {"vllm:request_generation_tokens", "Generated tokens of a request.", token_bounds,
     generation_tokens},
};

void server_metrics_init(struct server_metrics *metrics, bool has_prefix_cache,
                         uint32_t max_model_len)
{
    *metrics = (struct server_metrics){.has_prefix_cache = has_prefix_cache,
                                       .max_model_len = max_model_len};
}

static void observe(struct metric_histogram *histogram, const double *bounds, double value)
{
    uint32_t bucket = 0;
    if (isnan(value)) {
        return;
    }
    while (bounds[bucket] > 0 && value > bounds[bucket]) {
        bucket++;
    }
    assert(bucket < SERVER_METRICS_MAX_BUCKETS);
    histogram->counts[bucket]++;
    histogram->sum += value;
}

static void on_finish(void *state, const struct request *request, int64_t now_ps)
{
    struct server_metrics *metrics = state;
    (void)now_ps;
    metrics->preemptions += request->preemptions;
    if (request->status != REQUEST_FINISHED) {
        return; /* refused at the door, which vLLM does not count */
    }
    uint32_t outputs = request_outputs(request);
    bool is_cut = outputs >= request->ask.max_output_tokens;
    metrics->cut += is_cut;
    metrics->stopped += !is_cut;
    metrics->prompt_tokens += request->ask.prompt_tokens;
    metrics->cached_tokens += request->cached_tokens;
    metrics->generation_tokens += outputs;
    for (uint32_t i = 0; i < SERVER_METRICS_HISTOGRAMS; i++) {
        observe(&metrics->histograms[i], histograms[i].bounds, histograms[i].value(request));
    }
}

struct observer server_metrics_observer(struct server_metrics *metrics)
{
    return (struct observer){.state = metrics, .on_finish = on_finish};
}

/* Where samples go, and the labels that each has. */
struct page {
    FILE *stream;
    char labels[512];
};

static void write_head(const struct page *page, const char *name, const char *type,
                       const char *help)
{
    fprintf(page->stream, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void write_gauge(const struct page *page, const char *name, const char *help, double value)
{
    write_head(page, name, "gauge", help);
    fprintf(page->stream, "%s{%s} %.17g\n", name, page->labels, value);
}

static void write_counter(const struct page *page, const char *name, const char *help,
                          uint64_t value)
{
    write_head(page, name, "counter", help);
    fprintf(page->stream, "%s_total{%s} %llu\n", name, page->labels, (unsigned long long)value);
}

/* Bounds are written as floats, as the format asks: 1.0. */
static void write_bucket(const struct page *page, const char *name, double bound, uint64_t count)
{
    char text[32];
    snprintf(text, sizeof text, "%.10g", bound);
    bool is_whole = strpbrk(text, ".e") == NULL;
    fprintf(page->stream, "%s_bucket{%s,le=\"%s%s\"} %llu\n", name, page->labels, text,
            is_whole ? ".0" : "", (unsigned long long)count);
}

static void write_end_of_histogram(const struct page *page, const char *name, uint64_t count,
                                   double sum)
{
    fprintf(page->stream, "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_count{%s} %llu\n%s_sum{%s} %.17g\n",
            name, page->labels, (unsigned long long)count, name, page->labels,
            (unsigned long long)count, name, page->labels, sum);
}

static void write_histogram(const struct page *page, const struct server_metrics *metrics,
                            uint32_t index)
{
    const struct metric_histogram *histogram = &metrics->histograms[index];
    const double *bounds = histograms[index].bounds;
    uint64_t count = 0;
    uint32_t bucket = 0;
    write_head(page, histograms[index].name, "histogram", histograms[index].help);
    for (; bounds[bucket] > 0; bucket++) {
        count += histogram->counts[bucket];
        if (bounds != token_bounds || bounds[bucket] <= metrics->max_model_len) {
            write_bucket(page, histograms[index].name, bounds[bucket], count);
        }
    }
    count += histogram->counts[bucket];
    write_end_of_histogram(page, histograms[index].name, count, histogram->sum);
}

static void write_gaps(const struct page *page, const struct histogram *gaps)
{
    static const char name[] = "vllm:inter_token_latency_seconds";
    write_head(page, name, "histogram",
               "Time between two tokens of a request; bounds hold within 0.8 %.");
    for (uint32_t i = 0; gap_bounds[i] > 0; i++) {
        write_bucket(page, name, gap_bounds[i],
                     histogram_count_up_to(gaps, ps_from_s(gap_bounds[i])));
    }
    double mean_s = gaps->total > 0 ? histogram_mean_s(gaps) : 0;
    write_end_of_histogram(page, name, gaps->total, mean_s * (double)gaps->total);
}

static void write_successes(const struct page *page, const struct server_metrics *metrics)
{
    const struct {
        const char *reason;
        uint64_t count;
    } ends[] = {{"stop", metrics->stopped}, {"length", metrics->cut}, {"abort", 0}};
    write_head(page, "vllm:request_success", "counter", "Requests that are done, by why.");
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        fprintf(page->stream, "vllm:request_success_total{%s,finished_reason=\"%s\"} %llu\n",
                page->labels, ends[i].reason, (unsigned long long)ends[i].count);
    }
}

/* Quotes, backslashes and ends of lines are escaped in a label. */
static void write_label(char *text, size_t text_bytes, const char *value)
{
    size_t used = 0;
    for (; *value != '\0' && used + 3 < text_bytes; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n') {
            text[used++] = '\\';
        }
        text[used++] = *value;
        if (*value == '\n') {
            text[used - 1] = 'n';
        }
    }
    text[used] = '\0';
}

void server_metrics_write(const struct server_metrics *metrics, const char *model_name,
                          const struct histogram *gaps, FILE *stream)
{
    struct page page = {.stream = stream};
    char name[448];
    write_label(name, sizeof name, model_name);
    snprintf(page.labels, sizeof page.labels, "engine=\"0\",model_name=\"%s\"", name);
    write_gauge(&page, "vllm:num_requests_running", "Requests that run; none once all are done.",
                0);
    write_gauge(&page, "vllm:num_requests_waiting", "Requests that wait; none once all are done.",
                0);
    write_gauge(&page, "vllm:kv_cache_usage_perc", "Used share of the KV cache, 1 is all of it.",
                0);
    write_counter(&page, "vllm:num_preemptions", "Preemptions.", metrics->preemptions);
    write_counter(&page, "vllm:prompt_tokens", "Prompt tokens.", metrics->prompt_tokens);
    write_counter(&page, "vllm:generation_tokens", "Generated tokens.", metrics->generation_tokens);
    write_counter(&page, "vllm:prefix_cache_queries", "Tokens looked up in the prefix cache.",
                  metrics->has_prefix_cache ? metrics->prompt_tokens : 0);
    write_counter(&page, "vllm:prefix_cache_hits", "Tokens found in the prefix cache.",
                  metrics->cached_tokens);
    write_successes(&page, metrics);
    for (uint32_t i = 0; i < SERVER_METRICS_HISTOGRAMS; i++) {
        write_histogram(&page, metrics, i);
    }
    write_gaps(&page, gaps);
    fputs("# EOF\n", stream);
}
