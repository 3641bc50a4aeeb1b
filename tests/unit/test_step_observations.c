#include "tests/unit/check.h"

#include "calibration/step_observations.h"

static const struct measured_run run = {
    .engine = {.max_batch_requests = 128, .max_batch_tokens = 2048}};

/* In a sweep chunks are known: the first continues a prompt, the last may be cut. */
static void test_chunks_of_a_sweep(void **state)
{
    (void)state;
    const struct measured_job job = {.is_sweep = true, .sweep_prompt_tokens = 100};
    const struct measured_step step = {.prefill_tokens = 190,
                                       .prefill_requests = 3,
                                       .prefill_context_tokens = 40,
                                       .decode_requests = 2,
                                       .decode_context_tokens = 30};
    const struct batch_summary summary = step_observations_summarize(&run, &job, &step);
    /* 60 after 40, 100, then 30 of 100. */
    assert_int_equal(summary.prefill_attention_pairs_x2, 60 * (2 * 40 + 60) + 100 * 100 + 30 * 30);
    assert_int_equal(summary.decode_context_squares, 30 * 30 / 2);
    assert_int_equal(summary.prefill_tokens, 190);
    assert_int_equal(step_regime(&summary), 1); /* a piecewise graph */
}

static void test_regimes(void **state)
{
    (void)state;
    struct batch_summary summary = {
        .decode_requests = 5, .padded_tokens = 5000, .cuda_graph = CUDA_GRAPH_NONE};
    assert_int_equal(step_regime(&summary), 0);
    summary.prefill_requests = 1;
    assert_int_equal(step_regime(&summary), 3);
    summary.padded_tokens = 1024;
    assert_int_equal(step_regime(&summary), 2);
    summary.cuda_graph = CUDA_GRAPH_PIECEWISE;
    assert_int_equal(step_regime(&summary), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_of_a_sweep),
        cmocka_unit_test(test_regimes),
    };
    return cmocka_run_group_tests_name("step_observations", tests, NULL, NULL);
}
