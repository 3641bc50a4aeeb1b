/* The study's figures of batches of 16 over time, against the band of simulated passes. */
#ifndef PLOTS_STUDY_STUDY_POINTS_H
#define PLOTS_STUDY_STUDY_POINTS_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/error.h"

/* Its engine logs so often; how long after a pass began, nobody says. */
enum { STUDY_LOG_INTERVAL_S = 10 };

/* A point of its figures of batches of 16 over time: what it shows, and the band in which nine
 * out of ten simulated passes lie. */
struct study_point {
    char model[16];
    char model_kind[16];
    char dataset[16];
    char series[16]; /* "running" or "kv_pct" */
    double at_s;
    double published;
    double low;
    double middle;
    double high;
};

struct study_points {
    struct study_point *points;
    uint32_t count;
};

/* The 7B figure and the printed 14B trace, with bands over 'replications' batches drawn from the
 * items. */
MUST_CHECK bool study_points_simulate(uint32_t replications, struct study_points *points,
                                      struct error *error);
void study_points_clear(struct study_points *points);

/* Simulates all of it, says on 'table' how many points lie within the bands, and writes
 * paper_running.csv. */
MUST_CHECK bool study_points_report(const char *directory, FILE *table, struct error *error);

#endif
