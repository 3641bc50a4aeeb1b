/* Small schedules of TGI, Orca and static batching, worked out by hand from their sources: what
 * each scheduling pass runs. Each line of a schedule: requests with their tokens, '~' where a chunk
 * yields none,
 * '!' behind a request that ends with this step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/engines/orca.h"
#include "sim/engines/tgi.h"
#include "sim/policy/scheduling_policies.h"

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

static void describe(const struct instance *instance, const struct batch *batch,
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

static void check(const struct schedule *schedule)
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
                instance_enqueue(&instance, i);
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

#define TGI(pool, budget, chunks)                                                                  \
    .preset = &engine_preset_tgi, .settings = {.num_blocks = pool,                                 \
                                               .block_tokens = 1,                                  \
                                               .max_batch_tokens = budget,                         \
                                               .max_batch_requests = 64,                           \
                                               .chunked_prefill = chunks}

/* a takes 40 of 64 tokens, b a chunk; c needs 249 slots, of which 101 are free. */
static void test_tgi_chunks(void **state)
{
    (void)state;
    check(&(struct schedule){TGI(300, 64, true),
                             .requests = {{40, 60, 60, 0}, {40, 60, 60, 0}, {200, 50, 50, 0}},
                             .first = 1, .steps = {"a40 b24~", "a1 b16", "a1 b1", "a1 b1"}});
}

/* Ten decodes leave 54 tokens for x; the forward after an admission does not look at the queue. */
static void test_tgi_mixed(void **state)
{
    (void)state;
    struct schedule schedule = {TGI(4000, 64, true), .first = 3,
                                .steps = {"a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k54~",
                                          "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k46",
                                          "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k1 l5"}};
    for (uint32_t i = 0; i < 10; i++) {
        schedule.requests[i] = (struct asked){5, 50, 50, 0};
    }
    schedule.requests[10] = (struct asked){100, 20, 20, 3};
    schedule.requests[11] = (struct asked){5, 20, 20, 4};
    check(&schedule);
}

/* Without chunks two waiting are too few beside ten running, until 20 decodes have passed. */
static void test_tgi_waiting_served_ratio(void **state)
{
    (void)state;
    const char *decodes = "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1";
    struct schedule schedule = {TGI(4000, 64, false), .first = 1, .steps = {NULL}};
    schedule.steps[0] = "a5 b5 c5 d5 e5 f5 g5 h5 i5 j5";
    for (uint32_t i = 1; i <= 19; i++) {
        schedule.steps[i] = decodes;
    }
    schedule.steps[20] = "k7 l7";
    schedule.steps[21] = "a1 b1 c1 d1 e1 f1 g1 h1 i1 j1 k1 l1";
    for (uint32_t i = 0; i < 10; i++) {
        schedule.requests[i] = (struct asked){5, 50, 50, 0};
    }
    schedule.requests[10] = (struct asked){7, 20, 20, 2};
    schedule.requests[11] = (struct asked){7, 20, 20, 2};
    check(&schedule);
}

/* 2500 tokens are three segments: the prompt is found again, what was generated is not. */
static void test_tgi_segments(void **state)
{
    (void)state;
    struct schedule schedule = {TGI(20000, 4096, true), .requests = {{100, 3000, 2500, 0}},
                                .first = 1, .steps = {NULL}};
    schedule.settings.prefix_caching = true;
    schedule.steps[0] = "a100";
    check(&schedule);
    schedule.first = 1025;
    schedule.steps[0] = "a1024"; /* prompt 1124, of which 100 are cached */
    check(&schedule);
    schedule.first = 2049;
    check(&schedule);
    schedule.first = 2500;
    schedule.steps[0] = "a1!";
    check(&schedule);
}

#define ORCA(slots, most)                                                                          \
    .preset = &engine_preset_orca, .settings = {.num_blocks = slots,                               \
                                                .block_tokens = 1,                                 \
                                                .max_batch_tokens = 64,                            \
                                                .max_batch_requests = most}

/* c would make 120 of 100 slots: it waits for the end of a. */
static void test_orca_reserves(void **state)
{
    (void)state;
    check(&(struct schedule){
        ORCA(100, 3), .requests = {{10, 30, 3, 0}, {10, 30, 5, 0}, {10, 30, 4, 0}}, .first = 1,
        .steps = {"a10 b10", "a1 b1", "a1! b1", "b1 c10", "b1! c1", "c1", "c1!"}});
}

static void test_orca_batch_limit(void **state)
{
    (void)state;
    check(&(struct schedule){
        ORCA(1000, 3), .requests = {{10, 30, 2, 0}, {10, 30, 9, 0}, {10, 30, 9, 0}, {12, 30, 4, 0}},
        .first = 1, .steps = {"a10 b10 c10", "a1! b1 c1", "b1 c1 d12", "b1 c1 d1"}});
}

/* The small one waits behind the big one, which waits for a. */
static void test_orca_head_of_line(void **state)
{
    (void)state;
    check(&(struct schedule){ORCA(100, 3),
                             .requests = {{10, 30, 3, 0}, {10, 80, 2, 0}, {5, 5, 2, 0}}, .first = 1,
                             .steps = {"a10", "a1", "a1!", "b10 c5", "b1! c1!"}});
}

#define STATIC_BATCHES(slots, most, streams)                                                       \
    .preset = &engine_preset_static, .settings = {.num_blocks = slots,                             \
                                                  .block_tokens = 1,                               \
                                                  .max_batch_tokens = 64,                          \
                                                  .max_batch_requests = most,                      \
                                                  .streams_tokens = streams}

/* b and c come while a runs: they are the next batch. */
static void test_static_batches(void **state)
{
    (void)state;
    check(&(struct schedule){
        STATIC_BATCHES(1000, 4, true), .requests = {{10, 50, 5, 0}, {10, 50, 2, 2}, {11, 50, 3, 2}},
        .first = 1, .steps = {"a10", "a1", "a1", "a1", "a1!", "b10 c11", "b1! c1", "c1!"}});
}

/* Answers leave together, with the last step of the batch; rows that have ended run on. */
static void test_static_answers_together(void **state)
{
    (void)state;
    check(&(struct schedule){STATIC_BATCHES(1000, 4, false),
                             .requests = {{10, 50, 2, 0}, {20, 50, 3, 0}}, .first = 1,
                             .steps = {"a10~ b20~", "a1~ b1~", "a0! b0!", ""}});
}

/* 130 slots for each of a batch of three; a pool of 300 takes two. */
static void test_static_padded_room(void **state)
{
    (void)state;
    struct schedule schedule = {STATIC_BATCHES(390, 4, true),
                                .requests = {{10, 50, 5, 0}, {20, 50, 40, 0}, {30, 100, 12, 0}},
                                .first = 1, .steps = {"a10 b20 c30"}};
    check(&schedule);
    schedule.settings.num_blocks = 300;
    schedule.steps[0] = "a10 b20";
    check(&schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tgi_chunks),
        cmocka_unit_test(test_tgi_mixed),
        cmocka_unit_test(test_tgi_waiting_served_ratio),
        cmocka_unit_test(test_tgi_segments),
        cmocka_unit_test(test_orca_reserves),
        cmocka_unit_test(test_orca_batch_limit),
        cmocka_unit_test(test_orca_head_of_line),
        cmocka_unit_test(test_static_batches),
        cmocka_unit_test(test_static_answers_together),
        cmocka_unit_test(test_static_padded_room),
    };
    return cmocka_run_group_tests_name("small engines", tests, NULL, NULL);
}
