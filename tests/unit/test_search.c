#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/random.h"
#include "sim/experiments/search.h"

enum { TRIES = 64 };

struct response {
    double misses[TRIES];
    uint32_t asked[TRIES];
};

static double answer(void *context, uint32_t index)
{
    struct response *response = context;
    response->asked[index]++;
    return response->misses[index];
}

static struct search_result look(struct response *response, uint32_t count, uint32_t start)
{
    memset(response->asked, 0, sizeof response->asked);
    const struct search search = {
        .try = answer, .context = response, .count = count, .start = start};
    struct search_result result = search_first(&search);
    uint32_t asked = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert_true(response->asked[i] <= 1);
        asked += response->asked[i];
    }
    assert_int_equal(asked, result.tried);
    return result;
}

/* Where misses fall, the first success is found from any start, in few tries. */
static void test_falling(void **state)
{
    (void)state;
    struct response response;
    for (uint32_t first = 0; first < TRIES; first++) {
        for (uint32_t i = 0; i < TRIES; i++) {
            response.misses[i] = i < first ? 1.0 + first - i : 0.9;
        }
        for (uint32_t start = 0; start < TRIES; start += 7) {
            struct search_result result = look(&response, TRIES, start);
            assert_true(result.found && result.is_monotone);
            assert_int_equal(result.index, first);
            assert_true(result.tried <= 14);
        }
    }
}

static void test_nothing_succeeds(void **state)
{
    (void)state;
    struct response response;
    for (uint32_t i = 0; i < TRIES; i++) {
        response.misses[i] = 3 - 0.01 * i;
    }
    struct search_result result = look(&response, TRIES, 0);
    assert_false(result.found);
    assert_true(result.is_monotone);
    assert_int_equal(result.index, TRIES - 1);
    assert_true(result.tried <= 8);
    result = look(&response, 1, 0);
    assert_false(result.found);
    response.misses[0] = INFINITY; /* what cannot run */
    result = look(&response, 1, 0);
    assert_false(result.found);
}

/* One success, misses that rise again behind it: all are tried, and it is found. Too near the end
 * for the rise to be seen, it would be missed. */
static void test_an_island(void **state)
{
    (void)state;
    struct response response;
    for (uint32_t island = 0; island < 11; island++) {
        for (uint32_t i = 0; i < 16; i++) {
            response.misses[i] = i == island ? 0.8 : 1.5 + fabs((double)i - island);
        }
        struct search_result result = look(&response, 16, 0);
        assert_true(result.found);
        assert_int_equal(result.index, island);
    }
}

/* On random responses: what is found succeeds; where the response was seen not to be monotone, it
 * is the very first. */
static void test_random_responses(void **state)
{
    (void)state;
    struct random_stream *random = random_create(11, "responses");
    for (int trial = 0; trial < 2000; trial++) {
        struct response response;
        uint32_t count = 1 + random_below(random, TRIES);
        uint32_t first = count;
        for (uint32_t i = 0; i < count; i++) {
            response.misses[i] = 3 * random_uniform(random);
            first = first == count && response.misses[i] < 1 ? i : first;
        }
        struct search_result result = look(&response, count, random_below(random, count));
        if (result.found) {
            assert_true(response.misses[result.index] < 1);
        }
        if (!result.is_monotone) {
            assert_int_equal(result.found, first < count);
            assert_true(!result.found || result.index == first);
        }
    }
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_falling),
        cmocka_unit_test(test_nothing_succeeds),
        cmocka_unit_test(test_an_island),
        cmocka_unit_test(test_random_responses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
