#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/memory.h"
#include "traces/trace.h"
#include "workloads/accuracy_model.h"
#include "workloads/generator.h"
#include "workloads/length_model.h"

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

/* Mean output tokens of the study (arXiv 2510.18672, batch 8, Tables 10 and 15). */
static void test_lengths_match_the_study(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        const char *dataset;
        uint32_t budget;
        double mean;
    } cells[] = {{"DeepSeek-R1-Distill-Qwen-7B", "gsm8k", 4096, 432.1},
                 {"DeepSeek-R1-Distill-Qwen-7B", "math-500", 4096, 1676.1},
                 {"DeepSeek-R1-Distill-Qwen-7B", "math-500", 8192, 2003.9},
                 {"DeepSeek-R1-Distill-Qwen-7B", "aime-2024", 8192, 6582.6},
                 {"DeepSeek-R1-Distill-Qwen-7B", "gpqa-diamond", 8192, 6470.2},
                 {"DeepSeek-R1-Distill-Qwen-14B", "math-500", 4096, 1887.6},
                 {"DeepSeek-R1-Distill-Qwen-14B", "gsm8k", 4096, 591.2},
                 {"DeepSeek-R1-Distill-Qwen-32B", "aime-2024", 8192, 6391.2},
                 {"DeepSeek-R1-Distill-Llama-70B", "gpqa-diamond", 8192, 5675.7},
                 {"Qwen2.5-14B", "math-500", 4096, 336.1}};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        struct generator_settings settings = base;
        struct trace_names names = {.count = 0};
        settings.model = cells[i].model;
        settings.datasets = cells[i].dataset;
        settings.token_budget = cells[i].budget;
        struct trace_request *requests = generate(settings, &names);
        double sum = 0;
        for (uint32_t r = 0; r < settings.requests; r++) {
            sum += requests[r].output_tokens;
        }
        free(requests);
        double mean = sum / settings.requests;
        if (fabs(mean / cells[i].mean - 1) > 0.05) {
            fail_msg("%s on %s: mean %.0f, the study has %.0f", cells[i].model, cells[i].dataset,
                     mean, cells[i].mean);
        }
    }
}

static void test_truncation_redraws(void **state)
{
    (void)state;
    struct json *document = NULL;
    struct length_distribution length;
    struct error error;
    assert_true(json_parse("{\"distribution\": \"lognormal\", \"median\": 100, \"sigma\": 2,"
                           " \"lower\": 50, \"upper\": 200}",
                           "l", &document, &error));
    assert_true(length_distribution_read(&length, document, "l", &error));
    json_destroy(document);
    struct random_stream *random = random_create(1, "t");
    uint32_t at_edges = 0;
    for (int i = 0; i < 10000; i++) {
        uint32_t tokens = length_distribution_draw(&length, random);
        assert_in_range(tokens, 50, 200);
        at_edges += tokens == 50 || tokens == 200;
    }
    assert_true(at_edges < 400);
    random_destroy(random);
}

static void expect_trace_error(const char *content, const char *part)
{
    struct trace_reader reader;
    struct trace_names names = {.count = 0};
    struct trace_request request;
    struct error error = {""};
    bool more = true;
    const char *path = temporary_file("trace.csv", content);
    bool ok = trace_reader_open(&reader, path, &error);
    while (ok && more) {
        ok = trace_reader_next(&reader, &names, &request, &more, &error);
    }
    trace_reader_close(&reader);
    unlink(path);
    assert_false(ok);
    assert_contains(error.message, part);
}

static void test_trace_errors(void **state)
{
    (void)state;
    expect_trace_error("arrival_s,prompt_tokens\n", "column 'output_tokens' is missing");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\n1,5,5\n0.5,5,5\n",
                       "trace.csv:3: 'arrival_s' goes back from 1 to 0.5");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\nnan,5,5\n", "trace.csv:2");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\n-1,5,5\n", "'arrival_s' must be");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\n1,0,5\n", "'prompt_tokens' must be");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens,reasoning_tokens\n1,5,5,6\n",
                       "'reasoning_tokens' 6 exceeds 'output_tokens' 5");
    expect_trace_error("arrival_s,prompt_tokens,output_tokns\n", "did you mean 'output_tokens'?");
}

static void test_trace_survives_its_file(void **state)
{
    (void)state;
    struct trace_names names = {.count = 0};
    struct generator_settings settings = base;
    settings.requests = 50;
    struct trace_request *requests = generate(settings, &names);
    const char *path = temporary_file("written.csv", "");
    FILE *stream = fopen(path, "w");
    trace_write_header(stream);
    for (uint32_t i = 0; i < settings.requests; i++) {
        trace_write(stream, &requests[i], &names);
    }
    fclose(stream);
    struct trace_reader reader;
    struct trace_names read_names = {.count = 0};
    struct error error;
    bool more = true;
    assert_true(trace_reader_open(&reader, path, &error));
    for (uint32_t i = 0; i < settings.requests; i++) {
        struct trace_request request;
        assert_true(trace_reader_next(&reader, &read_names, &request, &more, &error));
        assert_true(more);
        assert_near(request.arrival_s, requests[i].arrival_s, 1e-6);
        assert_int_equal(request.output_tokens, requests[i].output_tokens);
        assert_int_equal(request.max_output_tokens, requests[i].max_output_tokens);
        assert_string_equal(read_names.names[request.dataset], names.names[requests[i].dataset]);
    }
    trace_reader_close(&reader);
    unlink(path);
    free(requests);
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

/* Answers of the lengths there are give the measured share at each budget, unless more would have
 * to be right than end. */
static void test_answers_go_by_length(void **state)
{
    (void)state;
    struct accuracy_catalog accuracies;
    struct length_catalog all;
    struct error error;
    const struct length_model *lengths = NULL;
    double chances[ACCURACY_MAX_POINTS];
    const char *model = "DeepSeek-R1-Distill-Qwen-14B";
    assert_true(accuracy_catalog_read(&accuracies, "workloads/data/accuracy.json", &error));
    assert_true(length_catalog_read(&all, "workloads/data/lengths.json", &error));
    assert_true(length_catalog_find(&all, "aime-2024", model, "bf16", &lengths, &error));
    const struct accuracy_model *accuracy =
        accuracy_catalog_find(&accuracies, model, "aime-2024", "bf16", "bf16");
    assert_non_null(accuracy);
    accuracy_chances(accuracy, &lengths->output, chances);
    enum { ANSWERS = 20000 };
    for (double budget = 8192; budget <= 16384; budget *= 2) {
        double right = 0;
        for (int i = 0; i < ANSWERS; i++) {
            uint32_t tokens = length_distribution_at(&lengths->output, (i + 0.5) / ANSWERS);
            right += tokens <= budget ? accuracy_of_length(accuracy, chances, tokens) : 0;
        }
        assert_near(right / ANSWERS, accuracy_at(accuracy, budget).share, 0.01);
    }
    assert_null(accuracy_catalog_find(&accuracies, "nobody", "aime-2024", "bf16", "bf16"));
    accuracy_catalog_clear(&accuracies);
    length_catalog_clear(&all);
}

/* FP8 KV makes 7B run to its budget; other models are as with bf16. */
static void test_lengths_of_a_kv_precision(void **state)
{
    (void)state;
    struct length_catalog all;
    struct error error;
    const struct length_model *plain = NULL;
    const struct length_model *fp8 = NULL;
    assert_true(length_catalog_read(&all, "workloads/data/lengths.json", &error));
    const char *model = "DeepSeek-R1-Distill-Qwen-7B";
    assert_true(length_catalog_find(&all, "gsm8k", model, "bf16", &plain, &error));
    assert_true(length_catalog_find(&all, "gsm8k", model, "fp8", &fp8, &error));
    assert_true(length_distribution_share(&plain->output, 4096) > 0.99);
    assert_near(length_distribution_share(&fp8->output, 4096), 0.35, 0.03);
    model = "DeepSeek-R1-Distill-Qwen-14B";
    assert_true(length_catalog_find(&all, "gsm8k", model, "fp8", &fp8, &error));
    assert_true(fp8->kv_cache[0] == '\0');
    length_catalog_clear(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_go_by_length),
        cmocka_unit_test(test_lengths_of_a_kv_precision),
        cmocka_unit_test(test_gamma_arrivals),
        cmocka_unit_test(test_same_seed_same_requests),
        cmocka_unit_test(test_lengths_match_the_study),
        cmocka_unit_test(test_truncation_redraws),
        cmocka_unit_test(test_trace_errors),
        cmocka_unit_test(test_trace_survives_its_file),
        cmocka_unit_test(test_mixture_errors),
    };
    return cmocka_run_group_tests_name("workloads", tests, set_up, tear_down);
}
