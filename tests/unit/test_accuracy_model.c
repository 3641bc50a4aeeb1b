#include "tests/unit/check.h"

#include "workloads/generator.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_go_by_length),
    };
    return cmocka_run_group_tests_name("accuracy_model", tests, NULL, NULL);
}
