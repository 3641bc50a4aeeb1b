#include "tests/unit/check.h"

#include "sim/engines/engine_presets.h"
#include "sim/serving/instance.h"

/* Each engine says what the loop asks of it, and can be found. */
static void test_presets_are_complete(void **state)
{
    (void)state;
    struct error error;
    for (size_t i = 0; engine_presets[i] != NULL; i++) {
        const struct engine_preset *preset = engine_presets[i];
        const struct engine_preset *found = NULL;
        assert_true(engine_preset_find(preset->name, &found, &error));
        assert_ptr_equal(found, preset);
        assert_non_null(preset->schedule);
        assert_non_null(preset->process_output);
        assert_non_null(preset->settings);
        assert_true((preset->create_state == NULL) == (preset->destroy_state == NULL));
        assert_true((preset->repeats.steady_steps == NULL) ==
                    (preset->repeats.admits_waiting == NULL));
        bool is_derived = preset->start.limits_on != NULL;
        assert_int_equal(preset->defaults.max_batch_tokens > 0, !is_derived);
        assert_int_equal(preset->defaults.max_batch_requests > 0, !is_derived);
        assert_true(preset->defaults.block_tokens > 0);
    }
}

static void test_unknown_engine(void **state)
{
    (void)state;
    const struct engine_preset *found = NULL;
    struct error error;
    assert_false(engine_preset_find("vllm-0.25", &found, &error));
    assert_contains(error.message, "vllm-0.25");
    assert_contains(error.message, "vllm-0.24");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presets_are_complete),
        cmocka_unit_test(test_unknown_engine),
    };
    return cmocka_run_group_tests_name("engine_presets", tests, NULL, NULL);
}
