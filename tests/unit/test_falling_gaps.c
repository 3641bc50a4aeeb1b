/* The largest gap since a token. */
#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/metrics/falling_gaps.h"

static void test_none(void **state)
{
    (void)state;
    struct falling_gaps gaps = {0};
    assert_int_equal(falling_gaps_largest(&gaps, 0), 0);
    falling_gaps_add(&gaps, 5, 100);
    assert_int_equal(falling_gaps_largest(&gaps, 4), 100);
    assert_int_equal(falling_gaps_largest(&gaps, 5), 0);
    falling_gaps_clear(&gaps);
}

/* Against a search of all. */
static void test_random_gaps(void **state)
{
    (void)state;
    enum { TOKENS = 500 };
    struct random_stream *random = random_create(8, "falling gaps");
    struct falling_gaps gaps = {0};
    int64_t all[TOKENS + 1] = {0};
    for (uint64_t token = 1; token <= TOKENS; token++) {
        all[token] = 1 + random_below(random, 1000);
        falling_gaps_add(&gaps, token, all[token]);
        uint64_t since = random_below(random, (uint32_t)token + 1);
        int64_t largest = 0;
        for (uint64_t later = since + 1; later <= token; later++) {
            largest = all[later] > largest ? all[later] : largest;
        }
        assert_int_equal(falling_gaps_largest(&gaps, since), largest);
    }
    falling_gaps_clear(&gaps);
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_random_gaps),
    };
    return cmocka_run_group_tests_name("falling gaps", tests, NULL, NULL);
}
