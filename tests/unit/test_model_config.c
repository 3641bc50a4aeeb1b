/* config.json of many families, against published parameter counts, and what is refused in them. */
#include "tests/unit/check.h"

#include <math.h>

#include "sim/hardware/checkpoint.h"
#include "sim/hardware/model_config.h"

static bool parse(const char *text, struct model_shape *shape, struct error *error)
{
    struct json *document = NULL;
    assert_true(json_parse(text, "c.json", &document, error));
    bool ok = model_config_parse(document, "c.json", "m", shape, error);
    json_destroy(document);
    return ok;
}

#define LLAMA                                                                                      \
    "\"hidden_size\": 4096, \"intermediate_size\": 11008, \"num_hidden_layers\": 32, "             \
    "\"num_attention_heads\": 32, \"vocab_size\": 32000"

/* Billions of parameters as published, from the shapes of the models. */
static void test_parameter_counts(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        double billions;
    } known[] = {
        {"{\"model_type\": \"llama\", " LLAMA ", \"tie_word_embeddings\": false}", 6.738},
        {"{\"model_type\": \"gemma2\", \"hidden_size\": 3584, \"intermediate_size\": 14336,"
         "\"num_hidden_layers\": 42, \"num_attention_heads\": 16, \"num_key_value_heads\": 8,"
         "\"head_dim\": 256, \"vocab_size\": 256000, \"sliding_window\": 4096}",
         9.242},
        {"{\"model_type\": \"falcon\", \"hidden_size\": 4544, \"num_hidden_layers\": 32,"
         "\"num_attention_heads\": 71, \"num_kv_heads\": 71, \"multi_query\": true,"
         "\"vocab_size\": 65024}",
         6.922},
        {"{\"model_type\": \"opt\", \"hidden_size\": 4096, \"ffn_dim\": 16384,"
         "\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"vocab_size\": 50272,"
         "\"max_position_embeddings\": 2048}",
         6.658},
        {"{\"model_type\": \"gpt2\", \"n_embd\": 1600, \"n_layer\": 48, \"n_head\": 25,"
         "\"n_positions\": 1024, \"vocab_size\": 50257}",
         1.558},
        {"{\"model_type\": \"gpt_neox\", \"hidden_size\": 6144, \"intermediate_size\": 24576,"
         "\"num_hidden_layers\": 44, \"num_attention_heads\": 64, \"vocab_size\": 50432,"
         "\"max_position_embeddings\": 2048, \"tie_word_embeddings\": false}",
         20.555},
        {"{\"model_type\": \"bloom\", \"hidden_size\": 4096, \"n_layer\": 30, \"n_head\": 32,"
         "\"vocab_size\": 250880, \"seq_length\": 2048}",
         7.069},
        {"{\"model_type\": \"mpt\", \"d_model\": 4096, \"n_layers\": 32, \"n_heads\": 32,"
         "\"expansion_ratio\": 4, \"max_seq_len\": 2048, \"vocab_size\": 50432}",
         6.649},
        {"{\"model_type\": \"gpt_bigcode\", \"n_embd\": 6144, \"n_inner\": 24576,"
         "\"n_layer\": 40, \"n_head\": 48, \"multi_query\": true, \"n_positions\": 8192,"
         "\"vocab_size\": 49152}",
         15.517},
        {"{\"model_type\": \"starcoder2\", \"hidden_size\": 3072, \"intermediate_size\": 12288,"
         "\"num_hidden_layers\": 30, \"num_attention_heads\": 24, \"num_key_value_heads\": 2,"
         "\"vocab_size\": 49152, \"max_position_embeddings\": 16384}",
         3.030},
        {"{\"model_type\": \"phi\", \"hidden_size\": 2560, \"intermediate_size\": 10240,"
         "\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"vocab_size\": 51200,"
         "\"max_position_embeddings\": 2048, \"tie_word_embeddings\": false}",
         2.780},
        {"{\"model_type\": \"chatglm\", \"hidden_size\": 4096, \"ffn_hidden_size\": 13696,"
         "\"num_layers\": 40, \"num_attention_heads\": 32, \"multi_query_attention\": true,"
         "\"multi_query_group_num\": 2, \"kv_channels\": 128, \"padded_vocab_size\": 151552,"
         "\"seq_length\": 131072}",
         9.400},
        {"{\"model_type\": \"qwen\", \"hidden_size\": 4096, \"intermediate_size\": 22016,"
         "\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"vocab_size\": 151936,"
         "\"max_position_embeddings\": 8192, \"tie_word_embeddings\": false}",
         7.721},
        {"{\"model_type\": \"cohere\", \"hidden_size\": 8192, \"intermediate_size\": 22528,"
         "\"num_hidden_layers\": 40, \"num_attention_heads\": 64, \"num_key_value_heads\": 64,"
         "\"vocab_size\": 256000, \"max_position_embeddings\": 8192}",
         34.981},
        {"{\"model_type\": \"nemotron\", \"hidden_size\": 4096, \"intermediate_size\": 16384,"
         "\"num_hidden_layers\": 32, \"num_attention_heads\": 48, \"head_dim\": 128,"
         "\"num_key_value_heads\": 8, \"vocab_size\": 256000, \"tie_word_embeddings\": false}",
         8.272},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct model_shape shape;
        struct error error;
        if (!parse(known[i].config, &shape, &error)) {
            fail_msg("%s", error.message);
        }
        double billions = (double)model_shape_weights(&shape) / 1e9;
        if (fabs(billions / known[i].billions - 1) > 0.001) {
            fail_msg("%s has %.3f billion parameters, published are %.3f", shape.model_type,
                     billions, known[i].billions);
        }
    }
}

/* Nested text parts leave out what their class has by default; the image tower counts. */
static void test_nested(void **state)
{
    (void)state;
    struct model_shape shape;
    struct error error;
    assert_true(parse("{\"model_type\": \"gemma3\", \"architectures\": [\"X\"], \"text_config\": "
                      "{\"model_type\": \"gemma3_text\", \"hidden_size\": 2560, "
                      "\"intermediate_size\": 10240, \"num_hidden_layers\": 34, "
                      "\"sliding_window\": 1024, \"rope_scaling\": {\"rope_type\": \"linear\", "
                      "\"factor\": 8.0}}, \"vision_config\": {\"hidden_size\": 1152}}",
                      &shape, &error));
    assert_int_equal(shape.num_key_value_heads, 4);
    assert_int_equal(shape.head_dim, 256);
    assert_int_equal(shape.max_position_embeddings, 131072);
    assert_int_equal(shape.window.count, 29);
    assert_true(shape.tie_word_embeddings);
    assert_near((double)model_shape_weights(&shape) / 1e9, 4.30, 0.01);
    assert_near((double)shape.rotary_bytes, 8.0 * 131072 * 256 * 2, 0);
    assert_true(parse("{\"model_type\": \"qwen3_vl\", \"tie_word_embeddings\": false, "
                      "\"text_config\": {\"hidden_size\": 4096, \"intermediate_size\": 12288, "
                      "\"num_hidden_layers\": 36, \"num_attention_heads\": 32, "
                      "\"num_key_value_heads\": 8, \"head_dim\": 128, \"vocab_size\": 151936, "
                      "\"max_position_embeddings\": 262144}}",
                      &shape, &error));
    assert_near((double)model_shape_weights(&shape) / 1e9, 8.767, 0.01);
    assert_false(shape.tie_word_embeddings);
}

static void test_spellings_and_defaults(void **state)
{
    (void)state;
    struct model_shape shape;
    struct error error;
    assert_true(parse("\xEF\xBB\xBF{\"architectures\": [\"GPTNeoXForCausalLM\"], " LLAMA "}",
                      &shape, &error));
    assert_string_equal(shape.model_type, "gpt_neox");
    assert_true(parse("{\"model_type\": \"llama\", " LLAMA ", \"head_dim\": null, "
                      "\"num_key_value_heads\": null, \"max_position_embeddings\": 4096}",
                      &shape, &error));
    assert_int_equal(shape.head_dim, 128);
    assert_int_equal(shape.num_key_value_heads, 32);
    assert_int_equal(shape.max_position_embeddings, 4096);
    assert_true(parse("{\"model_type\": \"qwen2\", " LLAMA ", \"max_position_embeddings\": 32768, "
                      "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0, "
                      "\"original_max_position_embeddings\": 32768}}",
                      &shape, &error));
    assert_int_equal(shape.max_position_embeddings, 131072);
    assert_true(parse("{\"model_type\": \"llama\", " LLAMA ", \"max_position_embeddings\": 131072, "
                      "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0}}",
                      &shape, &error));
    assert_int_equal(shape.max_position_embeddings, 131072);
}

/* Spellings seen in public files only. */
static void test_rare_spellings(void **state)
{
    (void)state;
    struct model_shape shape;
    struct error error;
    assert_true(parse("{\"model_type\": \"bloom\", \"n_embed\": 4096, \"n_layer\": 30, "
                      "\"num_attention_heads\": 32, \"vocab_size\": 250880}",
                      &shape, &error));
    assert_int_equal(shape.intermediate_size, 16384);
    assert_true(parse("{\"model_type\": \"cohere\", \"max_position_embeddings\": 8192, "
                      "\"model_max_length\": 131072, " LLAMA "}",
                      &shape, &error));
    assert_int_equal(shape.max_position_embeddings, 131072);
    assert_true(parse("{\"model_type\": \"internvl_chat\", \"llm_config\": {\"architectures\": "
                      "[\"InternLM2ForCausalLM\"], " LLAMA "}, \"vision_config\": "
                      "{\"hidden_size\": 1024, \"num_hidden_layers\": 24}}",
                      &shape, &error));
    assert_string_equal(shape.model_type, "internlm2");
    assert_near((double)shape.vision_weights / 1e6, 304 + 21, 5);
    assert_false(parse("{\"model_type\": \"opt\", \"word_embed_proj_dim\": 512, " LLAMA "}", &shape,
                       &error));
    assert_contains(error.message, "'word_embed_proj_dim' must be the hidden size 4096, got 512");
}

static void test_windows(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        uint32_t windowed;
    } known[] = {
        {"\"model_type\": \"mistral\", \"sliding_window\": 4096", 32},
        {"\"model_type\": \"mistral\", \"sliding_window\": null", 0},
        {"\"model_type\": \"mistral\", \"sliding_window\": 40000", 0},
        {"\"model_type\": \"qwen2\", \"sliding_window\": 4096", 0},
        {"\"model_type\": \"qwen2\", \"sliding_window\": 4096, \"use_sliding_window\": true, "
         "\"max_window_layers\": 28",
         4},
        {"\"model_type\": \"exaone4\", \"sliding_window\": 4096, "
         "\"sliding_window_pattern\": \"LLLG\"",
         24},
        {"\"model_type\": \"cohere2\", \"sliding_window\": 4096, \"sliding_window_pattern\": 4",
         24},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[512];
        struct model_shape shape;
        struct error error;
        snprintf(text, sizeof text, "{%s, \"max_position_embeddings\": 32768, " LLAMA "}",
                 known[i].rest);
        assert_true(parse(text, &shape, &error));
        assert_int_equal(shape.window.count, known[i].windowed);
    }
}

static void test_refuses_structures(void **state)
{
    (void)state;
    static const struct {
        const char *rest;
        const char *part;
    } known[] = {
        {"\"model_type\": \"deepseek_v3\", \"n_routed_experts\": 256, \"kv_lora_rank\": 512",
         "not modelled: 'n_routed_experts' (a mixture of experts), 'kv_lora_rank' (latent "
         "attention)"},
        {"\"model_type\": \"mixtral\", \"num_local_experts\": 8", "'num_local_experts'"},
        {"\"model_type\": \"dbrx\", \"ffn_config\": {\"moe_num_experts\": 16}",
         "'moe_num_experts'"},
        {"\"model_type\": \"qwen3_next\", \"linear_num_value_heads\": 32, \"num_experts\": 512",
         "'linear_num_value_heads'"},
        {"\"model_type\": \"nemotron_h\", \"hybrid_override_pattern\": \"M*\"",
         "'hybrid_override_pattern'"},
        {"\"model_type\": \"nemotron-nas\", \"block_configs\": [{}]", "'block_configs'"},
        {"\"model_type\": \"mamba\", \"state_size\": 16", "'state_size'"},
        {"\"model_type\": \"rwkv\"", "'model_type' must be that of a dense transformer"},
        {"\"model_type\": \"llama\", \"layer_types\": [\"linear_attention\"]", "'layer_types'"},
        {"\"model_type\": \"llama\", \"num_key_value_heads\": 5",
         "'num_key_value_heads' must divide 'num_attention_heads', got 5 and 32"},
        {"\"model_type\": \"llama\", \"head_dim\": 0.5", "'head_dim' must be a whole number"},
        {"\"model_type\": \"llama\", \"tie_word_embeddings\": 1",
         "'tie_word_embeddings' must be true or false, got number"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[512];
        struct model_shape shape;
        struct error error;
        snprintf(text, sizeof text, "{%s, " LLAMA "}", known[i].rest);
        assert_false(parse(text, &shape, &error));
        assert_contains(error.message, known[i].part);
    }
}

static void test_missing_key(void **state)
{
    (void)state;
    struct model_shape shape;
    struct error error;
    assert_false(parse("{\"model_type\": \"llama\"}", &shape, &error));
    assert_string_equal(error.message, "c.json: key 'hidden_size' is missing");
    assert_false(parse("{\"hidden_size\": -1}", &shape, &error));
    assert_string_equal(error.message,
                        "c.json: 'hidden_size' must be a whole number from 1 to 1e9, got -1");
    assert_false(parse("[]", &shape, &error));
    assert_contains(error.message, "expected an object");
    /* a number of experts that is no mixture */
    assert_true(
        parse("{\"model_type\": \"llama\", \"num_experts\": 0, " LLAMA "}", &shape, &error));
}

/* What 'quantization_config' says, and what a user may ask for beside it. */
static void test_checkpoint_formats(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        const char *weights; /* NULL: refused */
        double linear_bytes;
    } known[] = {
        {"{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128}", "awq-int4-g128",
         0.5 + 2.5 / 128},
        {"{\"quant_method\": \"gptq\", \"bits\": 4, \"group_size\": 32}", "gptq-int4-g128",
         0.5 + 2.5 / 32},
        {"{\"quant_method\": \"gptq\", \"bits\": 8, \"group_size\": 128}", NULL, 0},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]}", "fp8", 0},
        {"{\"quant_method\": \"modelopt\", \"quant_algo\": \"FP8\"}", "fp8", 0},
        {"{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}", NULL, 0},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": {"
         "\"weights\": {\"num_bits\": 8, \"type\": \"int\"}, \"input_activations\": "
         "{\"num_bits\": 8}}}}",
         "int8", 0},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": {"
         "\"weights\": {\"num_bits\": 8, \"type\": \"float\"}, \"input_activations\": "
         "{\"num_bits\": 8}}}}",
         "fp8", 0},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": {"
         "\"weights\": {\"num_bits\": 4, \"type\": \"int\", \"group_size\": 128}, "
         "\"input_activations\": null}}}",
         "gptq-int4-g128", 0.5 + 2.5 / 128},
        {"{\"quant_method\": \"bitsandbytes\", \"load_in_4bit\": true}", "bnb-nf4", 0},
        {"{\"quant_method\": \"bitsandbytes\", \"load_in_8bit\": true}", NULL, 0},
        {"{\"quant_method\": \"mxfp4\"}", NULL, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[768];
        struct model_shape shape;
        const struct weight_precision *chosen = NULL;
        struct error error;
        snprintf(text, sizeof text,
                 "{\"model_type\": \"llama\", \"quantization_config\": %s, " LLAMA "}",
                 known[i].config);
        if (known[i].weights == NULL) {
            assert_false(parse(text, &shape, &error));
            assert_contains(error.message, "'quantization_config'");
            continue;
        }
        assert_true(parse(text, &shape, &error));
        assert_string_equal(shape.checkpoint.weights, known[i].weights);
        assert_near(shape.checkpoint.linear_bytes, known[i].linear_bytes, 1e-12);
        assert_true(checkpoint_choose(&shape, "auto", &chosen, &error));
        assert_string_equal(chosen->name, known[i].weights);
        assert_false(checkpoint_choose(&shape, "bf16", &chosen, &error));
        assert_contains(error.message, "'model.weights' must be 'auto' or ");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameter_counts),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_spellings_and_defaults),
        cmocka_unit_test(test_rare_spellings),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_refuses_structures),
        cmocka_unit_test(test_missing_key),
        cmocka_unit_test(test_checkpoint_formats),
    };
    return cmocka_run_group_tests_name("model_config", tests, NULL, NULL);
}
