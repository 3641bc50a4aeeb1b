#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/memory.h"
#include "workloads/generator.h"

static struct length_catalog catalog;

static int set_up(void **state)
{
    (void)state;
    struct error error;
    return length_catalog_read(&catalog, "workloads/data/lengths.json", &error) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    length_catalog_clear(&catalog);
    return 0;
}

static struct trace_request *generate(struct generator_settings settings, struct trace_names *names)
{
    struct generator *generator = NULL;
    struct error error;
    if (!generator_create(&settings, &catalog, names, &generator, &error)) {
        fail_msg("%s", error.message);
    }
    struct trace_request *requests = memory_zeroed(settings.requests, sizeof requests[0]);
    for (uint32_t i = 0; i < settings.requests; i++) {
        assert_true(generator_next(generator, &requests[i]));
    }
    struct trace_request none;
    assert_false(generator_next(generator, &none));
    generator_destroy(generator);
    return requests;
}

static const struct generator_settings base = {.seed = 11,
                                               .requests = 40000,
                                               .arrival = ARRIVAL_GAMMA,
                                               .rate_per_s = 2,
                                               .burstiness = 0.25,
                                               .token_budget = 8192,
                                               .model = "DeepSeek-R1-Distill-Qwen-7B",
                                               .datasets = "gsm8k:3,aime-2024:1"};

static void test_gamma_arrivals(void **state)
{
    (void)state;
    struct trace_names names = {.count = 0};
    struct trace_request *requests = generate(base, &names);
    double sum = 0;
    double squares = 0;
    uint32_t hard = 0;
    for (uint32_t i = 0; i < base.requests; i++) {
        double gap = requests[i].arrival_s - (i > 0 ? requests[i - 1].arrival_s : 0);
        assert_true(gap >= 0);
        sum += gap;
        squares += gap * gap;
        hard += strcmp(names.names[requests[i].dataset], "aime-2024") == 0;
        assert_true(requests[i].output_tokens <= 8192);
        assert_true(requests[i].reasoning_tokens <= requests[i].output_tokens);
    }
    double mean = sum / base.requests;
    double cv = sqrt(squares / base.requests - mean * mean) / mean;
    assert_near(mean, 0.5, 0.02);
    assert_near(cv, 2, 0.06);
    assert_near(hard / (double)base.requests, 0.25, 0.01);
    free(requests);
}

static void test_same_seed_same_requests(void **state)
{
    (void)state;
    struct trace_names names = {.count = 0};
    struct generator_settings settings = base;
    settings.requests = 200;
    struct trace_request *a = generate(settings, &names);
    struct trace_request *b = generate(settings, &names);
    settings.seed = 12;
    struct trace_request *c = generate(settings, &names);
    assert_memory_equal(a, b, 200 * sizeof a[0]);
    assert_memory_not_equal(a, c, 200 * sizeof a[0]);
    free(a);
    free(b);
    free(c);
}

static void test_mixture_errors(void **state)
{
    (void)state;
    static const struct {
        const char *datasets;
        const char *part;
    } bad[] = {{"gsm8k:0", "a weight > 0"},
               {"", "expected NAME:WEIGHT"},
               {"gsm9k", "unknown dataset 'gsm9k', did you mean 'gsm8k'"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct generator_settings settings = base;
        struct trace_names names = {.count = 0};
        struct generator *generator = NULL;
        struct error error;
        settings.datasets = bad[i].datasets;
        assert_false(generator_create(&settings, &catalog, &names, &generator, &error));
        assert_contains(error.message, bad[i].part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gamma_arrivals),
        cmocka_unit_test(test_same_seed_same_requests),
        cmocka_unit_test(test_mixture_errors),
    };
    return cmocka_run_group_tests_name("generator", tests, set_up, tear_down);
}
