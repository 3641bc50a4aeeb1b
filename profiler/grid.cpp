#include "profiler/grid.h"

static void add_step(std::vector<point_key> *keys, int prompt, int prompt_context, int requests,
                     int context, int query_tokens)
{
    keys->push_back({prompt, prompt_context, requests, context, query_tokens, 0});
}

static void add_operation(std::vector<point_key> *keys, model::operation operation, int tokens,
                          int context)
{
    keys->push_back({(int)operation, tokens, context, 0, 0, 1});
}

static void add_operations(std::vector<point_key> *keys)
{
    using operation = model::operation;
    for (operation product :
         {operation::qkv, operation::o, operation::gate_up, operation::down, operation::lm_head}) {
        for (int tokens : {1, 8, 16, 32, 64, 128, 256, 2048}) {
            if (product != operation::lm_head || tokens <= GRID_MOST_REQUESTS) {
                add_operation(keys, product, tokens, 0);
            }
        }
    }
    for (int requests : {1, 8, 32, 128}) {
        add_operation(keys, operation::attention, requests, 4096);
        add_operation(keys, operation::sample, requests, 0);
        add_operation(keys, operation::sample_top_p, requests, 0);
    }
}

static void add_mixed(std::vector<point_key> *keys)
{
    for (int prompt : {64, 256, 1024, 1920}) {
        for (int requests : {8, 32, 128}) {
            add_step(keys, prompt, 0, requests, 512, 1);
            add_step(keys, prompt, 0, requests, 2048, 1);
        }
    }
}

static void add_verifications(std::vector<point_key> *keys)
{
    for (int query_tokens : {2, 4, 8}) {
        for (int requests : {1, 8, 32, 64}) {
            add_step(keys, 0, 0, requests, 512, query_tokens);
            add_step(keys, 0, 0, requests, 4096, query_tokens);
        }
    }
}

std::vector<point_key> grid_make(bool is_small, int most_kv_tokens)
{
    std::vector<point_key> keys;
    std::vector<int> batches = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256};
    std::vector<int> contexts = {64, 512, 2048, 8192, 30720};
    std::vector<int> prompts = {16,  32,   64,   128,  256,  384,  512,
                                768, 1024, 1536, 2048, 4096, 8192, 16384};
    if (is_small) {
        batches = {1, 32};
        contexts = {64, 2048};
        prompts = {64, 2048};
    }
    for (int requests : batches) {
        for (int context : contexts) {
            if ((int64_t)requests * (context + 32) <= most_kv_tokens) {
                add_step(&keys, 0, 0, requests, context, 1);
            }
        }
    }
    for (int prompt : prompts) {
        for (int context : {0, 2048, 8192, 24576}) {
            bool is_wanted = prompt < 256 ? context <= 8192 : prompt < 16384 || context == 0;
            if (is_wanted) {
                add_step(&keys, prompt, context, 0, 0, 1);
            }
        }
    }
    add_mixed(&keys);
    add_verifications(&keys);
    add_operations(&keys);
    return keys;
}

struct step grid_step(const point_key &key)
{
    struct step step;
    if (key[KEY_IS_OPERATION] != 0) {
        step.requests = key[1];
        step.context = key[2];
    } else {
        step.prompt_tokens = key[0];
        step.prompt_context = key[1];
        step.requests = key[2];
        step.context = key[3];
        step.query_tokens = key[4];
    }
    return step;
}
