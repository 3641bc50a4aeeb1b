#include "traces/import_summary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"

static int compare_tokens(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a;
    uint32_t second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* Sorts 'tokens'. A quantile is the least value that so many reach. */
static void find_quantiles(uint32_t *tokens, uint64_t count, struct length_quantiles *ret_quantiles)
{
    static const double parts[IMPORT_QUANTILES] = {0.5, 0.9, 0.99, 1};
    double sum = 0;
    qsort(tokens, count, sizeof tokens[0], compare_tokens);
    for (uint64_t i = 0; i < count; i++) {
        sum += tokens[i];
    }
    ret_quantiles->mean = sum / (double)count;
    for (int i = 0; i < IMPORT_QUANTILES; i++) {
        uint64_t rank = (uint64_t)ceil(parts[i] * (double)count);
        ret_quantiles->at[i] = tokens[rank > 0 ? rank - 1 : 0];
    }
}

void import_summarize(const struct import_requests *requests, struct import_summary *ret_summary)
{
    assert(requests->count > 0);
    const struct trace_request *all = requests->requests;
    uint64_t count = requests->count;
    uint32_t *prompts = memory_zeroed(count, sizeof prompts[0]);
    uint32_t *outputs = memory_zeroed(count, sizeof outputs[0]);
    double squares = 0;
    *ret_summary = (struct import_summary){.span_s = all[count - 1].arrival_s - all[0].arrival_s};
    double mean_gap_s = count > 1 ? ret_summary->span_s / (double)(count - 1) : 0;
    for (uint64_t i = 0; i < count; i++) {
        prompts[i] = all[i].prompt_tokens;
        outputs[i] = all[i].output_tokens;
        ret_summary->follow_ups += all[i].follows_answer;
        double gap_s = i > 0 ? all[i].arrival_s - all[i - 1].arrival_s : mean_gap_s;
        squares += (gap_s - mean_gap_s) * (gap_s - mean_gap_s);
    }
    if (ret_summary->span_s > 0) {
        ret_summary->rate_per_s = 1 / mean_gap_s;
        ret_summary->gap_cv = sqrt(squares / (double)(count - 1)) / mean_gap_s;
    }
    find_quantiles(prompts, count, &ret_summary->prompt);
    find_quantiles(outputs, count, &ret_summary->output);
    free(prompts);
    free(outputs);
}

static void print_lengths(const char *name, const struct length_quantiles *lengths, FILE *stream)
{
    fprintf(stream, "%-10s mean %.0f, p50 %u, p90 %u, p99 %u, max %u tokens\n", name, lengths->mean,
            lengths->at[0], lengths->at[1], lengths->at[2], lengths->at[3]);
}

void import_summary_print(const struct import_requests *requests,
                          const struct import_summary *summary, FILE *stream)
{
    fprintf(stream, "read       %llu rows, %llu requests", (unsigned long long)requests->rows,
            (unsigned long long)requests->count);
    for (int i = 0; i < IMPORT_SKIPS; i++) {
        if (requests->skipped[i] > 0) {
            fprintf(stream, "; skipped %llu %s", (unsigned long long)requests->skipped[i],
                    import_skip_reason((enum import_skip)i));
        }
    }
    if (requests->out_of_order > 0) {
        fprintf(stream, "; %llu earlier than the row before, sorted",
                (unsigned long long)requests->out_of_order);
    }
    fprintf(stream, "\narrivals   over %.6g s", summary->span_s);
    if (summary->span_s > 0) {
        fprintf(stream, ", %.3g/s, gaps with a coefficient of variation of %.2f",
                summary->rate_per_s, summary->gap_cv);
    }
    if (summary->follow_ups > 0) {
        fprintf(stream, "; %llu wait for an answer before them",
                (unsigned long long)summary->follow_ups);
    }
    fprintf(stream, "\n");
    print_lengths("prompts", &summary->prompt, stream);
    print_lengths("outputs", &summary->output, stream);
    if (requests->note[0] != '\0') {
        fprintf(stream, "note       %s\n", requests->note);
    }
}
