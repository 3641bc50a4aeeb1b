#include "sim/scenario/measured_part.h"

#include <math.h>

#include "sim/scenario/run_price.h"
#include "sim/scenario/scenario_file.h"
#include "sim/scenario/scenario_run.h"
#include "tests/unit/check.h"

struct finished {
    struct run_summary summary;
    double end_s;
    double last_sent_s;
};

static bool take(void *context, const struct finished_run *run, struct error *error)
{
    struct finished *finished = context;
    (void)error;
    finished->summary = run_price_summarize(run);
    finished->end_s = (double)simulation_now_ps(run->simulation) / 1e12;
    finished->last_sent_s = (double)simulation_rates(run->simulation)->last_sent_ps / 1e12;
    return true;
}

static struct finished run(const char *first, const char *second, const char *third)
{
    struct finished finished;
    struct error error;
    const struct option_list assignments = {{"workload.requests=60", first, second, third}, 4};
    if (!scenario_run_file(NULL, &assignments, take, &finished, &error)) {
        fail_msg("%s", error.message);
    }
    return finished;
}

/* By default what leaves out how the run fills up and drains. */
static void test_open_run(void **state)
{
    (void)state;
    struct finished one = run("workload.rate_per_s=2", "noise=false", "cost=");
    const struct measured_figures *measured = &one.summary.measured;
    assert_near(measured->until_s, one.last_sent_s, 1e-6);
    assert_near(measured->from_s, fmin(one.summary.latency.e2e_s.p90, one.last_sent_s / 2), 1e-6);
    assert_near(measured->offered_per_s, 2, 1);
    struct finished set =
        run("workload.rate_per_s=2", "metrics.warm_up_s=3", "metrics.measure_s=5");
    assert_near(set.summary.measured.from_s, 3, 1e-9);
    assert_near(set.summary.measured.until_s, 8, 1e-9);
    assert_near(set.summary.makespan_s, one.summary.makespan_s, 1e-9); /* it only looks */
}

/* A batch has no part to leave out; a part beyond the end has no length. */
static void test_batch_and_beyond_the_end(void **state)
{
    (void)state;
    struct finished batch = run("workload.client=batch", "noise=false", "cost=");
    assert_near(batch.summary.measured.from_s, 0, 1e-12);
    assert_near(batch.summary.measured.until_s, batch.end_s, 1e-6);
    assert_near(batch.summary.measured.requests_per_s, 60 / batch.end_s, 0.1);
    struct finished late = run("metrics.warm_up_s=1e6", "metrics.measure_s=5", "noise=false");
    assert_near(late.summary.measured.from_s, late.summary.measured.until_s, 1e-9);
    assert_true(isnan(late.summary.measured.requests_per_s));
}

static void test_verdicts(void **state)
{
    (void)state;
    struct measured_figures measured = {.started_per_s = 10, .requests_per_s = 9.5};
    assert_true(measured_part_is_settled(&measured));
    measured.requests_per_s = 8.9;
    assert_false(measured_part_is_settled(&measured));
    measured.requests_per_s = NAN; /* a part without length says nothing against it */
    assert_true(measured_part_is_settled(&measured));
    measured = (struct measured_figures){
        .offered_per_s = 10, .waiting_until = 21, .queue_growth_per_s = 0.6};
    assert_true(measured_part_is_overloaded(&measured));
    measured.waiting_until = 20;
    assert_false(measured_part_is_overloaded(&measured));
    measured.waiting_until = 100;
    measured.queue_growth_per_s = 0.4;
    assert_false(measured_part_is_overloaded(&measured));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_run),
        cmocka_unit_test(test_batch_and_beyond_the_end),
        cmocka_unit_test(test_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
