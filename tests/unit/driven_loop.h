/* The loop of an instance made by hand, driven from event to event as a run drives it. */
#ifndef TESTS_UNIT_DRIVEN_LOOP_H
#define TESTS_UNIT_DRIVEN_LOOP_H

#include "tests/unit/made_instance.h"

#include "sim/serving/engine_loop.h"

struct driven_loop {
    struct made_instance made;
    struct step_record record;
    struct loop_result next;
    uint32_t events;
    uint32_t longest_run; /* steps planned at once, at most */
};

static inline void driven_loop_init(struct driven_loop *loop, const struct engine_preset *preset,
                                    struct engine_settings settings, bool may_repeat)
{
    memset(loop, 0, sizeof *loop);
    made_instance_init(&loop->made, preset, settings);
    timeline_init(&loop->record.timeline, 0, 1);
    instance_join_run(&loop->made.instance, &loop->record, 0, may_repeat);
}

static inline void driven_loop_clear(struct driven_loop *loop)
{
    instance_clear(&loop->made.instance);
    timeline_clear(&loop->record.timeline);
}

/* Requests that are all there at the start; their drafts are right with 60 %. */
static inline void driven_loop_ask(struct driven_loop *loop, uint32_t index, uint32_t prompt,
                                   uint32_t output)
{
    struct request *request = &loop->made.requests[index];
    *request = (struct request){
        .ask = {.prompt_tokens = prompt,
                .max_output_tokens = output + 10,
                .content = {.own_stream = index + 1}},
        .truth = {.output_tokens = output, .drafts = {.probability = 0.6, .key = 77 + index}}};
    request_begin(request, index);
    struct loop_result result = engine_loop_on_request(&loop->made.instance, index, 0);
    loop->next = result.waits ? result : loop->next;
}

/* One event; false when the loop waits for nothing. */
static inline bool driven_loop_step(struct driven_loop *loop)
{
    struct instance *instance = &loop->made.instance;
    int64_t now_ps = loop->next.next_ps;
    if (!loop->next.waits) {
        return false;
    }
    loop->next = loop->next.next == EVENT_LAUNCH_DONE ? engine_loop_on_launch_done(instance, now_ps)
                                                      : engine_loop_on_step_end(instance, now_ps);
    loop->events++;
    loop->longest_run = instance->loop.run.steps > loop->longest_run
                            ? (uint32_t)instance->loop.run.steps
                            : loop->longest_run;
    return true;
}

/* The same requests with every step made and with steps taken at once: to the picosecond alike.
 * Returns how many steps were planned at once, at most. */
static inline uint32_t driven_loop_compare(const struct engine_preset *preset,
                                           struct engine_settings settings)
{
    static struct driven_loop loops[2];
    for (int k = 0; k < 2; k++) {
        driven_loop_init(&loops[k], preset, settings, k == 1);
        loops[k].made.cost.tile_ps = 3000;
        for (uint32_t i = 0; i < 3; i++) {
            driven_loop_ask(&loops[k], i, 20 + 13 * i, 150 + 40 * i);
        }
        while (driven_loop_step(&loops[k])) {
            assert_true(loops[k].events < 2000);
        }
        assert_int_equal(loops[k].made.instance.kv_cache.free_blocks,
                         loops[k].made.instance.kv_cache.total_blocks);
    }
    for (uint32_t i = 0; i < 3; i++) {
        const struct request *one = &loops[0].made.requests[i];
        const struct request *other = &loops[1].made.requests[i];
        assert_int_equal(one->status, REQUEST_FINISHED);
        assert_int_equal(other->status, REQUEST_FINISHED);
        assert_memory_equal(&one->clock, &other->clock, sizeof one->clock);
    }
    assert_memory_equal(&loops[0].record.counts, &loops[1].record.counts,
                        sizeof loops[0].record.counts);
    assert_memory_equal(&loops[0].record.itl, &loops[1].record.itl, sizeof loops[0].record.itl);
    assert_int_equal(loops[0].longest_run, 0);
    uint32_t longest_run = loops[1].longest_run;
    assert_true(loops[1].events < loops[0].events);
    driven_loop_clear(&loops[0]);
    driven_loop_clear(&loops[1]);
    return longest_run;
}

#endif
