#include "sim/scenario/startup_rules.h"

#include "sim/engines/engine_presets.h"
#include "tests/unit/check.h"

/* Facts that every engine starts with, to be changed one at a time. */
static struct {
    struct engine_settings engine;
    struct model_shape model;
    struct gpu gpu;
    struct startup_facts facts;
    struct warning_list warnings;
    struct error error;
} at;

static void set_up(const char *engine)
{
    const struct engine_preset *preset = NULL;
    struct error error;
    memset(&at, 0, sizeof at);
    assert_true(engine_preset_find(engine, &preset, &error));
    at.engine = (struct engine_settings){.max_batch_tokens = 2048, .max_batch_requests = 256};
    at.model = (struct model_shape){.name = "A",
                                    .num_attention_heads = 64,
                                    .num_key_value_heads = 8,
                                    .intermediate_size = 14336,
                                    .vocab_size = 151936};
    at.gpu = (struct gpu){.name = "G", .compute_capability = 9.0};
    at.facts = (struct startup_facts){.preset = preset,
                                      .engine = &at.engine,
                                      .model = &at.model,
                                      .gpu = &at.gpu,
                                      .tensor_parallel = 1};
    assert_true(weight_precision_find("bf16", &at.facts.weights, &error));
    assert_true(kv_precision_find("bf16", &at.facts.kv, &error));
}

static bool starts(void)
{
    return startup_rules_check(&at.facts, &at.warnings, &at.error);
}

static void refused(const char *part)
{
    assert_false(starts());
    assert_contains(at.error.message, part);
}

static void test_degrees(void **state)
{
    (void)state;
    set_up("vllm-0.24");
    for (uint32_t degree = 1; degree <= 64; degree *= 2) { /* beyond 8, KV heads are copied */
        at.facts.tensor_parallel = degree;
        assert_true(starts());
    }
    at.facts.tensor_parallel = 3;
    refused("must divide the 64 attention heads of 'A', got 3");
    at.facts.tensor_parallel = 4;
    at.model.intermediate_size = 14338;
    refused("must divide the 14338 columns of the MLP");
    at.model.intermediate_size = 14336;
    at.model.num_key_value_heads = 6;
    refused("must divide the 6 KV heads of 'A' or be a multiple of them, got 4");
}

/* vLLM pads the vocabulary to 64 rows; TGI takes any, but copies no KV heads. */
static void test_engines_differ(void **state)
{
    (void)state;
    set_up("vllm-0.24");
    at.model.vocab_size = 32001;
    at.facts.tensor_parallel = 8;
    assert_true(starts());
    at.model.num_attention_heads = 60;
    at.model.num_key_value_heads = 60;
    at.model.intermediate_size = 6000;
    at.facts.tensor_parallel = 5;
    refused("must divide the vocabulary of 'A', 32064 tokens with padding, got 5");
    set_up("tgi");
    at.facts.tensor_parallel = 16;
    assert_false(starts());
    assert_contains(at.error.message, "must divide the 8 KV heads of 'A', got 16");
    at.model.vocab_size = 32001;
    at.facts.tensor_parallel = 8;
    assert_true(starts());
}

static void test_formats(void **state)
{
    (void)state;
    struct error error;
    set_up("vllm-0.24");
    at.gpu.compute_capability = 7.5;
    assert_true(starts());
    assert_int_equal(at.warnings.count, 1);
    assert_contains(at.warnings.messages[0], "'G' has no BF16");
    assert_true(weight_precision_find("awq-int4-g128", &at.facts.weights, &error));
    assert_true(starts());
    at.gpu.compute_capability = 7.0;
    refused("needs compute capability 7.5, 'G' has 7.0");
    at.gpu.compute_capability = 0; /* not known: nothing is refused for it */
    assert_true(starts());
    at.gpu.compute_capability = 9.0;
    assert_true(kv_precision_find("int8", &at.facts.kv, &error));
    refused("'model.kv_cache' int8 is not among the formats of 'vllm-0.24'");
}

static void test_budgets(void **state)
{
    (void)state;
    set_up("vllm-0.24");
    at.engine.max_batch_tokens = 256;
    assert_true(starts());
    at.engine.max_batch_tokens = 255;
    refused("at least 'engine.max_batch_requests', got 255 and 256");
    set_up("sglang-0.4.6");
    at.engine.max_batch_tokens = 255;
    assert_true(starts());
    assert_int_equal(at.warnings.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_degrees),
        cmocka_unit_test(test_engines_differ),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
