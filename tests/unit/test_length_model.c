#include "tests/unit/check.h"
#include "tests/unit/generated_requests.h"

#include <math.h>

#include "sim/base/memory.h"
#include "workloads/generator.h"

/* The models against the responses that they were fitted to. */
static void test_quantiles_match_the_responses(void **state)
{
    (void)state;
    uint32_t checked = 0;
    for (uint32_t i = 0; i < catalog.count; i++) {
        const struct length_model *model = &catalog.models[i];
        const struct length_data *data = &model->data;
        const struct {
            double at;
            double tokens;
            double within;
        } quantiles[] = {{0.5, data->p50, 0.10}, {0.9, data->p90, 0.15}, {0.99, data->p99, 0.25}};
        bool is_fitted = model->known == LENGTH_MEASURED || model->known == LENGTH_FAMILY;
        assert_true(is_fitted == (data->n > 0));
        assert_true(model->source[0] != '\0');
        assert_true(model->known == LENGTH_ASSUMED || model->responses > 0);
        for (size_t q = 0; data->n > 0 && q < 3; q++) {
            double found = length_distribution_at(&model->output, quantiles[q].at);
            if (fabs(found / quantiles[q].tokens - 1) > quantiles[q].within) {
                fail_msg("%s on %s: quantile %g is %.0f, of the responses %.0f", model->model,
                         model->dataset, quantiles[q].at, found, quantiles[q].tokens);
            }
            checked++;
        }
        double over = 100 * (1 - length_distribution_share(&model->output, 16384));
        assert_true(data->n == 0 || fabs(over - data->over_16k_pct) <= 2);
    }
    assert_true(checked >= 30);
}

static void expect_mixture(double low_median, double high_median, double within)
{
    char text[256];
    struct json *document = NULL;
    struct length_distribution length;
    struct error error;
    snprintf(text, sizeof text,
             "{\"distribution\": \"lognormals\", \"shares\": [0.3, 0.7], \"medians\": [%g, %g], "
             "\"sigmas\": [0.4, 0.3]}",
             low_median, high_median);
    assert_true(json_parse(text, "l", &document, &error));
    assert_true(length_distribution_read(&length, document, "l", &error));
    json_destroy(document);
    for (double tokens = 400; tokens < 24000; tokens *= 1.1) {
        double low = erfc(-log(tokens / low_median) / 0.4 / sqrt(2)) / 2;
        double high = erfc(-log(tokens / high_median) / 0.3 / sqrt(2)) / 2;
        assert_near(length_distribution_share(&length, tokens), 0.3 * low + 0.7 * high, within);
    }
}

/* A mixture gives its parts' shares; the table is coarser where little lies between two parts. */
static void test_mixture_of_lognormals(void **state)
{
    (void)state;
    expect_mixture(3500, 9000, 0.0005);
    expect_mixture(2000, 9000, 0.002);
}

static void expect_error(const char *output, const char *part)
{
    char content[1024];
    struct length_catalog read;
    struct error error = {""};
    snprintf(content, sizeof content,
             "{\"format_version\": 2, \"prompts\": [{\"dataset\": \"d\", \"length\": "
             "{\"distribution\": \"constant\", \"tokens\": 5}}], \"outputs\": [{\"model\": \"m\", "
             "\"dataset\": \"d\", \"kind\": \"traditional\", %s}]}",
             output);
    const char *path = temporary_file("lengths.json", content);
    assert_false(length_catalog_read(&read, path, &error));
    unlink(path);
    assert_contains(error.message, part);
}

static void test_errors_of_files(void **state)
{
    (void)state;
    struct length_catalog read;
    struct error error = {""};
    const char *path = temporary_file("old.json", "{\"format_version\": 1, \"outputs\": []}");
    assert_false(length_catalog_read(&read, path, &error));
    unlink(path);
    assert_contains(error.message, "'format_version' must be 2, got 1");
    assert_contains(error.message, "'known'");
#define LENGTH "\"length\": {\"distribution\": \"constant\", \"tokens\": 5}"
    expect_error(LENGTH, "d of m: 'known' must be a text");
    expect_error(LENGTH ", \"known\": \"poorly\"",
                 "'known' must be one of measured, family, means, "
                 "assumed, chosen, got 'poorly'");
    expect_error(LENGTH ", \"known\": \"means\"", "'n' must be a number");
    expect_error(LENGTH ", \"known\": \"means\", \"n\": 3", "'source' must be a text");
    expect_error("\"known\": \"means\", \"n\": 3, \"source\": \"s\"", "key 'length' is missing");
#define BASIS "\"known\": \"means\", \"n\": 3, \"source\": \"s\", \"length\": {\"distribution\": "
    expect_error(BASIS "\"lognormals\"}", "'shares' must be an array of 1 to 4");
    expect_error(BASIS "\"lognormals\", \"shares\": [0.5], \"medians\": [9], \"sigmas\": [1]}",
                 "'shares' must add up to 1, got 0.5");
    expect_error(BASIS "\"normal\"}", "'distribution' must be one of constant, lognormal");
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

/* Who has no lengths of their own learns whose they may borrow and which datasets they have. */
static void test_lacks_lengths(void **state)
{
    (void)state;
    const struct length_model *found = NULL;
    struct error error;
    assert_false(length_catalog_find(&catalog, "gsm8k", "Nobody-7B", "bf16", &found, &error));
    assert_contains(error.message, "set 'workload.lengths_model' to borrow those of another model");
    assert_contains(error.message, "DeepSeek-R1-Distill-Qwen-7B");
    assert_null(strstr(error.message, "workload.datasets"));
    assert_false(length_catalog_find(&catalog, "gsm8k", "Qwen3-32B", "bf16", &found, &error));
    assert_contains(error.message, "or 'workload.datasets' to one that it has (");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_match_the_responses),
        cmocka_unit_test(test_mixture_of_lognormals),
        cmocka_unit_test(test_errors_of_files),
        cmocka_unit_test(test_lengths_of_a_kv_precision),
        cmocka_unit_test(test_lacks_lengths),
        cmocka_unit_test(test_lengths_match_the_study),
        cmocka_unit_test(test_truncation_redraws),
    };
    return cmocka_run_group_tests_name("length_model", tests, set_up, tear_down);
}
