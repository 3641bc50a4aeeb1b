#include "tests/unit/check.h"

#include "sim/hardware/precision.h"

static void test_formats_are_sound(void **state)
{
    (void)state;
    struct error error;
    for (size_t i = 0; weight_precisions[i].name != NULL; i++) {
        const struct weight_precision *found = NULL;
        assert_true(weight_precision_find(weight_precisions[i].name, &found, &error));
        assert_ptr_equal(found, &weight_precisions[i]);
        assert_true(found->linear_bytes >= 0.4 && found->linear_bytes <= 4);
        assert_true(found->load_reserve_gib >= 0);
        const struct weight_precision *answers = NULL;
        assert_true(
            weight_precision_find(weight_precision_answers_as(found->name), &answers, &error));
        assert_null(answers->answers_as);
    }
    for (size_t i = 0; kv_precisions[i].name != NULL; i++) {
        const struct kv_precision *found = NULL;
        assert_true(kv_precision_find(kv_precisions[i].name, &found, &error));
        assert_true(found->bytes >= 0.25 && found->bytes <= 4);
    }
}

static void test_unknown_formats(void **state)
{
    (void)state;
    const struct weight_precision *weights = NULL;
    const struct kv_precision *kv = NULL;
    struct error error;
    assert_false(weight_precision_find("bf17", &weights, &error));
    assert_contains(error.message, "bf16");
    assert_false(kv_precision_find("fp9", &kv, &error));
    assert_contains(error.message, "fp8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formats_are_sound),
        cmocka_unit_test(test_unknown_formats),
    };
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
