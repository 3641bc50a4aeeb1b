#include "tests/unit/check.h"

#include "calibration/step_fit.h"

static void test_run_without_sweeps(void **state)
{
    (void)state;
    struct measured_run run;
    struct step_cost cost;
    struct fit_report report;
    struct error error;
    const char *path = source_path("calibration/measured/qwen7b-bf16-kv96k");
    assert_true(measured_run_read(&run, path, &error));
    assert_false(step_fit_run(&run, &cost, &report, &error));
    assert_contains(error.message, "too few measured steps in sweep jobs");
    measured_run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_without_sweeps),
    };
    return cmocka_run_group_tests_name("step_fit", tests, NULL, NULL);
}
