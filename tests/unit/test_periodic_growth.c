#include "tests/unit/check.h"

#include "sim/base/periodic_growth.h"
#include "sim/base/random.h"
#include "sim/base/step_times.h"

enum { PERIOD = 16 };

/* Closed forms equal the sum step by step, wherever a period begins. */
static void test_sums_equal_steps(void **state)
{
    (void)state;
    struct random_stream *random = random_create(7, "growth");
    for (int trial = 0; trial < 500; trial++) {
        uint32_t blocks[PERIOD];
        struct periodic_growth growth = {
            .blocks = blocks, .period = PERIOD, .first = random_below(random, PERIOD)};
        for (uint32_t i = 0; i < PERIOD; i++) {
            blocks[i] = random_below(random, 4);
            growth.sum += blocks[i];
        }
        uint64_t sum = 0;
        for (uint32_t step = 0; step < 100; step++) {
            assert_int_equal(periodic_growth_of_steps(&growth, step), sum);
            assert_true(periodic_growth_bound(&growth, step) >= sum);
            sum += blocks[(growth.first + step) % PERIOD];
        }
    }
    random_destroy(random);
}

/* The most steps within so many blocks: one more would take too many. */
static void test_steps_within_are_the_most(void **state)
{
    (void)state;
    struct random_stream *random = random_create(8, "within");
    for (int trial = 0; trial < 2000; trial++) {
        uint32_t blocks[PERIOD];
        struct periodic_growth growth = {
            .blocks = blocks, .period = PERIOD, .first = random_below(random, PERIOD)};
        for (uint32_t i = 0; i < PERIOD; i++) {
            blocks[i] = random_below(random, 3);
            growth.sum += blocks[i];
        }
        uint64_t free_blocks = random_below(random, 200);
        if (growth.sum > 0) {
            uint64_t steps = periodic_growth_steps_within(&growth, free_blocks);
            assert_true(periodic_growth_of_steps(&growth, steps) <= free_blocks);
            assert_true(periodic_growth_of_steps(&growth, steps + 1) > free_blocks);
        }
    }
    random_destroy(random);
}

static void test_nothing_taken_has_no_end(void **state)
{
    (void)state;
    uint32_t blocks[PERIOD] = {0};
    struct periodic_growth growth = {.blocks = blocks, .period = PERIOD};
    assert_true(periodic_growth_steps_within(&growth, 0) == UINT64_MAX);
    assert_int_equal(periodic_growth_of_steps(&growth, 1000000), 0);
}

static uint128 sum_ps(const struct step_times *times, struct step_delays delays)
{
    return (uint128)delays.first_gaps * (uint64_t)times->first_gap_ps +
           (uint128)delays.gaps * (uint64_t)times->gap_ps +
           (uint128)delays.rises * (uint64_t)times->rise_ps;
}

/* Times of steps: gaps rise evenly from the second on, and the count before a time is exact. */
static void test_step_times(void **state)
{
    (void)state;
    struct random_stream *random = random_create(9, "times");
    for (int trial = 0; trial < 500; trial++) {
        struct step_times times = {.first_ps = random_below(random, 1000),
                                   .first_gap_ps = random_below(random, 500),
                                   .gap_ps = 1 + random_below(random, 500),
                                   .rise_ps = random_below(random, 20)};
        int64_t at_ps = times.first_ps;
        uint128 delays_ps = 0;
        for (uint64_t step = 0; step < 60; step++) {
            assert_int_equal(step_times_at(&times, step), at_ps);
            uint64_t before = step_times_before(&times, at_ps, 1000);
            assert_true(before >= 1 && (before == 1 || step_times_at(&times, before - 1) < at_ps));
            assert_true(step_times_at(&times, before) >= at_ps);
            delays_ps += step > 0 ? (uint128)(at_ps - times.first_ps) : 0;
            assert_true(step == 0 || sum_ps(&times, step_delays_of(1, 1, step)) == delays_ps);
            at_ps +=
                step == 0 ? times.first_gap_ps : times.gap_ps + times.rise_ps * ((int64_t)step - 1);
        }
    }
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_equal_steps),
        cmocka_unit_test(test_steps_within_are_the_most),
        cmocka_unit_test(test_nothing_taken_has_no_end),
        cmocka_unit_test(test_step_times),
    };
    return cmocka_run_group_tests_name("periodic_growth", tests, NULL, NULL);
}
