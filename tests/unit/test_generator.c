#include "tests/unit/check.h"
#include "tests/unit/generated_requests.h"

#include <math.h>

#include "sim/base/memory.h"
#include "workloads/generator.h"

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

/* Samples of one question arrive together, share its prompt, and are alike in length and in being
 * right; what all requests together are like does not depend on how many samples there are. */
static void test_samples_of_a_question(void **state)
{
    (void)state;
    enum { SAMPLES = 8, MAX_OUTPUT = 1 << 20 };
    struct accuracy_catalog accuracies;
    struct trace_names names = {.count = 0};
    struct generator_settings settings = base;
    struct error error;
    assert_true(accuracy_catalog_read(&accuracies, "workloads/data/accuracy.json", &error));
    settings.accuracies = &accuracies;
    settings.weights = "bf16";
    settings.kv_cache = "bf16";
    settings.datasets = "gpqa-diamond";
    settings.token_budget = MAX_OUTPUT;
    struct trace_request *alone = generate(settings, &names);
    settings.sharing.samples = SAMPLES;
    struct trace_request *requests = generate(settings, &names);
    double sums[2] = {0, 0};
    double right[2] = {0, 0};
    double both = 0;
    double products = 0;
    double squares = 0;
    for (uint32_t i = 0; i < settings.requests; i++) {
        const struct trace_request *first = &requests[i - i % SAMPLES];
        assert_int_equal(requests[i].prompt_tokens, first->prompt_tokens);
        assert_int_equal(requests[i].prefix_id, 1 + i / SAMPLES);
        assert_int_equal(requests[i].prefix_tokens, first->prompt_tokens);
        assert_true(requests[i].arrival_s == first->arrival_s);
        double length = log(requests[i].output_tokens);
        sums[0] += log(alone[i].output_tokens);
        sums[1] += length;
        squares += length * length;
        right[0] += alone[i].correctness == CORRECTNESS_CORRECT;
        right[1] += requests[i].correctness == CORRECTNESS_CORRECT;
        if (i % 2 == 1) {
            products += length * log(requests[i - 1].output_tokens);
            both += requests[i].correctness == CORRECTNESS_CORRECT &&
                    requests[i - 1].correctness == CORRECTNESS_CORRECT;
        }
    }
    double count = settings.requests;
    double mean = sums[1] / count;
    double correlation = (2 * products / count - mean * mean) / (squares / count - mean * mean);
    assert_near(mean, sums[0] / count, 0.03);
    assert_near(right[1] / count, right[0] / count, 0.02);
    assert_near(correlation, 0.65, 0.06); /* the between_share of the length model */
    assert_true(2 * both / count > 1.3 * (right[1] / count) * (right[1] / count));
    assert_near(requests[settings.requests - 1].arrival_s, alone[settings.requests - 1].arrival_s,
                0.1 * alone[settings.requests - 1].arrival_s);
    accuracy_catalog_clear(&accuracies);
    free(alone);
    free(requests);
}

/* Behind a common prefix the samples of a question share the rest as its conversation. */
static void test_samples_behind_a_prefix(void **state)
{
    (void)state;
    struct trace_names names = {.count = 0};
    struct generator_settings settings = base;
    settings.requests = 10;
    settings.sharing =
        (struct generator_sharing){.samples = 4, .prefix_tokens = 100, .prefixes = 1};
    struct trace_request *requests = generate(settings, &names);
    for (uint32_t i = 0; i < settings.requests; i++) {
        assert_int_equal(requests[i].prefix_id, 1);
        assert_int_equal(requests[i].prefix_tokens, 100);
        assert_int_equal(requests[i].conversation_id, 1 + i / 4);
        assert_true(requests[i].prompt_tokens > 100);
    }
    free(requests);
    settings.sharing.turns = 3;
    settings.sharing.conversations = 2;
    struct generator *generator = NULL;
    struct error error;
    assert_false(generator_create(&settings, &catalog, &names, &generator, &error));
    assert_contains(error.message, "workload.samples");
}

/* What is assumed or cannot be graded is said, one line each. */
static void test_notes(void **state)
{
    (void)state;
    struct accuracy_catalog accuracies;
    struct trace_names names = {.count = 0};
    struct generator_settings settings = base;
    struct generator *generator = NULL;
    struct generator_notes notes;
    struct error error;
    assert_true(accuracy_catalog_read(&accuracies, "workloads/data/accuracy.json", &error));
    settings.accuracies = &accuracies;
    settings.weights = "bf16";
    settings.kv_cache = "bf16";
    settings.datasets = "gsm8k,babi";
    assert_true(generator_create(&settings, &catalog, &names, &generator, &error));
    assert_true(generator_note(generator, 0, &notes));
    assert_string_equal(notes.lengths, "");
    assert_string_equal(notes.accuracy, "");
    assert_true(generator_note(generator, 1, &notes));
    assert_contains(notes.lengths,
                    "lengths of 'babi' under 'DeepSeek-R1-Distill-Qwen-7B' are assumed");
    assert_contains(notes.accuracy, "not graded");
    assert_false(generator_note(generator, 2, &notes));
    generator_destroy(generator);
    accuracy_catalog_clear(&accuracies);
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
        cmocka_unit_test(test_samples_of_a_question),
        cmocka_unit_test(test_samples_behind_a_prefix),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_mixture_errors),
    };
    return cmocka_run_group_tests_name("generator", tests, set_up, tear_down);
}
