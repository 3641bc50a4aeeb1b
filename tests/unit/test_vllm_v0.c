#include "tests/unit/schedule.h"

#include "sim/engines/vllm_v0.h"

#define V0(blocks, chunks)                                                                         \
    .preset = &engine_preset_vllm_v0, .settings = {.num_blocks = blocks,                           \
                                                   .block_tokens = 16,                             \
                                                   .max_batch_tokens = 64,                         \
                                                   .max_batch_requests = 8,                        \
                                                   .chunked_prefill = chunks}

/* A step has prompts or decodes, and prompts go first. */
static void test_prompts_before_decodes(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){V0(100, false), .requests = {{20, 20, 3, 0}, {30, 20, 3, 2}},
                                      .first = 1, .steps = {"a20", "b30", "a1 b1", "a1! b1!", ""}});
}

/* Whole prompts: the second does not fit the rest of 64 tokens. */
static void test_prompts_are_whole(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){V0(100, false), .requests = {{40, 20, 2, 0}, {30, 20, 2, 0}},
                                      .first = 1, .steps = {"a40", "b30", "a1! b1!", ""}});
}

/* Chunked, decodes take their tokens first; in the batch prompts stand before them. */
static void test_chunks_beside_decodes(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){V0(100, true), .requests = {{20, 20, 4, 0}, {90, 20, 2, 2}},
                                      .first = 1,
                                      .steps = {"a20", "b63~ a1", "b27 a1", "a1! b1!", ""}});
}

/* Every decode must find a free block, even when it needs none: of six blocks both hold three, so
 * the second gives way; and as prompts go before decodes, it starts over at once. */
static void test_decode_must_find_a_free_block(void **state)
{
    (void)state;
    check_schedule(&(struct schedule){V0(6, false), .requests = {{16, 30, 20, 0}, {16, 30, 20, 0}},
                                      .first = 18, .steps = {"a1 b1", "a1", "b34", "a1!", "b35!"}});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompts_before_decodes),
        cmocka_unit_test(test_prompts_are_whole),
        cmocka_unit_test(test_chunks_beside_decodes),
        cmocka_unit_test(test_decode_must_find_a_free_block),
    };
    return cmocka_run_group_tests_name("vllm_v0", tests, NULL, NULL);
}
