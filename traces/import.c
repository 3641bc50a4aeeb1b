#include "traces/import.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

const struct import_format import_formats[] = {
    {"aiperf", "AIPerf profile_export.jsonl, a record a request", import_aiperf, "genai-perf"},
    {"azure", "Azure LLM inference 2023 and 2024 (TIMESTAMP,ContextTokens,GeneratedTokens)",
     import_azure, NULL},
    {"burstgpt", "BurstGPT (Timestamp,Model,Request tokens,Response tokens,...)", import_burstgpt,
     NULL},
    {"csv", "any table; usual column names are known, --columns gives others", import_csv, "table"},
    {"guidellm", "GuideLLM benchmarks.json", import_guidellm, NULL},
    {"mooncake", "Mooncake JSON Lines, also gzipped, with what prompts share", import_mooncake,
     NULL},
    {"qwen", "Qwen Bailian JSON Lines: as mooncake, in seconds, blocks of 16 tokens",
     import_mooncake, "bailian"},
    {"servegen", "ServeGen client rates, drawn with --lengths CLIENTS.jsonl", import_servegen,
     NULL},
    {"sglang-bench", "SGLang bench_serving --output-file with --output-details",
     import_sglang_bench, NULL},
    {"vllm-bench", "vllm bench serve --save-result --save-detailed", import_vllm_bench, NULL},
    {NULL, NULL, NULL, NULL},
};

static const char *const reasons[IMPORT_SKIPS] = {
    [IMPORT_NO_ANSWER] = "without an answer",
    [IMPORT_NO_PROMPT] = "without a prompt",
    [IMPORT_OUTSIDE] = "outside the time asked for",
    [IMPORT_OTHER] = "of another model or log type",
    [IMPORT_FAILED] = "failed or cancelled",
    [IMPORT_WARM_UP] = "of the warm-up",
    [IMPORT_NO_LENGTHS] = "of clients without lengths",
};

const char *import_skip_reason(enum import_skip reason)
{
    assert(reason < IMPORT_SKIPS);
    return reasons[reason];
}

void import_skip_row(struct import_requests *requests, enum import_skip reason)
{
    assert(reason < IMPORT_SKIPS);
    requests->rows++;
    requests->skipped[reason]++;
}

/* The same limits as those of our trace reader, so that what is written can be read. */
static bool check(const struct trace_request *request, const char *path, uint64_t line,
                  struct error *error)
{
    enum { MAX_TOKENS = 1 << 30 };
    unsigned long long at = line;
    if (request->prompt_tokens > MAX_TOKENS || request->output_tokens > MAX_TOKENS) {
        return error_set(error, "%s:%llu: more than 2^30 tokens", path, at);
    }
    if (request->reasoning_tokens > request->output_tokens) {
        return error_set(error, "%s:%llu: %u reasoning tokens exceed %u output tokens", path, at,
                         request->reasoning_tokens, request->output_tokens);
    }
    return isfinite(request->arrival_s) ||
           error_set(error, "%s:%llu: the arrival is not a number", path, at);
}

bool import_add(struct import_requests *requests, const struct import_settings *settings,
                const struct trace_request *request, const char *path, uint64_t line,
                struct error *error)
{
    if (!check(request, path, line, error)) {
        return false;
    }
    requests->rows++;
    requests->out_of_order += requests->rows > 1 && request->arrival_s < requests->last_s;
    requests->last_s = request->arrival_s;
    requests->earliest_s = fmin(requests->earliest_s, request->arrival_s);
    double first_s = requests->counts_from_first ? requests->earliest_s : 0;
    if (request->prompt_tokens == 0 || request->output_tokens == 0) {
        requests->skipped[request->output_tokens == 0 ? IMPORT_NO_ANSWER : IMPORT_NO_PROMPT]++;
    } else if (request->arrival_s - first_s >= settings->until_s) {
        requests->skipped[IMPORT_OUTSIDE]++; /* an earlier first row does not bring it back */
    } else {
        requests->requests = memory_grow(requests->requests, &requests->capacity,
                                         requests->count + 1, sizeof requests->requests[0]);
        requests->requests[requests->count++] = *request;
    }
    return true;
}

/* Merges two neighbouring sorted runs; equal times keep their order. */
static void merge(const struct trace_request *from, struct trace_request *to, uint64_t begin,
                  uint64_t middle, uint64_t end)
{
    uint64_t left = begin;
    uint64_t right = middle;
    for (uint64_t i = begin; i < end; i++) {
        bool take_left =
            left < middle && (right == end || from[left].arrival_s <= from[right].arrival_s);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

/* By arrival; turns of a session that wait for each other stay in order. */
static void sort(struct import_requests *requests)
{
    uint64_t count = requests->count;
    struct trace_request *other = memory_zeroed(count, sizeof other[0]);
    for (uint64_t width = 1; width < count; width *= 2) {
        for (uint64_t begin = 0; begin < count; begin += 2 * width) {
            uint64_t middle = begin + width < count ? begin + width : count;
            uint64_t end = begin + 2 * width < count ? begin + 2 * width : count;
            merge(requests->requests, other, begin, middle, end);
        }
        struct trace_request *swapped = requests->requests;
        requests->requests = other;
        requests->capacity = count;
        other = swapped;
    }
    free(other);
}

/* Lets time begin with the window, and drops what lies before or behind it. */
static void cut(struct import_requests *requests, const struct import_settings *settings)
{
    double first_s = requests->counts_from_first ? requests->earliest_s : 0;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < requests->count; i++) {
        struct trace_request request = requests->requests[i];
        request.arrival_s -= first_s;
        if (request.arrival_s < settings->from_s || request.arrival_s >= settings->until_s) {
            requests->skipped[IMPORT_OUTSIDE]++;
            continue;
        }
        request.arrival_s -= settings->from_s;
        if (request.max_output_tokens < request.output_tokens) {
            request.max_output_tokens = request.output_tokens;
        }
        requests->requests[kept++] = request;
    }
    requests->count = kept;
}

/* Spans and rates that no service has: then times were taken for another unit than they are in. */
static bool check_plausible(const struct import_requests *requests, const char *path,
                            struct error *error)
{
    enum { MAX_RATE_PER_S = 20000, FEW = 100 };
    double first_s = INFINITY;
    double last_s = 0;
    for (uint64_t i = 0; i < requests->count; i++) {
        first_s = fmin(first_s, requests->requests[i].arrival_s);
        last_s = fmax(last_s, requests->requests[i].arrival_s);
    }
    double span_s = last_s - first_s;
    if (last_s > MAX_TIME_S) {
        return error_set(error,
                         "%s: arrivals span %.3g days, a trace at most %.0f; are times in the unit "
                         "they were taken for (--time-unit), or is a part wanted (--until)?",
                         path, last_s / 86400, MAX_TIME_S / 86400);
    }
    return requests->count < FEW || span_s <= 0 ||
           (double)requests->count / span_s <= MAX_RATE_PER_S ||
           error_set(
               error,
               "%s: %llu requests within %.3g s are not plausible; are times in the unit they "
               "were taken for (--time-unit)?",
               path, (unsigned long long)requests->count, span_s);
}

static bool check_read(const struct import_requests *requests,
                       const struct import_settings *settings, struct error *error)
{
    if (requests->count == 0) {
        return error_set(error, "%s: no requests from %g to %g s among %llu rows", settings->path,
                         settings->from_s, settings->until_s, (unsigned long long)requests->rows);
    }
    return check_plausible(requests, settings->path, error);
}

bool import_read(const struct import_format *format, const struct import_settings *settings,
                 struct import_requests *requests, struct error *error)
{
    memset(requests, 0, sizeof *requests);
    requests->earliest_s = INFINITY;
    bool ok = format->read(settings, requests, error);
    if (ok) {
        cut(requests, settings);
        ok = check_read(requests, settings, error);
    }
    if (ok) {
        sort(requests);
    } else {
        import_clear(requests);
    }
    return ok;
}

void import_clear(struct import_requests *requests)
{
    free(requests->requests);
    memset(requests, 0, sizeof *requests);
}
