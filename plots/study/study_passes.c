#include "plots/study/study_passes.h"

#include <assert.h>
#include <stdlib.h>

#include "plots/study/study_items.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"

struct passes {
    struct request *requests; /* of all passes, in order of sending */
    uint32_t count;
    uint32_t items; /* of a pass */
    uint32_t width; /* of a batch */
    uint32_t next;
    bool has_paused; /* after the pass that ends at 'next' */
    int64_t from_ps; /* when the first pass that counts began, and the last one ended */
    int64_t until_ps;
    struct study_pass_totals totals;
};

/* The last batch of a pass may be a small one: nothing more is sent before it is done. */
static bool next_of_passes(void *context, struct request *request)
{
    struct passes *passes = context;
    bool at_end = passes->next > 0 && passes->next % passes->items == 0;
    if (passes->next == passes->count) {
        return false;
    }
    if (at_end && passes->items % passes->width != 0 && !passes->has_paused) {
        passes->has_paused = true;
        return false;
    }
    passes->has_paused = false;
    *request = passes->requests[passes->next++];
    return true;
}

static void note_request(void *context, const struct request *request)
{
    struct passes *passes = context;
    struct study_pass_totals *totals = &passes->totals;
    const struct request_clock *clock = &request->clock;
    if (request->id < passes->items) {
        return;
    }
    if (totals->requests == 0 || request->ask.sent_ps < passes->from_ps) {
        passes->from_ps = request->ask.sent_ps;
    }
    passes->until_ps = clock->last_token_ps;
    totals->requests++;
    totals->first_token_s += s_from_ps(clock->first_token_ps - request->ask.sent_ps);
    if (clock->first_visible_ps != TIME_NONE) {
        totals->first_visible++;
        totals->first_visible_s += s_from_ps(clock->first_visible_ps - request->ask.sent_ps);
    }
}

static bool make_requests(const struct scenario *scenario, const struct scenario_run *run,
                          struct passes *passes, struct error *error)
{
    passes->requests = memory_zeroed(passes->count, sizeof passes->requests[0]);
    for (uint32_t from = 0; from < passes->count; from += passes->items) {
        uint64_t seed = from / passes->items;
        if (!study_items_make(scenario, run, seed, &passes->requests[from], error)) {
            return false;
        }
    }
    return true;
}

bool study_passes_run(const struct scenario *scenario, const struct scenario_run *run,
                      uint32_t counted, struct study_pass_totals *ret_totals, struct error *error)
{
    uint32_t items = scenario->workload.requests;
    struct passes passes = {
        .count = items * (1 + counted), .items = items, .width = scenario->workload.client.width};
    assert(counted > 0 && scenario->workload.client.kind == CLIENT_BATCH);
    bool ok = make_requests(scenario, run, &passes, error);
    if (ok) {
        const struct request_feed feed = {&passes, next_of_passes, note_request};
        struct simulation *simulation = simulation_create_fed(&run->settings, &feed);
        simulation_run(simulation);
        struct run_summary summary = simulation_summarize(simulation);
        /* Every pass has the same items: the first streams as many chunks as another. */
        passes.totals.chunks =
            (double)summary.speculation.streamed_chunks * counted / (1 + counted);
        passes.totals.time_s = s_from_ps(passes.until_ps - passes.from_ps);
        assert(passes.totals.requests == items * counted);
        simulation_destroy(simulation);
        *ret_totals = passes.totals;
    }
    free(passes.requests);
    return ok;
}
