#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/draft_plan.h"

static struct made_instance made;

enum { DRAFTS = 2 };

/* Request 0 verifies for the first time; 'accepted' repeats. */
static struct decode_group_member start(const uint8_t *accepted, uint32_t count, uint32_t output)
{
    made_instance_init(&made, &engine_preset_vllm_0_24,
                       (struct engine_settings){.block_tokens = 16, .draft_tokens = DRAFTS});
    made.requests[0] =
        (struct request){.ask = {.prompt_tokens = 20, .max_output_tokens = output},
                         .truth = {.output_tokens = output,
                                   .reasoning_tokens = 6,
                                   .drafts = {.accepted = accepted, .accepted_count = count}},
                         .known_tokens = 21,
                         .computed_tokens = 20 + 1 + DRAFTS,
                         .placeholders = 1 + DRAFTS,
                         .verifications = 1};
    kv_cache_allocate(&made.instance.kv_cache, 0, 2);
    draft_plan_reset(&made.instance.decode_group.plan, 10);
    return (struct decode_group_member){.request = 0, .joined = 0};
}

/* Each step brings what was accepted; a block is taken when the drafts reach beyond 32 tokens. */
static void test_sums_by_step(void **state)
{
    (void)state;
    const uint8_t accepted[] = {2, 0};
    struct decode_group_member member = start(accepted, 2, 300);
    struct draft_plan *plan = &made.instance.decode_group.plan;
    assert_int_equal(plan->drafts, DRAFTS);
    /* 24 tokens are known after the first step, 25, 28, 29: beyond the thoughts of 26. */
    assert_int_equal(draft_plan_add(&made.instance, &member), 2);
    assert_true(member.goes_on);
    assert_int_equal(member.due, 9);
    const uint32_t blocks[] = {0, 0, 0, 0, 1, 0};
    uint64_t context = 20;
    for (uint64_t step = 0; step < 6; step++) {
        uint64_t tokens = 1 + accepted[step % 2];
        assert_int_equal(draft_plan_step(plan, step)->accepted, accepted[step % 2]);
        assert_int_equal(draft_plan_step(plan, step)->blocks, blocks[step]);
        assert_int_equal(draft_plan_step(plan, step)->squares,
                         (context + tokens) * (context + tokens) - context * context);
        context += tokens;
    }
    instance_clear(&made.instance);
}

/* The step that brings the last tokens is the member's last, with nothing formed after it. */
static void test_ends_with_its_output(void **state)
{
    (void)state;
    const uint8_t accepted[] = {2};
    struct decode_group_member member = start(accepted, 1, 10);
    struct draft_plan *plan = &made.instance.decode_group.plan;
    assert_true(draft_plan_suits(&made.instance, 0));
    (void)draft_plan_add(&made.instance, &member);
    assert_false(member.goes_on);
    assert_int_equal(member.due, 2); /* 1 + 3 + 3 tokens so far, then the last three */
    assert_int_equal(member.at_due.known_tokens, 27);
    assert_int_equal(draft_plan_step(plan, 2)->accepted, 2);
    assert_int_equal(draft_plan_step(plan, 2)->squares, 0);
    assert_int_equal(draft_plan_step(plan, 3)->accepted, 0);
    made.requests[0].known_tokens = 27;
    assert_false(draft_plan_suits(&made.instance, 0));
    instance_clear(&made.instance);
}

/* Who leaves takes out what was planned for it. */
static void test_leaving_takes_out(void **state)
{
    (void)state;
    const uint8_t accepted[] = {1};
    struct decode_group_member member = start(accepted, 1, 300);
    struct draft_plan *plan = &made.instance.decode_group.plan;
    (void)draft_plan_add(&made.instance, &member);
    draft_plan_write_back(&made.instance, &member, true);
    for (uint64_t step = 0; step < plan->end; step++) {
        assert_int_equal(draft_plan_step(plan, step)->accepted, 0);
        assert_int_equal(draft_plan_step(plan, step)->squares, 0);
        assert_int_equal(draft_plan_step(plan, step)->blocks, 0);
    }
    assert_int_equal(made.requests[0].known_tokens, 21);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_by_step),
        cmocka_unit_test(test_ends_with_its_output),
        cmocka_unit_test(test_leaving_takes_out),
    };
    return cmocka_run_group_tests_name("draft_plan", tests, NULL, NULL);
}
