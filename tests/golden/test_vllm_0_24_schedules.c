/* Golden schedules of vLLM 0.24.0: every call of schedule() and every processed output, as the
 * engine's own classes produced them on a CPU, compared with ours: who runs how many tokens, who
 * waits, who is preempted, how many blocks each holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/json.h"
#include "sim/base/text.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/serving/instance.h"
#include "sim/serving/vllm_v1.h"

enum { MAXIMUM_REQUESTS = 8, MAXIMUM_CALLS = 32, MAXIMUM_SCENARIOS = 64 };

/* Scenarios whose features are not built yet; each must fail, so that none is forgotten here. */
static const char *const expected_to_fail[] = {
    "11-prefix-same-step", "12-prefix-evict-lru", "13-prefix-preempt-resume",
    "18-ngram-sync",       "19-ngram-budget",     "22-ngram-gpu-async",
};

struct replay {
    struct instance instance;
    struct request requests[MAXIMUM_REQUESTS];
    const char *names[MAXIMUM_REQUESTS];
    uint32_t request_count;
    struct batch batches[MAXIMUM_CALLS];
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
    uint32_t waiting[MAXIMUM_REQUESTS];
    uint32_t waiting_count = (uint32_t)instance->waiting.count;
    for (uint32_t i = 0; i < waiting_count; i++) {
        waiting[i] = request_queue_at(&instance->waiting, i);
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
        append(expected, sizeof expected, replay->names[i], count, true);
        append(found, sizeof found, replay->names[i], instance->kv_cache.held_blocks[i], true);
    }
    compare(replay, "blocks", expected, found);
}

static void replay_schedule(struct replay *replay, const struct json *op)
{
    for (const struct json *item = json_first(json_find(op, "arrived")); item != NULL;
         item = json_next(item)) {
        uint32_t index = index_of(replay, json_text(item));
        instance_enqueue(&replay->instance, index);
    }
    struct batch *batch = &replay->batches[(size_t)number(op, "call", 0)];
    replay->instance.preset->form(&replay->instance, batch);
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
    compare_names(replay, op, "preempted", batch->preempted, batch->preempted_count);
    compare_state(replay, op);
}

static void replay_output(struct replay *replay, const struct json *op)
{
    struct instance *instance = &replay->instance;
    instance->preset->process_output(instance, &replay->batches[(size_t)number(op, "of_call", 0)]);
    uint32_t expected_count = 0;
    for (const struct json *item = json_first(json_find(op, "finished")); item != NULL;
         item = json_next(item)) {
        uint32_t index = index_of(replay, json_text(json_find(item, "id")));
        if (replay->requests[index].status != REQUEST_FINISHED) {
            differ(replay, "finished", replay->names[index], "not finished");
        }
        expected_count++;
    }
    if (expected_count != instance->finished_count) {
        differ(replay, "finished", "as many as the engine", "another number");
    }
    compare_state(replay, op);
}

static void set_up_requests(struct replay *replay, const struct json *input)
{
    const struct json *item = json_first(json_find(input, "requests"));
    for (; item != NULL; item = json_next(item)) {
        uint32_t index = replay->request_count++;
        struct request *request = &replay->requests[index];
        replay->names[index] = json_text(json_find(item, "id"));
        request->prompt_tokens = (uint32_t)number(item, "prompt_tokens", 1);
        request->known_tokens = request->prompt_tokens;
        request->max_output_tokens = (uint32_t)number(item, "max_tokens", 1);
        request->output_tokens = (uint32_t)number(item, "eos_after", request->max_output_tokens);
        request->priority = (int32_t)number(item, "priority", 0);
        request->sent_ps = (int64_t)number(item, "arrive_before_call", 1);
    }
}

static void set_up(struct replay *replay, const struct json *input)
{
    const struct json *config = json_find(input, "config");
    struct engine_settings settings = {
        .max_batch_tokens = (uint32_t)number(config, "max_num_batched_tokens", 0),
        .max_batch_requests = (uint32_t)number(config, "max_num_seqs", 0),
        .max_model_len = (uint32_t)number(config, "max_model_len", 0),
        .block_tokens = (uint32_t)number(config, "block_size", 0),
        .num_blocks = (uint32_t)number(config, "num_blocks", 0),
        .long_prefill_threshold_tokens =
            (uint32_t)number(config, "long_prefill_token_threshold", 0),
        .watermark_ratio = number(config, "watermark", 0),
        .reserve_full_prompt = flag(config, "scheduler_reserve_full_isl"),
        .chunked_prefill = true,
        .async_scheduling = flag(config, "async_scheduling"),
    };
    const struct scheduling_policy *policy = NULL;
    struct error error;
    assert_true(scheduling_policy_find(json_text(json_find(config, "policy")), &policy, &error));
    set_up_requests(replay, input);
    instance_init(&replay->instance, &engine_preset_vllm_0_24, policy, &settings, replay->requests,
                  replay->request_count);
}

static bool is_expected_to_fail(const char *name)
{
    for (size_t i = 0; i < sizeof expected_to_fail / sizeof expected_to_fail[0]; i++) {
        if (text_equal(name, expected_to_fail[i])) {
            return true;
        }
    }
    return false;
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
        } else {
            assert_string_equal(kind, "output");
            replay_output(&replay, op);
        }
    }
    for (size_t i = 0; i < MAXIMUM_CALLS; i++) {
        batch_clear(&replay.batches[i]);
    }
    instance_clear(&replay.instance);
    bool differs = replay.difference[0] != '\0';
    if (is_expected_to_fail(name)) {
        assert_true(differs);
    } else if (differs) {
        fail_msg("%s: %s", name, replay.difference);
    }
}

int main(void)
{
    char path[1024];
    const char *root = getenv("KVCAST_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/golden/vllm-0.24-scenarios.json",
             root != NULL ? root : ".");
    struct json *document = NULL;
    struct error error;
    if (!json_read_file(path, &document, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct CMUnitTest tests[MAXIMUM_SCENARIOS];
    size_t count = 0;
    const struct json *scenario = json_first(json_find(document, "scenarios"));
    for (; scenario != NULL && count < MAXIMUM_SCENARIOS; scenario = json_next(scenario)) {
        tests[count++] = (struct CMUnitTest){.name = json_text(json_find(scenario, "name")),
                                             .test_func = test_scenario,
                                             .initial_state = (void *)(uintptr_t)scenario};
    }
    int failed = _cmocka_run_group_tests("vllm-0.24 schedules", tests, count, NULL, NULL);
    json_destroy(document);
    return failed;
}
