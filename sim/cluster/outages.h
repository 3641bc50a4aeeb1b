/* When instances fail, or are taken out of service, and for how long: at given times, or after
 * times drawn from a distribution. */
#ifndef SIM_CLUSTER_OUTAGES_H
#define SIM_CLUSTER_OUTAGES_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/settings.h"

/* What becomes of the requests of an instance that fails. */
enum retry_rule {
    RETRY_RESUME,  /* they go on elsewhere: prompt and the tokens so far are computed again */
    RETRY_RESTART, /* their answers begin again elsewhere */
    RETRY_NEVER,   /* they are given up */
};

extern const struct setting_choice retry_rules[];

struct outage_settings {
    char failures[512];    /* INSTANCE:FROM_S:FOR_S,... */
    char drains[512];      /* the same */
    double failure_mean_s; /* mean time to a failure of each instance; 0: none by chance */
    double failure_shape;  /* of its Weibull distribution; 1: exponential */
    double repair_s;       /* from a failure by chance until the instance serves again */
    enum retry_rule retry;
};

/* Table of the settings, keys "cluster....". */
extern const struct setting outage_settings_table[];

/* False when a list is none, or names an instance beyond 'instances'. */
MUST_CHECK bool outage_settings_check(const struct outage_settings *settings, uint32_t instances,
                                      struct error *error);

/* An instance takes no requests from a moment on. */
struct outage {
    uint32_t instance;
    int64_t from_ps;
    int64_t for_ps;     /* until it takes requests again, from when it has none */
    uint32_t start;     /* of the instance that it may end; 0: any */
    bool ends_requests; /* it fails; else it first serves those that it has */
};

/* The outages of a run, in no order. */
struct outage_list {
    struct outage *outages;
    size_t count;
    size_t capacity;
};

/* Those that are listed, from settings that were checked. */
void outage_list_init(struct outage_list *list, const struct outage_settings *settings);
void outage_list_clear(struct outage_list *list);

/* The failure by chance that follows 'since_ps', when the instance began to serve for the
 * 'number'th time; 'settings->failure_mean_s' must not be 0. */
struct outage outage_draw(const struct outage_settings *settings, uint64_t seed, uint32_t instance,
                          uint32_t number, int64_t since_ps);

#endif
