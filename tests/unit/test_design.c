#include "tests/unit/check.h"

#include "sim/experiments/design.h"

static void test_combinations(void **state)
{
    (void)state;
    static struct design design;
    struct error error;
    const struct option_list texts = {{"workload.rate_per_s=1,2", "engine.instances=1..3"}, 2};
    assert_true(design_parse("--vary", &texts, NULL, 1, &design, &error));
    assert_int_equal(design.points, 6);
    const char *const expected[6][2] = {{"1", "1"}, {"1", "2"}, {"1", "3"},
                                        {"2", "1"}, {"2", "2"}, {"2", "3"}};
    for (uint32_t point = 0; point < 6; point++) {
        char text[AXIS_VALUE_BYTES];
        for (uint32_t axis = 0; axis < 2; axis++) {
            design_value(&design, point, axis, text, sizeof text);
            assert_string_equal(text, expected[point][axis]);
        }
    }
    struct option_list list = {{"seed=3"}, 1};
    static struct design_assignments room;
    assert_true(design_assign(&design, 4, &room, &list, &error));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.values[1], "workload.rate_per_s=2");
    assert_string_equal(list.values[2], "engine.instances=2");
    design_clear(&design);
}

static void test_nothing_varied_is_one_point(void **state)
{
    (void)state;
    static struct design design;
    struct error error;
    const struct option_list none = {.count = 0};
    assert_true(design_parse("--vary", &none, NULL, 1, &design, &error));
    assert_int_equal(design.points, 1);
    design_clear(&design);
}

/* Each of N strata of each axis has one point, for any N, and axes are not in step. */
static void test_latin_hypercube(void **state)
{
    (void)state;
    const char *const samples[] = {"latin:1", "latin:2", "latin:7", "latin:64", "latin:1000"};
    const struct option_list texts = {{"workload.rate_per_s=0.001..1000:2", "seed=1..1000000:2"},
                                      2};
    for (size_t s = 0; s < sizeof samples / sizeof samples[0]; s++) {
        static struct design design;
        static uint8_t seen[1000];
        struct error error;
        uint32_t in_step = 0;
        assert_true(design_parse("--vary", &texts, samples[s], 5, &design, &error));
        memset(seen, 0, sizeof seen);
        for (uint32_t point = 0; point < design.points; point++) {
            char rate[AXIS_VALUE_BYTES];
            char seed[AXIS_VALUE_BYTES];
            design_value(&design, point, 0, rate, sizeof rate);
            design_value(&design, point, 1, seed, sizeof seed);
            uint32_t stratum = (uint32_t)((strtod(rate, NULL) - 0.001) / 999.999 * design.points);
            uint32_t other = (uint32_t)((strtod(seed, NULL) - 1) / 999999 * design.points);
            assert_true(stratum < design.points);
            assert_int_equal(seen[stratum]++, 0);
            in_step += stratum == other;
        }
        assert_true(design.points < 10 || in_step < design.points / 2);
        design_clear(&design);
    }
}

static void check_error(const struct option_list *texts, const char *sample, const char *part)
{
    static struct design design;
    struct error error = {.message = ""};
    assert_false(design_parse("--vary", texts, sample, 1, &design, &error));
    assert_contains(error.message, part);
    design_clear(&design);
}

static void test_errors(void **state)
{
    (void)state;
    const struct option_list one = {{"workload.rate_per_s=1,2"}, 1};
    const struct option_list twice = {{"workload.rate_per_s=1,2", "workload.rate_per_s=3,4"}, 2};
    const struct option_list many = {{"seed=1..10000:10000", "workload.rate_per_s=1..2:10000"}, 2};
    const struct option_list none = {.count = 0};
    check_error(&twice, NULL, "varied twice");
    check_error(&many, NULL, "take a sample");
    check_error(&one, "latin:0", "--sample");
    check_error(&one, "grid:5", "--sample");
    check_error(&none, "latin:5", "nothing to sample");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_combinations),
        cmocka_unit_test(test_nothing_varied_is_one_point),
        cmocka_unit_test(test_latin_hypercube),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
