/* When requests arrive: gaps of one distribution, or of one that changes by windows of time. */
#ifndef WORKLOADS_ARRIVAL_PROCESS_H
#define WORKLOADS_ARRIVAL_PROCESS_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/settings.h"

enum arrival_kind {
    ARRIVAL_GAMMA,       /* gaps: shape = burstiness, mean = 1 / rate */
    ARRIVAL_POISSON,     /* burstiness 1 */
    ARRIVAL_WEIBULL,     /* gaps: shape = burstiness, mean = 1 / rate */
    ARRIVAL_WINDOWS,     /* gamma, with rate and burstiness by windows of time */
    ARRIVAL_CONSTANT,    /* every 1 / rate */
    ARRIVAL_ALL_AT_ONCE, /* at time 0; used with closed-loop and batch clients */
};

/* Their names and what they do, up to a NULL name. */
extern const struct setting_choice arrival_processes[];

enum { ARRIVAL_MAX_WINDOWS = 256 };

struct arrival_settings {
    enum arrival_kind process;
    double rate_per_s; /* of requests, however many arrive at once */
    double burstiness;
    const char *windows; /* "60:2:0.25,30:8:0.5": seconds, rate, burstiness, over and over */
};

/* Rate and burstiness up to a time. */
struct arrival_window {
    double until_s;
    double rate_per_s;
    double burstiness;
};

struct arrival_process {
    struct arrival_settings settings;
    struct arrival_window windows[ARRIVAL_MAX_WINDOWS];
    uint32_t window_count;
    double share; /* of arrivals in requests: one over how many come at once */
    double now_s;
};

/* Borrows the settings' text while it runs; each arrival brings 'group' requests. */
MUST_CHECK bool arrival_process_init(struct arrival_process *arrivals,
                                     const struct arrival_settings *settings, uint32_t group,
                                     struct error *error);

/* The time of the next arrival. */
double arrival_process_next_s(struct arrival_process *arrivals, struct random_stream *random);

#endif
