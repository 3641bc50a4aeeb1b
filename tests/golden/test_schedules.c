/* Golden schedules of vLLM: every call of schedule() and every processed output, as the engine's
 * own classes produced them on a CPU, compared with ours: who runs how many tokens, who waits, who
 * is preempted, how many blocks each holds. Usage: test_schedules FILE PRESET. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/json.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/engines/engine_presets.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/serving/instance_policy.h"

enum { MAX_REQUESTS = 8, MAX_CALLS = 32, MAX_SCENARIOS = 64, MAX_ACCEPTED = 8 };

static const struct engine_preset *preset;

struct replay {
    struct instance_config config;
    struct instance instance;
    struct request requests[MAX_REQUESTS];
    const char *names[MAX_REQUESTS];
    uint32_t request_count;
    uint8_t accepted[MAX_REQUESTS][MAX_ACCEPTED];
    struct batch batches[MAX_CALLS];
    char difference[512]; /* the first one; empty when all agrees */
    int step;
};

static double number(const struct json *object, const char *name, double missing)
{
    double value = missing;
    const struct json *item = json_find(object, name);
    return item != NULL && json_number(item, &value) ? value : missing;
}

static bool flag(const struct json *object, const char *name)
{
    bool value = false;
    const struct json *item = json_find(object, name);
    return item != NULL && json_bool(item, &value) && value;
}

static void differ(struct replay *replay, const char *what, const char *expected, const char *found)
{
    if (replay->difference[0] == '\0') {
        snprintf(replay->difference, sizeof replay->difference,
                 "op %d: %s: expected [%s], found [%s]", replay->step, what, expected, found);
    }
}

static void compare(struct replay *replay, const char *what, const char *expected,
                    const char *found)
{
    if (!text_equal(expected, found)) {
        differ(replay, what, expected, found);
    }
}

static uint32_t index_of(const struct replay *replay, const char *name)
{
    for (uint32_t i = 0; i < replay->request_count; i++) {
        if (text_equal(replay->names[i], name)) {
            return i;
        }
    }
    fail_msg("no request '%s'", name);
    return 0;
}

static void append(char *text, size_t size, const char *name, uint32_t value, bool with_value)
{
    size_t used = strlen(text);
    if (with_value) {
        snprintf(text + used, size - used, "%s:%u ", name, value);
    } else {
        snprintf(text + used, size - used, "%s ", name);
    }
}

static void compare_names(struct replay *replay, const struct json *op, const char *list,
                          const uint32_t *indices, uint32_t count)
{
    char expected[256] = "";
    char found[256] = "";
    const struct json *item = json_first(json_find(op, list));
    for (; item != NULL; item = json_next(item)) {
        append(expected, sizeof expected, json_text(item), 0, false);
    }
    for (uint32_t i = 0; i < count; i++) {
        append(found, sizeof found, replay->names[indices[i]], 0, false);
    }
    compare(replay, list, expected, found);
}

/* Queues, free blocks and blocks held, after any operation. */
static void compare_state(struct replay *replay, const struct json *op)
{
    struct instance *instance = &replay->instance;
    compare_names(replay, op, "running", instance->running, instance->running_count);
    uint32_t waiting[MAX_REQUESTS];
    uint32_t waiting_count = (uint32_t)instance->waiting.count;
    for (uint32_t i = 0; i < waiting_count; i++) {
        waiting[i] = request_queue_at(&instance->waiting, i);
        for (uint32_t to = i;
             instance->waiting.orders != NULL && to > 0 &&
             request_queue_is_before(&instance->waiting, waiting[to], waiting[to - 1]);
             to--) {
            uint32_t moved = waiting[to];
            waiting[to] = waiting[to - 1];
            waiting[to - 1] = moved;
        }
    }
    compare_names(replay, op, "waiting", waiting, waiting_count);
    char expected[256] = "";
    char found[256] = "";
    append(expected, sizeof expected, "free", (uint32_t)number(op, "free_blocks", 0), true);
    append(found, sizeof found, "free", instance->kv_cache.free_blocks, true);
    const struct json *held = json_find(op, "blocks");
    for (uint32_t i = 0; i < replay->request_count; i++) {
        uint32_t count = 0;
        const struct json *block = json_first(json_find(held, replay->names[i]));
        for (; block != NULL; block = json_next(block)) {
            count++;
        }
        double blocks = 0;
        const struct json *only_count = json_find(held, replay->names[i]);
        if (only_count != NULL && json_number(only_count, &blocks) &&
            replay->requests[i].status != REQUEST_SWAPPED) {
            count = (uint32_t)blocks;
        }
        append(expected, sizeof expected, replay->names[i], count, true);
        append(found, sizeof found, replay->names[i], instance->kv_cache.held_blocks[i], true);
    }
    compare(replay, "blocks", expected, found);
}

/* A step that is looked at late: its tokens are there when the next is formed. */
static void take_tokens_of(struct replay *replay, struct batch *batch)
{
    if (preset->take_tokens != NULL && !batch->is_taken) {
        preset->take_tokens(&replay->instance, batch);
    }
}

static void compare_swapped(struct replay *replay, const struct json *op, const struct batch *batch)
{
    double blocks = number(op, "blocks_swapped_out", 0) + number(op, "blocks_swapped_in", 0);
    if (blocks != batch->summary.swapped_blocks) {
        differ(replay, "swapped blocks", "as many as the engine", "another number");
    }
    const struct json *item = json_first(json_find(op, "ignored"));
    for (; item != NULL; item = json_next(item)) {
        if (replay->requests[index_of(replay, json_text(item))].status != REQUEST_REJECTED) {
            differ(replay, "ignored", json_text(item), "not refused");
        }
    }
}

static void replay_schedule(struct replay *replay, const struct json *op)
{
    for (const struct json *item = json_first(json_find(op, "arrived")); item != NULL;
         item = json_next(item)) {
        uint32_t index = index_of(replay, json_text(item));
        instance_policy_enqueue(&replay->instance, index);
    }
    size_t call = (size_t)number(op, "call", 0);
    struct batch *batch = &replay->batches[call];
    take_tokens_of(replay, &replay->batches[call - 1]);
    replay->instance.config->preset->schedule(&replay->instance, batch);
    char expected[512] = "";
    char found[512] = "";
    const struct json *item = json_first(json_find(op, "scheduled"));
    for (; item != NULL; item = json_next(item)) {
        append(expected, sizeof expected, json_text(json_find(item, "id")),
               (uint32_t)number(item, "tokens", 0), true);
        append(expected, sizeof expected, "after", (uint32_t)number(item, "computed_before", 0),
               true);
        append(expected, sizeof expected, flag(item, "samples") ? "samples" : "partial", 0, false);
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        append(found, sizeof found, replay->names[entry->request], entry->tokens, true);
        append(found, sizeof found, "after", entry->computed_before, true);
        append(found, sizeof found, entry->samples ? "samples" : "partial", 0, false);
    }
    compare(replay, "scheduled", expected, found);
    if (preset->take_tokens == NULL || json_first(json_find(op, "preempted")) != NULL) {
        compare_names(replay, op, "preempted", batch->preempted, batch->preempted_count);
    }
    compare_swapped(replay, op, batch);
    compare_state(replay, op);
}

static void replay_output(struct replay *replay, const struct json *op)
{
    struct instance *instance = &replay->instance;
    instance->config->preset->process_output(instance,
                                             &replay->batches[(size_t)number(op, "of_call", 0)]);
    uint32_t expected_count = 0;
    for (const struct json *item = json_first(json_find(op, "finished")); item != NULL;
         item = json_next(item)) {
        uint32_t index = index_of(replay, json_text(json_find(item, "id")));
        if (replay->requests[index].status != REQUEST_FINISHED) {
            differ(replay, "finished", replay->names[index], "not finished");
        }
        expected_count++;
    }
    if (expected_count != instance->leaving.finished_count) {
        differ(replay, "finished", "as many as the engine", "another number");
    }
    compare_state(replay, op);
}

/* Equal names are equal streams. */
static uint64_t stream_named(const char *name)
{
    return random_key(1, name);
}

static void set_up_truth(struct replay *replay, uint32_t index, const struct json *item)
{
    struct request *request = &replay->requests[index];
    const struct json *prefix = json_find(item, "shared_prefix");
    request->ask.content.own_stream = stream_named(replay->names[index]);
    if (prefix != NULL) {
        request->ask.content.parts[0] =
            (struct prompt_part){.stream = stream_named(json_text(json_find(prefix, "id"))),
                                 .end = (uint32_t)number(prefix, "tokens", 0)};
    }
    struct draft_truth *truth = &request->truth.drafts;
    truth->accepted = replay->accepted[index];
    for (item = json_first(json_find(item, "accepted"));
         item != NULL && truth->accepted_count < MAX_ACCEPTED; item = json_next(item)) {
        double accepted = 0;
        assert_true(json_number(item, &accepted));
        replay->accepted[index][truth->accepted_count++] = (uint8_t)accepted;
    }
}

static void set_up_requests(struct replay *replay, const struct json *input)
{
    const struct json *item = json_first(json_find(input, "requests"));
    for (; item != NULL; item = json_next(item)) {
        uint32_t index = replay->request_count++;
        struct request *request = &replay->requests[index];
        replay->names[index] = json_text(json_find(item, "id"));
        request->ask.prompt_tokens = (uint32_t)number(item, "prompt_tokens", 1);
        request->known_tokens = request->ask.prompt_tokens;
        request->ask.max_output_tokens = (uint32_t)number(item, "max_tokens", 1);
        request->truth.output_tokens =
            (uint32_t)number(item, "eos_after", request->ask.max_output_tokens);
        request->ask.priority = (int32_t)number(item, "priority", 0);
        request->ask.sent_ps = (int64_t)number(item, "arrive_before_call", 1);
        set_up_truth(replay, index, item);
    }
}

static void set_up(struct replay *replay, const struct json *input)
{
    const struct json *config = json_find(input, "config");
    const struct json *mode = json_find(config, "preemption_mode");
    bool is_swapping =
        mode != NULL && json_text(mode) != NULL && text_equal(json_text(mode), "swap");
    struct engine_settings settings = {
        .max_batch_tokens = (uint32_t)number(config, "max_num_batched_tokens", 0),
        .max_batch_requests = (uint32_t)number(config, "max_num_seqs", 0),
        .max_model_len = (uint32_t)number(config, "max_model_len", 0),
        .block_tokens = (uint32_t)number(config, "block_size", 0),
        .num_blocks = (uint32_t)number(config, "num_blocks", 0),
        .long_prefill_threshold_tokens =
            (uint32_t)number(config, "long_prefill_token_threshold", 0),
        .watermark_ratio = number(config, "watermark", preset->take_tokens != NULL ? 0.01 : 0),
        .reserve_full_prompt = flag(config, "scheduler_reserve_full_isl"),
        .chunked_prefill = preset->take_tokens == NULL || flag(config, "enable_chunked_prefill"),
        .swap.blocks = is_swapping ? (uint32_t)number(config, "num_cpu_blocks", 0) : 0,
        .async_scheduling = flag(config, "async_scheduling") || flag(config, "async_output_proc"),
        .prefix_caching = flag(config, "enable_prefix_caching"),
        .draft_tokens = (uint32_t)number(config, "num_speculative_tokens", 0),
    };
    const struct scheduling_policy *policy = NULL;
    struct error error;
    const struct json *name = json_find(config, "policy");
    assert_true(scheduling_policy_find(name != NULL ? json_text(name) : "fcfs", &policy, &error));
    set_up_requests(replay, input);
    replay->config =
        (struct instance_config){.preset = preset, .policy = policy, .engine = settings};
    instance_init(&replay->instance, &replay->config, replay->requests, replay->request_count);
}

static void test_scenario(void **state)
{
    const struct json *scenario = *state;
    const char *name = json_text(json_find(scenario, "name"));
    struct replay replay = {.difference = ""};
    set_up(&replay, json_find(scenario, "input"));
    const struct json *op = json_first(json_find(scenario, "steps"));
    for (; op != NULL && replay.difference[0] == '\0'; op = json_next(op)) {
        replay.step++;
        const char *kind = json_text(json_find(op, "op"));
        if (text_equal(kind, "schedule")) {
            replay_schedule(&replay, op);
        } else if (text_equal(kind, "output")) {
            replay_output(&replay, op);
        } else { /* the same, of a victim, which our scheduling pass does itself */
            assert_string_equal(kind, "output_one");
        }
    }
    for (size_t i = 0; i < MAX_CALLS; i++) {
        batch_clear(&replay.batches[i]);
    }
    instance_clear(&replay.instance);
    if (replay.difference[0] != '\0') {
        fail_msg("%s: %s", name, replay.difference);
    }
}

int main(int argc, char **argv)
{
    char path[1024];
    const char *root = getenv("KVCAST_SOURCE_ROOT");
    assert_int_equal(argc, 3);
    struct error error;
    assert_true(engine_preset_find(argv[2], &preset, &error));
    snprintf(path, sizeof path, "%s/tests/golden/%s", root != NULL ? root : ".", argv[1]);
    struct json *document = NULL;
    if (!json_read_file(path, &document, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct CMUnitTest tests[MAX_SCENARIOS];
    size_t count = 0;
    const struct json *scenario = json_first(json_find(document, "scenarios"));
    for (; scenario != NULL && count < MAX_SCENARIOS; scenario = json_next(scenario)) {
        tests[count++] = (struct CMUnitTest){.name = json_text(json_find(scenario, "name")),
                                             .test_func = test_scenario,
                                             .initial_state = (void *)(uintptr_t)scenario};
    }
    int failed = _cmocka_run_group_tests(argv[2], tests, count, NULL, NULL);
    json_destroy(document);
    return failed;
}
