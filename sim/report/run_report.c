#include "sim/report/run_report.h"

#include <assert.h>
#include <math.h>

#include "sim/base/units.h"
#include "sim/metrics/figure_table.h"

/* The figure of a group that the table is known to have. */
static const struct figure *figure_of(const char *group, const char *name)
{
    char key[64];
    struct error error;
    const struct figure *figure = NULL;
    snprintf(key, sizeof key, "%s.%s", group, name);
    bool found = figure_find(key, &figure, &error);
    assert(found);
    (void)found;
    return figure;
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

/* Right answers, with the standard error of their share. */
static void print_accuracy(const struct run_summary *summary, FILE *stream)
{
    if (summary->requests.graded > 0) {
        double graded = (double)summary->requests.graded;
        double share = summary->requests.accuracy;
        fprintf(stream, "accuracy      %.1f %% of the answers expected right (+-%.1f)\n",
                100 * share, 100 * sqrt(share * (1 - share) / graded));
    }
}

/* What is shared, and what is guessed, where there is any. */
static void print_savings(const struct run_summary *summary, FILE *stream)
{
    if (summary->tokens.prompt_cached > 0) {
        fprintf(stream, "prefix cache  %.1f %% of the prompt tokens found\n",
                100.0 * (double)summary->tokens.prompt_cached / (double)summary->tokens.prompt);
    }
    if (summary->speculation.verifications > 0) {
        double verifications = (double)summary->speculation.verifications;
        double drafted = (double)summary->speculation.draft_tokens;
        double right = (double)summary->speculation.accepted_drafts;
        assert(right <= drafted);
        fprintf(stream, "speculation   %.2f tokens a verification", 1 + right / verifications);
        if (drafted > 0) {
            fprintf(stream, ", of %.2f drafted %.0f %% right", drafted / verifications,
                    100 * right / drafted);
        }
        fputc('\n', stream);
    }
}

/* A row for each latency, from the figures of its group. */
static void print_latencies(const struct run_summary *summary,
                            const struct percentile_list *percentiles, FILE *stream)
{
    static const struct {
        const char *group;
        const char *label;
    } rows[] = {{"ttft_s", "time to first token"},
                {"ttfvt_s", "time to first visible token"},
                {"tpot_s", "time per output token"},
                {"itl_s", "inter-token latency"},
                {"e2e_s", "end to end"},
                {"queueing_s", "queueing"}};
    const char *columns[MAX_PERCENTILES + 2] = {"mean"};
    size_t count = 1;
    for (uint32_t i = 0; i < percentiles->count; i++) {
        columns[count++] = percentiles->names[i];
    }
    columns[count++] = "max";
    fprintf(stream, "\n  %-28s", "latency");
    for (size_t c = 0; c < count; c++) {
        fprintf(stream, " %9s", columns[c]);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fprintf(stream, "\n  %-28s", rows[i].label);
        for (size_t c = 0; c < count; c++) {
            print_duration(stream, figure_value(figure_of(rows[i].group, columns[c]), summary));
        }
    }
    fputc('\n', stream);
}

void run_report_table(const struct run_summary *summary, const struct percentile_list *percentiles,
                      FILE *stream)
{
    const struct timeline_summary *timeline = &summary->timeline;
    fprintf(stream, "requests      %llu finished", (unsigned long long)summary->requests.finished);
    if (summary->requests.rejected > 0) {
        fprintf(stream, ", %llu refused (too long, or too many at once)",
                (unsigned long long)summary->requests.rejected);
    }
    if (summary->preemption.retries > 0) {
        fprintf(stream, ", %llu retries after failures",
                (unsigned long long)summary->preemption.retries);
    }
    fprintf(stream, ", %llu cut while thinking; makespan %.1f s\n",
            (unsigned long long)summary->requests.cut_while_thinking, summary->makespan_s);
    fprintf(stream,
            "throughput    %.3g requests/s, %.0f output tokens/s (%.0f %% of them reasoning)\n",
            summary->throughput.requests_per_s, summary->throughput.output_tokens_per_s,
            summary->tokens.output > 0
                ? 100.0 * (double)summary->tokens.reasoning / (double)summary->tokens.output
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
            timeline->waiting_peak, (unsigned long long)summary->preemption.preemptions);
    fprintf(stream,
            "stragglers    last 10 %% of requests take %.1f s; under a quarter of the peak "
            "running for %.0f %% of the time\n",
            summary->straggler.drain_s, 100 * timeline->share_under_quarter);
    fprintf(stream,
            "steps         %llu, of them %llu with prefill; %.1f %% priced by extrapolation\n",
            (unsigned long long)summary->steps.total, (unsigned long long)summary->steps.mixed,
            100 * summary->steps.extrapolated_share);
    print_accuracy(summary, stream);
    print_savings(summary, stream);
    print_latencies(summary, percentiles, stream);
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
    assert(total_blocks > 0);
    csv_write_decimal(writer, s_from_ps(sample->at_ps), 3);
    csv_write_decimal(writer, (double)sample->state.used_blocks / total_blocks, 6);
    csv_write_whole(writer, sample->state.used_blocks);
    csv_write_whole(writer, sample->state.running);
    csv_write_whole(writer, sample->state.waiting);
    csv_write_whole(writer, sample->state.output_tokens);
    csv_end_row(writer);
}
