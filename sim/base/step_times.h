/* When steps of the engine loop come that repeat one decode: the first, the second some gap later,
 * and from there on gaps that rise or fall evenly, as contexts grow by a token a step. */
#ifndef SIM_BASE_STEP_TIMES_H
#define SIM_BASE_STEP_TIMES_H

#include <stdint.h>

#include "sim/base/units.h"

struct step_times {
    int64_t first_ps;
    int64_t first_gap_ps;
    int64_t gap_ps;  /* from the second step to the third */
    int64_t rise_ps; /* from gap to gap; no gap between steps that are asked for is below 1 */
};

/* The time of a step, counted from 0. */
static inline int64_t step_times_at(const struct step_times *times, uint64_t step)
{
    if (step == 0) {
        return times->first_ps;
    }
    int64_t gaps = (int64_t)step - 1;
    return times->first_ps + times->first_gap_ps + times->gap_ps * gaps +
           times->rise_ps * (gaps * (gaps - 1) / 2);
}

/* The largest gap between neighbours of the first 'steps' steps; 0 of one step. */
static inline int64_t step_times_largest_gap(const struct step_times *times, uint64_t steps)
{
    if (steps < 3) {
        return steps < 2 ? 0 : times->first_gap_ps;
    }
    int64_t last_gap_ps = times->gap_ps + times->rise_ps * (int64_t)(steps - 3);
    return ps_max(times->first_gap_ps, ps_max(times->gap_ps, last_gap_ps));
}

/* Times since the first step, summed over steps: so many first gaps, later gaps and rises. */
struct step_delays {
    uint64_t first_gaps;
    uint64_t gaps;
    uint64_t rises;
};

/* Of the steps 'from', from + period, ..., 'terms' of them; 'from' is at least 1, the last step
 * below 2^20. With g = from - 1 + period j, a step comes first_gap + gap g + rise g (g - 1) / 2
 * after the first. */
static inline struct step_delays step_delays_of(uint64_t from, uint64_t period, uint64_t terms)
{
    uint64_t start = from - 1;
    if (terms == 1) { /* of most runs, which are short */
        return (struct step_delays){1, start, start * (start - 1) / 2};
    }
    uint64_t sum_j = terms * (terms - 1) / 2;
    uint64_t sum_jj = sum_j * (2 * terms - 1) / 3;
    uint64_t sum_g = terms * start + period * sum_j;
    uint64_t sum_gg = start * (sum_g + period * sum_j) + period * period * sum_jj;
    return (struct step_delays){.first_gaps = terms, .gaps = sum_g, .rises = (sum_gg - sum_g) / 2};
}

/* The number of steps, at most 'limit', that come before 'end_ps'; the first always counts. Counts
 * as if gaps did not change, which is too far where they rise and not far enough where they fall,
 * then goes back or on by the largest gap on the way, which is never too far. */
static inline uint64_t step_times_before(const struct step_times *times, int64_t end_ps,
                                         uint64_t limit)
{
    int64_t second_ps = times->first_ps + times->first_gap_ps;
    if (end_ps <= second_ps || limit < 2) {
        return 1;
    }
    uint64_t steps = (uint64_t)((end_ps - second_ps - 1) / times->gap_ps) + 2;
    steps = steps < limit ? steps : limit;
    for (;;) {
        int64_t late_ps = step_times_at(times, steps - 1) - end_ps;
        int64_t gap_ps = times->gap_ps + times->rise_ps * (int64_t)(steps - 2);
        if (late_ps >= 0) {
            steps -= late_ps > gap_ps ? (uint64_t)(late_ps / gap_ps) : 1;
        } else if (times->rise_ps < 0 && steps < limit && gap_ps < -late_ps) {
            uint64_t more = (uint64_t)((-late_ps - 1) / gap_ps);
            steps = more < limit - steps ? steps + more : limit;
        } else {
            return steps;
        }
    }
}

#endif
