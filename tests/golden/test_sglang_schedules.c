/* Golden step logs of SGLang (tests/golden/sglang-0.4.6-scenarios.txt): what each iteration of the
 * scheduler forms, which slots are free and evictable, who is retracted, who ends. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/engines/sglang.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/serving/instance_policy.h"

enum { MAX_REQUESTS = 16, MAX_LINES = 512, MAX_SCENARIOS = 64, LINE_BYTES = 200 };

static char lines[MAX_LINES][LINE_BYTES];
static uint32_t line_count;

struct replay {
    struct instance instance;
    struct engine_settings settings;
    struct instance_config config;
    double ratio;
    struct request requests[MAX_REQUESTS];
    char names[MAX_REQUESTS];
    uint32_t arrives_at[MAX_REQUESTS];
    uint32_t request_count;
    struct batch batches[2];
    uint32_t iteration;
    char ended[MAX_REQUESTS + 1];
};

/* The number behind ' key='. */
static double number(const char *line, const char *key, double missing)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, " %s=", key);
    const char *found = strstr(line, pattern);
    return found != NULL ? atof(found + strlen(pattern)) : missing;
}

static void read_scenario(struct replay *replay, const char *line)
{
    replay->settings = (struct engine_settings){
        .max_batch_tokens = (uint32_t)number(line, "chunk", 8192),
        .max_batch_requests = (uint32_t)number(line, "requests", 64),
        .max_model_len = 65536,
        .block_tokens = 1,
        .num_blocks = (uint32_t)number(line, "pool", 0),
        .largest_graph = 160,
        .chunked_prefill = true,
        .async_scheduling = number(line, "overlap", 0) > 0,
        .prefix_caching = number(line, "radix", 1) > 0,
        .sglang = {.max_prefill_tokens = (uint32_t)number(line, "prefill", 16384),
                   .mixed_chunks = number(line, "mixed", 0) > 0,
                   .ignores_eos = number(line, "ignore_eos", 0) > 0},
    };
    replay->ratio = number(line, "ratio", -1);
}

static void read_request(struct replay *replay, const char *line)
{
    uint32_t index = replay->request_count++;
    struct request *request = &replay->requests[index];
    replay->names[index] = line[strlen("request ")];
    replay->arrives_at[index] = (uint32_t)number(line, "at", 0);
    request->ask.prompt_tokens = (uint32_t)number(line, "P", 1);
    request->known_tokens = request->ask.prompt_tokens;
    request->ask.max_output_tokens = (uint32_t)number(line, "M", 1);
    request->truth.output_tokens = (uint32_t)number(line, "L", 1);
    request->ask.content.own_stream = 1000 + index;
    int part = 0;
    for (const char *shared = strstr(line, "shared="); shared != NULL;
         shared = strstr(shared + 1, "shared=")) {
        request->ask.content.parts[part++] =
            (struct prompt_part){.stream = (uint64_t)shared[strlen("shared=")],
                                 .end = (uint32_t)atoi(shared + strlen("shared=") + 2)};
    }
}

/* What a scheduling pass did, as the file writes it. */
static void describe(const struct replay *replay, const struct batch *batch, char *text,
                     size_t size)
{
    char kind = ' ';
    text[0] = '\0';
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        char its_kind = entry->is_prompt ? 'X' : 'D';
        size_t used = strlen(text);
        if (its_kind != kind) {
            snprintf(text + used, size - used, "%c ", its_kind);
            kind = its_kind;
            used += 2;
        }
        if (entry->is_prompt) {
            snprintf(text + used, size - used, "%c%u+%u ", replay->names[entry->request],
                     entry->computed_before, entry->tokens);
        } else {
            snprintf(text + used, size - used, "%c/%u ", replay->names[entry->request],
                     request_outputs(&replay->requests[entry->request]));
        }
    }
    if (batch->count == 0) {
        snprintf(text, size, "none ");
    }
}

static void process(struct replay *replay, struct batch *batch)
{
    struct instance *instance = &replay->instance;
    instance->config->preset->process_output(instance, batch);
    for (uint32_t i = 0; i < instance->leaving.finished_count; i++) {
        char name[2] = {replay->names[instance->leaving.finished[i]], '\0'};
        strcat(replay->ended, name);
    }
}

static void check_number(const char *line, const char *key, double found, double tolerance)
{
    double expected = number(line, key, found);
    if (fabs(found - expected) > tolerance) {
        fail_msg("%s: %s: found %g", line, key, found);
    }
}

/* After scheduling pass, or in an iteration in which requests end, after that. */
static void check_slots(const struct replay *replay, const char *line)
{
    double evictable = (double)sglang_evictable(&replay->instance);
    check_number(line, "f", replay->instance.kv_cache.free_blocks - evictable, 0);
    check_number(line, "v", evictable, 0);
}

/* One iteration of the loop. With overlap the output of the step before is processed after
 * scheduling pass; the steps in flight are those of the instance, so that it can drop who has
 * ended. */
static void iterate(struct replay *replay, const char *line, char *scheduled, size_t size,
                    char *retracted)
{
    struct instance *instance = &replay->instance;
    replay->ended[0] = '\0';
    for (uint32_t i = 0; i < replay->request_count; i++) {
        if (replay->arrives_at[i] == replay->iteration) {
            instance_policy_enqueue(instance, i);
        }
    }
    struct batch *batch = instance_step(instance, instance->loop.steps_in_flight);
    instance->config->preset->schedule(instance, batch);
    instance->loop.steps_in_flight++;
    describe(replay, batch, scheduled, size);
    for (uint32_t i = 0; i < batch->preempted_count; i++) {
        *retracted++ = replay->names[batch->preempted[i]];
    }
    *retracted = '\0';
    if (line != NULL && strstr(line, " ends=") == NULL) {
        check_slots(replay, line);
    }
    if (!replay->settings.async_scheduling || replay->iteration > 0) {
        struct batch *oldest = instance_step(instance, 0);
        instance->loop.oldest_step = (instance->loop.oldest_step + 1) % MAX_STEPS_IN_FLIGHT;
        instance->loop.steps_in_flight--;
        process(replay, oldest);
    }
    replay->iteration++;
}

static void check_names(const char *line, const char *key, const char *found)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, " %s=", key);
    const char *expected = strstr(line, pattern);
    if (expected != NULL) {
        expected += strlen(pattern);
        size_t length = strcspn(expected, " \n");
        if (strlen(found) != length || strncmp(expected, found, length) != 0) {
            fail_msg("%s: %s: found '%s'", line, key, found);
        }
    }
}

static void check_line(struct replay *replay, const char *line)
{
    char scheduled[LINE_BYTES];
    char retracted[MAX_REQUESTS + 1];
    uint32_t wanted = (uint32_t)atoi(line);
    do {
        iterate(replay, replay->iteration == wanted ? line : NULL, scheduled, sizeof scheduled,
                retracted);
    } while (replay->iteration <= wanted);
    const char *rest = line + strcspn(line, " ") + 1;
    if (*rest == 'X' || *rest == 'D' || strncmp(rest, "none", 4) == 0) {
        char padded[LINE_BYTES + 1];
        snprintf(padded, sizeof padded, "%s ", rest);
        bool same = text_starts_with(padded, scheduled);
        char next = same ? padded[strlen(scheduled)] : '\0';
        if (!same || (strchr(padded + strlen(scheduled), '=') == NULL && next != '\0')) {
            fail_msg("%s: found '%s'", line, scheduled);
        }
    }
    if (strstr(line, " ends=") != NULL) {
        check_slots(replay, line);
    }
    check_number(line, "ratio", sglang_new_token_ratio(&replay->instance), 0.0005);
    check_names(line, "ends", replay->ended);
    check_names(line, "retract", retracted);
}

static void test_scenario(void **state)
{
    uint32_t at = *(const uint32_t *)*state;
    static struct replay replay;
    bool started = false;
    memset(&replay, 0, sizeof replay);
    read_scenario(&replay, lines[at]);
    for (at++; at < line_count && !text_starts_with(lines[at], "scenario"); at++) {
        if (text_starts_with(lines[at], "request")) {
            read_request(&replay, lines[at]);
            continue;
        }
        if (!started) {
            replay.config = (struct instance_config){.preset = &engine_preset_sglang_0_4_6,
                                                     .policy = scheduling_policies[0],
                                                     .engine = replay.settings};
            instance_init(&replay.instance, &replay.config, replay.requests, replay.request_count);
            if (replay.ratio >= 0) {
                sglang_set_new_token_ratio(&replay.instance, replay.ratio);
            }
            started = true;
        }
        check_line(&replay, lines[at]);
    }
    instance_clear(&replay.instance);
}

int main(void)
{
    char path[1024];
    const char *root = getenv("KVCAST_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/golden/sglang-0.4.6-scenarios.txt",
             root != NULL ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (line_count < MAX_LINES && fgets(lines[line_count], LINE_BYTES, file) != NULL) {
        lines[line_count][strcspn(lines[line_count], "\n")] = '\0';
        line_count += lines[line_count][0] != '#' && lines[line_count][0] != '\0';
    }
    fclose(file);
    struct CMUnitTest tests[MAX_SCENARIOS];
    static uint32_t begins[MAX_SCENARIOS];
    static char names[MAX_SCENARIOS][64];
    size_t count = 0;
    for (uint32_t i = 0; i < line_count && count < MAX_SCENARIOS; i++) {
        if (sscanf(lines[i], "scenario %63s", names[count]) == 1) {
            begins[count] = i;
            tests[count] = (struct CMUnitTest){
                .name = names[count], .test_func = test_scenario, .initial_state = &begins[count]};
            count++;
        }
    }
    return _cmocka_run_group_tests("sglang-0.4.6 schedules", tests, count, NULL, NULL);
}
