#include "tests/unit/check.h"

#include "sim/base/units.h"
#include "sim/metrics/rate_window.h"

/* One request a second for 100,000 s, each answered 5 s later: far more than bins of a millisecond
 * can hold, so that they are doubled. */
static void test_rates_survive_doubling(void **state)
{
    (void)state;
    struct rate_window window;
    rate_window_init(&window);
    for (int64_t i = 0; i < 100000; i++) {
        rate_window_add_sent(&window, i * PS_PER_S, false);
        rate_window_add_started(&window, i * PS_PER_S + PS_PER_S / 2);
        rate_window_add_finished(&window, (i + 5) * PS_PER_S, 7, i % 2 == 0);
    }
    struct window_rates rates = rate_window_between(&window, 20000 * PS_PER_S, 60000 * PS_PER_S);
    assert_near(rates.offered_per_s, 1, 0.002);
    assert_near(rates.started_per_s, 1, 0.002);
    assert_near(rates.served_per_s, 1, 0.002);
    assert_near(rates.good_per_s, 0.5, 0.002);
    assert_near(rates.output_tokens_per_s, 7, 0.01);
    assert_near(rates.waiting_until, 0.5, 1);
    assert_true(window.last_sent_ps == 99999 * PS_PER_S);
    assert_true(window.bin_ps * RATE_WINDOW_BINS >= 100004 * PS_PER_S);
    rate_window_clear(&window);
}

static void test_queue_that_grows(void **state)
{
    (void)state;
    struct rate_window window;
    rate_window_init(&window);
    for (int64_t i = 0; i < 1000; i++) {
        rate_window_add_sent(&window, i * PS_PER_S, i % 10 == 9);
        if (i % 2 == 0) {
            rate_window_add_started(&window, i * PS_PER_S);
        }
    }
    struct window_rates rates = rate_window_between(&window, 0, 1000 * PS_PER_S);
    assert_near(rates.offered_per_s, 1, 1e-9);
    assert_near(rates.started_per_s, 0.5, 1e-9);
    assert_near(rates.waiting_until, 1000 - 100 - 500, 1e-9);
    rate_window_clear(&window);
}

static void test_no_length_no_rate(void **state)
{
    (void)state;
    struct rate_window window;
    rate_window_init(&window);
    rate_window_add_sent(&window, 0, false);
    assert_true(rate_window_between(&window, PS_PER_S, PS_PER_S).offered_per_s !=
                rate_window_between(&window, PS_PER_S, PS_PER_S).offered_per_s);
    rate_window_clear(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_survive_doubling),
        cmocka_unit_test(test_queue_that_grows),
        cmocka_unit_test(test_no_length_no_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
