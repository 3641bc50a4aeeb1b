/* What the steps of a run come to; all its instances count here. */
#ifndef SIM_SERVING_STEP_RECORD_H
#define SIM_SERVING_STEP_RECORD_H

#include "sim/base/error.h"
#include "sim/metrics/histogram.h"
#include "sim/metrics/timeline.h"
#include "sim/serving/observer.h"

struct step_counts {
    uint64_t decode_steps;
    uint64_t mixed_steps;
    uint64_t extrapolated_steps;
    uint64_t draft_tokens;
    uint64_t accepted_drafts;
    uint64_t verifications;
    uint64_t preemptions;
};

struct step_record {
    struct step_counts counts;
    struct histogram itl;
    struct timeline timeline;
    struct observer_list observers;
    bool has_failed; /* the run cannot go on */
    struct error failure;
};

#endif
