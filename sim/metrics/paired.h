/* Two things measured under the same conditions, several times: how they differ. */
#ifndef SIM_METRICS_PAIRED_H
#define SIM_METRICS_PAIRED_H

#include <stdint.h>

#include "sim/metrics/figure_table.h"

/* NAN throughout where no pair has both values; bounds and chance are NAN with fewer than two. */
struct paired {
    uint32_t pairs;
    double first;      /* mean of the first */
    double second;     /* mean of the second */
    double difference; /* mean of second - first */
    double low;        /* of the interval of the mean difference */
    double high;
    double
        chance; /* of a difference as large as this or larger where there is none (two-sided t) */
};

/* Student's t of the differences of pairs, at 'level' (0 to 1). Pairs in which a value is NAN are
 * left out. Differences that are all the same have no width; their chance is 0, or 1 when they are
 * all 0. */
struct paired paired_compare(const struct figure *figure, const struct run_summary *first,
                             const struct run_summary *second, uint32_t count, double level);

/* Which of many differences are significant together at 'alpha', by the method of Holm (1979): the
 * chance of any being so by luck is at most that. NAN chances are not. */
void paired_significant(const struct paired *differences, uint32_t count, double alpha,
                        bool *ret_significant);

#endif
