#include "tests/unit/check.h"

#include "sim/pricing/cost_choice.h"

static struct cost_request request_for(const char *source, const char *gpu)
{
    return (struct cost_request){.source = source,
                                 .engine = "vllm-0.24",
                                 .model = "qwen2.5-7b",
                                 .gpu = gpu,
                                 .weights = "bf16",
                                 .kv_cache = "bf16",
                                 .tensor_parallel = 1};
}

static struct step_cost cost;
static char warning[COST_WARNING_BYTES];

/* What was made for the configuration is taken as it is, without a warning. */
static void test_shipped_calibration_fits(void **state)
{
    (void)state;
    struct error error;
    bool found = false;
    const struct cost_request request = request_for("", "H200");
    assert_true(cost_choice_find(&request, &cost, &found, warning, &error));
    assert_true(found);
    assert_string_equal(cost.identity.source, "calibrated");
    assert_string_equal(cost.identity.model, "qwen2.5-7b");
    assert_string_equal(warning, "");
    assert_near(cost.uncertainty, 0, 0);
}

static void test_nearest_is_carried_over(void **state)
{
    (void)state;
    struct error error;
    bool found = true;
    const struct cost_request request = request_for("", "L40S");
    assert_true(cost_choice_find(&request, &cost, &found, warning, &error));
    assert_false(found);
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_contains(warning, "is carried over to qwen2.5-7b, bf16 weights, bf16 KV on 1 x L40S");
    assert_true(cost.uncertainty > 0);
}

/* Another GPU than the measured one is priced by its data sheet. */
static void test_profiles(void **state)
{
    (void)state;
    struct error error;
    struct cost_request request = request_for("profiled", "H200");
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_string_equal(cost.identity.source, "profiled");
    assert_false(cost.attention_is_even); /* the engine's schedule */
    request.gpu = "L40S";
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_string_equal(cost.identity.source, "roofline");
}

/* A profile of the GPU asked for goes before a calibration made on another one, unless that source
 * is named. */
static void test_profile_of_the_gpu_goes_first(void **state)
{
    (void)state;
    struct error error;
    struct cost_request request = request_for("", "H100-SXM");
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_string_equal(cost.identity.source, "profiled");
    assert_string_equal(cost.identity.gpu, "NVIDIA H100 80GB HBM3");
    request.source = "calibrated";
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_string_equal(cost.identity.source, "calibrated");
}

/* Of calibrations that promise the same, that of the nearest degree is carried over. */
static void test_nearest_degree_is_carried_over(void **state)
{
    (void)state;
    struct error error;
    struct cost_request request = request_for("calibrated", "H100-SXM");
    request.tensor_parallel = 4;
    request.model = "qwen2.5-72b";
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_string_equal(cost.identity.name, "qwen32b-bf16-tp2");
}

/* A step that some source of the configuration has measured is not counted as extrapolated. */
static void test_other_sources_count_as_measured(void **state)
{
    (void)state;
    struct error error;
    struct cost_request request = request_for("", "H200");
    request.max_batch_requests = 128;
    request.max_batch_tokens = 2048;
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_string_equal(cost.identity.name, "qwen7b-bf16");
    const struct batch_summary seen = {
        .decode_requests = 128, .padded_tokens = 128, .decode_context_tokens = 500000};
    const struct batch_summary unseen = {
        .decode_requests = 128, .padded_tokens = 128, .decode_context_tokens = 2000000};
    assert_false(step_cost_is_extrapolated(&cost, &seen));
    assert_true(step_cost_is_extrapolated(&cost, &unseen));
}

/* A profile of several GPUs launches as long as a calibration carried over to them: the host's
 * times are carried over once. */
static void test_launches_are_carried_over_once(void **state)
{
    (void)state;
    struct error error;
    struct cost_request request = request_for("calibrated", "H200");
    request.model = "DeepSeek-R1-Distill-Llama-70B";
    request.tensor_parallel = 8;
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    const struct host_cost host = cost.host;
    request.source = "profiled";
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    for (int graph = 0; graph < 3; graph++) {
        assert_int_equal(cost.host.launch_ps[graph], host.launch_ps[graph]);
    }
}

/* No step is cheaper than its FLOPs: 1024 requests of 32B take 66.2 ms at least. */
static void test_no_price_is_below_the_data_sheet(void **state)
{
    (void)state;
    struct error error;
    struct cost_request request = request_for("profiled", "H200");
    request.model = "DeepSeek-R1-Distill-Qwen-32B";
    request.max_batch_requests = 1024;
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_true(cost_curve_at(&cost.decode, 1024) >= 66.2e9);
}

static void test_errors(void **state)
{
    (void)state;
    struct error error;
    bool found = true;
    struct cost_request request = request_for("guessed:x", "H200");
    assert_false(cost_choice_find(&request, &cost, &found, warning, &error));
    assert_contains(error.message, "--cost: unknown source 'guessed', expected calibrated");
    request.source = "calibrated:/nonexistent.json";
    assert_false(cost_choice_find(&request, &cost, &found, warning, &error));
    assert_contains(error.message, "/nonexistent.json");
    request.source = "profiled:/nonexistent.json";
    assert_false(cost_choice_find(&request, &cost, &found, warning, &error));
    assert_contains(error.message, "/nonexistent.json");
    request = request_for("", "H900");
    assert_true(cost_choice_find(&request, &cost, &found, warning, &error));
    assert_false(found); /* it may still be fitted */
    assert_false(cost_choice_make(&request, &cost, warning, &error));
    assert_contains(error.message, "H900");
}

static void test_path_of_a_profile(void **state)
{
    (void)state;
    char buffer[1024];
    assert_string_equal(
        cost_choice_profile_path("h200-r1-distill-qwen-7b-bf16", buffer, sizeof buffer),
        "profiler/profiles/h200-r1-distill-qwen-7b-bf16.json");
    assert_string_equal(cost_choice_profile_path("my.json", buffer, sizeof buffer), "my.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped_calibration_fits),
        cmocka_unit_test(test_nearest_is_carried_over),
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_profile_of_the_gpu_goes_first),
        cmocka_unit_test(test_nearest_degree_is_carried_over),
        cmocka_unit_test(test_other_sources_count_as_measured),
        cmocka_unit_test(test_launches_are_carried_over_once),
        cmocka_unit_test(test_no_price_is_below_the_data_sheet),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_path_of_a_profile),
    };
    return cmocka_run_group_tests_name("cost_choice", tests, NULL, NULL);
}
