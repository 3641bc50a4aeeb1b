#include "tests/unit/check.h"

#include "calibration/step_fit.h"

static void test_measured_run_errors(void **state)
{
    (void)state;
    struct measured_run run;
    struct error error;
    assert_false(measured_run_read(&run, "/nonexistent", &error));
    assert_contains(error.message, "/nonexistent/engine.json: cannot read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_run_errors),
    };
    return cmocka_run_group_tests_name("measured_run", tests, NULL, NULL);
}
