#include "sim/engines/start_limits.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "sim/base/smaller.h"

/* True when the GPU's name, by our catalogue or its driver, has 'part' in it, in whatever case. */
static bool is_called(const struct gpu *gpu, const char *part)
{
    const char *const names[] = {gpu->name, gpu->driver_name};
    char lower[sizeof gpu->name];
    static_assert(sizeof gpu->name >= sizeof gpu->driver_name, "either name fits");
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        size_t i = 0;
        for (; names[n][i] != '\0' && i + 1 < sizeof lower; i++) {
            lower[i] = (char)tolower((unsigned char)names[n][i]);
        }
        lower[i] = '\0';
        if (strstr(lower, part) != NULL) {
            return true;
        }
    }
    return false;
}

/* What is not asked for follows what is: no more requests than tokens, and no more tokens than the
 * requests can have (_set_default_max_num_seqs_and_batched_tokens_args). */
static struct engine_limits beside_asked(struct engine_limits limits,
                                         const struct engine_settings *asked)
{
    uint64_t requests =
        asked->max_batch_requests > 0 ? asked->max_batch_requests : limits.batch_requests;
    uint64_t most = requests * asked->max_model_len;
    if (most > 0 && most < limits.batch_tokens) {
        limits.batch_tokens = (uint32_t)most;
    }
    uint32_t tokens = asked->max_batch_tokens > 0 ? asked->max_batch_tokens : limits.batch_tokens;
    limits.batch_requests = smaller(limits.batch_requests, tokens);
    return limits;
}

/* vLLM 0.24, engine/arg_utils.py:get_batch_defaults. */
struct engine_limits start_limits_vllm_0_24(const struct engine_settings *asked,
                                            const struct gpu *gpu)
{
    enum { LARGE_MIB = 70 * 1024 };
    bool is_large = gpu_visible_mib(gpu) >= LARGE_MIB && !is_called(gpu, "a100");
    struct engine_limits limits = {.batch_requests = is_large ? 1024 : 256};
    switch (asked->usage) {
    case ENGINE_USAGE_SERVER:
        limits.batch_tokens = is_large ? 8192 : 2048;
        limits.rule = is_large ? "vllm serve on GPUs of 70 GiB and more but A100"
                               : "vllm serve on GPUs below 70 GiB and A100";
        break;
    case ENGINE_USAGE_LIBRARY:
        limits.batch_tokens = is_large ? 16384 : 8192;
        limits.rule = is_large ? "vLLM's LLM class on GPUs of 70 GiB and more but A100"
                               : "vLLM's LLM class on GPUs below 70 GiB and A100";
        break;
    case ENGINE_USAGE_ENGINE:
        limits.batch_tokens = 2048;
        limits.batch_requests = 128;
        limits.rule = "vLLM's engine interface on any GPU";
        break;
    }
    return beside_asked(limits, asked);
}

/* vLLM 0.8.1, engine/arg_utils.py:_set_default_args_v1. */
struct engine_limits start_limits_vllm_0_8(const struct engine_settings *asked,
                                           const struct gpu *gpu)
{
    bool is_large = is_called(gpu, "h100") || is_called(gpu, "h200");
    struct engine_limits limits = {.batch_requests = 1024};
    switch (asked->usage) {
    case ENGINE_USAGE_SERVER:
        limits.batch_tokens = is_large ? 8192 : 2048;
        limits.rule =
            is_large ? "vllm serve on H100 and H200" : "vllm serve on GPUs but H100 and H200";
        break;
    case ENGINE_USAGE_LIBRARY:
        limits.batch_tokens = is_large ? 16384 : 8192;
        limits.rule = is_large ? "vLLM's LLM class on H100 and H200"
                               : "vLLM's LLM class on GPUs but H100 and H200";
        break;
    case ENGINE_USAGE_ENGINE:
        limits.batch_tokens = 2048;
        limits.rule = "vLLM's engine interface on any GPU";
        break;
    }
    return beside_asked(limits, asked);
}

/* SGLang 0.4.6, server_args.py:__post_init__. */
struct engine_limits start_limits_sglang(const struct engine_settings *asked, const struct gpu *gpu)
{
    enum { SMALL_MIB = 25000 };
    (void)asked;
    bool is_small = gpu->memory_mib < SMALL_MIB;
    return (struct engine_limits){
        .batch_tokens = is_small ? 2048 : 8192,
        .batch_requests = 2049, /* rows for requests; no limit of its own */
        .rule =
            is_small ? "SGLang on GPUs below 25,000 MiB" : "SGLang on GPUs of 25,000 MiB and more",
    };
}
