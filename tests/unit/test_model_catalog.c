#include "tests/unit/check.h"

#include "sim/hardware/model_catalog.h"

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

static void test_finds_names_and_ids(void **state)
{
    (void)state;
    static const struct {
        const char *asked;
        const char *name;
    } known[] = {{"r1-distill-qwen-14b", "DeepSeek-R1-Distill-Qwen-14B"},
                 {"qwen2.5-1.5b", "Qwen2.5-1.5B"},
                 {"qwen2.5-7b", "Qwen2.5-7B-Instruct"},
                 {"Qwen/Qwen3-32B", "Qwen3-32B"},
                 {"deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "DeepSeek-R1-Distill-Qwen-7B"},
                 {"meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B"},
                 {"unsloth/Llama-3.1-8B-Instruct", "Llama-3.1-8B"},
                 {"google/gemma-2-9b-it", "Gemma-2-9B"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct model_shape shape;
        struct error error;
        if (!model_catalog_find(&models, known[i].asked, &shape, &error)) {
            fail_msg("%s", error.message);
        }
        assert_string_equal(shape.name, known[i].name);
    }
}

static void test_finds_published_formats(void **state)
{
    (void)state;
    static const struct {
        const char *asked;
        const char *name;
        const char *weights;
    } known[] = {{"Qwen/Qwen3-32B-AWQ", "Qwen3-32B", "awq-int4-g128"},
                 {"Qwen/Qwen3-14B-FP8", "Qwen3-14B", "fp8"},
                 {"Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "Qwen2.5-7B-Instruct", "gptq-int4-g128"},
                 {"RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "Llama-3.3-70B-Instruct", "fp8"},
                 {"RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8", "Qwen2.5-7B-Instruct", "int8"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct model_shape shape;
        struct error error;
        if (!model_catalog_find(&models, known[i].asked, &shape, &error)) {
            fail_msg("%s", error.message);
        }
        assert_string_equal(shape.name, known[i].name);
        assert_string_equal(shape.checkpoint.weights, known[i].weights);
    }
}

static void assert_refused(const char *asked, const char *part)
{
    struct model_shape shape;
    struct error error;
    assert_false(model_catalog_find(&models, asked, &shape, &error));
    assert_contains(error.message, part);
}

static void test_refuses_what_is_not_clear(void **state)
{
    (void)state;
    assert_refused("llama", "model 'llama' fits several, expected one of ");
    assert_refused("llama", "DeepSeek-R1-Distill-Llama-8B");
    assert_refused("DeepSeek-R1", "is a mixture of experts of 671B with latent attention, which is "
                                  "not modelled");
    assert_refused("DeepSeek-R1", "DeepSeek-R1-Distill-Qwen-7B");
    assert_refused("deepseek-ai/DeepSeek-R1", "not modelled");
    assert_refused("Qwen/Qwen3-30B-A3B", "a mixture of experts of 30B");
    assert_refused("DeepSeek-R1-Distill-Qwen-8B", "did you mean 'DeepSeek-R1-Distill-Qwen-7B'");
    assert_refused("Qwen/Qwen3-33B", "did you mean 'Qwen/Qwen3-32B'");
    assert_refused("Qwen/Qwen3-30B-A3B-FP8", "unknown model");
    assert_refused("", "unknown model");
}

/* Names and ids lead to the entry that has them, so none is there twice. */
static void test_every_entry_is_found(void **state)
{
    (void)state;
    assert_true(models.count > 70);
    for (uint32_t i = 0; i < models.count; i++) {
        struct model_shape shape;
        struct error error;
        char ids[sizeof models.models[i].ids];
        char *rest = NULL;
        assert_true(model_catalog_find(&models, models.models[i].shape.name, &shape, &error));
        assert_string_equal(shape.name, models.models[i].shape.name);
        memcpy(ids, models.models[i].ids, sizeof ids);
        char *id = strtok_r(ids, "|", &rest);
        assert_non_null(id);
        for (; id != NULL; id = strtok_r(NULL, "|", &rest)) {
            assert_true(model_catalog_find(&models, id, &shape, &error));
            assert_string_equal(shape.name, models.models[i].shape.name);
        }
    }
}

/* Read once: whoever asks again gets the same. */
static void test_shipped_is_read_once(void **state)
{
    (void)state;
    const struct model_catalog *first = NULL;
    const struct model_catalog *second = NULL;
    struct error error;
    assert_true(model_catalog_shipped(&first, &error) && model_catalog_shipped(&second, &error));
    assert_int_equal(first->count, models.count);
    assert_ptr_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_names_and_ids),
        cmocka_unit_test(test_finds_published_formats),
        cmocka_unit_test(test_refuses_what_is_not_clear),
        cmocka_unit_test(test_every_entry_is_found),
        cmocka_unit_test(test_shipped_is_read_once),
    };
    return cmocka_run_group_tests_name("model_catalog", tests, set_up, tear_down);
}
