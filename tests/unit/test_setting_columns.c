#include "sim/experiments/setting_columns.h"

#include "sim/engines/engine_presets.h"
#include "tests/unit/check.h"

static void test_every_key_once(void **state)
{
    (void)state;
    struct setting_columns columns;
    setting_columns_list(&columns);
    assert_true(columns.count > 40);
    for (uint32_t i = 0; i < columns.count; i++) {
        const struct setting *column = columns.columns[i];
        assert_int_not_equal(column->type, SETTING_IGNORED);
        assert_ptr_equal(setting_columns_find(&columns, column->name), column); /* the first */
    }
    assert_null(setting_columns_find(&columns, "engine"));
    assert_null(setting_columns_find(&columns, ""));
    for (size_t p = 0; engine_presets[p] != NULL; p++) {
        struct scenario scenario = scenario_default(engine_presets[p]);
        struct settings_part parts[MAX_SCENARIO_PARTS];
        const struct setting *setting = NULL;
        void *target = NULL;
        scenario_parts(&scenario, parts);
        for (size_t i = 0; (setting = settings_at(parts, i, &target)) != NULL; i++) {
            assert_true(setting->type == SETTING_IGNORED ||
                        setting_columns_find(&columns, setting->name) != NULL);
        }
    }
}

static void test_value(void **state)
{
    (void)state;
    struct scenario scenario = scenario_default(engine_presets[0]);
    void *target = NULL;
    const struct setting *setting =
        setting_columns_value(&scenario, "hardware.tensor_parallel", &target);
    assert_non_null(setting);
    scenario.hardware.tensor_parallel = 4;
    assert_near(setting_number(setting, target), 4, 1e-12);
    assert_null(setting_columns_value(&scenario, "engine.nothing", &target));
    scenario.engine.settings.draft_tokens = 0;
    assert_null(setting_columns_value(&scenario, "engine.draft_model", &target)); /* no effect */
    scenario.engine.settings.draft_tokens = 3;
    assert_non_null(setting_columns_value(&scenario, "engine.draft_model", &target));
}

static void refused(const char *key, const char *value, const char *part)
{
    struct error error;
    assert_false(setting_columns_check(key, value, &error));
    assert_contains(error.message, part);
}

static void test_check(void **state)
{
    (void)state;
    struct error error;
    assert_true(setting_columns_check("hardware.tensor_parallel", "8", &error));
    assert_true(setting_columns_check("engine.preset", "sglang", &error));
    for (size_t i = 0; engine_presets[i] != NULL; i++) { /* a key of another engine is one too */
        assert_true(setting_columns_check("engine.preset", engine_presets[i]->name, &error));
    }
    refused("hardware.tensor_parallel", "two", "'hardware.tensor_parallel'");
    refused("hardware.tensor_parallel", "-1", "'hardware.tensor_parallel'");
    refused("hardware.tensor_paralel", "2", "hardware.tensor_parallel");
    refused("tp", "2", "did you mean 'hardware.tensor_parallel'?");
    refused("", "2", "unknown key ''");
}

/* All of a long value is looked at: what is wrong may come last. */
static void test_long_value(void **state)
{
    (void)state;
    char value[3000];
    memset(value, '0', sizeof value);
    value[600] = '2';
    value[601] = '\0';
    struct error error;
    assert_true(setting_columns_check("hardware.tensor_parallel", value, &error));
    value[600] = 'x';
    refused("hardware.tensor_parallel", value, "'hardware.tensor_parallel'");
    memset(value, '1', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    refused("hardware.tensor_parallel", value, "'hardware.tensor_parallel': its value is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_once),
        cmocka_unit_test(test_value),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_long_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
