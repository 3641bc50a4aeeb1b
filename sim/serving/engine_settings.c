#include "sim/serving/engine_settings.h"

const struct setting engine_settings_of_all[] = {
    {ENGINE_WHOLE("engine.max_batch_tokens", max_batch_tokens, 0, 1e6), .unit = "tokens",
     .help =
         "most tokens that one step computes (max_num_batched_tokens, chunked-prefill-size); 0: as "
         "the engine sets it on this GPU"},
    {ENGINE_WHOLE("engine.max_batch_requests", max_batch_requests, 0, 65536), .unit = "requests",
     .help =
         "most requests that run together (max_num_seqs, max-running-requests); 0: as the engine "
         "sets it on this GPU"},
    {ENGINE_WHOLE("engine.max_model_len", max_model_len, 0, 1e8), .unit = "tokens",
     .help = "most tokens of one request, prompt and output together; 0 derives it: the model's "
             "own limit (vllm-v0: at most 32768), cut to what the KV pool holds"},
    {ENGINE_WHOLE("engine.num_blocks", num_blocks, 0, 1e9), .unit = "blocks",
     .help = "size of the KV pool in blocks; 0 derives it from the GPU's memory"},
    {ENGINE_TIME("engine.loop_ms", host.loop_ps, 1000), .unit = "ms",
     .help = "time of the host between two steps, unless it schedules one while another runs"},
    {ENGINE_TIME("engine.intake_ms", host.intake_ps, 1000), .unit = "ms",
     .help = "time of the front end for each request, one request after the other"},
    {.name = NULL},
};

const struct setting engine_settings_of_blocks[] = {
    {ENGINE_WHOLE("engine.block_tokens", block_tokens, 1, 4096), .unit = "tokens",
     .help = "tokens of a KV block (block-size)"},
    {.name = NULL},
};

static const struct setting_choice usages[] = {
    {"server", ENGINE_USAGE_SERVER, "vllm serve"},
    {"library", ENGINE_USAGE_LIBRARY, "the LLM class, in-process"},
    {"engine", ENGINE_USAGE_ENGINE, "the engine's own interface (AsyncLLM)"},
    {.name = NULL},
};

const struct setting engine_settings_of_usage[] = {
    {ENGINE_CHOICE("engine.usage", usage, usages),
     .help = "through what the engine is started, which decides the limits it sets by itself: vllm "
             "serve, the LLM class, or the engine's own interface (AsyncLLM)"},
    {.name = NULL},
};

const struct setting engine_settings_of_chunks[] = {
    {ENGINE_BOOL("engine.chunked_prefill", chunked_prefill),
     .help = "whether long prompts are computed in chunks, over several steps"},
    {.name = NULL},
};

const struct setting engine_settings_of_overlap[] = {
    {ENGINE_BOOL("engine.async_scheduling", async_scheduling),
     .help = "whether the next step is scheduled while the GPU computes one; off with speculation"},
    {.name = NULL},
};

const struct setting engine_settings_of_prefixes[] = {
    {ENGINE_BOOL("engine.prefix_caching", prefix_caching),
     .help = "whether prompts that begin alike share the KV cache of their beginning; unless set, "
             "vLLM's V1 does where prompts of the load have something in common"},
    {.name = NULL},
};

const struct setting engine_settings_of_drafts[] = {
    {ENGINE_WHOLE("engine.draft_tokens", draft_tokens, 0, 64), .unit = "tokens",
     .help = "tokens that speculative decoding drafts for each request and step; 0: none"},
    {ENGINE_TIME("engine.draft_request_us", host.draft_request_ps, 1e6), .unit = "us",
     .help = "time of the host to draft for one request, in each step"},
    {ENGINE_TIME("engine.draft_token_ns", host.draft_token_ps, 1e6), .unit = "ns",
     .help = "time of the host to draft, for each token that the request has"},
    {.name = NULL},
};
