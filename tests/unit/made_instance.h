/* An instance that is made by hand, with room for a few requests: what tests of engines and of the
 * loop drive. */
#ifndef TESTS_UNIT_MADE_INSTANCE_H
#define TESTS_UNIT_MADE_INSTANCE_H

#include "tests/unit/check.h"

#include "sim/base/units.h"
#include "sim/policy/fcfs.h"
#include "sim/serving/instance.h"
#include "sim/serving/instance_policy.h"

enum { MADE_REQUESTS = 8 };

struct made_instance {
    struct step_cost cost;
    struct instance_config config;
    struct instance instance;
    struct request requests[MADE_REQUESTS];
};

/* Every step takes a millisecond; settings that are not given are small. */
static inline void made_instance_init(struct made_instance *made,
                                      const struct engine_preset *preset,
                                      struct engine_settings settings)
{
    memset(made, 0, sizeof *made);
    settings.max_batch_tokens = settings.max_batch_tokens > 0 ? settings.max_batch_tokens : 64;
    settings.max_batch_requests = settings.max_batch_requests > 0 ? settings.max_batch_requests : 4;
    settings.max_model_len = settings.max_model_len > 0 ? settings.max_model_len : 1000;
    settings.block_tokens = settings.block_tokens > 0 ? settings.block_tokens : 1;
    settings.num_blocks = settings.num_blocks > 0 ? settings.num_blocks : 2000;
    made->cost = step_cost_constant(PS_PER_MS);
    made->config = (struct instance_config){
        .preset = preset, .policy = &policy_fcfs, .cost = &made->cost, .engine = settings};
    instance_init(&made->instance, &made->config, made->requests, MADE_REQUESTS);
}

/* The instance begins anew under another policy; NULL: with the values that its parameters have
 * unless set. */
static inline void made_instance_follow(struct made_instance *made,
                                        const struct scheduling_policy *policy,
                                        const double *values)
{
    instance_clear(&made->instance);
    made->config.policy = policy;
    made->config.policy_values = values;
    instance_init(&made->instance, &made->config, made->requests, MADE_REQUESTS);
}

/* A request of so many tokens reaches it; its budget is 10 tokens above its output. */
static inline void made_instance_ask(struct made_instance *made, uint32_t index, uint32_t prompt,
                                     uint32_t output)
{
    struct request *request = &made->requests[index];
    *request = (struct request){.ask = {.prompt_tokens = prompt,
                                        .max_output_tokens = output + 10,
                                        .content = {.own_stream = index + 1}},
                                .truth.output_tokens = output};
    request_begin(request, index);
    instance_policy_enqueue(&made->instance, index);
}

/* A scheduling pass; the batch is the instance's. */
static inline struct batch *made_instance_schedule(struct made_instance *made)
{
    struct batch *batch = &made->instance.loop.steps[0];
    made->config.preset->schedule(&made->instance, batch);
    return batch;
}

/* A pass, and its output at once. */
static inline void made_instance_step(struct made_instance *made)
{
    made->config.preset->process_output(&made->instance, made_instance_schedule(made));
}

#endif
