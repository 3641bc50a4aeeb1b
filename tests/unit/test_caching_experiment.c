#include "tests/unit/check.h"

#include <stdlib.h>
#include <string.h>

#include "plots/study/caching_experiment.h"

/* 112 full blocks are hashed; what is found is looked up instead of entered. */
static void test_host_time(void **state)
{
    (void)state;
    double nothing = caching_host_us(0);
    double all = caching_host_us(112);
    assert_near(nothing, 112 * (0.74 + 0.25) + 0.14, 1e-9);
    assert_near(nothing - all, 7 * 0.25 - 6 * 0.14, 1e-9);
}

/* Steps that cost the same whatever they compute leave nothing to save. */
static void test_nothing_to_save(void **state)
{
    (void)state;
    const struct step_cost constant = step_cost_constant(5000000000);
    assert_near(caching_saved_us(&constant, 1, 32, 112), 0, 1e-9);
}

/* Where every question is new, caching costs 1.5B more than it saves and 14B less. */
static void test_sign_by_size(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    struct error error;
    FILE *file = open_memstream(&text, &size);
    FILE *table = fopen("/dev/null", "w");
    assert_true(file != NULL && table != NULL);
    assert_true(caching_experiment_run(file, table, &error));
    fclose(file);
    fclose(table);
    assert_non_null(strstr(text, "DeepSeek-R1-Distill-Qwen-1.5B,1,32,1,"));
    for (int large = 0; large < 2; large++) {
        const char *key = large ? "DeepSeek-R1-Distill-Qwen-14B,1,32,1,"
                                : "DeepSeek-R1-Distill-Qwen-1.5B,1,32,1,";
        const char *row = strstr(text, key);
        double saved_us = 0;
        double spent_us = 0;
        assert_int_equal(sscanf(row + strlen(key), "%lf,%lf", &saved_us, &spent_us), 2);
        assert_int_equal(saved_us > spent_us, large);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_time),
        cmocka_unit_test(test_nothing_to_save),
        cmocka_unit_test(test_sign_by_size),
    };
    return cmocka_run_group_tests_name("caching_experiment", tests, NULL, NULL);
}
