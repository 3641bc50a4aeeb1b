#include "tests/unit/check.h"

#include "sim/base/embedded.h"
#include "sim/pricing/step_profile.h"
#include "sim/pricing/step_profile_file.h"

/* Steps that take base + slope x context, chunks that take base + slope x pairs. */
static void make_profile(struct step_profile *profile)
{
    static const uint32_t batches[] = {1, 8, 32};
    static const uint32_t contexts[] = {64, 512, 4096};
    static const uint32_t chunks[] = {64, 1024, 2048};
    static const uint32_t before[] = {0, 4096};
    memset(profile, 0, sizeof *profile);
    profile->tensor_parallel = 1;
    profile->shape.kv_heads = 4;
    profile->multiprocessors = 128;
    for (int b = 0; b < 3; b++) {
        for (int c = 0; c < 3; c++) {
            profile->steps[profile->step_count++] = (struct profile_step){
                .requests = batches[b],
                .context = contexts[c],
                .query_tokens = 1,
                .median_ms = 5 + 0.01 * batches[b] + 1e-5 * batches[b] * (contexts[c] + 64.0)};
        }
    }
    for (int n = 0; n < 3; n++) {
        for (int c = 0; c < 2; c++) {
            double pairs = (double)chunks[n] * (before[c] + chunks[n] / 2.0);
            profile->steps[profile->step_count++] =
                (struct profile_step){.prompt_tokens = chunks[n],
                                      .prompt_context = before[c],
                                      .query_tokens = 1,
                                      .median_ms = 4 + 0.02 * chunks[n] + 1e-6 * pairs};
        }
    }
}

static void test_profile_composes_what_it_was_made_of(void **state)
{
    (void)state;
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    make_profile(&profile);
    assert_true(step_profile_compose(&profile, "p", &cost, &error));
    assert_int_equal(cost.decode.count, 3);
    assert_near(cost.decode.cost_ps[1], 5.08e9, 1e3);
    assert_near(cost.decode.cost_ps[2], 5.32e9, 1e3);
    assert_near(cost.tile_ps, 1e4 * 128 * 128 / 4, 1);
    assert_near(cost.mixed.cost_ps[2], (4 + 0.02 * 2048) * 1e9, 1e4);
    assert_near(cost.mixed_attention_ps, 1000, 1e-3);
    assert_near(cost.measured.context_tokens, 32 * 4096, 0);
    struct batch_summary summary = {.decode_requests = 32, .decode_context_tokens = 32 * 1000};
    summary.decode_context_squares = 32 * 1000 * 1000;
    summary.padded_tokens = 32;
    cost.attention.multiprocessors = 4; /* whole rounds: no gaps at the end of one */
    cost.tile_ps = 1e4 * 128;
    struct attention_price price = step_cost_attention(&cost, &summary, NULL);
    assert_near((double)price.token_ps, 1e4, 600);
    step_cost_add_constant(&cost, 1e9);
    assert_near(cost.decode.cost_ps[1], 6.08e9, 1e3);
}

static void test_profile_must_have_enough_points(void **state)
{
    (void)state;
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    make_profile(&profile);
    profile.step_count = 4;
    assert_false(step_profile_compose(&profile, "p.json", &cost, &error));
    assert_contains(error.message, "p.json: too few points");
}

/* The slope between two knots in one place would be none. */
static void test_a_step_measured_twice_is_an_error(void **state)
{
    (void)state;
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    make_profile(&profile);
    profile.steps[profile.step_count++] = profile.steps[0];
    assert_false(step_profile_compose(&profile, "p.json", &cost, &error));
    assert_string_equal(error.message, "p.json: 'steps' must measure each step once, found two "
                                       "rows of one step");
    make_profile(&profile);
    profile.steps[profile.step_count++] = profile.steps[9]; /* a chunk without context */
    assert_false(step_profile_compose(&profile, "p.json", &cost, &error));
}

/* Every shipped profile prices a step, more for more. */
static void test_shipped_profiles_are_monotone(void **state)
{
    (void)state;
    static struct step_profile profile;
    uint32_t profiles = 0;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next("profiler/profiles/", file)) != NULL) {
        struct step_cost cost;
        struct error error;
        profiles++;
        if (!step_profile_read(&profile, file->path, &error) ||
            !step_profile_compose(&profile, file->path, &cost, &error)) {
            fail_msg("%s", error.message);
        }
        for (uint32_t k = 1; k < cost.decode.count; k++) {
            assert_true(cost.decode.cost_ps[k] >= cost.decode.cost_ps[k - 1]);
        }
        for (uint32_t k = 1; k < cost.mixed.count; k++) {
            assert_true(cost.mixed.cost_ps[k] >= cost.mixed.cost_ps[k - 1]);
        }
    }
    assert_true(profiles > 0);
}

/* A profile of two GPUs tells what one of them holds. */
static void test_profile_of_two_gpus(void **state)
{
    (void)state;
    static struct step_profile one;
    static struct step_profile two;
    struct step_cost cost;
    struct error error;
    const char *path = "profiler/profiles/h200-r1-distill-qwen-7b-bf16-tp2.json";
    if (!step_profile_read(&one, "profiler/profiles/h200-r1-distill-qwen-7b-bf16.json", &error) ||
        !step_profile_read(&two, path, &error) ||
        !step_profile_compose(&two, path, &cost, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(two.tensor_parallel, 2);
    assert_int_equal(two.shape.kv_heads, one.shape.kv_heads / 2);
    assert_int_equal(two.shape.hidden_size, one.shape.hidden_size);
    assert_true(two.kv_bytes_per_token == one.kv_bytes_per_token / 2);
    assert_int_equal(cost.identity.tensor_parallel, 2);
}

/* Milliseconds of a step by the shipped profile of a model on one H200. */
static double priced_ms(const char *model, const struct batch_summary *summary)
{
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    char path[128];
    snprintf(path, sizeof path, "profiler/profiles/h200-r1-distill-%s-bf16.json", model);
    if (!step_profile_read(&profile, path, &error) ||
        !step_profile_compose(&profile, path, &cost, &error)) {
        fail_msg("%s", error.message);
    }
    struct attention_price attention = step_cost_attention(&cost, summary, NULL);
    return (double)step_cost_price(&cost, summary, attention, (struct step_noise){1, 1}).gpu_ps /
           1e9;
}

/* 64 requests of 8 tokens over 512 of context: 58.57 ms measured of 32B. */
static void test_verification_costs_what_was_measured(void **state)
{
    (void)state;
    const struct batch_summary summary = {.decode_requests = 64,
                                          .draft_tokens = 448,
                                          .padded_tokens = 512,
                                          .decode_context_tokens = UINT64_C(64) * 512,
                                          .decode_context_squares = UINT64_C(64) * 512 * 512};
    assert_near(priced_ms("qwen-32b", &summary) / 58.566, 1, 0.02);
}

static double few_new_tokens_ms(const char *model, uint32_t tokens, uint64_t context)
{
    const struct batch_summary summary = {.prefill_requests = 1,
                                          .prefill_tokens = tokens,
                                          .padded_tokens = tokens,
                                          .prefill_context_tokens = context,
                                          .prefill_attention_pairs_x2 =
                                              tokens * (2 * context + tokens)};
    return priced_ms(model, &summary);
}

/* A few new tokens over a long context keep a part of the GPU busy only. */
static void test_few_new_tokens_over_a_long_context(void **state)
{
    (void)state;
    assert_near(few_new_tokens_ms("qwen-7b", 256, 24576) / 18.3, 1, 0.05);
    assert_near(few_new_tokens_ms("qwen-32b", 256, 24576) / 53.4, 1, 0.05);
    assert_near(few_new_tokens_ms("qwen-32b", 1024, 8192) / 123.8, 1, 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_composes_what_it_was_made_of),
        cmocka_unit_test(test_profile_must_have_enough_points),
        cmocka_unit_test(test_a_step_measured_twice_is_an_error),
        cmocka_unit_test(test_shipped_profiles_are_monotone),
        cmocka_unit_test(test_profile_of_two_gpus),
        cmocka_unit_test(test_verification_costs_what_was_measured),
        cmocka_unit_test(test_few_new_tokens_over_a_long_context),
    };
    return cmocka_run_group_tests_name("step_profile", tests, NULL, NULL);
}
