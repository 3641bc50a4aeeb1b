#include "sim/scenario/deployment.h"

#include "sim/base/units.h"
#include "sim/engines/engine_presets.h"
#include "tests/unit/check.h"

static struct scenario on_engine(const char *name)
{
    const struct engine_preset *preset = NULL;
    struct error error;
    assert_true(engine_preset_find(name, &preset, &error));
    return scenario_default(preset);
}

static void test_default(void **state)
{
    (void)state;
    struct scenario scenario = on_engine("vllm-0.24");
    struct deployment deployment;
    struct error error;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_int_equal(deployment.warnings.count, 0);
    assert_int_equal(deployment.instance.engine.num_blocks, deployment.memory.num_blocks);
    assert_int_equal(deployment.instance.engine.max_model_len, 131072);
    assert_int_equal(deployment_gpus(&deployment), 1);
    assert_true(deployment.instance.engine.async_scheduling);
    assert_false(deployment.draft.is_used);
}

/* What nobody set is what vllm serve sets on the GPU; what is set stays. */
static void test_limits_by_gpu(void **state)
{
    (void)state;
    struct scenario scenario = on_engine("vllm-0.24");
    struct deployment deployment;
    struct error error;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_int_equal(deployment.instance.engine.max_batch_tokens, 8192);
    assert_int_equal(deployment.instance.engine.max_batch_requests, 1024);
    assert_near(deployment.memory_share, 0.92, 1e-12);
    uint32_t blocks = deployment.memory.num_blocks;
    scenario.engine.settings.usage = ENGINE_USAGE_ENGINE;
    scenario.engine.settings.max_batch_requests = 77;
    scenario.hardware.gpu_memory_utilization = 0.5;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_int_equal(deployment.instance.engine.max_batch_tokens, 2048);
    assert_int_equal(deployment.instance.engine.max_batch_requests, 77);
    assert_near(deployment.memory_share, 0.5, 1e-12);
    assert_true(deployment.memory.num_blocks < blocks);
    /* An earlier version uses less; whole prompts need a step of the longest request. */
    scenario = on_engine("vllm-0.24");
    snprintf(scenario.engine.version, sizeof scenario.engine.version, "0.19.0");
    scenario.engine.settings.chunked_prefill = false;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_near(deployment.memory_share, 0.9, 1e-12);
    assert_int_equal(deployment.instance.engine.max_batch_tokens, 131072);
}

/* Resolving must leave the scenario alone and depend on nothing else. */
static void test_resolving_twice_is_the_same(void **state)
{
    (void)state;
    const struct scenario scenario = on_engine("vllm-v0");
    struct scenario before = scenario;
    struct deployment first;
    struct deployment second;
    struct error error;
    assert_true(deployment_resolve(&first, &scenario, &error));
    assert_true(deployment_resolve(&second, &scenario, &error));
    assert_memory_equal(&first.instance.engine, &second.instance.engine,
                        sizeof first.instance.engine);
    assert_memory_equal(&before, &scenario, sizeof before);
}

static void test_every_warning_is_kept(void **state)
{
    (void)state;
    struct scenario scenario = on_engine("vllm-0.24");
    struct deployment deployment;
    struct error error;
    snprintf(scenario.hardware.gpu, sizeof scenario.hardware.gpu, "L40S");
    scenario.engine.settings.num_blocks = 500;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_int_equal(deployment.warnings.count, 2);
    assert_contains(deployment.warnings.messages[0], "step times are uncertain");
    assert_contains(deployment.warnings.messages[1], "'engine.max_model_len' is cut");
    assert_int_equal(deployment.instance.engine.max_model_len, 499 * 16);
}

static void test_explicit_length_is_refused(void **state)
{
    (void)state;
    struct scenario scenario = on_engine("vllm-0.24");
    struct deployment deployment;
    struct error error;
    scenario.engine.settings.num_blocks = 500;
    scenario.engine.settings.max_model_len = 499 * 16 + 1;
    assert_false(deployment_resolve(&deployment, &scenario, &error));
    assert_contains(error.message, "the KV pool holds only 7984 tokens");
    scenario.engine.settings.max_model_len = 499 * 16;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    scenario.engine.settings.num_blocks = 0;
    scenario.engine.settings.max_model_len = 131073;
    assert_false(deployment_resolve(&deployment, &scenario, &error));
    assert_contains(error.message, "must be at most the 131072 positions");
}

static void test_speculation_is_synchronous(void **state)
{
    (void)state;
    struct scenario scenario = on_engine("vllm-0.24");
    struct deployment deployment;
    struct error error;
    scenario.engine.settings.draft_tokens = 3;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_false(deployment.instance.engine.async_scheduling);
}

static void test_split_fleet_counts_its_gpus(void **state)
{
    (void)state;
    struct scenario scenario = on_engine("vllm-0.24");
    struct deployment deployment;
    struct error error;
    scenario.hardware.tensor_parallel = 2;
    scenario.fleet.prefill_instances = 1;
    scenario.fleet.decode_instances = 3;
    assert_true(deployment_resolve(&deployment, &scenario, &error));
    assert_int_equal(deployment_gpus(&deployment), 8);
    assert_int_equal(deployment.group_count, 2);
    assert_int_equal(deployment.groups[0].role, INSTANCE_PREFILL);
    assert_int_equal(deployment.groups[1].count, 3);
    assert_true(deployment.groups[0].link.token_ps > 0 &&
                deployment.groups[0].link.latency_ps == PS_PER_MS);
}

static bool resolve_groups(struct deployment *deployment, const char *groups, struct error *error)
{
    struct scenario scenario = on_engine("vllm-0.24");
    snprintf(scenario.fleet.groups, sizeof scenario.fleet.groups, "%s", groups);
    return deployment_resolve(deployment, &scenario, error);
}

static void test_groups_are_resolved_by_themselves(void **state)
{
    (void)state;
    struct deployment deployment;
    struct error error;
    assert_true(resolve_groups(&deployment,
                               "[{\"instances\":2},"
                               "{\"hardware\":{\"gpu\":\"L40S\",\"tensor_parallel\":4}}]",
                               &error));
    assert_int_equal(deployment.group_count, 2);
    assert_int_equal(deployment_gpus(&deployment), 2 + 4);
    const struct deployment *second = deployment_of_group(&deployment, 1);
    assert_string_equal(deployment.gpu.name, "H200-SXM");
    assert_string_equal(second->gpu.name, "L40S");
    assert_true(deployment.groups[1].config == &second->instance);
    assert_true(second->instance.cost == &second->cost);
    assert_contains(deployment.warnings.messages[0], "group 2: ");
    deployment_clear(&deployment);
}

static void test_roles_must_go_together(void **state)
{
    (void)state;
    static const char *const faults[][2] = {
        {"[{\"role\":\"prefill\"}]", "'role' must be 'both' in all groups"},
        {"[{\"role\":\"prefill\"},{\"role\":\"decode\"},{}]", "'role' must be 'both' in all"},
        {"[{\"role\":\"prefill\"},{\"role\":\"decode\",\"model.kv_cache\":\"fp8\"}]",
         "group 2: KV moves between groups"},
        {"[{\"role\":\"prefill\",\"engine.preset\":\"tgi\"},{\"role\":\"decode\"}]",
         "'tgi' cannot move KV"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct deployment deployment;
        struct error error;
        assert_false(resolve_groups(&deployment, faults[i][0], &error));
        assert_contains(error.message, faults[i][1]);
        deployment_clear(&deployment);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default),
        cmocka_unit_test(test_limits_by_gpu),
        cmocka_unit_test(test_resolving_twice_is_the_same),
        cmocka_unit_test(test_every_warning_is_kept),
        cmocka_unit_test(test_explicit_length_is_refused),
        cmocka_unit_test(test_speculation_is_synchronous),
        cmocka_unit_test(test_split_fleet_counts_its_gpus),
        cmocka_unit_test(test_groups_are_resolved_by_themselves),
        cmocka_unit_test(test_roles_must_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
