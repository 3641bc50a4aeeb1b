/* One run: requests through a client to the instances of a cluster, until all are done. */
#ifndef SIM_CLUSTER_SIMULATION_H
#define SIM_CLUSTER_SIMULATION_H

#include "sim/cluster/request_feed.h"
#include "sim/cluster/simulation_settings.h"
#include "sim/metrics/rate_window.h"

struct simulation;

/* Borrows the settings' pointers and what the feed refers to until destroyed. */
struct simulation *simulation_create_fed(const struct simulation_settings *settings,
                                         const struct request_feed *feed);
/* With requests of an array, in order of sending; each is brought up to date when it is done. */
struct simulation *simulation_create(const struct simulation_settings *settings,
                                     struct request *requests, uint32_t request_count);
void simulation_destroy(struct simulation *simulation);

/* Runs to the end, or until it is stalled or out of time. */
void simulation_run(struct simulation *simulation);

/* Runs at most 'limit' events; false when the run has ended. */
bool simulation_run_events(struct simulation *simulation, uint64_t limit);

/* Brings all instances to the present, as the end of a run does; for a look at one that is stopped
 * before. */
void simulation_settle(struct simulation *simulation);

/* Asserts what must hold at any time between events; cheap enough for tests. */
void simulation_check(struct simulation *simulation);

/* Runs one event; false when there is none left. For tests that check between events. */
bool simulation_step(struct simulation *simulation);

/* True when the run was given up as an engine makes no progress (engine_loop_is_stalled). */
bool simulation_is_stalled(const struct simulation *simulation);

/* What made the run impossible to go on with: a policy's answer that makes no sense. NULL: nothing
 * did. */
const struct error *simulation_failure(const struct simulation *simulation);

/* True when the run was given up because the clock's range (MAX_TIME_S) is used up. */
bool simulation_is_out_of_time(const struct simulation *simulation);

int64_t simulation_now_ps(const struct simulation *simulation);
const struct simulation_counts *simulation_counts(const struct simulation *simulation);
const struct step_counts *simulation_step_counts(const struct simulation *simulation);
const struct timeline *simulation_timeline(const struct simulation *simulation);
const struct histogram *simulation_itl(const struct simulation *simulation);

/* Seconds between the first request and the last token for which the instance was on: serving,
 * starting, draining or away. Until the run has ended the end is the last token so far. */
double simulation_paid_s(const struct simulation *simulation, uint32_t number);

/* Requests and tokens by time. */
const struct rate_window *simulation_rates(const struct simulation *simulation);

uint32_t simulation_instance_count(const struct simulation *simulation);
struct instance_figures simulation_instance_figures(const struct simulation *simulation,
                                                    uint32_t number);

/* The numbers of a run that has ended. */
struct run_summary simulation_summarize(struct simulation *simulation);

#endif
