#include "tests/unit/check.h"

#include <stdio.h>

#include "sim/engines/engine_presets.h"
#include "sim/scenario/scenario_group.h"

static struct scenario scenario_with(const char *groups)
{
    struct scenario scenario = scenario_default(engine_presets[0]);
    snprintf(scenario.fleet.groups, sizeof scenario.fleet.groups, "%s", groups);
    return scenario;
}

static void test_groups_have_settings_of_their_own(void **state)
{
    (void)state;
    struct scenario base = scenario_with(
        "[{\"instances\":3,\"hardware.gpu\":\"L40S\",\"engine\":{\"block_tokens\":32}},"
        "{\"role\":\"decode\",\"model.weights\":\"fp8\"}]");
    struct scenario_group group;
    struct error error;
    base.hardware.tensor_parallel = 2;
    assert_int_equal(scenario_group_count(&base), 2);
    assert_true(scenario_group_read(&base, 0, &group, &error));
    assert_int_equal(group.instances, 3);
    assert_int_equal(group.role, INSTANCE_BOTH);
    assert_string_equal(group.scenario.hardware.gpu, "L40S");
    assert_int_equal(group.scenario.hardware.tensor_parallel, 2);
    assert_int_equal(group.scenario.engine.settings.block_tokens, 32);
    assert_true(scenario_is_given(&group.scenario, "hardware.gpu"));
    assert_true(scenario_group_read(&base, 1, &group, &error));
    assert_int_equal(group.instances, 1);
    assert_int_equal(group.role, INSTANCE_DECODE);
    assert_string_equal(group.scenario.model.weights, "fp8");
    assert_string_equal(group.scenario.hardware.gpu, base.hardware.gpu);
    assert_int_equal(scenario_group_count(&group.scenario), 0);
}

static void test_another_engine_starts_from_its_own_settings(void **state)
{
    (void)state;
    struct scenario base = scenario_with("[{\"engine\":{\"preset\":\"sglang-0.4.6\"}}]");
    struct scenario_group group;
    struct error error;
    base.engine.settings.max_batch_tokens = 77;
    assert_true(scenario_group_read(&base, 0, &group, &error));
    assert_string_equal(group.scenario.engine.name, "sglang-0.4.6");
    assert_int_not_equal(group.scenario.engine.settings.max_batch_tokens, 77);
}

static void refused(const char *groups, const char *message)
{
    struct scenario base = scenario_with(groups);
    struct scenario_group group;
    struct error error;
    assert_false(scenario_group_read(&base, 0, &group, &error));
    assert_contains(error.message, message);
}

static void test_what_is_not_of_a_group_is_refused(void **state)
{
    (void)state;
    refused("[{\"workload.requests\":3}]", "'workload.requests' is for the whole cluster");
    refused("[{\"engine.instances\":3}]", "'engine.instances' is for the whole cluster");
    refused("[{\"engine\":{\"preset\":\"sglang-0.4.6\",\"watermark_ratio\":0.1}}]",
            "cluster.groups, group 1: 'engine.watermark_ratio' is no setting");
    refused("[7]", "expected an object, got number");
    refused("[{\"role\":\"none\"}]", "'role' must be one of both, prefill, decode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_have_settings_of_their_own),
        cmocka_unit_test(test_another_engine_starts_from_its_own_settings),
        cmocka_unit_test(test_what_is_not_of_a_group_is_refused),
    };
    return cmocka_run_group_tests_name("scenario_group", tests, NULL, NULL);
}
