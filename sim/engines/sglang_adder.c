#include "sim/engines/sglang_adder.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/smaller.h"

enum { MAX_ESTIMATED = 4096 /* tokens of output that admission looks ahead (global_config.py) */ };

static uint32_t estimated_output(const struct instance *instance, uint32_t index)
{
    return smaller(sglang_output_limit(instance, &instance->requests[index]), MAX_ESTIMATED);
}

static double total_left(const struct sglang_adder *adder)
{
    return (double)sglang_available(sglang_state_of(adder->instance)) - adder->reserved -
           adder->charged;
}

static int64_t current_left(const struct sglang_adder *adder)
{
    return (int64_t)sglang_available(sglang_state_of(adder->instance)) - adder->mixed_decodes -
           adder->current_charged;
}

struct sglang_adder sglang_adder_make(struct instance *instance, struct batch *batch)
{
    struct sglang *state = sglang_state_of(instance);
    const struct engine_settings *settings = &instance->config->engine;
    uint32_t decodes = settings->sglang.mixed_chunks ? state->running.count : 0;
    struct sglang_adder adder = {
        .instance = instance,
        .batch = batch,
        .reserved = decodes,
        .input_left = (int64_t)settings->sglang.max_prefill_tokens - decodes,
        .chunk_left = settings->chunked_prefill ? (int64_t)settings->max_batch_tokens - decodes
                                                : INT64_MAX / 2,
        .mixed_decodes = decodes};
    for (uint32_t i = 0; i < state->running.count; i++) {
        uint32_t index = state->running.requests[i];
        if (index != SGLANG_NOBODY) {
            const struct request *request = &instance->requests[index];
            uint32_t left = sglang_output_limit(instance, request) - request_outputs(request);
            adder.reserved += state->ratio * smaller(left, MAX_ESTIMATED);
        }
    }
    return adder;
}

static void charge(struct sglang_adder *adder, uint32_t tokens, uint32_t output)
{
    adder->charged += tokens + output;
    adder->current_charged += tokens;
    adder->input_left -= tokens;
    adder->chunk_left -= tokens;
}

static void add_prompt(struct sglang_adder *adder, uint32_t index, uint32_t tokens)
{
    struct request *request = &adder->instance->requests[index];
    batch_add(adder->batch, (struct batch_entry){.request = index,
                                                 .tokens = tokens,
                                                 .computed_before = request->computed_tokens,
                                                 .is_prompt = true});
    adder->added++;
}

static enum sglang_verdict verdict_of(const struct sglang_adder *adder)
{
    if (total_left(adder) <= 0 || current_left(adder) <= 0) {
        return SGLANG_NO_TOKEN;
    }
    return adder->input_left <= 0 || adder->chunk_left <= 0 ? SGLANG_OTHER : SGLANG_CONTINUE;
}

/* Takes the whole prompt or the chunk that is left. */
static enum sglang_verdict take_prompt(struct sglang_adder *adder, uint32_t index, uint32_t tokens)
{
    struct sglang *state = sglang_state_of(adder->instance);
    if (tokens <= adder->chunk_left) {
        charge(adder, tokens, estimated_output(adder->instance, index));
        add_prompt(adder, index, tokens);
    } else if (adder->chunk_left <= 0) {
        return SGLANG_OTHER;
    } else {
        uint32_t chunk = (uint32_t)adder->chunk_left;
        charge(adder, chunk, 0);
        add_prompt(adder, index, chunk);
        state->chunked = index;
    }
    return verdict_of(adder);
}

void sglang_adder_continue(struct sglang_adder *adder)
{
    struct sglang *state = sglang_state_of(adder->instance);
    uint32_t index = state->chunked;
    const struct request *request = &adder->instance->requests[index];
    uint32_t left = request->known_tokens - request->computed_tokens;
    uint32_t tokens = left <= adder->chunk_left ? left : (uint32_t)adder->chunk_left;
    bool ends = tokens == left;
    charge(adder, tokens, ends ? estimated_output(adder->instance, index) : 0);
    add_prompt(adder, index, tokens);
    state->chunked = ends ? SGLANG_NOBODY : index;
}

static int compare_endings(const void *a, const void *b)
{
    const struct ending *first = a;
    const struct ending *second = b;
    return (first->left > second->left) - (first->left < second->left);
}

/* The first candidate of a step is sorted in with all; a later one goes before the first that ends
 * no sooner, and if there is none, as coded, before the last. */
static void add_ending(struct sglang_adder *adder, uint32_t index, bool is_later)
{
    const struct request *request = &adder->instance->requests[index];
    double left = (double)sglang_output_limit(adder->instance, request) - request_outputs(request);
    struct ending ending = {.left = left, .held = request->known_tokens};
    uint32_t place = adder->ending_count;
    if (left <= 0) {
        return;
    }
    adder->endings = memory_grow(adder->endings, &adder->ending_capacity,
                                 (size_t)adder->ending_count + 1, sizeof adder->endings[0]);
    if (is_later && place > 0) {
        place = 0;
        while (place + 1 < adder->ending_count && adder->endings[place].left < left) {
            place++;
        }
    }
    memmove(&adder->endings[place + 1], &adder->endings[place],
            (adder->ending_count - place) * sizeof adder->endings[0]);
    adder->endings[place] = ending;
    adder->ending_count++;
}

/* add_one_req_ignore_eos: outputs are as long as asked, so the ends are known; at each there must
 * be room for all that go on. */
static bool fits_all_ends(struct sglang_adder *adder, uint32_t index)
{
    struct instance *instance = adder->instance;
    const struct sglang_members *running = &sglang_state_of(instance)->running;
    bool is_later = adder->ending_count > 0;
    add_ending(adder, index, is_later);
    if (!is_later) {
        for (uint32_t i = 0; i < running->count; i++) {
            if (running->requests[i] != SGLANG_NOBODY) {
                add_ending(adder, running->requests[i], false);
            }
        }
        for (uint32_t i = 0; i < adder->added; i++) {
            add_ending(adder, adder->batch->entries[i].request, false);
        }
        if (adder->ending_count > 1) {
            qsort(adder->endings, adder->ending_count, sizeof adder->endings[0], compare_endings);
        }
    }
    double room = (double)current_left(adder) - instance->requests[index].known_tokens;
    for (uint32_t i = 0; i < adder->ending_count; i++) {
        const struct ending *ending = &adder->endings[i];
        double decodes = i + 1 < adder->ending_count ? ending[1].left : ending->left;
        if (room - decodes * (adder->ending_count - i) <= 0) {
            return false;
        }
        room += ending->held;
    }
    return true;
}

enum sglang_verdict sglang_adder_add(struct sglang_adder *adder, uint32_t index)
{
    struct instance *instance = adder->instance;
    struct sglang *state = sglang_state_of(instance);
    struct request *request = &instance->requests[index];
    struct sglang_held *held = sglang_held_of(state, index);
    struct radix_place hit = {RADIX_ROOT, 0};
    if (instance->config->engine.prefix_caching) {
        hit = radix_tree_match(&state->tree, &request->ask.content, request->known_tokens - 1);
    }
    uint32_t tokens = request->known_tokens - hit.tokens;
    if (!instance->config->engine.prefix_caching && instance->config->engine.sglang.ignores_eos) {
        if (!fits_all_ends(adder, index)) {
            return SGLANG_NO_TOKEN;
        }
        return take_prompt(adder, index, tokens);
    }
    double total = (double)tokens + estimated_output(instance, index);
    if (total >= total_left(adder)) {
        return SGLANG_NO_TOKEN;
    }
    if (tokens > adder->input_left && adder->added > 0) {
        return SGLANG_OTHER;
    }
    radix_tree_lock(&state->tree, hit.node);
    if (total > total_left(adder)) {
        radix_tree_unlock(&state->tree, hit.node);
        return SGLANG_NO_TOKEN;
    }
    uint32_t added = adder->added;
    *held = (struct sglang_held){.prefix = hit.tokens, .node = hit.node};
    request->computed_tokens = hit.tokens;
    enum sglang_verdict verdict = take_prompt(adder, index, tokens);
    if (adder->added == added) {
        radix_tree_unlock(&state->tree, hit.node);
        *held = (struct sglang_held){0, RADIX_ROOT};
        request->computed_tokens = 0;
    } else if (request_is_new(request)) {
        request->cached_tokens = hit.tokens;
    }
    return verdict;
}

void sglang_adder_clear(struct sglang_adder *adder)
{
    free(adder->endings);
}
