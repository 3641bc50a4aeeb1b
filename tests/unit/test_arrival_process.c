#include "tests/unit/check.h"

#include <math.h>

#include "workloads/arrival_process.h"

struct gaps {
    double mean;
    double cv;
};

static struct gaps measure(const struct arrival_settings *settings, uint32_t group)
{
    enum { ARRIVALS = 40000 };
    struct arrival_process arrivals;
    struct error error;
    struct random_stream *random = random_create(3, "arrivals");
    double sum = 0;
    double squares = 0;
    double before = 0;
    assert_true(arrival_process_init(&arrivals, settings, group, &error));
    for (int i = 0; i < ARRIVALS; i++) {
        double at = arrival_process_next_s(&arrivals, random);
        assert_true(at >= before);
        sum += at - before;
        squares += (at - before) * (at - before);
        before = at;
    }
    random_destroy(random);
    double mean = sum / ARRIVALS;
    return (struct gaps){mean, mean > 0 ? sqrt(squares / ARRIVALS - mean * mean) / mean : 0};
}

/* Mean and coefficient of variation against closed forms; groups of requests arrive less often. */
static void test_gaps(void **state)
{
    (void)state;
    static const struct {
        enum arrival_kind process;
        double burstiness;
        double cv;
    } cases[] = {{ARRIVAL_GAMMA, 0.25, 2},
                 {ARRIVAL_POISSON, 1, 1},
                 {ARRIVAL_WEIBULL, 2, 0.5227},
                 {ARRIVAL_CONSTANT, 1, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct arrival_settings settings = {
            .process = cases[i].process, .rate_per_s = 4, .burstiness = cases[i].burstiness};
        struct gaps gaps = measure(&settings, 1);
        assert_near(gaps.mean, 0.25, 0.01);
        assert_near(gaps.cv, cases[i].cv, 0.06);
        gaps = measure(&settings, 4);
        assert_near(gaps.mean, 1, 0.04);
        assert_near(gaps.cv, cases[i].cv, 0.06);
    }
    struct arrival_settings at_once = {.process = ARRIVAL_ALL_AT_ONCE, .rate_per_s = 4};
    assert_true(measure(&at_once, 1).mean == 0);
}

/* Two windows over and over: the mean rate is that of both, and none arrive where the rate is 0. */
static void test_windows(void **state)
{
    (void)state;
    struct arrival_settings settings = {.process = ARRIVAL_WINDOWS, .windows = "10:8:1,30:0:1"};
    struct arrival_process arrivals;
    struct error error;
    struct random_stream *random = random_create(5, "arrivals");
    assert_near(measure(&settings, 1).mean, 0.5, 0.03);
    assert_near(measure(&settings, 2).mean, 1, 0.06);
    assert_true(arrival_process_init(&arrivals, &settings, 1, &error));
    for (int i = 0; i < 1000; i++) {
        assert_true(fmod(arrival_process_next_s(&arrivals, random), 40) <= 10);
    }
    random_destroy(random);
}

static void test_bad_windows(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "60:0:1", "60:2", "0.01:2:1", "60:-1:1", "60:2:0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arrival_settings settings = {.process = ARRIVAL_WINDOWS, .windows = bad[i]};
        struct arrival_process arrivals;
        struct error error;
        assert_false(arrival_process_init(&arrivals, &settings, 1, &error));
        assert_contains(error.message, "workload.windows: expected at most 256 SECONDS:RATE");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_bad_windows),
    };
    return cmocka_run_group_tests_name("arrival_process", tests, NULL, NULL);
}
