#include "tests/unit/check.h"

#include "sim/hardware/model_catalog.h"

/* Parameter counts of the model cards' shapes, computed independently. */
static void test_weights_by_shape(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t weights;
    } known[] = {{"DeepSeek-R1-Distill-Qwen-1.5B", 1777088000},
                 {"DeepSeek-R1-Distill-Qwen-7B", 7615616512},
                 {"DeepSeek-R1-Distill-Llama-70B", 70553706496},
                 {"Qwen2.5-Math-1.5B", 1543714304},
                 {"Qwen3-8B", 8190735360},
                 {"Qwen3-32B", 32762123264}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct model_shape shape;
        struct error error;
        assert_true(model_shape_find(known[i].name, &shape, &error));
        assert_true(model_shape_weights(&shape) == known[i].weights);
    }
}

/* vLLM 0.19 logs these pools for Gemma 3: 70 layers of 27B's 62, 35 of 4B's 34, all of 12B's 48. */
static void test_pooled_layers(void **state)
{
    (void)state;
    static const struct {
        uint32_t layers, windowed, pooled;
    } known[] = {{62, 52, 70}, {34, 29, 35}, {48, 40, 48}, {42, 21, 42},
                 {32, 0, 32},  {32, 32, 32}, {11, 6, 12}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct model_shape shape = {.num_hidden_layers = known[i].layers,
                                    .window = {.tokens = 1024, .count = known[i].windowed}};
        assert_int_equal(model_shape_pooled_layers(&shape), known[i].pooled);
    }
}

static void test_window_remark(void **state)
{
    (void)state;
    char text[256];
    struct model_shape shape = {
        .name = "m", .num_hidden_layers = 42, .window = {.tokens = 4096, .count = 21}};
    assert_true(model_shape_window_remark(&shape, 8192, text, sizeof text));
    assert_contains(text, "21 of the 42 layers of 'm' see the last 4096 tokens only");
    assert_false(model_shape_window_remark(&shape, 4096, text, sizeof text));
    assert_string_equal(text, "");
}

static void test_kv_heads_per_gpu(void **state)
{
    (void)state;
    struct model_shape shape = {.num_key_value_heads = 4};
    assert_int_equal(model_shape_kv_heads_per_gpu(&shape, 2), 2);
    assert_int_equal(model_shape_kv_heads_per_gpu(&shape, 8), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_by_shape),
        cmocka_unit_test(test_pooled_layers),
        cmocka_unit_test(test_window_remark),
        cmocka_unit_test(test_kv_heads_per_gpu),
    };
    return cmocka_run_group_tests_name("model_shape", tests, NULL, NULL);
}
