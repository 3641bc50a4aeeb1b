/* The requests of a measured job as the simulator sends them: when, what their prompts begin with,
 * and how many drafted tokens turn out right. */
#ifndef CALIBRATION_REPLAY_LOAD_H
#define CALIBRATION_REPLAY_LOAD_H

#include "calibration/measured_run.h"
#include "sim/serving/request.h"

struct replay_load {
    uint32_t count;
    bool has_sessions;                 /* some requests are later turns of a conversation */
    double start_s;                    /* of the first sending, on the run's clock */
    struct replay_sending *sendings;   /* in the order in which 'requests' are sent */
    struct measured_request *measured; /* of each of 'requests' */
    struct request *requests;
    uint8_t *accepted; /* drafts accepted by verification, for all requests */
};

/* Requests at their measured times; 'seed' draws how many drafts are accepted. */
void replay_load_init(struct replay_load *load, const struct measured_run *run,
                      const struct measured_job *job, uint64_t seed);
void replay_load_clear(struct replay_load *load);

/* After a replay: moves each later turn to its think time behind the last token that the replay
 * gave the turn before it, where the think time is what was measured, and makes all requests unsent
 * again. Returns by how many seconds the farthest one moved. */
double replay_load_follow_answers(struct replay_load *load);

#endif
