/* Prediction intervals of a scenario's replications: on screen, as JSON, and each replication's
 * figures as a row of CSV. */
#ifndef SIM_REPORT_INTERVAL_REPORT_H
#define SIM_REPORT_INTERVAL_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/json.h"
#include "sim/metrics/run_summary.h"

#define INTERVAL_REPORT_LEVEL 0.95

/* The runs of a scenario under the seeds from 'first_seed' on; all borrowed. */
struct replication_set {
    const struct run_summary *runs;
    uint32_t count;
    uint64_t first_seed;
};

/* Adds {mean, low, high} of every figure to 'object', nested like "results". */
void interval_report_json(const struct replication_set *set, struct json *object);

/* The main figures. */
void interval_report_table(const struct replication_set *set, FILE *stream);

/* replications.csv: a row a replication with its seed and all figures. */
void interval_report_csv(const struct replication_set *set, FILE *stream);

#endif
