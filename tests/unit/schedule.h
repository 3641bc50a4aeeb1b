/* Schedules through an instance that is made by hand: what each scheduling pass runs. Each line of
 * a schedule: requests with their tokens, '~' where a chunk yields none, '!' behind a request that
 * ends with this step. */
#ifndef TESTS_UNIT_SCHEDULE_H
#define TESTS_UNIT_SCHEDULE_H

#include "tests/unit/check.h"

#include "sim/policy/scheduling_policies.h"
#include "sim/serving/instance.h"
#include "sim/serving/instance_policy.h"

enum { MAX_REQUESTS = 16, MAX_STEPS = 64, LINE_BYTES = 256 };

struct asked {
    uint32_t prompt;
    uint32_t budget;
    uint32_t output;
    uint32_t before_step; /* it has arrived when this step is scheduled, from 1 on */
};

struct schedule {
    const struct engine_preset *preset;
    struct engine_settings settings;
    struct asked requests[MAX_REQUESTS];
    uint32_t first;               /* step that 'steps' begins with */
    const char *steps[MAX_STEPS]; /* up to NULL */
};

static inline void describe(const struct instance *instance, const struct batch *batch,
                            const struct request *requests, char *line)
{
    line[0] = '\0';
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        uint32_t left = instance_tokens_left(instance, &requests[entry->request]);
        size_t used = strlen(line);
        snprintf(line + used, LINE_BYTES - used, "%s%c%u%s%s", used > 0 ? " " : "",
                 (char)('a' + entry->request), entry->tokens, entry->samples ? "" : "~",
                 entry->samples && left <= 1 + entry->accepted ? "!" : "");
    }
}

static inline void check_schedule(const struct schedule *schedule)
{
    struct instance instance;
    struct request requests[MAX_REQUESTS];
    struct engine_settings settings = schedule->settings;
    memset(requests, 0, sizeof requests);
    settings.max_model_len = 100000;
    settings.largest_graph = schedule->preset->defaults.largest_graph;
    settings.max_concurrent_requests = schedule->preset->defaults.max_concurrent_requests;
    settings.reserve_full_prompt = schedule->preset->defaults.reserve_full_prompt;
    const struct instance_config config = {
        .preset = schedule->preset, .policy = scheduling_policies[0], .engine = settings};
    instance_init(&instance, &config, requests, MAX_REQUESTS);
    uint32_t last = schedule->first;
    while (schedule->steps[last - schedule->first] != NULL) {
        last++;
    }
    for (uint32_t step = 1; step < last; step++) {
        for (uint32_t i = 0; i < MAX_REQUESTS; i++) {
            const struct asked *asked = &schedule->requests[i];
            if (asked->prompt > 0 && (asked->before_step > 0 ? asked->before_step : 1) == step) {
                requests[i] = (struct request){.ask.prompt_tokens = asked->prompt,
                                               .known_tokens = asked->prompt,
                                               .ask.max_output_tokens = asked->budget,
                                               .truth.output_tokens = asked->output,
                                               .ask.content = {.own_stream = i + 1}};
                instance_policy_enqueue(&instance, i);
            }
        }
        char line[LINE_BYTES];
        struct batch *batch = &instance.loop.steps[0];
        instance.config->preset->schedule(&instance, batch);
        describe(&instance, batch, requests, line);
        if (step >= schedule->first) {
            const char *expected = schedule->steps[step - schedule->first];
            if (strcmp(line, expected) != 0) {
                fail_msg("step %u: expected [%s], found [%s]", step, expected, line);
            }
        }
        instance.config->preset->process_output(&instance, batch);
    }
    instance_clear(&instance);
}

#endif
