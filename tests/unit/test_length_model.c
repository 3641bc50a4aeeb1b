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
        cmocka_unit_test(test_lengths_of_a_kv_precision),
        cmocka_unit_test(test_lengths_match_the_study),
        cmocka_unit_test(test_truncation_redraws),
    };
    return cmocka_run_group_tests_name("length_model", tests, set_up, tear_down);
}
