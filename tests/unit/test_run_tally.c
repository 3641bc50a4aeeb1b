#include "tests/unit/check.h"

#include "sim/base/units.h"
#include "sim/cluster/run_tally.h"

static struct request finished(uint32_t id, int64_t sent_ps, int64_t first_ps, int64_t last_ps)
{
    return (struct request){
        .id = id,
        .ask = {.sent_ps = sent_ps, .prompt_tokens = 100, .max_output_tokens = 50},
        .truth = {.output_tokens = 11, .reasoning_tokens = 5},
        .status = REQUEST_FINISHED,
        .known_tokens = 111,
        .clock = {.first_scheduled_ps = sent_ps + PS_PER_MS,
                  .first_token_ps = first_ps,
                  .first_visible_ps = first_ps + 5 * PS_PER_MS,
                  .last_token_ps = last_ps}};
}

static void test_tally_adds_up(void **state)
{
    (void)state;
    struct run_tally tally;
    struct run_summary summary = {0};
    struct slo slo = {.ttft_s = 0.5};
    run_tally_init(&tally, &slo, 1000);
    struct request fast = finished(0, 0, PS_PER_S / 10, PS_PER_S);
    struct request slow = finished(1, PS_PER_S, 2 * PS_PER_S, 3 * PS_PER_S);
    struct request refused = {.id = 2, .status = REQUEST_REJECTED};
    run_tally_add(&tally, &fast);
    run_tally_add(&tally, &slow);
    run_tally_add(&tally, &refused);
    run_tally_summarize(&tally, &summary);
    assert_near(summary.latency.ttft_s.mean, (0.1 + 1) / 2, 1e-12);
    assert_near(summary.latency.e2e_s.max, 2, 1e-12);
    assert_near(summary.latency.tpot_s.p50, (0.09 + 0.1) / 2, 1e-12);
    assert_near(summary.latency.queueing_s.mean, 0.001, 1e-12);
    assert_int_equal(tally.tokens.output, 22);
    assert_int_equal(tally.good, 1); /* the slow one misses the limit on its first token */
    run_tally_clear(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tally_adds_up)};
    return cmocka_run_group_tests_name("run_tally", tests, NULL, NULL);
}
