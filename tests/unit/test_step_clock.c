#include "tests/unit/check.h"

#include "sim/pricing/step_clock.h"
#include "sim/report/request_log.h"

/* The clock holds 9 million seconds: a run that would take longer is given up. */
static struct step_clock launched_behind_a_long_step(bool new_sizes_wait, uint32_t tokens)
{
    const struct step_price prefill = {.gpu_ps = 50 * PS_PER_MS, .launch_ps = 10 * PS_PER_MS};
    struct step_cost cost = step_cost_constant(PS_PER_MS);
    cost.host.launch_blocks_loop = true;
    cost.host.launch_ps[CUDA_GRAPH_FULL] = 2 * PS_PER_MS;
    struct batch_summary summary = {.prefill_requests = 1, .cuda_graph = CUDA_GRAPH_NONE};
    struct step_clock clock = {.new_sizes_wait = new_sizes_wait};
    summary.padded_tokens = 2048;
    step_clock_launch(&clock, &cost, &summary, prefill, 0);
    assert_int_equal(clock.launch_done_ps, 10 * PS_PER_MS);
    assert_int_equal(clock.gpu_free_ps, 50 * PS_PER_MS);
    summary.padded_tokens = tokens;
    step_clock_launch(&clock, &cost, &summary, prefill, 10 * PS_PER_MS);
    return clock;
}

/* A launch of a new size goes on for as long as launching a graph takes, then waits for the GPU. */
static void test_new_sizes_wait(void **state)
{
    (void)state;
    struct step_clock known = launched_behind_a_long_step(true, 2040);
    assert_int_equal(known.launch_done_ps, 20 * PS_PER_MS);
    assert_int_equal(known.gpu_free_ps, 100 * PS_PER_MS);
    struct step_clock fresh = launched_behind_a_long_step(true, 300);
    assert_int_equal(fresh.launch_done_ps, (50 + 10 - 2) * PS_PER_MS);
    assert_int_equal(fresh.gpu_free_ps, 100 * PS_PER_MS);
    struct step_clock indifferent = launched_behind_a_long_step(false, 300);
    assert_int_equal(indifferent.launch_done_ps, 20 * PS_PER_MS);
    step_clock_clear(&known);
    step_clock_clear(&fresh);
    step_clock_clear(&indifferent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_sizes_wait),
    };
    return cmocka_run_group_tests_name("step_clock", tests, NULL, NULL);
}
