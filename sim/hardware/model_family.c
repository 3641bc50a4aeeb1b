#include "sim/hardware/model_family.h"

#include <ctype.h>
#include <stddef.h>

#include "sim/base/text.h"

/* From the defaults of the configuration classes of Hugging Face transformers 4.5x (and the remote
 * code of ChatGLM, Baichuan, InternLM2, EXAONE 3, MiniCPM and Qwen 1) and vLLM's models. Published
 * parameter counts agree within 0.1 % (tests/unit/test_model_config.c). */
#define GATED(type, norms, vectors)                                                                \
    .model_type = type, .mlp_matrices = 3, .layer_norms = norms, .norm_vectors = vectors
#define PLAIN(type, norms, vectors)                                                                \
    .model_type = type, .mlp_matrices = 2, .layer_norms = norms, .norm_vectors = vectors

static const struct model_family families[] = {
    /* Llama and its like */
    {GATED("llama", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {GATED("mistral", 2, 1), .kv_heads = 8, .window = WINDOW_ALL},
    {GATED("ministral", 2, 1), .kv_heads = 8, .window = WINDOW_ALL},
    {GATED("qwen2", 2, 1), .biases = BIAS_QKV, .window = WINDOW_ON_DEMAND},
    {GATED("qwen3", 2, 1), .biases_by_key = BIAS_QKV, .qk_norm = QK_NORM_HEAD, .head_dim = 128,
     .window = WINDOW_ON_DEMAND},
    {GATED("internlm2", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {GATED("internlm3", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {GATED("baichuan", 2, 1)},
    {GATED("yi", 2, 1)},
    {GATED("xverse", 2, 1)},
    {GATED("aquila", 2, 1)},
    {GATED("orion", 2, 2)},
    {GATED("solar", 2, 1)},
    {GATED("granite", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {GATED("seed_oss", 2, 1), .biases = BIAS_QKV, .head_dim = 128},
    {GATED("smollm3", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT, .ties_embeddings = true,
     .kv_heads = 4},
    {GATED("stablelm", 2, 2)},
    {GATED("olmo", 0, 0), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {GATED("olmo2", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT, .qk_norm = QK_NORM_FULL},
    {GATED("olmo3", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT, .qk_norm = QK_NORM_FULL,
     .window = WINDOW_PERIODIC, .window_period = 4},
    {GATED("exaone", 2, 1), .ties_embeddings = true},
    {GATED("exaone4", 2, 1), .qk_norm = QK_NORM_HEAD, .window = WINDOW_PERIODIC,
     .window_period = 4},
    {GATED("minicpm", 2, 1), .ties_embeddings = true},
    {GATED("hunyuan_v1_dense", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT,
     .qk_norm = QK_NORM_HEAD},
    {GATED("ernie4_5", 2, 1), .ties_embeddings = true},
    {GATED("qwen", 2, 1), .biases = BIAS_QKV},
    {GATED("chatglm", 2, 1), .biases = BIAS_QKV},
    {GATED("glm", 2, 1), .biases = BIAS_QKV, .head_dim = 128},
    {GATED("glm4", 4, 1), .biases_by_key = BIAS_QKV, .head_dim = 128},
    {GATED("phi3", 2, 1), .window = WINDOW_ALL},
    {GATED("cohere", 1, 1), .ties_embeddings = true},
    {GATED("cohere2", 1, 1), .ties_embeddings = true, .window = WINDOW_PERIODIC,
     .window_period = 4},
    {GATED("gemma", 2, 1), .ties_embeddings = true, .head_dim = 256},
    {GATED("gemma2", 4, 1), .ties_embeddings = true, .head_dim = 256, .window = WINDOW_PERIODIC,
     .window_period = 2},
    {GATED("gemma3_text", 4, 1), .qk_norm = QK_NORM_HEAD, .ties_embeddings = true, .head_dim = 256,
     .kv_heads = 4, .window = WINDOW_PERIODIC, .window_period = 6},
    /* two matrices in the MLP */
    {PLAIN("nemotron", 2, 2), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {PLAIN("arcee", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT},
    {PLAIN("apertus", 2, 1), .biases_by_key = BIAS_QKV | BIAS_OUTPUT, .qk_norm = QK_NORM_HEAD},
    {PLAIN("starcoder2", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP,
     .ties_embeddings = true, .kv_heads = 2, .window = WINDOW_ALL},
    {PLAIN("gpt_bigcode", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP,
     .ties_embeddings = true, .learned_positions = 1},
    {PLAIN("gpt2", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP, .ties_embeddings = true,
     .learned_positions = 1},
    {PLAIN("gpt_neox", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP},
    {PLAIN("gptj", 1, 2), .biases = BIAS_MLP | BIAS_HEAD},
    {PLAIN("opt", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP, .ties_embeddings = true,
     .learned_positions = 3},
    {PLAIN("bloom", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP, .ties_embeddings = true},
    {PLAIN("mpt", 2, 1), .ties_embeddings = true},
    {PLAIN("falcon", 1, 2), .biases_by_key = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP,
     .ties_embeddings = true},
    {PLAIN("phi", 1, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP | BIAS_HEAD},
    {PLAIN("persimmon", 2, 2), .biases = BIAS_QKV | BIAS_OUTPUT | BIAS_MLP,
     .qk_norm = QK_NORM_HEAD},
    {.model_type = NULL},
};

/* Other names of the same layout: text parts of models that also see, older names, finetunes. */
static const struct {
    const char *model_type;
    const char *family;
    uint64_t vision_weights;
} others[] = {
    {"gemma3", "gemma3_text", 417000000},
    {"mistral3", "mistral", 440000000},
    {"llava", "llama", 304000000},
    {"llava_next", "llama", 304000000},
    {"pixtral", "mistral", 440000000},
    {"idefics3", "llama", 430000000},
    {"smolvlm", "llama", 430000000},
    {"internvl", "qwen2", 304000000},
    {"qwen2_vl", "qwen2", 675000000},
    {"qwen2_vl_text", "qwen2", 675000000},
    {"qwen2_5_vl", "qwen2", 677000000},
    {"qwen2_5_vl_text", "qwen2", 677000000},
    {"qwen3_vl", "qwen3", 576000000},
    {"qwen3_vl_text", "qwen3", 576000000},
    {"phi3_v", "phi3", 304000000},
    {"paligemma", "gemma", 417000000},
    {"glm4v", "glm4", 700000000},
    {"ministral3", "mistral", 0},
    {"mimo", "qwen2", 0},
    {"stablelm_epoch", "stablelm", 0},
    {"chatglm3", "chatglm", 0},
    {"Yi", "yi", 0},
    {"RefinedWeb", "falcon", 0},
    {"RefinedWebModel", "falcon", 0},
    {"internlm", "llama", 0},
    {"glm4v_text", "glm4", 0},
};

const struct model_family *model_family_find(const char *model_type)
{
    for (const struct model_family *family = families; family->model_type != NULL; family++) {
        if (text_equal(family->model_type, model_type)) {
            return family;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (text_equal(others[i].model_type, model_type)) {
            return model_family_find(others[i].family);
        }
    }
    return NULL;
}

uint64_t model_family_vision_weights(const char *model_type)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (text_equal(others[i].model_type, model_type)) {
            return others[i].vision_weights;
        }
    }
    return 0;
}

/* "GPTNeoXForCausalLM" is "gpt_neox": letters alike, underscores aside, as far as 'name' goes. */
static bool begins_class(const char *model_type, const char *class_name)
{
    static const char *const endings[] = {"ForCausalLM", "ForConditionalGeneration", "LMHeadModel",
                                          "Model", NULL};
    for (; *model_type != '\0'; model_type++) {
        if (*model_type == '_') {
            continue;
        }
        if (tolower((unsigned char)*class_name) != tolower((unsigned char)*model_type)) {
            return false;
        }
        class_name++;
    }
    for (size_t i = 0; endings[i] != NULL; i++) {
        if (text_equal(class_name, endings[i])) {
            return true;
        }
    }
    return false;
}

const char *model_family_type_of_class(const char *class_name)
{
    for (const struct model_family *family = families; family->model_type != NULL; family++) {
        if (begins_class(family->model_type, class_name)) {
            return family->model_type;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (begins_class(others[i].model_type, class_name)) {
            return others[i].model_type;
        }
    }
    return NULL;
}
