#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/pricing/cost_transfer.h"

static struct attention_time equal_contexts(const struct attention_shape *shape, uint32_t requests,
                                            uint32_t context)
{
    uint64_t tokens = (uint64_t)requests * context;
    struct attention_contexts contexts = {requests, tokens, tokens * context};
    return attention_schedule_typical(shape, &contexts, NULL);
}

static void test_attention_schedule(void **state)
{
    (void)state;
    const struct attention_shape shape = {.kv_heads = 4, .multiprocessors = 132};
    const double own = ATTENTION_PIECE_TILES;
    /* 16 requests x 4 heads x 2 pieces fit in one round of 5 tiles, or of 4 for the second piece,
     * four multiprocessors idle; a 17th request takes a second round of a few pieces, at the limit
     * of a lone multiprocessor. */
    struct attention_time one_round = equal_contexts(&shape, 16, 1100);
    assert_true(one_round.is_split);
    double fours = (4 + own) * (64 + 4) / 132.0 + (4 + own) * 64 / 132.0;
    assert_near(one_round.tiles, fours + 1 / (132.0 / 64), 0.15);
    struct attention_time two_rounds = equal_contexts(&shape, 17, 1100);
    assert_true(two_rounds.tiles > 1.3 * one_round.tiles);
    assert_false(equal_contexts(&shape, 128, 60).is_split);
    /* A single short context is one tile on each of four multiprocessors at full speed. */
    assert_near(equal_contexts(&shape, 1, 60).tiles, (1 + own) / 1.75, 1e-9);
}

/* Equal contexts are exact; spread ones come close to the schedule of contexts known one by one,
 * and what was seen before changes nothing. */
static void test_typical_contexts(void **state)
{
    (void)state;
    struct random_stream *random = random_create(6, "contexts");
    struct attention_memo memo = {0};
    const struct attention_shape shape = {.kv_heads = 8, .multiprocessors = 132};
    double played_sum = 0;
    double typical_sum = 0;
    for (int i = 0; i < 600; i++) {
        uint32_t contexts[64];
        struct attention_contexts sums = {.requests = 1 + random_below(random, 64)};
        uint32_t context = 200 + random_below(random, 12000);
        double spread = i % 2 == 0 ? 0 : random_uniform(random);
        for (uint32_t r = 0; r < sums.requests; r++) {
            contexts[r] = (uint32_t)(context * (1 + spread * (2 * random_uniform(random) - 1)));
            sums.tokens += contexts[r];
            sums.squares += (uint64_t)contexts[r] * contexts[r];
        }
        struct attention_time played = attention_schedule_tiles(&shape, contexts, sums.requests);
        struct attention_time fresh = attention_schedule_typical(&shape, &sums, NULL);
        struct attention_time recalled = attention_schedule_typical(&shape, &sums, &memo);
        assert_near(recalled.tiles, fresh.tiles, 0);
        assert_int_equal(recalled.is_split, fresh.is_split);
        if (spread == 0) {
            assert_near(fresh.tiles, played.tiles, 1e-9 * played.tiles);
            assert_int_equal(fresh.is_split, played.is_split);
        } else {
            played_sum += played.tiles;
            typical_sum += fresh.tiles;
        }
    }
    assert_near(typical_sum, played_sum, 0.03 * played_sum);
    attention_memo_clear(&memo);
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention_schedule),
        cmocka_unit_test(test_typical_contexts),
    };
    return cmocka_run_group_tests_name("attention_schedule", tests, NULL, NULL);
}
