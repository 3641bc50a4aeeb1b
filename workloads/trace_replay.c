#include "workloads/trace_replay.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/units.h"

#define MAX_TOKENS 1e9

/* What the part holds. */
struct extent {
    uint64_t count;
    double first_s;
    double last_s;
    uint32_t conversations; /* the highest number of one */
};

static bool is_before_part(const struct trace_replay_settings *settings, double arrival_s)
{
    return arrival_s < settings->from_s;
}

static bool is_behind_part(const struct trace_replay_settings *settings, double arrival_s)
{
    return settings->until_s > 0 && arrival_s >= settings->until_s;
}

/* The next request of the part as it was recorded. */
static bool next_recorded(struct trace_replay *replay, struct trace_names *names,
                          struct trace_request *ret_request, bool *ret_more, struct error *error)
{
    do {
        if (!trace_reader_next(&replay->reader, names, ret_request, ret_more, error)) {
            return false;
        }
    } while (*ret_more && is_before_part(&replay->settings, ret_request->arrival_s));
    *ret_more = *ret_more && !is_behind_part(&replay->settings, ret_request->arrival_s);
    return true;
}

static bool rewind_trace(struct trace_replay *replay, struct error *error)
{
    trace_reader_close(&replay->reader);
    return trace_reader_open(&replay->reader, replay->settings.path, error);
}

static bool measure(struct trace_replay *replay, struct extent *extent, struct error *error)
{
    struct trace_names names = {.count = 0};
    struct trace_request request;
    bool more = false;
    *extent = (struct extent){.count = 0};
    while (true) {
        if (!next_recorded(replay, &names, &request, &more, error)) {
            return false;
        }
        if (!more) {
            break;
        }
        extent->first_s = extent->count == 0 ? request.arrival_s : extent->first_s;
        extent->last_s = request.arrival_s;
        if (request.conversation_id > extent->conversations) {
            extent->conversations = request.conversation_id;
        }
        extent->count++;
    }
    return rewind_trace(replay, error);
}

/* Seconds from one request to the next, on average. */
static double mean_gap_s(const struct extent *extent)
{
    return extent->count > 1 ? (extent->last_s - extent->first_s) / (double)(extent->count - 1) : 0;
}

/* From one playing to the next: the length of the part, or up to where another request would have
 * come. */
static double period_s(const struct trace_replay_settings *settings, const struct extent *extent)
{
    return settings->until_s > 0 ? settings->until_s - settings->from_s
                                 : extent->last_s - settings->from_s + mean_gap_s(extent);
}

static bool rescale(struct trace_replay *replay, const struct extent *extent, struct error *error)
{
    struct trace_replay_settings *settings = &replay->settings;
    double gap_s = mean_gap_s(extent);
    if (gap_s <= 0) {
        return error_set(error,
                         "%s: all %llu requests arrive at one moment, so there is no rate to "
                         "change, repeat or redraw",
                         settings->path, (unsigned long long)extent->count);
    }
    replay->time_factor =
        settings->rate_per_s > 0 ? 1 / settings->rate_per_s / gap_s : 1 / settings->rate_factor;
    replay->gap_s = gap_s * replay->time_factor;
    replay->period_s = period_s(settings, extent);
    replay->conversations = extent->conversations;
    if (settings->burstiness > 0) {
        replay->gaps = random_create(settings->seed, "gaps of a trace");
        replay->last_s = (extent->first_s - settings->from_s) * replay->time_factor;
    }
    return true;
}

bool trace_replay_open(struct trace_replay *replay, const struct trace_replay_settings *settings,
                       struct error *error)
{
    struct extent extent;
    memset(replay, 0, sizeof *replay);
    replay->settings = *settings;
    replay->settings.rate_factor = settings->rate_factor > 0 ? settings->rate_factor : 1;
    replay->settings.output_factor = settings->output_factor > 0 ? settings->output_factor : 1;
    replay->settings.repeat = settings->repeat > 0 ? settings->repeat : 1;
    replay->time_factor = 1 / replay->settings.rate_factor;
    if (settings->until_s > 0 && settings->until_s <= settings->from_s) {
        return error_set(error,
                         "'workload.until_s' must be more than 'workload.from_s', got %g "
                         "and %g",
                         settings->until_s, settings->from_s);
    }
    if (!trace_reader_open(&replay->reader, settings->path, error)) {
        return false;
    }
    bool needs_extent =
        settings->rate_per_s > 0 || settings->burstiness > 0 || replay->settings.repeat > 1;
    if (!needs_extent) {
        return true;
    }
    bool ok = measure(replay, &extent, error);
    /* A part without requests is told of when the first one is asked for. */
    ok = ok && (extent.count == 0 || rescale(replay, &extent, error));
    if (!ok) {
        trace_replay_close(replay);
    }
    return ok;
}

void trace_replay_close(struct trace_replay *replay)
{
    random_destroy(replay->gaps);
    if (replay->reader.csv.stream != NULL) {
        trace_reader_close(&replay->reader);
    }
    memset(replay, 0, sizeof *replay);
}

static uint32_t scaled(uint32_t tokens, double factor)
{
    double value = fmin(MAX_TOKENS, floor(tokens * factor + 0.5));
    return value < 1 ? 1 : (uint32_t)value;
}

/* Longer or shorter answers. A budget that had ended one moves along, one that had not stays. */
static void change_lengths(const struct trace_replay_settings *settings,
                           struct trace_request *request)
{
    if (settings->output_factor != 1) {
        bool was_cut = request->output_tokens >= request->max_output_tokens;
        uint32_t visible = request->output_tokens - request->reasoning_tokens;
        request->output_tokens = scaled(request->output_tokens, settings->output_factor);
        uint32_t still_visible = visible > 0 ? scaled(visible, settings->output_factor) : 0;
        request->reasoning_tokens =
            request->reasoning_tokens > 0 && request->output_tokens > still_visible
                ? request->output_tokens - still_visible
                : 0;
        if (was_cut) {
            request->max_output_tokens = request->output_tokens;
        }
    }
    if (settings->token_budget > 0) {
        request->max_output_tokens = settings->token_budget;
    }
}

static void change_arrival(struct trace_replay *replay, struct trace_request *request)
{
    double recorded_s =
        request->arrival_s - replay->settings.from_s + replay->round * replay->period_s;
    request->arrival_s = recorded_s * replay->time_factor;
    if (replay->gaps != NULL) {
        double shape = replay->settings.burstiness;
        replay->last_s +=
            replay->count > 0 ? random_gamma(replay->gaps, shape, replay->gap_s / shape) : 0;
        request->arrival_s = replay->last_s;
    }
    if (request->conversation_id > 0) {
        request->conversation_id += replay->round * replay->conversations;
    }
}

bool trace_replay_next(struct trace_replay *replay, struct trace_names *names,
                       struct trace_request *ret_request, bool *ret_more, struct error *error)
{
    const struct trace_replay_settings *settings = &replay->settings;
    assert(replay->reader.csv.stream != NULL && replay->time_factor > 0);
    *ret_more = false;
    if (settings->requests > 0 && replay->count >= settings->requests) {
        return true;
    }
    if (!next_recorded(replay, names, ret_request, ret_more, error)) {
        return false;
    }
    if (!*ret_more && replay->count > 0 && replay->round + 1 < settings->repeat) {
        replay->round++;
        if (!rewind_trace(replay, error) ||
            !next_recorded(replay, names, ret_request, ret_more, error)) {
            return false;
        }
    }
    if (!*ret_more) {
        return true;
    }
    change_lengths(settings, ret_request);
    change_arrival(replay, ret_request);
    replay->count++;
    return ret_request->arrival_s <= MAX_TIME_S ||
           error_set(error, "request %llu of '%s' would arrive after %.0f s, the most there can be",
                     (unsigned long long)replay->count, settings->path, MAX_TIME_S);
}

double trace_replay_progress(const struct trace_replay *replay)
{
    double done = csv_progress(&replay->reader.csv);
    return (replay->round + done) / replay->settings.repeat;
}
