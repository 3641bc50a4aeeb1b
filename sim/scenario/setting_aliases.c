#include "sim/scenario/setting_aliases.h"

#include <assert.h>
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "sim/base/text.h"

static const struct {
    const char *word;
    const char *key;
} aliases[] = {
    {"tp", "hardware.tensor_parallel"},
    {"tp_size", "hardware.tensor_parallel"},
    {"tensor_parallel_size", "hardware.tensor_parallel"},
    {"num_shard", "hardware.tensor_parallel"},
    {"mem_fraction_static", "hardware.gpu_memory_utilization"},
    {"cuda_memory_fraction", "hardware.gpu_memory_utilization"},
    {"dtype", "model.weights"},
    {"quantization", "model.weights"},
    {"quantize", "model.weights"},
    {"quant", "model.weights"},
    {"awq", "model.weights"},
    {"gptq", "model.weights"},
    {"fp8", "model.weights"},
    {"int4", "model.weights"},
    {"precision", "model.weights"},
    {"kv_cache_dtype", "model.kv_cache"},
    {"kv_dtype", "model.kv_cache"},
    {"model_id", "model.name"},
    {"model_path", "model.name"},
    {"engine", "engine.preset"},
    {"backend", "engine.preset"},
    {"vllm", "engine.preset"},
    {"sglang", "engine.preset"},
    {"tgi", "engine.preset"},
    {"max_num_seqs", "engine.max_batch_requests"},
    {"max_running_requests", "engine.max_batch_requests"},
    {"max_batch_size", "engine.max_batch_requests"},
    {"max_num_batched_tokens", "engine.max_batch_tokens"},
    {"chunked_prefill_size", "engine.max_batch_tokens"},
    {"max_batch_prefill_tokens", "engine.max_batch_tokens"},
    {"context_length", "engine.max_model_len"},
    {"max_total_tokens", "engine.max_model_len"},
    {"block_size", "engine.block_tokens"},
    {"page_size", "engine.block_tokens"},
    {"num_gpu_blocks_override", "engine.num_blocks"},
    {"enable_prefix_caching", "engine.prefix_caching"},
    {"enable_chunked_prefill", "engine.chunked_prefill"},
    {"num_speculative_tokens", "engine.draft_tokens"},
    {"speculative_model", "engine.draft_model"},
    {"swap_space", "engine.swap_gib"},
    {"scheduling_policy", "engine.policy"},
    {"schedule_policy", "engine.policy"},
    {"scheduler", "engine.policy"},
    {"dp", "engine.instances"},
    {"data_parallel_size", "engine.instances"},
    {"replicas", "engine.instances"},
    {"rate", "workload.rate_per_s"},
    {"request_rate", "workload.rate_per_s"},
    {"qps", "workload.rate_per_s"},
    {"rps", "workload.rate_per_s"},
    {"cv", "workload.burstiness"},
    {"concurrency", "workload.client_width"},
    {"max_concurrency", "workload.client_width"},
    {"num_prompts", "workload.requests"},
    {"num_requests", "workload.requests"},
    {"max_tokens", "workload.token_budget"},
    {"max_new_tokens", "workload.token_budget"},
    {"osl", "workload.token_budget"},
    {"output_len", "workload.token_budget"},
    {"isl", "workload.lengths"},
    {"input_len", "workload.lengths"},
    {"prompt_len", "workload.lengths"},
    {"dataset", "workload.datasets"},
    {"system_prompt", "workload.prefix_tokens"},
    {"acceptance_rate", "workload.draft_acceptance"},
};

const char *setting_alias_find(const char *word)
{
    char plain[64];
    size_t length = 0;
    assert(word != NULL);
    const char *end = word + strcspn(word, "="); /* a value may have dots of its own */
    const char *leaf = end;
    while (leaf > word && leaf[-1] != '.') {
        leaf--;
    }
    while (*leaf == '-') {
        leaf++;
    }
    for (; leaf + length < end && length + 1 < sizeof plain; length++) {
        plain[length] = leaf[length] == '-' ? '_' : (char)tolower((unsigned char)leaf[length]);
    }
    plain[length] = '\0';
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (text_equal(aliases[i].word, plain)) {
            return aliases[i].key;
        }
    }
    return NULL;
}
