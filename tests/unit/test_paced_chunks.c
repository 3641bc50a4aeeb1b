/* As many prompt tokens as fit beside the decodes. */
#include "tests/unit/made_policy.h"

#include "sim/policy/paced_chunks.h"

static void test_the_longest_step(void **state)
{
    (void)state;
    struct made_policy made;
    made_policy_init(&made, &policy_paced_chunks);
    made.view.max_batch_tokens = 10000; /* 30 ms: one, and 29 for 2900 tokens */
    assert_int_equal(policy_paced_chunks.chunk_tokens(made.state, &made.view), 2900);
    for (int i = 0; i < 5; i++) {
        made_policy_start(&made, (struct policy_request){.prompt_tokens = 10});
    }
    assert_int_equal(policy_paced_chunks.chunk_tokens(made.state, &made.view), 2850);
    made.view.max_batch_tokens = 2048;
    assert_int_equal(policy_paced_chunks.chunk_tokens(made.state, &made.view), 2048);
    made.view.max_batch_tokens = 32; /* less than the least chunk */
    assert_int_equal(policy_paced_chunks.chunk_tokens(made.state, &made.view), 32);
    made_policy_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_longest_step)};
    return cmocka_run_group_tests_name("paced_chunks", tests, NULL, NULL);
}
