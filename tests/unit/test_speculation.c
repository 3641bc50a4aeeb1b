/* Speculation: how many drafts are accepted. */
#include "tests/unit/check.h"

#include "sim/serving/speculation.h"

static void test_drafts_yield_what_was_asked(void **state)
{
    (void)state;
    enum { VERIFICATIONS = 200000 };
    for (uint32_t drafts = 1; drafts <= 8; drafts *= 2) {
        double wanted = 1.45;
        struct request request = {
            .truth.drafts = {.probability = speculation_probability(wanted, drafts), .key = 5}};
        double tokens = 0;
        for (int i = 0; i < VERIFICATIONS; i++) {
            tokens += 1 + speculation_verify(&request, drafts);
        }
        assert_near(tokens / VERIFICATIONS, wanted, 0.01);
    }
}

static void test_drafts_never_right_or_always(void **state)
{
    (void)state;
    struct request request = {.truth.drafts = {.probability = 0}};
    assert_int_equal(speculation_verify(&request, 4), 0);
    request.truth.drafts.probability = 1 - 1e-12;
    assert_int_equal(speculation_verify(&request, 4), 4);
    assert_int_equal(request.verifications, 2);
}

/* Given counts are used over and over, cut to what was drafted. */
static void test_given_counts(void **state)
{
    (void)state;
    const uint8_t counts[] = {0, 3, 1};
    struct request request = {.truth.drafts = {.accepted = counts, .accepted_count = 3}};
    assert_int_equal(speculation_verify(&request, 4), 0);
    assert_int_equal(speculation_verify(&request, 2), 2);
    assert_int_equal(speculation_verify(&request, 4), 1);
    assert_int_equal(speculation_verify(&request, 4), 0);
    assert_int_equal(speculation_verify(&request, 4), 3);
}

/* Each draft is accepted as often as its position says, and only after those before it. */
static void test_acceptance_by_position(void **state)
{
    (void)state;
    enum { VERIFICATIONS = 200000 };
    const double chances[] = {0.6, 0.4, 0.28, 0.2};
    struct request request = {
        .truth.drafts = {.by_position = chances, .position_count = 4, .key = 11}};
    double accepted[6] = {0};
    for (int i = 0; i < VERIFICATIONS; i++) {
        uint32_t count = speculation_verify(&request, 6);
        assert_true(count <= 4);
        for (uint32_t k = 0; k < count; k++) {
            accepted[k]++;
        }
    }
    for (uint32_t k = 0; k < 4; k++) {
        assert_near(accepted[k] / VERIFICATIONS, chances[k], 0.005);
    }
}

/* Drawn in a row they are the same as one by one. */
static void test_draws_in_a_row(void **state)
{
    (void)state;
    enum { COUNT = 64, FIRST = 7 };
    const struct draft_truth truth = {.probability = 0.7, .key = 13};
    struct draft_odds odds = {.drafts = 0};
    uint8_t accepted[COUNT];
    draft_odds_init(&odds, &truth, 5);
    draft_odds_draw(&odds, truth.key, FIRST, COUNT, accepted);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(accepted[i], speculation_accepted(&truth, FIRST + i, 5));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drafts_yield_what_was_asked),
        cmocka_unit_test(test_drafts_never_right_or_always),
        cmocka_unit_test(test_given_counts),
        cmocka_unit_test(test_acceptance_by_position),
        cmocka_unit_test(test_draws_in_a_row),
    };
    return cmocka_run_group_tests_name("speculation", tests, NULL, NULL);
}
