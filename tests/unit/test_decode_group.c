/* Requests that decode in lockstep: held together, they come out as each for itself. */
#include "tests/unit/check.h"

#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"
#include "sim/serving/decode_group.h"
#include "sim/serving/instance.h"
#include "sim/serving/speculation.h"

enum { REQUESTS = 3, BLOCK = 16 };

struct fixture {
    struct step_cost cost;
    struct instance_config config;
    struct instance instance;
    struct request requests[REQUESTS];
    int64_t now_ps;
    uint64_t tokens; /* delivered to members */
};

/* Requests with prompts of 20, 33 and 46 tokens and one output token, another one in flight. */
static void start(struct fixture *f, uint32_t drafts)
{
    memset(f, 0, sizeof *f);
    f->cost = step_cost_constant(PS_PER_MS);
    f->config = (struct instance_config){.preset = &engine_preset_vllm_0_24,
                                         .policy = &policy_fcfs,
                                         .cost = &f->cost,
                                         .engine = {.max_batch_tokens = 64,
                                                    .max_batch_requests = 8,
                                                    .max_model_len = 2000,
                                                    .block_tokens = BLOCK,
                                                    .num_blocks = 1000,
                                                    .draft_tokens = drafts}};
    instance_init(&f->instance, &f->config, f->requests, REQUESTS);
    f->instance.decode_group.is_open = true;
    f->now_ps = PS_PER_S;
    struct batch *batch = instance_step(&f->instance, 0);
    f->instance.loop.steps_in_flight = 1;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct request *request = &f->requests[i];
        request->ask.prompt_tokens = 20 + 13 * i;
        request->ask.max_output_tokens = 500;
        request->truth.output_tokens = 300;
        request->truth.reasoning_tokens = 10;
        request->truth.drafts = (struct draft_truth){.probability = 0.6, .key = 77 + i};
        request->status = REQUEST_RUNNING;
        request->known_tokens = request->ask.prompt_tokens + 1;
        request->computed_tokens = request->known_tokens + drafts;
        request->placeholders = 1 + drafts;
        request->verifications = 1;
        request->clock.last_token_ps = f->now_ps;
        request->clock.first_visible_ps = TIME_NONE;
        kv_cache_allocate(&f->instance.kv_cache, i,
                          kv_cache_blocks_for(&f->instance.kv_cache, request->computed_tokens));
        instance_add_running(&f->instance, i);
        batch_add(batch, (struct batch_entry){.request = i,
                                              .tokens = 1 + drafts,
                                              .drafts = drafts,
                                              .computed_before = request->known_tokens - 1,
                                              .samples = true});
    }
    decode_group_gather(&f->instance, f->now_ps);
}

/* The output of the step in flight comes, and the next one is scheduled. */
static void make_step(struct fixture *f)
{
    struct instance *instance = &f->instance;
    decode_group_release(instance);
    instance->loop.steps_in_flight--;
    f->now_ps += PS_PER_MS;
    f->tokens += decode_group_tokens(&instance->decode_group);
    assert_int_equal(decode_group_deliver(&instance->decode_group, instance, f->now_ps), PS_PER_MS);
    struct batch *batch = instance_step(instance, 0);
    batch_reset(batch);
    decode_group_schedule(instance, batch);
    instance->loop.steps_in_flight++;
}

/* Each request has what it would have, had it verified 'drafts' in each of 'steps' steps. */
static void check(struct fixture *f, uint32_t steps, uint32_t drafts)
{
    uint32_t held = 0;
    uint64_t tokens = 0;
    decode_group_write_back(&f->instance);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const struct request *request = &f->requests[i];
        uint32_t known = request->ask.prompt_tokens + 1;
        for (uint32_t v = 0; v < steps; v++) {
            known += 1 + (drafts > 0 ? speculation_accepted(&request->truth.drafts, v, drafts) : 0);
        }
        assert_int_equal(request->known_tokens, known);
        assert_int_equal(request->computed_tokens, known + drafts);
        assert_int_equal(request->placeholders, 1 + drafts);
        assert_int_equal(f->instance.kv_cache.held_blocks[i], (known + drafts + BLOCK - 1) / BLOCK);
        held += f->instance.kv_cache.held_blocks[i];
        tokens += known - request->ask.prompt_tokens - 1;
        assert_true(steps < 11 || request->clock.first_visible_ps > PS_PER_S);
        assert_int_equal(request->clock.max_itl_ps, steps > 0 ? PS_PER_MS : 0);
    }
    assert_int_equal(f->instance.kv_cache.total_blocks - f->instance.kv_cache.free_blocks, held);
    assert_int_equal(f->tokens, tokens);
}

static void test_members_come_out_as_each_for_itself(void **state)
{
    (void)state;
    static struct fixture f;
    const uint32_t drafts[] = {0, 1, 4};
    for (int k = 0; k < 3; k++) {
        start(&f, drafts[k]);
        assert_int_equal(decode_group_count(&f.instance.decode_group), REQUESTS);
        assert_int_equal(f.instance.ungrouped_count, 0);
        check(&f, 0, drafts[k]);
        for (uint32_t step = 1; step <= 40; step++) {
            make_step(&f);
            if (step % 13 == 0 || step == 40) {
                check(&f, step, drafts[k]);
            }
        }
        instance_clear(&f.instance);
    }
}

/* Members beyond the steps that are planned at a time. */
static void test_plan_is_extended(void **state)
{
    (void)state;
    static struct fixture f;
    start(&f, 1);
    for (uint32_t step = 1; step <= 2 * DRAFT_PLAN_STEPS; step++) {
        make_step(&f);
    }
    check(&f, 2 * DRAFT_PLAN_STEPS, 1);
    instance_clear(&f.instance);
}

/* Who is due leaves before its last token, with what it has in flight. */
static void test_members_leave_when_due(void **state)
{
    (void)state;
    static struct fixture f;
    for (uint32_t drafts = 0; drafts < 3; drafts += 2) {
        start(&f, drafts);
        struct instance *instance = &f.instance;
        while (instance->ungrouped_count == 0) {
            make_step(&f);
            decode_group_release(instance);
        }
        uint32_t index = instance->ungrouped[0];
        const struct request *request = &f.requests[index];
        const struct batch *batch = instance_step(instance, 0);
        assert_false(request->is_member);
        assert_int_equal(batch->entries[0].request, index);
        assert_int_equal(batch->entries[0].computed_before, request->known_tokens - 1);
        assert_true(request_outputs(request) < request->truth.output_tokens);
        assert_true(request_outputs(request) + 1 + batch->entries[0].accepted >=
                    request->truth.output_tokens);
        instance_clear(instance);
    }
}

/* The sums are those of the members that remain, however one leaves. */
static void test_one_leaves_early_then_all(void **state)
{
    (void)state;
    static struct fixture f;
    for (uint32_t drafts = 0; drafts < 3; drafts += 2) {
        start(&f, drafts);
        struct decode_group *group = &f.instance.decode_group;
        for (int step = 0; step < 5; step++) {
            make_step(&f);
        }
        decode_group_remove(&f.instance, 1);
        assert_int_equal(decode_group_count(group), 2);
        assert_int_equal(f.instance.ungrouped[0], 1);
        decode_group_write_back(&f.instance);
        uint64_t context = 0;
        for (uint32_t i = 0; i < REQUESTS; i += 2) {
            context += drafts > 0 ? f.requests[i].known_tokens - 1 : f.requests[i].computed_tokens;
        }
        assert_int_equal(group->context_tokens, context);
        decode_group_dissolve(&f.instance);
        assert_int_equal(decode_group_count(group), 0);
        assert_int_equal(group->context_tokens, 0);
        assert_int_equal(group->context_squares, 0);
        assert_int_equal(f.instance.ungrouped_count, REQUESTS);
        for (uint32_t step = 0; drafts > 0 && step < DRAFT_PLAN_STEPS; step++) {
            assert_int_equal(group->plan.steps[step].squares * (step >= group->taken), 0);
        }
        instance_clear(&f.instance);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_come_out_as_each_for_itself),
        cmocka_unit_test(test_plan_is_extended),
        cmocka_unit_test(test_members_leave_when_due),
        cmocka_unit_test(test_one_leaves_early_then_all),
    };
    return cmocka_run_group_tests_name("decode group", tests, NULL, NULL);
}
