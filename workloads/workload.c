#include "workloads/workload.h"

#include <string.h>

#include "sim/base/units.h"

#define ACCURACIES "workloads/data/accuracy.json"

bool workload_generate(struct workload *workload, const struct generator_settings *settings,
                       const char *lengths, struct error *error)
{
    memset(workload, 0, sizeof *workload);
    if (!length_catalog_read(&workload->catalog, lengths, error)) {
        return false;
    }
    if (!accuracy_catalog_read(&workload->accuracies, ACCURACIES, error)) {
        length_catalog_clear(&workload->catalog);
        return false;
    }
    struct generator_settings all = *settings;
    all.accuracies = &workload->accuracies;
    if (!generator_create(&all, &workload->catalog, &workload->datasets, &workload->generator,
                          error)) {
        length_catalog_clear(&workload->catalog);
        accuracy_catalog_clear(&workload->accuracies);
        return false;
    }
    return true;
}

bool workload_replay(struct workload *workload, const struct trace_replay_settings *settings,
                     struct error *error)
{
    memset(workload, 0, sizeof *workload);
    return trace_replay_open(&workload->replay, settings, error);
}

void workload_set_thinking_budget(struct workload *workload, uint32_t tokens)
{
    workload->thinking_budget = tokens;
}

void workload_close(struct workload *workload)
{
    generator_destroy(workload->generator);
    length_catalog_clear(&workload->catalog);
    accuracy_catalog_clear(&workload->accuracies);
    trace_replay_close(&workload->replay);
    memset(workload, 0, sizeof *workload);
}

/* An answer that is cut while it thinks keeps its visible part. */
static void close_thinking(struct trace_request *request, uint32_t budget)
{
    if (request->reasoning_tokens > budget) {
        uint32_t left_out = request->reasoning_tokens - budget;
        request->output_tokens -= left_out;
        request->reasoning_tokens = budget;
    }
    request->output_tokens = request->output_tokens > 0 ? request->output_tokens : 1;
    request->correctness = CORRECTNESS_UNKNOWN;
}

bool workload_next(struct workload *workload, struct trace_request *ret_request, bool *ret_more,
                   struct error *error)
{
    bool ok = true;
    if (workload->generator != NULL) {
        *ret_more = generator_next(workload->generator, ret_request);
        if (*ret_more && ret_request->arrival_s > MAX_TIME_S) {
            return error_set(error,
                             "request %llu would arrive after %.0f s, the most there can be: raise "
                             "'workload.rate_per_s' or make fewer 'workload.requests'",
                             (unsigned long long)workload->count, MAX_TIME_S);
        }
    } else {
        ok =
            trace_replay_next(&workload->replay, &workload->datasets, ret_request, ret_more, error);
    }
    if (ok && !*ret_more && workload->count == 0) {
        const struct trace_replay_settings *asked = &workload->replay.settings;
        ok = error_set(error, "%s: the trace holds no requests%s", asked->path,
                       asked->from_s > 0 || asked->until_s > 0
                           ? " from 'workload.from_s' until 'workload.until_s'"
                           : "");
    }
    if (ok && *ret_more && workload->thinking_budget > 0) {
        close_thinking(ret_request, workload->thinking_budget);
    }
    workload->count += ok && *ret_more;
    return ok;
}
