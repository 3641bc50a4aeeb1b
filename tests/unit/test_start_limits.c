#include "sim/engines/start_limits.h"

#include "tests/unit/check.h"

typedef struct engine_limits limits_rule(const struct engine_settings *asked,
                                         const struct gpu *gpu);

static struct engine_limits limits(limits_rule *rule, const char *name, enum engine_usage usage)
{
    struct gpu gpu;
    struct error error;
    assert_true(gpu_find(name, &gpu, &error));
    const struct engine_settings asked = {.usage = usage};
    return rule(&asked, &gpu);
}

static void check(struct engine_limits found, uint32_t tokens, uint32_t requests)
{
    assert_int_equal(found.batch_tokens, tokens);
    assert_int_equal(found.batch_requests, requests);
    assert_non_null(found.rule);
}

static void test_vllm_0_24(void **state)
{
    (void)state;
    limits_rule *rule = start_limits_vllm_0_24;
    check(limits(rule, "H200-SXM", ENGINE_USAGE_SERVER), 8192, 1024);
    check(limits(rule, "H100-SXM", ENGINE_USAGE_SERVER), 8192, 1024);
    check(limits(rule, "MI300X", ENGINE_USAGE_SERVER), 8192, 1024);
    check(limits(rule, "A100-SXM-80GB", ENGINE_USAGE_SERVER), 2048, 256);
    check(limits(rule, "L40S", ENGINE_USAGE_SERVER), 2048, 256);
    check(limits(rule, "H200-SXM", ENGINE_USAGE_LIBRARY), 16384, 1024);
    check(limits(rule, "A100-SXM-80GB", ENGINE_USAGE_LIBRARY), 8192, 256);
    check(limits(rule, "H200-SXM", ENGINE_USAGE_ENGINE), 2048, 128);
}

static void test_vllm_0_8(void **state)
{
    (void)state;
    limits_rule *rule = start_limits_vllm_0_8;
    check(limits(rule, "H200-SXM", ENGINE_USAGE_SERVER), 8192, 1024);
    check(limits(rule, "MI300X", ENGINE_USAGE_SERVER), 2048, 1024);
    check(limits(rule, "RTX 4090", ENGINE_USAGE_LIBRARY), 8192, 1024);
    check(limits(rule, "H100-SXM", ENGINE_USAGE_ENGINE), 2048, 1024);
}

static void test_sglang(void **state)
{
    (void)state;
    check(limits(start_limits_sglang, "RTX 4090", ENGINE_USAGE_SERVER), 2048, 2049);
    check(limits(start_limits_sglang, "L40S", ENGINE_USAGE_SERVER), 8192, 2049);
}

/* What is asked for moves what is not: vLLM forms no step of more requests than tokens. */
static void test_beside_what_is_asked(void **state)
{
    (void)state;
    struct gpu gpu;
    struct error error;
    assert_true(gpu_find("H200-SXM", &gpu, &error));
    struct engine_settings asked = {.max_batch_tokens = 600};
    assert_int_equal(start_limits_vllm_0_24(&asked, &gpu).batch_requests, 600);
    asked = (struct engine_settings){.max_batch_requests = 2, .max_model_len = 1000};
    assert_int_equal(start_limits_vllm_0_24(&asked, &gpu).batch_tokens, 2000);
    asked = (struct engine_settings){.max_model_len = 4};
    check(start_limits_vllm_0_24(&asked, &gpu), 4096, 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vllm_0_24),
        cmocka_unit_test(test_vllm_0_8),
        cmocka_unit_test(test_sglang),
        cmocka_unit_test(test_beside_what_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
