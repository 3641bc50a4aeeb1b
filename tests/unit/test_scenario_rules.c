#include "sim/scenario/scenario_rules.h"

#include "sim/engines/engine_presets.h"
#include "tests/unit/check.h"

static struct scenario scenario;

static int set_up(void **state)
{
    (void)state;
    scenario = scenario_default(engine_presets[0]);
    return 0;
}

static void overruled(const char *key, const char *cause)
{
    const char *found = scenario_rules_overruled_by(&scenario, key);
    if (cause == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, cause);
    }
}

static void test_overruling(void **state)
{
    (void)state;
    overruled("workload.rate_per_s", NULL);
    overruled("workload.repeat", "workload.trace"); /* there is none to repeat */
    overruled("workload.client_width", "workload.client");
    overruled("engine.kv_link_gb_per_s", "engine.prefill_instances");
    overruled("no.such.key", NULL);
    scenario.workload.client.kind = CLIENT_BATCH;
    overruled("workload.rate_per_s", "workload.client");
    overruled("workload.client_width", NULL);
    snprintf(scenario.workload.trace, sizeof scenario.workload.trace, "a.csv");
    overruled("workload.datasets", "workload.trace");
    overruled("workload.repeat", NULL);
    scenario.engine.settings.draft_tokens = 2;
    overruled("engine.async_scheduling", "engine.draft_tokens");
    overruled("workload.draft_acceptance", NULL);
    strcpy(scenario.workload.draft_acceptance_by_position, "0.5");
    overruled("workload.draft_acceptance", "workload.draft_acceptance_by_position");
}

/* A setting and what overrules it name settings that exist. */
static void test_causes_exist(void **state)
{
    (void)state;
    struct settings_part parts[MAX_SCENARIO_PARTS];
    const struct setting *setting = NULL;
    void *target = NULL;
    size_t causes = 0;
    scenario_parts(&scenario, parts);
    for (size_t i = 0; (setting = settings_at(parts, i, &target)) != NULL; i++) {
        const char *cause = scenario_rules_overruled_by(&scenario, setting->name);
        causes += cause != NULL;
        assert_true(cause == NULL || settings_position(parts, cause) < MAX_SETTINGS);
    }
    assert_true(causes > 0);
}

static void refused(const char *part)
{
    struct error error;
    assert_false(scenario_rules_check(&scenario, &error));
    assert_contains(error.message, part);
}

static void test_check(void **state)
{
    (void)state;
    struct error error;
    assert_true(scenario_rules_check(&scenario, &error));
    scenario.fleet.prefill_instances = 2;
    refused("go together, got 2 and 0");
    scenario.fleet.prefill_instances = 0;
    strcpy(scenario.metrics.percentiles, "50,half");
    refused("half");
    scenario = scenario_default(engine_presets[0]);
    scenario.engine.settings.chunked_prefill = false;
    scenario.engine.settings.max_model_len = 9000;
    scenario.engine.settings.max_batch_tokens = 8000;
    refused("without chunked prefill, got 8000 and 9000");
}

static void test_unknown_keys(void **state)
{
    (void)state;
    struct error error;
    char engines[256];
    char few[8];
    scenario_rules_list_engines("engine.draft_tokens", engines, sizeof engines);
    assert_contains(engines, "vllm-0.24");
    scenario_rules_list_engines("engine.draft_tokens", few, sizeof few);
    assert_int_equal(strncmp(few, engines, sizeof few - 1), 0);
    assert_int_equal(strlen(few), sizeof few - 1);
    scenario_rules_list_engines("no.such.key", engines, sizeof engines);
    assert_string_equal(engines, "");
    assert_false(scenario_rules_explain_unknown(&scenario, "workload.request", &error));
    assert_contains(error.message, "workload.requests");
    assert_false(scenario_rules_explain_unknown(&scenario, "tp", &error));
    assert_contains(error.message, "did you mean 'hardware.tensor_parallel'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_overruling, set_up),
        cmocka_unit_test_setup(test_causes_exist, set_up),
        cmocka_unit_test_setup(test_check, set_up),
        cmocka_unit_test_setup(test_unknown_keys, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
