/* One row a figure, in the order of summary.json. A latency is a group of eight rows that share one
 * definition. */
#include "sim/metrics/figure_table.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/text.h"

#define COUNT_OF(name, member)                                                                     \
    .key = name, .type = FIGURE_COUNT, .offset = offsetof(struct run_summary, member)
#define WHOLE_OF(name, member)                                                                     \
    .key = name, .type = FIGURE_WHOLE, .offset = offsetof(struct run_summary, member)
#define NUMBER_OF(name, member)                                                                    \
    .key = name, .type = FIGURE_NUMBER, .offset = offsetof(struct run_summary, member)

/* A latency of requests or tokens; 'p50', 'p99' and 'max' say which rows are main figures. */
#define LATENCY(name, text, member, scale, symbol, main_median, main_tail, main_max, definition)   \
    {NUMBER_OF(name ".mean", latency.member.mean),                                                 \
     .unit = "s",                                                                                  \
     .label = text " mean",                                                                        \
     .shown_scale = scale,                                                                         \
     .shown_unit = symbol,                                                                         \
     .help = definition},                                                                          \
        {NUMBER_OF(name ".p50", latency.member.p50),                                               \
         .unit = "s",                                                                              \
         .label = text " p50",                                                                     \
         .shown_scale = scale,                                                                     \
         .shown_unit = symbol,                                                                     \
         .help = definition,                                                                       \
         .is_main = main_median},                                                                  \
        {NUMBER_OF(name ".p90", latency.member.p90),                                               \
         .unit = "s",                                                                              \
         .label = text " p90",                                                                     \
         .shown_scale = scale,                                                                     \
         .shown_unit = symbol,                                                                     \
         .help = definition},                                                                      \
        {NUMBER_OF(name ".p95", latency.member.p95),                                               \
         .unit = "s",                                                                              \
         .label = text " p95",                                                                     \
         .shown_scale = scale,                                                                     \
         .shown_unit = symbol,                                                                     \
         .help = definition,                                                                       \
         .is_extra = true},                                                                        \
        {NUMBER_OF(name ".p99", latency.member.p99),                                               \
         .unit = "s",                                                                              \
         .label = text " p99",                                                                     \
         .shown_scale = scale,                                                                     \
         .shown_unit = symbol,                                                                     \
         .help = definition,                                                                       \
         .is_main = main_tail},                                                                    \
        {NUMBER_OF(name ".p99.9", latency.member.p999),                                            \
         .unit = "s",                                                                              \
         .label = text " p99.9",                                                                   \
         .shown_scale = scale,                                                                     \
         .shown_unit = symbol,                                                                     \
         .help = definition,                                                                       \
         .is_extra = true},                                                                        \
        {NUMBER_OF(name ".max", latency.member.max),                                               \
         .unit = "s",                                                                              \
         .label = text " max",                                                                     \
         .shown_scale = scale,                                                                     \
         .shown_unit = symbol,                                                                     \
         .help = definition,                                                                       \
         .is_main = main_max},                                                                     \
    {                                                                                              \
        COUNT_OF(name ".count", latency.member.count), .label = text " count", .help = definition  \
    }

const struct figure figure_table[] = {
    {COUNT_OF("requests.total", requests.total), .unit = "requests", .label = "requests",
     .help = "Requests that were sent."},
    {COUNT_OF("requests.finished", requests.finished), .unit = "requests", .label = "finished",
     .help = "Requests that were answered to their end."},
    {COUNT_OF("requests.rejected", requests.rejected), .unit = "requests", .label = "refused",
     .help = "Requests that the engine refused: too long, or too many at once."},
    {COUNT_OF("requests.cut_while_thinking", requests.cut_while_thinking), .unit = "requests",
     .label = "cut while thinking",
     .help = "Finished requests whose token budget ended before their first visible token."},
    {COUNT_OF("requests.graded", requests.graded), .unit = "requests", .label = "graded",
     .help = "Finished requests of which it is known whether their answer is correct."},
    {COUNT_OF("requests.right", requests.correct), .unit = "requests", .label = "correct",
     .help = "Graded requests whose answer is correct."},
    {COUNT_OF("requests.slo_met", requests.slo_met), .unit = "requests", .label = "SLO met",
     .help = "Finished requests that met every limit 'metrics.slo_*'.", .is_extra = true},
    {NUMBER_OF("makespan_s", makespan_s), .unit = "s", .label = "makespan", .shown_unit = "s",
     .help = "Time from sending the first request to the last token.", .is_main = true},
    {NUMBER_OF("busy_s", timeline.busy_s), .unit = "s", .label = "busy", .shown_unit = "s",
     .help = "Time with requests running or waiting; means over time are taken over it."},
    {COUNT_OF("tokens.prompt", tokens.prompt), .unit = "tokens", .label = "prompt tokens",
     .help = "Prompt tokens of finished requests."},
    {COUNT_OF("tokens.prompt_cached", tokens.prompt_cached), .unit = "tokens",
     .label = "cached prompt tokens",
     .help = "Prompt tokens of finished requests that a prefix cache held."},
    {COUNT_OF("tokens.output", tokens.output), .unit = "tokens", .label = "output tokens",
     .help = "Output tokens of finished requests, reasoning included."},
    {COUNT_OF("tokens.reasoning", tokens.reasoning), .unit = "tokens", .label = "reasoning tokens",
     .help = "Output tokens of finished requests before the first visible one."},
    {NUMBER_OF("throughput.requests_per_s", throughput.requests_per_s), .unit = "requests/s",
     .label = "requests/s", .help = "Finished requests divided by the makespan."},
    {NUMBER_OF("throughput.output_tokens_per_s", throughput.output_tokens_per_s),
     .unit = "tokens/s", .label = "output tokens/s",
     .help = "Output tokens of finished requests divided by the makespan.", .is_main = true},
    {NUMBER_OF("throughput.total_tokens_per_s", throughput.total_tokens_per_s), .unit = "tokens/s",
     .label = "total tokens/s",
     .help = "Prompt and output tokens of finished requests divided by the makespan."},
    {NUMBER_OF("throughput.goodput_per_s", throughput.goodput_per_s), .unit = "requests/s",
     .label = "goodput",
     .help = "Finished requests that met every limit 'metrics.slo_*', divided by the makespan."},
    {NUMBER_OF("measured.from_s", measured.from_s), .unit = "s", .label = "measured from",
     .shown_unit = "s",
     .help = "Begin of the measured part: 'metrics.warm_up_s', or the 90th percentile of the end "
             "to end latency, at most half of the time in which requests are sent; 0 where the "
             "client waits for answers."},
    {NUMBER_OF("measured.until_s", measured.until_s), .unit = "s", .label = "measured until",
     .shown_unit = "s",
     .help = "End of the measured part: 'metrics.measure_s' after its begin, or when the last "
             "request is sent; the end of the run where all are sent at once or batch by batch."},
    {NUMBER_OF("measured.offered_per_s", measured.offered_per_s), .unit = "requests/s",
     .label = "offered", .help = "Requests sent in the measured part, by its length."},
    {NUMBER_OF("measured.started_per_s", measured.started_per_s), .unit = "requests/s",
     .label = "started",
     .help = "Requests scheduled for the first time in the measured part, by its length."},
    {NUMBER_OF("measured.requests_per_s", measured.requests_per_s), .unit = "requests/s",
     .label = "served", .help = "Requests finished in the measured part, by its length."},
    {NUMBER_OF("measured.output_tokens_per_s", measured.output_tokens_per_s), .unit = "tokens/s",
     .label = "output tokens/s served",
     .help = "Output tokens of the requests finished in the measured part, by its length."},
    {NUMBER_OF("measured.goodput_per_s", measured.goodput_per_s), .unit = "requests/s",
     .label = "goodput, measured",
     .help = "Requests finished in the measured part that met every limit 'metrics.slo_*', by its "
             "length."},
    {NUMBER_OF("measured.waiting_until", measured.waiting_until), .unit = "requests",
     .label = "waiting at the end",
     .help = "Requests that were sent and not yet scheduled when the measured part ends."},
    {NUMBER_OF("measured.queue_growth_per_s", measured.queue_growth_per_s), .unit = "requests/s",
     .label = "queue growth",
     .help = "Requests sent less those scheduled for the first time, over the later half of the "
             "measured part, by its length."},
    {.key = "percentiles_of_requests",
     .type = FIGURE_EXACT,
     .offset = offsetof(struct run_summary, latency.percentiles_are_exact),
     .label = "percentiles of requests",
     .help = "Whether percentiles over requests are exact or, beyond 16 million requests, within "
             "0.8 %."},
    LATENCY("ttft_s", "TTFT", ttft_s, 1000, "ms", true, true, false,
            "Time from sending a request to its first output token."),
    LATENCY("ttfvt_s", "TTFVT", ttfvt_s, 1000, "ms", false, false, false,
            "Time from sending a request to its first visible token; requests cut while thinking "
            "have none."),
    LATENCY("tpot_s", "TPOT", tpot_s, 1000, "ms", true, true, false,
            "Time per output token of a request: (E2E - TTFT) / (output tokens - 1); needs two "
            "tokens."),
    LATENCY("itl_s", "ITL", itl_s, 1000, "ms", false, false, true,
            "Gap between two deliveries of tokens of a request, over all gaps; from a histogram, "
            "within 0.8 %."),
    LATENCY("e2e_s", "E2E", e2e_s, 1, "s", true, true, false,
            "Time from sending a request to its last token."),
    LATENCY("queueing_s", "queueing", queueing_s, 1000, "ms", false, false, false,
            "Time from sending a request to its first scheduling."),
    {NUMBER_OF("kv_utilization.mean", timeline.kv_mean), .label = "KV mean", .shown_scale = 100,
     .shown_unit = "%", .is_main = true,
     .help = "Used share of the usable KV blocks, mean over the busy time."},
    {NUMBER_OF("kv_utilization.peak", timeline.kv_peak), .label = "KV peak", .shown_scale = 100,
     .shown_unit = "%", .help = "Largest used share of the usable KV blocks.", .is_main = true},
    {NUMBER_OF("kv_utilization.share_of_time_at_least_0.95", timeline.kv_share_above_95),
     .label = "KV at least 95 % full", .shown_scale = 100, .shown_unit = "%",
     .help = "Share of the busy time with at least 95 % of the KV blocks used."},
    {NUMBER_OF("kv_utilization.volatility", timeline.kv_volatility), .label = "KV volatility",
     .shown_scale = 100, .shown_unit = "points",
     .help = "99th less 1st percentile of the used share of KV blocks over the busy time."},
    {NUMBER_OF("running.mean", timeline.running_mean), .unit = "requests", .label = "running mean",
     .help = "Running requests just after a scheduling pass, mean over the busy time."},
    {WHOLE_OF("running.peak", timeline.running_peak), .unit = "requests", .label = "running peak",
     .help = "Most requests running at a time.", .is_main = true},
    {NUMBER_OF("waiting.mean", timeline.waiting_mean), .unit = "requests", .label = "waiting mean",
     .help = "Waiting requests just after a scheduling pass, mean over the busy time."},
    {WHOLE_OF("waiting.peak", timeline.waiting_peak), .unit = "requests", .label = "waiting peak",
     .help = "Most requests waiting at a time."},
    {COUNT_OF("preemptions", preemption.preemptions), .label = "preemptions",
     .help = "Times that a running request was put back to waiting.", .is_main = true},
    {COUNT_OF("recomputed_tokens", preemption.recomputed_tokens), .unit = "tokens",
     .label = "recomputed tokens",
     .help = "Computed tokens whose KV preemptions or failures dropped."},
    {COUNT_OF("retries", preemption.retries), .label = "retries",
     .help = "Times that a request went to another instance because its own failed."},
    {NUMBER_OF("straggler.drain_s", straggler.drain_s), .unit = "s", .label = "drain",
     .shown_unit = "s",
     .help = "Time from 90 % of the finished requests being done to all being done."},
    {NUMBER_OF("straggler.share_of_time_under_quarter_of_peak", timeline.share_under_quarter),
     .label = "under a quarter of the peak", .shown_scale = 100, .shown_unit = "%",
     .help = "Share of the busy time with fewer than a quarter of the peak running."},
    {NUMBER_OF("straggler.wasted_slot_share", straggler.wasted_slot_share), .label = "wasted slots",
     .shown_scale = 100, .shown_unit = "%", .help = "1 - mean running / peak running."},
    {COUNT_OF("speculation.verifications", speculation.verifications), .label = "verifications",
     .help = "Verifications of drafts: of one request in one step."},
    {COUNT_OF("speculation.draft_tokens", speculation.draft_tokens), .unit = "tokens",
     .label = "draft tokens", .help = "Drafted tokens that were verified."},
    {COUNT_OF("speculation.accepted_drafts", speculation.accepted_drafts), .unit = "tokens",
     .label = "accepted drafts", .help = "Verified draft tokens that were correct."},
    {COUNT_OF("speculation.streamed_chunks", speculation.streamed_chunks),
     .label = "streamed chunks",
     .help = "Deliveries to clients: output tokens less accepted drafts."},
    {COUNT_OF("steps.total", steps.total), .unit = "steps", .label = "steps",
     .help = "Steps of all instances."},
    {COUNT_OF("steps.decode", steps.decode), .unit = "steps", .label = "decode steps",
     .help = "Steps without prompt tokens."},
    {COUNT_OF("steps.mixed", steps.mixed), .unit = "steps", .label = "steps with prefill",
     .help = "Steps with prompt tokens."},
    {NUMBER_OF("steps.extrapolated_share", steps.extrapolated_share), .label = "extrapolated steps",
     .shown_scale = 100, .shown_unit = "%",
     .help = "Share of steps with more tokens or more context than the step cost was measured at."},
    {NUMBER_OF("accuracy", requests.accuracy), .label = "accuracy", .shown_scale = 100,
     .shown_unit = "%", .help = "Share of the graded requests whose answer is correct.",
     .is_extra = true},
    {NUMBER_OF("attainment", requests.attainment), .label = "SLO attainment", .shown_scale = 100,
     .shown_unit = "%",
     .help = "Share of all requests that finished and met every limit 'metrics.slo_*'.",
     .is_extra = true},
    {WHOLE_OF("price.gpus", price.gpus), .unit = "GPUs", .label = "GPUs",
     .help = "GPUs of all instances."},
    {NUMBER_OF("price.gpu_s", price.gpu_s), .unit = "s", .label = "GPU time", .shown_unit = "s",
     .help = "GPUs times the makespan."},
    {NUMBER_OF("price.usd_low", price.usd_low), .unit = "USD", .label = "price, low",
     .shown_unit = "USD", .help = "GPU time at the low end of the GPU's price range."},
    {NUMBER_OF("price.usd_high", price.usd_high), .unit = "USD", .label = "price, high",
     .shown_unit = "USD", .help = "GPU time at the high end of the GPU's price range."},
    {NUMBER_OF("price.usd_per_million_output_tokens_low", price.usd_per_million_tokens_low),
     .unit = "USD", .label = "USD/M output tokens, low", .shown_unit = "USD",
     .help = "Low price of the GPU time by millions of output tokens."},
    {NUMBER_OF("price.usd_per_million_output_tokens_high", price.usd_per_million_tokens_high),
     .unit = "USD", .label = "USD/M output tokens, high", .shown_unit = "USD",
     .help = "High price of the GPU time by millions of output tokens."},
    {NUMBER_OF("price.usd_per_right_answer_low", price.usd_per_right_answer_low), .unit = "USD",
     .label = "USD/correct answer, low", .shown_unit = "USD",
     .help = "Low price of the GPU time by correct answers."},
    {NUMBER_OF("price.usd_per_right_answer_high", price.usd_per_right_answer_high), .unit = "USD",
     .label = "USD/correct answer, high", .shown_unit = "USD",
     .help = "High price of the GPU time by correct answers."},
    {NUMBER_OF("price.right_answers_per_gpu_s", price.right_per_gpu_s), .unit = "1/s",
     .label = "correct answers/GPU s", .help = "Correct answers by GPU time."},
    {NUMBER_OF("price.usd_per_gpu_hour_low", price.usd_per_gpu_hour_low), .unit = "USD",
     .label = "USD/GPU hour, low", .shown_unit = "USD",
     .help = "Low end of the GPU's price range, or 'price.usd_per_gpu_hour'."},
    {NUMBER_OF("price.usd_per_gpu_hour_high", price.usd_per_gpu_hour_high), .unit = "USD",
     .label = "USD/GPU hour, high", .shown_unit = "USD",
     .help = "High end of the GPU's price range, or 'price.usd_per_gpu_hour'."},
    {NUMBER_OF("price.usd_per_month_low", price.usd_per_month_low), .unit = "USD",
     .label = "USD/month, low", .shown_unit = "USD",
     .help = "All GPUs for a month of 730 hours at the low price."},
    {NUMBER_OF("price.usd_per_month_high", price.usd_per_month_high), .unit = "USD",
     .label = "USD/month, high", .shown_unit = "USD",
     .help = "All GPUs for a month of 730 hours at the high price."},
    {NUMBER_OF("price.usd_per_hour", price.usd_per_hour), .unit = "USD/h", .label = "USD/h",
     .help = "All GPUs for an hour, in the middle of the GPU's price range.", .is_extra = true},
    {.key = NULL},
};

size_t figure_table_count(void)
{
    return sizeof figure_table / sizeof figure_table[0] - 1;
}

bool figure_find(const char *key, const struct figure **ret_figure, struct error *error)
{
    static const char *const short_names[][2] = {{"usd", "price.usd_per_hour"},
                                                 {"gpus", "price.gpus"}};
    const char *names[sizeof figure_table / sizeof figure_table[0]] = {NULL};
    assert(key != NULL);
    for (size_t i = 0; i < sizeof short_names / sizeof short_names[0]; i++) {
        key = text_equal(key, short_names[i][0]) ? short_names[i][1] : key;
    }
    for (size_t i = 0; figure_table[i].key != NULL; i++) {
        names[i] = figure_table[i].key;
        if (text_equal(key, names[i])) {
            *ret_figure = &figure_table[i];
            return true;
        }
    }
    return text_error_unknown(error, "unknown figure", key, names, " ('kvcast list figures')");
}

double figure_value(const struct figure *figure, const struct run_summary *summary)
{
    const char *at = (const char *)summary + figure->offset;
    uint64_t count = 0;
    uint32_t whole = 0;
    double number = NAN;
    switch (figure->type) {
    case FIGURE_COUNT:
        memcpy(&count, at, sizeof count);
        return (double)count;
    case FIGURE_WHOLE:
        memcpy(&whole, at, sizeof whole);
        return whole;
    case FIGURE_NUMBER:
        memcpy(&number, at, sizeof number);
        return number;
    case FIGURE_EXACT:
        return NAN;
    }
    return NAN;
}

void figure_set(const struct figure *figure, struct run_summary *summary, double value)
{
    char *at = (char *)summary + figure->offset;
    double rounded = value > 0 ? round(value) : 0; /* also for NAN */
    uint64_t count = (uint64_t)rounded;
    uint32_t whole = rounded < UINT32_MAX ? (uint32_t)rounded : UINT32_MAX;
    switch (figure->type) {
    case FIGURE_COUNT:
        memcpy(at, &count, sizeof count);
        break;
    case FIGURE_WHOLE:
        memcpy(at, &whole, sizeof whole);
        break;
    case FIGURE_NUMBER:
        memcpy(at, &value, sizeof value);
        break;
    case FIGURE_EXACT:
        break;
    }
}

bool figure_is_price(const struct figure *figure)
{
    return text_starts_with(figure->key, "price.");
}
