#include "tests/unit/made_instance.h"

#include "sim/engines/vllm_v1.h"
#include "sim/serving/step_pricing.h"

static struct made_instance made;

static void start(struct engine_settings settings)
{
    settings.block_tokens = 16;
    made_instance_init(&made, &engine_preset_vllm_0_24, settings);
    made.instance.pricing.attention.noise = (struct step_noise){1, 1};
}

/* Only where steps do not overlap. */
static void test_time_of_the_host(void **state)
{
    (void)state;
    start((struct engine_settings){
        .host = {.loop_ps = 1000, .draft_request_ps = 30, .draft_token_ps = 2}});
    const struct batch batch = {.drafts = {.verifications = 4, .context_tokens = 50}};
    assert_int_equal(step_pricing_host_ps(&made.instance, &batch), 1000 + 4 * 30 + 50 * 2);
    made.config.engine.async_scheduling = true;
    assert_int_equal(step_pricing_host_ps(&made.instance, &batch), 0);
    instance_clear(&made.instance);
}

/* The model that drafts decodes once for each token, and copied blocks take their time. */
static void test_drafts_and_swaps_cost(void **state)
{
    (void)state;
    const struct step_cost draft_cost = step_cost_constant(700);
    start((struct engine_settings){.swap = {.block_ps = 11}});
    struct batch_summary summary = {.decode_requests = 4, .padded_tokens = 4};
    assert_int_equal(step_pricing_step(&made.instance, &summary).gpu_ps, PS_PER_MS);
    summary.swapped_blocks = 3;
    assert_int_equal(step_pricing_step(&made.instance, &summary).gpu_ps, PS_PER_MS + 33);
    summary.swapped_blocks = 0;
    summary.draft_tokens = 12;
    assert_int_equal(step_pricing_step(&made.instance, &summary).gpu_ps, PS_PER_MS);
    made.config.draft_cost = &draft_cost;
    assert_int_equal(step_pricing_step(&made.instance, &summary).gpu_ps, PS_PER_MS + 3 * 700);
    instance_clear(&made.instance);
}

static void test_empty_batch_waits_for_the_gpu(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    struct batch *batch = instance_step(&made.instance, 0);
    made.instance.pricing.clock.gpu_free_ps = 50;
    step_pricing_price(&made.instance, batch, 20);
    assert_int_equal(batch->end_ps, 50);
    step_pricing_price(&made.instance, batch, 70);
    assert_int_equal(batch->end_ps, 70);
    batch->summary = (struct batch_summary){.decode_requests = 1, .padded_tokens = 1};
    step_pricing_price(&made.instance, batch, 70);
    assert_int_equal(batch->end_ps, 70 + PS_PER_MS);
    assert_true(made.instance.pricing.attention.steps > 0); /* the price holds for more */
    instance_clear(&made.instance);
}

/* One seed draws one noise; instances share what all prices are off by and nothing else. */
static void test_noise_by_seed_and_instance(void **state)
{
    (void)state;
    struct step_pricing one = {.attention = {.steps = 0}};
    struct step_pricing again = one;
    struct step_pricing next = one;
    struct step_pricing other = one;
    step_pricing_draw_noise(&one, 7, 0);
    step_pricing_draw_noise(&again, 7, 0);
    step_pricing_draw_noise(&next, 7, 1);
    step_pricing_draw_noise(&other, 8, 0);
    assert_memory_equal(&one.noise, &again.noise, sizeof one.noise);
    assert_true(one.noise.common_key == next.noise.common_key);
    assert_true(one.noise.gpu_key != next.noise.gpu_key);
    assert_true(one.noise.launch_key != next.noise.launch_key);
    assert_true(one.noise.idle_start_key != next.noise.idle_start_key);
    assert_true(one.noise.common_key != other.noise.common_key);
}

static void test_idle_starts_scatter(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    made.cost.host.idle_start_ps = 1000000;
    made.cost.spread.idle_start = 0.2;
    assert_int_equal(step_pricing_idle_start_ps(&made.instance), 1000000); /* no noise is drawn */
    step_pricing_draw_noise(&made.instance.pricing, 3, 0);
    int64_t first_ps = step_pricing_idle_start_ps(&made.instance);
    int64_t second_ps = step_pricing_idle_start_ps(&made.instance);
    assert_true(first_ps != second_ps && first_ps > 0 && second_ps > 0);
    step_pricing_draw_noise(&made.instance.pricing, 3, 0);
    assert_int_equal(step_pricing_idle_start_ps(&made.instance), first_ps);
    made.cost.spread.idle_start = 0;
    assert_int_equal(step_pricing_idle_start_ps(&made.instance), 1000000);
    instance_clear(&made.instance);
}

/* The front end passes tokens on one after the other, and falls behind where they come faster. */
static void test_tokens_are_passed_on(void **state)
{
    (void)state;
    start((struct engine_settings){.max_model_len = 100});
    made.cost.host.output_overhead_ps = 1000;
    assert_int_equal(step_pricing_pass_on(&made.instance, 8, 5000), 6000);
    made.cost.host.output_token_ps = 30;
    assert_int_equal(step_pricing_output_ps(&made.instance, 8), 1240);
    assert_int_equal(step_pricing_pass_on(&made.instance, 8, 9000), 10240);
    assert_int_equal(step_pricing_pass_on(&made.instance, 8, 9100), 10240 + 240);
    assert_int_equal(step_pricing_pass_on(&made.instance, 1, 20000), 21030);
    instance_clear(&made.instance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_of_the_host),
        cmocka_unit_test(test_drafts_and_swaps_cost),
        cmocka_unit_test(test_empty_batch_waits_for_the_gpu),
        cmocka_unit_test(test_noise_by_seed_and_instance),
        cmocka_unit_test(test_idle_starts_scatter),
        cmocka_unit_test(test_tokens_are_passed_on),
    };
    return cmocka_run_group_tests_name("step_pricing", tests, NULL, NULL);
}
