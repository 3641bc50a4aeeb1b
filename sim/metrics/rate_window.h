/* Rates over a part of a run: requests and tokens counted by time while it goes on, in a bounded
 * number of bins, so that the part can be chosen when the run is over. */
#ifndef SIM_METRICS_RATE_WINDOW_H
#define SIM_METRICS_RATE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { RATE_WINDOW_BINS = 4096 };

struct rate_bin {
    uint64_t sent;
    uint64_t rejected; /* by when they were sent */
    uint64_t started;  /* scheduled for the first time */
    uint64_t finished;
    uint64_t good; /* finished within the limits of goodput */
    uint64_t output_tokens;
};

struct rate_window {
    int64_t bin_ps; /* doubles when the run outgrows the bins */
    uint32_t used;
    int64_t last_sent_ps;
    struct rate_bin *bins;
};

/* Rates over a span; NAN for one without length. */
struct window_rates {
    double from_s;
    double until_s;
    double offered_per_s;
    double started_per_s;
    double served_per_s;
    double good_per_s;
    double output_tokens_per_s;
    double waiting_until; /* requests sent and not started when the span ends */
};

void rate_window_init(struct rate_window *window);
void rate_window_clear(struct rate_window *window);

void rate_window_add_sent(struct rate_window *window, int64_t at_ps, bool is_rejected);
void rate_window_add_started(struct rate_window *window, int64_t at_ps);
void rate_window_add_finished(struct rate_window *window, int64_t at_ps, uint32_t output_tokens,
                              bool is_good);

/* Between two moments. A bin that is cut counts in proportion. */
struct window_rates rate_window_between(const struct rate_window *window, int64_t from_ps,
                                        int64_t until_ps);

#endif
