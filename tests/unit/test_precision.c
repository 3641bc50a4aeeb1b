#include "tests/unit/check.h"

#include "sim/hardware/precision.h"

static void test_aliases(void **state)
{
    (void)state;
    static const struct {
        const char *asked;
        const char *name;
    } known[] = {{"bf16", "bf16"},
                 {"float16", "bf16"},
                 {"fp8", "fp8"},
                 {"awq", "awq-int4-g128"},
                 {"gptq", "gptq-int4-g128"},
                 {"w8a8", "int8"},
                 {"w4a16", "gptq-int4-g128"},
                 {"bitsandbytes", "bnb-nf4"},
                 {"AWQ", "awq-int4-g128"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct weight_precision *found = NULL;
        struct error error;
        assert_true(weight_precision_find(known[i].asked, &found, &error));
        assert_string_equal(found->name, known[i].name);
    }
    assert_string_equal(weight_precision_answers_as("awq-int4-plain"), "awq-int4-g128");
    assert_string_equal(weight_precision_answers_as("awq"), "awq-int4-g128");
    assert_string_equal(weight_precision_answers_as("none"), "none");
}

static void test_kv_aliases(void **state)
{
    (void)state;
    const struct kv_precision *found = NULL;
    struct error error;
    assert_true(kv_precision_find("auto", &found, &error));
    assert_string_equal(found->name, "bf16");
    assert_true(kv_precision_find("fp8_e5m2", &found, &error));
    assert_string_equal(found->name, "fp8-e5m2");
    assert_true(kv_precision_find("fp8_e4m3", &found, &error));
    assert_string_equal(found->name, "fp8");
    assert_false(kv_precision_find("fp4", &found, &error));
    assert_contains(error.message, "unknown KV precision 'fp4', did you mean 'fp8'?");
}

static void test_refuses(void **state)
{
    (void)state;
    const struct weight_precision *found = NULL;
    struct error error;
    assert_false(weight_precision_find("bf61", &found, &error));
    assert_contains(error.message, "did you mean 'bf16'?");
    assert_false(weight_precision_find("int4-g128", &found, &error));
    assert_contains(error.message, "expected one of gptq-int4-g128, awq-int4-g128");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_kv_aliases),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests_name("precision", tests, NULL, NULL);
}
