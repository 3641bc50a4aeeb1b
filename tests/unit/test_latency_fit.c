#include "tests/unit/check.h"

#include "calibration/latency_fit.h"

/* Nothing to fit to is an error that leaves the cost as it was. */
static void test_run_without_requests(void **state)
{
    (void)state;
    const struct measured_run run = {.path = "some/run"};
    struct step_cost cost = step_cost_constant(1234);
    struct latency_fit_report report;
    struct error error;
    assert_false(latency_fit_run(&run, &cost, &report, &error));
    assert_string_equal(error.message, "some/run/requests.csv: no requests to fit to");
    assert_near(cost.decode.cost_ps[0], 1234, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_without_requests),
    };
    return cmocka_run_group_tests_name("latency_fit", tests, NULL, NULL);
}
