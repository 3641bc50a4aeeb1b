#include "tests/unit/check.h"

#include "sim/engines/vllm_graphs.h"
#include "sim/serving/batch.h"

static void test_batch_sums(void **state)
{
    (void)state;
    struct batch batch;
    batch_init(&batch);
    batch_add(&batch, (struct batch_entry){.tokens = 1, .computed_before = 100});
    batch_add(&batch, (struct batch_entry){.tokens = 10, .computed_before = 5});
    batch_add(&batch, (struct batch_entry){.tokens = 20});
    batch_summarize(&batch);
    batch_summary_choose_graph(&batch.summary, 128, 2048, 0);
    assert_int_equal(batch.summary.decode_requests, 1);
    assert_int_equal(batch.summary.decode_context_tokens, 100);
    assert_int_equal(batch.summary.prefill_tokens, 30);
    assert_int_equal(batch.summary.prefill_context_tokens, 5);
    assert_int_equal(batch.summary.prefill_attention_pairs_x2, 10 * (10 + 10) + 20 * 20);
    assert_int_equal(batch.summary.padded_tokens, 32);
    batch_clear(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_sums),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
