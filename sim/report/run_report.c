#include "sim/report/run_report.h"

#include <math.h>

#include "sim/base/units.h"

static void add_distribution(struct json *object, const char *name,
                             const struct distribution *distribution)
{
    struct json *child = json_add_object(object, name);
    json_add_number(child, "mean", distribution->mean);
    json_add_number(child, "p50", distribution->p50);
    json_add_number(child, "p90", distribution->p90);
    json_add_number(child, "p99", distribution->p99);
    json_add_number(child, "max", distribution->max);
    json_add_number(child, "count", (double)distribution->count);
}

static void add_timeline(struct json *object, const struct timeline_summary *timeline)
{
    struct json *kv = json_add_object(object, "kv_utilization");
    json_add_number(kv, "mean", timeline->kv_mean);
    json_add_number(kv, "peak", timeline->kv_peak);
    json_add_number(kv, "share_of_time_at_least_0.95", timeline->kv_share_above_95);
    json_add_number(kv, "volatility", timeline->kv_volatility);
    struct json *running = json_add_object(object, "running");
    json_add_number(running, "mean", timeline->running_mean);
    json_add_number(running, "peak", timeline->running_peak);
    struct json *waiting = json_add_object(object, "waiting");
    json_add_number(waiting, "mean", timeline->waiting_mean);
    json_add_number(waiting, "peak", timeline->waiting_peak);
}

void run_report_json(const struct run_summary *summary, struct json *object)
{
    struct json *requests = json_add_object(object, "requests");
    json_add_number(requests, "total", (double)summary->requests);
    json_add_number(requests, "finished", (double)summary->finished);
    json_add_number(requests, "rejected", (double)summary->rejected);
    json_add_number(requests, "cut_while_thinking", (double)summary->cut_while_thinking);
    json_add_number(requests, "graded", (double)summary->graded);
    json_add_number(requests, "right", (double)summary->right);
    json_add_number(object, "makespan_s", summary->makespan_s);
    json_add_number(object, "busy_s", summary->timeline.busy_s);
    struct json *tokens = json_add_object(object, "tokens");
    json_add_number(tokens, "prompt", (double)summary->prompt_tokens);
    json_add_number(tokens, "prompt_cached", (double)summary->cached_tokens);
    json_add_number(tokens, "output", (double)summary->output_tokens);
    json_add_number(tokens, "reasoning", (double)summary->reasoning_tokens);
    struct json *throughput = json_add_object(object, "throughput");
    json_add_number(throughput, "requests_per_s", summary->requests_per_s);
    json_add_number(throughput, "output_tokens_per_s", summary->output_tokens_per_s);
    json_add_number(throughput, "total_tokens_per_s", summary->total_tokens_per_s);
    json_add_number(throughput, "goodput_per_s", summary->goodput_per_s);
    json_add_text(object, "percentiles_of_requests",
                  summary->percentiles_are_exact ? "exact" : "within 0.8 %");
    add_distribution(object, "ttft_s", &summary->ttft_s);
    add_distribution(object, "ttfvt_s", &summary->ttfvt_s);
    add_distribution(object, "tpot_s", &summary->tpot_s);
    add_distribution(object, "itl_s", &summary->itl_s);
    add_distribution(object, "e2e_s", &summary->e2e_s);
    add_distribution(object, "queueing_s", &summary->queueing_s);
    add_timeline(object, &summary->timeline);
    json_add_number(object, "preemptions", (double)summary->preemptions);
    json_add_number(object, "recomputed_tokens", (double)summary->recomputed_tokens);
    struct json *straggler = json_add_object(object, "straggler");
    json_add_number(straggler, "drain_s", summary->drain_s);
    json_add_number(straggler, "share_of_time_under_quarter_of_peak",
                    summary->timeline.share_under_quarter);
    json_add_number(straggler, "wasted_slot_share", summary->wasted_slot_share);
    struct json *speculation = json_add_object(object, "speculation");
    json_add_number(speculation, "verifications", (double)summary->verifications);
    json_add_number(speculation, "draft_tokens", (double)summary->draft_tokens);
    json_add_number(speculation, "accepted_drafts", (double)summary->accepted_drafts);
    json_add_number(speculation, "streamed_chunks",
                    (double)(summary->output_tokens - summary->accepted_drafts));
    struct json *steps = json_add_object(object, "steps");
    json_add_number(steps, "total", (double)summary->steps);
    json_add_number(steps, "decode", (double)summary->decode_steps);
    json_add_number(steps, "mixed", (double)summary->mixed_steps);
    json_add_number(steps, "extrapolated_share", summary->extrapolated_step_share);
}

/* A duration with three digits and a unit that suits it. */
static void print_duration(FILE *stream, double seconds)
{
    char text[32];
    if (isnan(seconds)) {
        snprintf(text, sizeof text, "-");
    } else if (seconds < 0.9995) {
        snprintf(text, sizeof text, "%.*f ms",
                 seconds < 0.01  ? 2
                 : seconds < 0.1 ? 1
                                 : 0,
                 seconds * 1000);
    } else {
        snprintf(text, sizeof text, "%.*f s", seconds < 10 ? 2 : seconds < 100 ? 1 : 0, seconds);
    }
    fprintf(stream, " %9s", text);
}

static void print_distribution(FILE *stream, const char *name,
                               const struct distribution *distribution)
{
    fprintf(stream, "  %-28s", name);
    print_duration(stream, distribution->mean);
    print_duration(stream, distribution->p50);
    print_duration(stream, distribution->p90);
    print_duration(stream, distribution->p99);
    print_duration(stream, distribution->max);
    fputc('\n', stream);
}

/* Right answers, with the standard error of their share. */
static void print_accuracy(const struct run_summary *summary, FILE *stream)
{
    if (summary->graded > 0) {
        double graded = (double)summary->graded;
        double share = (double)summary->right / graded;
        fprintf(stream, "accuracy      %.1f %% of the answers expected right (+-%.1f)\n",
                100 * share, 100 * sqrt(share * (1 - share) / graded));
    }
}

/* What is shared, and what is guessed, where there is any. */
static void print_savings(const struct run_summary *summary, FILE *stream)
{
    if (summary->cached_tokens > 0) {
        fprintf(stream, "prefix cache  %.1f %% of the prompt tokens found\n",
                100.0 * (double)summary->cached_tokens / (double)summary->prompt_tokens);
    }
    if (summary->verifications > 0) {
        double verifications = (double)summary->verifications;
        fprintf(stream, "speculation   %.2f tokens a verification, of %.2f drafted %.0f %% right\n",
                1 + (double)summary->accepted_drafts / verifications,
                (double)summary->draft_tokens / verifications,
                100.0 * (double)summary->accepted_drafts / (double)summary->draft_tokens);
    }
}

void run_report_table(const struct run_summary *summary, FILE *stream)
{
    const struct timeline_summary *timeline = &summary->timeline;
    fprintf(stream, "requests      %llu finished", (unsigned long long)summary->finished);
    if (summary->rejected > 0) {
        fprintf(stream, ", %llu refused (too long, or too many at once)",
                (unsigned long long)summary->rejected);
    }
    fprintf(stream, ", %llu cut while thinking; makespan %.1f s\n",
            (unsigned long long)summary->cut_while_thinking, summary->makespan_s);
    fprintf(stream,
            "throughput    %.3g requests/s, %.0f output tokens/s (%.0f %% of them reasoning)\n",
            summary->requests_per_s, summary->output_tokens_per_s,
            summary->output_tokens > 0
                ? 100.0 * (double)summary->reasoning_tokens / (double)summary->output_tokens
                : 0);
    fprintf(stream,
            "KV cache      mean %.1f %%, peak %.1f %%, volatility %.1f points, at least 95 "
            "%% full for %.1f %% of the time\n",
            100 * timeline->kv_mean, 100 * timeline->kv_peak, 100 * timeline->kv_volatility,
            100 * timeline->kv_share_above_95);
    fprintf(stream,
            "batch         running mean %.1f, peak %u; waiting mean %.1f, peak %u; "
            "preemptions %llu\n",
            timeline->running_mean, timeline->running_peak, timeline->waiting_mean,
            timeline->waiting_peak, (unsigned long long)summary->preemptions);
    fprintf(stream,
            "stragglers    last 10 %% of requests take %.1f s; under a quarter of the peak "
            "running for %.0f %% of the time\n",
            summary->drain_s, 100 * timeline->share_under_quarter);
    fprintf(stream,
            "steps         %llu, of them %llu with prefill; %.1f %% priced by extrapolation\n",
            (unsigned long long)summary->steps, (unsigned long long)summary->mixed_steps,
            100 * summary->extrapolated_step_share);
    print_accuracy(summary, stream);
    print_savings(summary, stream);
    fprintf(stream, "\n  %-28s %9s %9s %9s %9s %9s\n", "latency", "mean", "p50", "p90", "p99",
            "max");
    print_distribution(stream, "time to first token", &summary->ttft_s);
    print_distribution(stream, "time to first visible token", &summary->ttfvt_s);
    print_distribution(stream, "time per output token", &summary->tpot_s);
    print_distribution(stream, "inter-token latency", &summary->itl_s);
    print_distribution(stream, "end to end", &summary->e2e_s);
    print_distribution(stream, "queueing", &summary->queueing_s);
}

static void write_header(struct csv_writer *writer, const char *const *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        csv_write_text(writer, columns[i]);
    }
    csv_end_row(writer);
}

void run_report_requests_header(struct csv_writer *writer)
{
    static const char *const columns[] = {
        "request_id",       "dataset",      "status",   "prompt_tokens",     "output_tokens",
        "reasoning_tokens", "preemptions",  "sent_s",   "first_scheduled_s", "first_token_s",
        "first_visible_s",  "last_token_s", "max_itl_s"};
    write_header(writer, columns, sizeof columns / sizeof columns[0]);
}

void run_report_request(const struct request_record *record, struct csv_writer *writer)
{
    csv_write_whole(writer, record->request_id);
    csv_write_text(writer, record->dataset);
    csv_write_text(writer, record->status);
    csv_write_whole(writer, record->prompt_tokens);
    csv_write_whole(writer, record->output_tokens);
    csv_write_whole(writer, record->reasoning_tokens);
    csv_write_whole(writer, record->preemptions);
    csv_write_decimal(writer, record->sent_s, 6);
    csv_write_decimal(writer, record->first_scheduled_s, 6);
    csv_write_decimal(writer, record->first_token_s, 6);
    csv_write_decimal(writer, record->first_visible_s, 6);
    csv_write_decimal(writer, record->last_token_s, 6);
    csv_write_decimal(writer, record->max_itl_s, 6);
    csv_end_row(writer);
}

void run_report_timeline_header(struct csv_writer *writer)
{
    static const char *const columns[] = {"time_s",  "kv_utilization", "used_blocks",
                                          "running", "waiting",        "output_tokens"};
    write_header(writer, columns, sizeof columns / sizeof columns[0]);
}

void run_report_timeline_sample(const struct timeline_sample *sample, uint32_t total_blocks,
                                struct csv_writer *writer)
{
    csv_write_decimal(writer, s_from_ps(sample->at_ps), 3);
    csv_write_decimal(writer, (double)sample->state.used_blocks / total_blocks, 6);
    csv_write_whole(writer, sample->state.used_blocks);
    csv_write_whole(writer, sample->state.running);
    csv_write_whole(writer, sample->state.waiting);
    csv_write_whole(writer, sample->state.output_tokens);
    csv_end_row(writer);
}
