/* Small schedules of TGI, Orca and static batching, worked out by hand from their sources
 * (tests/unit/schedule.h says how a line is read). */
#include "tests/unit/schedule.h"

#include "sim/engines/orca.h"
#include "sim/engines/tgi.h"

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
    check_schedule(&(struct schedule){
        TGI(300, 64, true), .requests = {{40, 60, 60, 0}, {40, 60, 60, 0}, {200, 50, 50, 0}},
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
    check_schedule(&schedule);
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
    check_schedule(&schedule);
}

/* 2500 tokens are three segments: the prompt is found again, what was generated is not. */
static void test_tgi_segments(void **state)
{
    (void)state;
    struct schedule schedule = {TGI(20000, 4096, true), .requests = {{100, 3000, 2500, 0}},
                                .first = 1, .steps = {NULL}};
    schedule.settings.prefix_caching = true;
    schedule.steps[0] = "a100";
    check_schedule(&schedule);
    schedule.first = 1025;
    schedule.steps[0] = "a1024"; /* prompt 1124, of which 100 are cached */
    check_schedule(&schedule);
    schedule.first = 2049;
    check_schedule(&schedule);
    schedule.first = 2500;
    schedule.steps[0] = "a1!";
    check_schedule(&schedule);
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
    check_schedule(&(struct schedule){
        ORCA(100, 3), .requests = {{10, 30, 3, 0}, {10, 30, 5, 0}, {10, 30, 4, 0}}, .first = 1,
        .steps = {"a10 b10", "a1 b1", "a1! b1", "b1 c10", "b1! c1", "c1", "c1!"}});
}

static void test_orca_batch_limit(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){
        ORCA(1000, 3), .requests = {{10, 30, 2, 0}, {10, 30, 9, 0}, {10, 30, 9, 0}, {12, 30, 4, 0}},
        .first = 1, .steps = {"a10 b10 c10", "a1! b1 c1", "b1 c1 d12", "b1 c1 d1"}});
}

/* The small one waits behind the big one, which waits for a. */
static void test_orca_head_of_line(void **state)
{
    (void)state;
    check_schedule(
        &(struct schedule){ORCA(100, 3), .requests = {{10, 30, 3, 0}, {10, 80, 2, 0}, {5, 5, 2, 0}},
                           .first = 1, .steps = {"a10", "a1", "a1!", "b10 c5", "b1! c1!"}});
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
    check_schedule(&(struct schedule){
        STATIC_BATCHES(1000, 4, true), .requests = {{10, 50, 5, 0}, {10, 50, 2, 2}, {11, 50, 3, 2}},
        .first = 1, .steps = {"a10", "a1", "a1", "a1", "a1!", "b10 c11", "b1! c1", "c1!"}});
}

/* Answers leave together, with the last step of the batch; rows that have ended run on. */
static void test_static_answers_together(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){STATIC_BATCHES(1000, 4, false),
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
    check_schedule(&schedule);
    schedule.settings.num_blocks = 300;
    schedule.steps[0] = "a10 b20";
    check_schedule(&schedule);
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
