#include "sim/scenario/startup_rules.h"

#include <assert.h>

#include "sim/base/text.h"

/* Rows that vLLM and SGLang add to the vocabulary, so that it divides by this. */
enum { VOCABULARY_PADDING = 64 };

static bool is_of(const struct startup_facts *facts, const char *family)
{
    return text_starts_with(facts->preset->name, family);
}

/* The engines of schedules alone, Orca and static batching, say nothing of formats. */
static bool is_real_engine(const struct startup_facts *facts)
{
    return is_of(facts, "vllm") || is_of(facts, "sglang") || is_of(facts, "tgi");
}

/* vLLM and SGLang copy KV heads where there are more GPUs than heads; TGI does not. */
static bool check_kv_heads(const struct startup_facts *facts, struct error *error)
{
    uint32_t heads = facts->model->num_key_value_heads;
    uint32_t degree = facts->tensor_parallel;
    bool copies = !is_of(facts, "tgi") && degree % heads == 0;
    return heads % degree == 0 || copies ||
           error_set(error,
                     "'hardware.tensor_parallel' must divide the %u KV heads of '%s'%s, got %u",
                     heads, facts->model->name,
                     is_of(facts, "tgi") ? "" : " or be a multiple of them", degree);
}

static bool check_degree(const struct startup_facts *facts, struct error *error)
{
    const struct model_shape *model = facts->model;
    uint32_t degree = facts->tensor_parallel;
    uint32_t padded =
        (model->vocab_size + VOCABULARY_PADDING - 1) / VOCABULARY_PADDING * VOCABULARY_PADDING;
    if (model->num_attention_heads % degree != 0) {
        return error_set(error,
                         "'hardware.tensor_parallel' must divide the %u attention heads of '%s', "
                         "got %u",
                         model->num_attention_heads, model->name, degree);
    }
    if (is_real_engine(facts) && !is_of(facts, "tgi") && padded % degree != 0) {
        return error_set(error,
                         "'hardware.tensor_parallel' must divide the vocabulary of '%s', %u tokens "
                         "with padding, got %u",
                         model->name, padded, degree);
    }
    if (is_real_engine(facts) && model->intermediate_size % degree != 0) {
        return error_set(error,
                         "'hardware.tensor_parallel' must divide the %u columns of the MLP of "
                         "'%s', got %u",
                         model->intermediate_size, model->name, degree);
    }
    return check_kv_heads(facts, error);
}

/* The lowest compute capability on which kernels for the format exist (vLLM's quantization
 * methods: get_min_capability). */
static const struct {
    const char *weights;
    double capability;
} needed[] = {{"awq", 7.5}, {"int8", 7.5}, {"gptq", 6.0}, {"bnb", 7.0}};

static bool check_formats(const struct startup_facts *facts, struct warning_list *warnings,
                          struct error *error)
{
    double capability = facts->gpu->compute_capability;
    if (!is_real_engine(facts) || capability <= 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (text_starts_with(facts->weights->name, needed[i].weights) &&
            capability < needed[i].capability) {
            return error_set(
                error, "'model.weights' %s needs compute capability %.1f, '%s' has %.1f",
                facts->weights->name, needed[i].capability, facts->gpu->name, capability);
        }
    }
    if (text_equal(facts->kv->name, "int8")) {
        return error_set(error, "'model.kv_cache' int8 is not among the formats of '%s'",
                         facts->preset->name);
    }
    if (capability < 8.0) {
        warning_list_add(warnings,
                         "'%s' has no BF16: 16-bit numbers are FP16 there, as with --dtype half",
                         facts->gpu->name);
    }
    return true;
}

static bool check_budgets(const struct startup_facts *facts, struct error *error)
{
    const struct engine_settings *engine = facts->engine;
    if (is_of(facts, "vllm") && engine->max_batch_tokens < engine->max_batch_requests) {
        return error_set(error,
                         "'engine.max_batch_tokens' must be at least 'engine.max_batch_requests', "
                         "got %u and %u",
                         engine->max_batch_tokens, engine->max_batch_requests);
    }
    return true;
}

bool startup_rules_check(const struct startup_facts *facts, struct warning_list *warnings,
                         struct error *error)
{
    assert(facts->tensor_parallel > 0 && facts->model->num_key_value_heads > 0);
    assert(facts->weights != NULL && facts->kv != NULL && facts->preset != NULL);
    return check_degree(facts, error) && check_formats(facts, warnings, error) &&
           check_budgets(facts, error);
}
