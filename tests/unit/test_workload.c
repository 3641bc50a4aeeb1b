#include "tests/unit/check.h"

#include "workloads/workload.h"

static const struct generator_settings base = {
    .seed = 1,
    .requests = 3,
    .arrivals = {.process = ARRIVAL_CONSTANT, .rate_per_s = 2},
    .token_budget = 512,
    .model = "DeepSeek-R1-Distill-Qwen-7B",
    .weights = "bf16",
    .kv_cache = "bf16",
    .datasets = "gsm8k"};

#define LENGTHS "workloads/data/lengths.json"

static void test_generated(void **state)
{
    (void)state;
    struct workload workload;
    struct trace_request request;
    struct error error;
    bool more = false;
    assert_true(workload_generate(&workload, &base, LENGTHS, &error));
    for (int i = 1; i <= 3; i++) {
        assert_true(workload_next(&workload, &request, &more, &error));
        assert_true(more);
        assert_near(request.arrival_s, 0.5 * i, 1e-12);
        assert_true(request.correctness != CORRECTNESS_UNKNOWN);
    }
    assert_true(workload_next(&workload, &request, &more, &error));
    assert_false(more);
    assert_int_equal(workload.count, 3);
    workload_close(&workload);
    workload_close(&workload);
}

static void test_replayed(void **state)
{
    (void)state;
    struct workload workload;
    struct trace_request request;
    struct error error;
    bool more = false;
    const char *path = temporary_file(
        "replay.csv", "arrival_s,prompt_tokens,output_tokens,dataset\n0.5,7,9,one\n");
    const struct trace_replay_settings replay = {.path = path};
    assert_true(workload_replay(&workload, &replay, &error));
    assert_true(workload_next(&workload, &request, &more, &error));
    assert_true(more && request.prompt_tokens == 7 && request.output_tokens == 9);
    assert_string_equal(workload.datasets.names[request.dataset], "one");
    assert_true(workload_next(&workload, &request, &more, &error));
    assert_false(more);
    workload_close(&workload);
    unlink(path);
}

static void test_errors(void **state)
{
    (void)state;
    struct workload workload;
    struct trace_request request;
    struct error error;
    bool more = false;
    const char *path = temporary_file("none.csv", "arrival_s,prompt_tokens,output_tokens\n");
    const struct trace_replay_settings replay = {.path = path};
    assert_true(workload_replay(&workload, &replay, &error));
    assert_false(workload_next(&workload, &request, &more, &error));
    assert_contains(error.message, "the trace holds no requests");
    workload_close(&workload);
    unlink(path);
    assert_false(workload_generate(&workload, &base, "nowhere.json", &error));
    struct generator_settings late = base;
    late.arrivals.rate_per_s = 1e-6;
    late.requests = 30;
    assert_true(workload_generate(&workload, &late, LENGTHS, &error));
    bool ok = true;
    while (ok && workload.count < 29) {
        ok = workload_next(&workload, &request, &more, &error);
    }
    assert_false(ok);
    assert_contains(error.message, "raise 'workload.rate_per_s'");
    workload_close(&workload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated),
        cmocka_unit_test(test_replayed),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests_name("workload", tests, NULL, NULL);
}
