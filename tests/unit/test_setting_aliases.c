#include "sim/scenario/setting_aliases.h"

#include "sim/engines/engine_presets.h"
#include "sim/scenario/scenario.h"
#include "tests/unit/check.h"

static void test_spellings(void **state)
{
    (void)state;
    static const char *const words[] = {
        "tp",     "TP",        "hardware.tp",          "--tp",
        "--tp=4", "--tp-size", "tensor_parallel_size", "--tensor-parallel-size=8"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *key = setting_alias_find(words[i]);
        assert_non_null(key);
        assert_string_equal(key, "hardware.tensor_parallel");
    }
    assert_string_equal(setting_alias_find("isl"), "workload.lengths");
    assert_string_equal(setting_alias_find("qps"), "workload.rate_per_s");
}

/* The point of a value is not the point of a key. */
static void test_value_with_a_point(void **state)
{
    (void)state;
    assert_string_equal(setting_alias_find("--mem-fraction-static=0.9"),
                        "hardware.gpu_memory_utilization");
    assert_string_equal(setting_alias_find("workload.qps=2.5"), "workload.rate_per_s");
    assert_string_equal(setting_alias_find("dtype=a.tp"), "model.weights");
}

static void test_unknown(void **state)
{
    (void)state;
    char word[500];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    assert_null(setting_alias_find(""));
    assert_null(setting_alias_find("--"));
    assert_null(setting_alias_find("tpp"));
    assert_null(setting_alias_find("t"));
    assert_null(setting_alias_find(word));
}

/* An alias that names no setting would send the user nowhere. */
static void test_meant_settings_exist(void **state)
{
    (void)state;
    static const char *const words[] = {"tp",
                                        "cuda_memory_fraction",
                                        "kv_dtype",
                                        "model_id",
                                        "engine",
                                        "max_num_seqs",
                                        "page_size",
                                        "context_length",
                                        "swap_space",
                                        "speculative_model",
                                        "scheduler",
                                        "dp",
                                        "cv",
                                        "concurrency",
                                        "num_prompts",
                                        "osl",
                                        "dataset",
                                        "acceptance_rate",
                                        "system_prompt",
                                        "num_gpu_blocks_override",
                                        "chunked_prefill_size",
                                        "num_speculative_tokens",
                                        "enable_prefix_caching",
                                        "awq"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *key = setting_alias_find(words[i]);
        size_t engines = 0;
        assert_non_null(key);
        for (size_t p = 0; engine_presets[p] != NULL; p++) {
            struct scenario scenario = scenario_default(engine_presets[p]);
            struct settings_part parts[MAX_SCENARIO_PARTS];
            scenario_parts(&scenario, parts);
            engines += settings_position(parts, key) < MAX_SETTINGS;
        }
        if (engines == 0) {
            fail_msg("'%s' means '%s', which no engine has", words[i], key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_value_with_a_point),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_meant_settings_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
