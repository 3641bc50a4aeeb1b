#include "tests/unit/check.h"

#include "sim/hardware/memory_model.h"

static struct model_catalog models;

static int set_up(void **state)
{
    (void)state;
    struct error error;
    return model_catalog_read(&models, &error) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    model_catalog_clear(&models);
    return 0;
}

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
        assert_true(model_catalog_find(&models, known[i].name, &shape, &error));
        assert_true(model_shape_weights(&shape) == known[i].weights);
    }
}

static void test_reads_config_json(void **state)
{
    (void)state;
    struct model_shape shape;
    struct error error;
    const char *path = temporary_file(
        "config.json",
        "{\"model_type\": \"qwen2\", \"hidden_size\": 3584, \"num_hidden_layers\": 28,"
        "\"num_attention_heads\": 28, \"num_key_value_heads\": 4, \"intermediate_size\": 18944,"
        "\"vocab_size\": 152064, \"max_position_embeddings\": 131072, \"rope_theta\": 10000.0,"
        "\"tie_word_embeddings\": false}");
    assert_true(model_catalog_find(&models, path, &shape, &error));
    assert_int_equal(shape.head_dim, 128);
    assert_true(model_shape_weights(&shape) == 7615616512);
    unlink(path);
    path = temporary_file("config.json", "{\"hidden_size\": -1}");
    assert_false(model_catalog_find(&models, path, &shape, &error));
    assert_contains(error.message, "'hidden_size' must be a whole number");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_by_shape),
        cmocka_unit_test(test_reads_config_json),
    };
    return cmocka_run_group_tests_name("model_shape", tests, set_up, tear_down);
}
