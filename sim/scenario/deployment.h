/* What a scenario comes to, but for chance and load: model, GPUs, memory, prices, engine. Resolved
 * once and const from then on; replications, sweeps and threads share it. */
#ifndef SIM_SCENARIO_DEPLOYMENT_H
#define SIM_SCENARIO_DEPLOYMENT_H

#include "sim/cluster/simulation.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/memory_model.h"
#include "sim/hardware/model_shape.h"
#include "sim/pricing/step_cost.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/scenario_group.h"
#include "sim/scenario/warning_list.h"

/* The model that drafts for speculation. */
struct deployment_draft {
    bool is_used;
    struct model_shape model;
    struct step_cost cost;
};

struct deployment {
    struct model_shape model;
    struct gpu gpu;
    const struct weight_precision *weights;
    const struct kv_precision *kv;
    uint32_t tensor_parallel;
    struct engine_limits limits; /* that the engine sets by itself */
    double memory_share;         /* of the GPU's memory that it uses */
    struct memory_plan memory;
    struct step_cost cost;
    struct deployment_draft draft;
    double policy_values[POLICY_MAX_PARAMETERS];
    struct instance_config instance; /* refers to 'cost', 'draft' and 'policy_values' */
    /* All instances: alike, or some for prompts and some for what follows, or groups unlike each
     * other. Then what is above is of the first group, and of the others in 'others'. */
    struct instance_group groups[MAX_GROUPS];
    uint32_t group_count;
    struct deployment *others; /* one less than groups; NULL: groups are of the same kind */
    struct router_settings router;
    char price_confidence[WARNING_BYTES]; /* what the prices are uncertain by, in words */
    struct warning_list warnings;         /* for the user, in the order in which they arose */
};

/* Everything that the scenario names is looked up, planned and priced. It must not be moved, as it
 * refers to itself; to be cleared, also after an error. */
MUST_CHECK bool deployment_resolve(struct deployment *deployment, const struct scenario *scenario,
                                   struct error *error);
void deployment_clear(struct deployment *deployment); /* a zeroed struct is fine */

/* The same but for which instances there are (deployment_part.c). */
MUST_CHECK bool deployment_resolve_part(struct deployment *deployment,
                                        const struct scenario *scenario, struct error *error);

/* One instance of an engine that is known from its own log: its limits are facts, nothing is
 * planned. 'settings' are those the log tells; model and GPU stay empty. Must not be moved. */
void deployment_of_log(struct deployment *deployment, const struct engine_preset *preset,
                       const struct engine_settings *settings, const struct step_cost *cost);

/* What the instances of a group are: model, GPU, memory, prices, engine. */
const struct deployment *deployment_of_group(const struct deployment *deployment, uint32_t group);

/* All GPUs of all instances. */
uint32_t deployment_gpus(const struct deployment *deployment);

#endif
