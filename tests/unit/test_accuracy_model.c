#include "tests/unit/check.h"

#include <math.h>

#include "workloads/accuracy_model.h"

static struct accuracy_catalog accuracies;
static struct length_catalog lengths;

static int set_up(void **state)
{
    (void)state;
    struct error error;
    return accuracy_catalog_read(&accuracies, "workloads/data/accuracy.json", &error) &&
                   length_catalog_read(&lengths, "workloads/data/lengths.json", &error)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    accuracy_catalog_clear(&accuracies);
    length_catalog_clear(&lengths);
    return 0;
}

static const struct length_distribution *output_of(const struct accuracy_model *model)
{
    const struct length_model *found = NULL;
    struct error error;
    assert_true(length_catalog_find(&lengths, model->dataset, model->model, model->kv_cache, &found,
                                    &error));
    return &found->output;
}

/* Answers of the lengths there are give the share that was seen, at every budget and for every
 * model, dataset and precision, within the error of the answers it was seen on. */
static void test_measured_shares_come_out(void **state)
{
    (void)state;
    uint32_t points = 0;
    uint32_t within = 0;
    for (uint32_t i = 0; i < accuracies.count; i++) {
        const struct accuracy_model *model = &accuracies.models[i];
        const struct length_distribution *output = output_of(model);
        struct accuracy_chances chances = accuracy_chances_of(model, output);
        for (uint32_t k = 0; k < model->points; k++) {
            double wanted = model->correct_pct[k] / 100;
            double off = accuracy_expected(&chances, output, model->budgets[k]) - wanted;
            double answers = model->answers[k];
            if (answers > 0) {
                points++;
                bool holds =
                    fabs(off) <= 1.96 * sqrt(fmax(wanted * (1 - wanted), 0.25 / answers) / answers);
                within += holds;
                if (!holds) {
                    print_message("%s %s %s %s %s at %.0f: off by %+.1f points\n", model->model,
                                  model->dataset, model->weights, model->kv_cache,
                                  accuracy_scales[model->scale].name, model->budgets[k], 100 * off);
                }
            }
        }
    }
    print_message("%u of %u shares within 95 %%\n", within, points);
    assert_true(points >= 254);
    assert_true(within >= 0.96 * points);
}

/* What the formula expects is what draws give. */
static void test_draws_give_what_is_expected(void **state)
{
    (void)state;
    enum { ANSWERS = 20000 };
    const struct accuracy_model *model = accuracy_catalog_find(
        &accuracies, "DeepSeek-R1-Distill-Qwen-14B", "aime-2024", "bf16", "bf16", ACCURACY_STUDY);
    assert_non_null(model);
    const struct length_distribution *output = output_of(model);
    struct accuracy_chances chances = accuracy_chances_of(model, output);
    for (double budget = 3000; budget <= 24000; budget *= 2) {
        double right = 0;
        for (int i = 0; i < ANSWERS; i++) {
            uint32_t tokens = length_distribution_at(output, (i + 0.5) / ANSWERS);
            right += tokens <= budget ? accuracy_chance_at(&chances, tokens) : 0;
        }
        assert_near(right / ANSWERS, accuracy_expected(&chances, output, budget), 0.001);
    }
}

/* More right answers than end are not to be had; what is asked for later is then given sooner, and
 * the share seen on many answers goes before one seen on few. */
static void test_shares_that_lengths_cannot_give(void **state)
{
    (void)state;
    const struct length_distribution constant = {
        .family = LENGTH_CONSTANT, .a = 100, .lower = 1, .upper = 1e6};
    struct accuracy_model model = {.points = 3,
                                   .budgets = {50, 200, 400},
                                   .correct_pct = {10, 40, 80},
                                   .answers = {10, 10, 1000}};
    struct accuracy_chances chances = accuracy_chances_of(&model, &constant);
    assert_near(accuracy_expected(&chances, &constant, 50), 0, 1e-9);
    double late = accuracy_expected(&chances, &constant, 400);
    assert_near(accuracy_expected(&chances, &constant, 200), late, 1e-9);
    assert_true(late > 0.75 && late < 0.8);
}

static void test_nothing_stands_in_for_what_is_unknown(void **state)
{
    (void)state;
    const char *model = "DeepSeek-R1-Distill-Qwen-7B";
    assert_non_null(
        accuracy_catalog_find(&accuracies, model, "gsm8k", "bf16", "bf16", ACCURACY_STUDY));
    assert_non_null(
        accuracy_catalog_find(&accuracies, model, "gsm8k", "bf16", "bf16", ACCURACY_PUBLIC));
    assert_null(accuracy_catalog_find(&accuracies, model, "gsm8k", "bf16", "int8", ACCURACY_STUDY));
    assert_null(
        accuracy_catalog_find(&accuracies, "nobody", "gsm8k", "bf16", "bf16", ACCURACY_STUDY));
}

static void expect_error(const char *content, const char *part)
{
    struct accuracy_catalog catalog;
    struct error error = {""};
    const char *path = temporary_file("accuracy.json", content);
    assert_false(accuracy_catalog_read(&catalog, path, &error));
    unlink(path);
    assert_contains(error.message, part);
}

static void test_errors_of_files(void **state)
{
    (void)state;
    expect_error("{\"format_version\": 1, \"accuracies\": []}",
                 "'format_version' must be 2, got 1");
    expect_error("{\"format_version\": 2, \"accuracies\": []}", "'problem_share' must be");
#define HEAD                                                                                       \
    "{\"format_version\": 2, \"problem_share\": 0.5, \"accuracies\": [{\"model\": \"m\", "         \
    "\"dataset\": \"d\", \"weights\": \"bf16\", \"kv_cache\": \"bf16\", \"source\": \"s\", "
    expect_error(HEAD "\"scale\": \"strict\"}]}", "'scale' must be one of");
    expect_error(HEAD "\"scale\": \"study\"}]}", "'budgets' must be an array");
    expect_error(HEAD "\"scale\": \"study\", \"budgets\": [8, 4], \"correct_pct\": [1, 2], "
                      "\"answers\": [1, 1]}]}",
                 "'budgets' must rise");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured_shares_come_out),
        cmocka_unit_test(test_draws_give_what_is_expected),
        cmocka_unit_test(test_shares_that_lengths_cannot_give),
        cmocka_unit_test(test_nothing_stands_in_for_what_is_unknown),
        cmocka_unit_test(test_errors_of_files),
    };
    return cmocka_run_group_tests_name("accuracy_model", tests, set_up, tear_down);
}
