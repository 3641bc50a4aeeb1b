#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/metrics/latency.h"

static void test_histogram_error_is_bounded(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    struct samples exact;
    samples_init(&exact);
    struct random_stream *random = random_create(3, "test");
    for (int i = 0; i < 50000; i++) {
        int64_t value = ps_from_s(random_gamma(random, 2, 0.01));
        histogram_add(&histogram, value, 1);
        samples_add(&exact, s_from_ps(value));
    }
    random_destroy(random);
    for (double q = 0.01; q < 1; q += 0.07) {
        double expected = samples_quantile(&exact, q);
        assert_near(histogram_quantile_s(&histogram, q) / expected, 1, 0.009);
    }
    assert_near(histogram_mean_s(&histogram), samples_mean(&exact), 1e-9);
    samples_clear(&exact);
}

static void test_histogram_extremes(void **state)
{
    (void)state;
    static struct histogram histogram;
    memset(&histogram, 0, sizeof histogram);
    assert_true(isnan(histogram_quantile_s(&histogram, 0.5)));
    histogram_add(&histogram, 0, 1);
    histogram_add(&histogram, INT64_MAX, 1);
    assert_near(histogram_quantile_s(&histogram, 0.5), 0, 0);
    assert_near(histogram_quantile_s(&histogram, 1) / s_from_ps(INT64_MAX), 1, 0.01);
}

/* A progression counts as its terms one by one, also where it crosses buckets. */
static void test_histogram_progression(void **state)
{
    (void)state;
    static struct histogram one_by_one;
    static struct histogram at_once;
    struct random_stream *random = random_create(5, "progression");
    for (int trial = 0; trial < 300; trial++) {
        memset(&one_by_one, 0, sizeof one_by_one);
        memset(&at_once, 0, sizeof at_once);
        int64_t first_ps = random_below(random, 3) == 0 ? random_below(random, 200)
                                                        : random_below(random, 1u << 30) * 1000LL;
        int64_t rise_ps = random_below(random, 4) == 0 ? 0 : random_below(random, 1u << 24);
        uint32_t terms = 1 + random_below(random, 400);
        if (random_below(random, 3) == 0) { /* it falls */
            first_ps += rise_ps * terms;
            rise_ps = -rise_ps;
        }
        for (uint32_t i = 0; i < terms; i++) {
            histogram_add(&one_by_one, first_ps + rise_ps * i, 3);
        }
        histogram_add_progression(&at_once, first_ps, rise_ps, terms, 3);
        assert_memory_equal(&one_by_one, &at_once, sizeof at_once);
    }
    random_destroy(random);
}

/* As many as there are, but for those that share the bucket of the bound. */
static void test_histogram_count_up_to(void **state)
{
    (void)state;
    static struct histogram histogram;
    for (int64_t i = 0; i < 1000; i++) {
        histogram_add(&histogram, i * PS_PER_MS, 1);
    }
    assert_int_equal(histogram_count_up_to(&histogram, 0), 1);
    assert_int_equal(histogram_count_up_to(&histogram, INT64_MAX), 1000);
    for (int64_t ms = 1; ms < 1000; ms += 37) {
        uint64_t found = histogram_count_up_to(&histogram, ms * PS_PER_MS);
        assert_true(found >= (uint64_t)ms + 1 && (double)found <= (double)ms * 1.016 + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram_error_is_bounded),
        cmocka_unit_test(test_histogram_extremes),
        cmocka_unit_test(test_histogram_progression),
        cmocka_unit_test(test_histogram_count_up_to),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
