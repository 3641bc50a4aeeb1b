#include "workloads/length_distribution.h"

#include <math.h>

#include "tests/unit/check.h"

static bool read_text(const char *text, struct length_distribution *length, struct error *error)
{
    struct json *object = NULL;
    assert_true(json_parse(text, "test", &object, error));
    bool ok = length_distribution_read(length, object, "lengths", error);
    json_destroy(object);
    return ok;
}

static struct length_distribution good(const char *text)
{
    struct length_distribution length;
    struct error error;
    if (!read_text(text, &length, &error)) {
        fail_msg("%s", error.message);
    }
    return length;
}

static void refused(const char *text, const char *part)
{
    struct length_distribution length;
    struct error error;
    assert_false(read_text(text, &length, &error));
    assert_contains(error.message, part);
    assert_contains(error.message, "lengths: ");
}

static const char *const each_family[] = {
    "{\"distribution\": \"constant\", \"tokens\": 700}",
    "{\"distribution\": \"lognormal\", \"median\": 900, \"sigma\": 1.5, \"upper\": 4000}",
    "{\"distribution\": \"gamma\", \"shape\": 0.5, \"scale\": 900, \"lower\": 20}",
    "{\"distribution\": \"weibull\", \"shape\": 0.7, \"scale\": 900, \"lower\": 5, \"upper\": 900}",
    "{\"distribution\": \"quantiles\", \"probabilities\": [0, 0.5, 1], \"tokens\": [1, 10, 1000]}",
    "{\"distribution\": \"lognormals\", \"shares\": [0.3, 0.7], \"medians\": [100, 5000],"
    " \"sigmas\": [0.5, 0.9], \"lower\": 10, \"upper\": 20000}",
};

/* Quantiles rise, stay within the limits, and the share of lengths turns them round. */
static void test_quantiles_and_shares_agree(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof each_family / sizeof each_family[0]; f++) {
        struct length_distribution length = good(each_family[f]);
        uint32_t before = 0;
        for (int i = 1; i < 200; i++) {
            double at = i / 200.0;
            uint32_t tokens = length_distribution_at(&length, at);
            assert_true(tokens >= 1 && tokens >= length.lower && tokens <= length.upper);
            assert_true(tokens >= before);
            assert_true(length_distribution_share(&length, tokens) >= at - 1e-9);
            assert_true(length_distribution_share(&length, tokens - 1.0) <= at + 1e-9);
            before = tokens;
        }
    }
}

static void test_known_quantiles(void **state)
{
    (void)state;
    struct length_distribution length = good(each_family[0]);
    assert_int_equal(length_distribution_at(&length, 0.001), 700);
    assert_int_equal(length_distribution_at(&length, 0.999), 700);
    length = good("{\"distribution\": \"lognormal\", \"median\": 900, \"sigma\": 1}");
    assert_int_equal(length_distribution_at(&length, 0.5), 900);
    assert_near(length_distribution_at(&length, 0.841344746), 900 * exp(1), 1);
    length = good("{\"distribution\": \"weibull\", \"shape\": 2, \"scale\": 1000}");
    assert_near(length_distribution_at(&length, 1 - exp(-1)), 1000, 1);
    length = good("{\"distribution\": \"gamma\", \"shape\": 1, \"scale\": 1000}");
    assert_near(length_distribution_at(&length, 0.5), 1000 * log(2), 1);
    length = good(each_family[4]);
    assert_int_equal(length_distribution_at(&length, 0.75), 505);
    assert_near(length_distribution_share(&length, 504.5), 0.75, 1e-3);
}

/* A mixture of one part is that lognormal; of two that lie far apart, the share decides. */
static void test_mixtures(void **state)
{
    (void)state;
    struct length_distribution one = good("{\"distribution\": \"lognormals\", \"shares\": [1],"
                                          " \"medians\": [900], \"sigmas\": [0.8]}");
    struct length_distribution same =
        good("{\"distribution\": \"lognormal\", \"median\": 900, \"sigma\": 0.8}");
    for (int i = 1; i < 100; i++) {
        double expected = length_distribution_at(&same, i / 100.0);
        assert_near(length_distribution_at(&one, i / 100.0), expected, 1 + expected * 1e-3);
    }
    struct length_distribution two = good("{\"distribution\": \"lognormals\", \"shares\":"
                                          " [0.25, 0.75], \"medians\": [50, 9000],"
                                          " \"sigmas\": [0.1, 0.1]}");
    assert_near(length_distribution_share(&two, 1000), 0.25, 0.01);
}

static void test_draws_follow(void **state)
{
    (void)state;
    struct length_distribution length = good(each_family[1]);
    struct random_stream *random = random_create(5, "lengths");
    uint32_t below = 0;
    enum { DRAWS = 4000 };
    uint32_t median = length_distribution_at(&length, 0.5);
    for (int i = 0; i < DRAWS; i++) {
        below += length_distribution_draw(&length, random) <= median;
    }
    random_destroy(random);
    assert_near(below, DRAWS * 0.5, 4 * sqrt(DRAWS * 0.25));
}

static void test_refusals(void **state)
{
    (void)state;
    refused("{}", "'distribution' must be a text");
    refused("{\"distribution\": \"normal\"}", "got 'normal'");
    refused("{\"distribution\": \"constant\"}", "'tokens' must be a number");
    refused("{\"distribution\": \"constant\", \"token\": 5}", "token");
    refused("{\"distribution\": \"constant\", \"tokens\": 2e6}", "'tokens'");
    refused("{\"distribution\": \"gamma\", \"shape\": 0, \"scale\": 1}", "'shape'");
    refused("{\"distribution\": \"constant\", \"tokens\": 5, \"lower\": 0}", "'lower'");
    refused("{\"distribution\": \"constant\", \"tokens\": 5, \"lower\": 9, \"upper\": 8}",
            "'upper' must be a number from 9");
    refused("{\"distribution\": \"quantiles\", \"probabilities\": [0, 1], \"tokens\": [5]}",
            "array of 2 to 64");
    refused("{\"distribution\": \"quantiles\", \"probabilities\": [0, 1], \"tokens\": [5, 4]}",
            "must rise");
    refused("{\"distribution\": \"quantiles\", \"probabilities\": [0, 0.9], \"tokens\": [5, 6]}",
            "from 0 to 1");
    refused("{\"distribution\": \"lognormals\", \"shares\": [0.5, 0.4], \"medians\": [5, 6],"
            " \"sigmas\": [1, 1]}",
            "add up to 1, got 0.9");
    refused("{\"distribution\": \"lognormals\", \"shares\": [1], \"medians\": [5],"
            " \"sigmas\": [0]}",
            "'sigmas' from 0.01");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles_and_shares_agree),
        cmocka_unit_test(test_known_quantiles),
        cmocka_unit_test(test_mixtures),
        cmocka_unit_test(test_draws_follow),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
