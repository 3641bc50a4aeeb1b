/* A trace played back, as it was recorded or changed: a part of it, faster, several times over,
 * with other gaps, budgets or lengths. */
#ifndef WORKLOADS_TRACE_REPLAY_H
#define WORKLOADS_TRACE_REPLAY_H

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "traces/trace.h"

struct trace_replay_settings {
    const char *path;
    uint64_t seed;         /* of redrawn gaps */
    double from_s;         /* arrivals before are left out; the first moment counts as 0 */
    double until_s;        /* arrivals from here on are left out; 0: to the end */
    uint32_t repeat;       /* how often the part is played; 0 is taken as 1 */
    double rate_factor;    /* on the rate of arrivals; 0 is taken as 1 */
    double rate_per_s;     /* rescale to this mean rate instead; 0: as recorded */
    double burstiness;     /* redraw the gaps as gamma ones of this shape; 0: as recorded */
    uint32_t requests;     /* at most; 0: all */
    uint32_t token_budget; /* instead of each request's own; 0: as recorded */
    double output_factor;  /* on the length of answers; 0 is taken as 1 */
};

struct trace_replay {
    struct trace_replay_settings settings;
    struct trace_reader reader;
    struct random_stream *gaps; /* NULL: gaps as recorded */
    double gap_s;               /* mean gap after rescaling, where gaps are redrawn */
    double last_s;              /* arrival of the request before, where gaps are redrawn */
    double time_factor;         /* recorded seconds -> played ones */
    double period_s;            /* recorded, from one playing to the next */
    uint32_t conversations;     /* of the part: each playing has its own */
    uint32_t round;
    uint64_t count;
};

/* Borrows the settings' path until closed. Errors: a part without requests, and changes that one
 * request cannot carry (the rate of a single moment). */
MUST_CHECK bool trace_replay_open(struct trace_replay *replay,
                                  const struct trace_replay_settings *settings,
                                  struct error *error);
void trace_replay_close(struct trace_replay *replay); /* a zeroed struct is fine */

/* The next request, in order of arrival; '*ret_more' is false at the end. */
MUST_CHECK bool trace_replay_next(struct trace_replay *replay, struct trace_names *names,
                                  struct trace_request *ret_request, bool *ret_more,
                                  struct error *error);

/* The part of the file that has been played, from 0 to 1; 0 when that is not known. */
double trace_replay_progress(const struct trace_replay *replay);

#endif
