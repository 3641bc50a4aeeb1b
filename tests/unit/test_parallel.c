#include "tests/unit/check.h"

#include <stdatomic.h>

#include "sim/base/parallel.h"

enum { PIECES = 1000 };

struct ledger {
    atomic_uint times[PIECES];
    uint32_t first_bad; /* this piece and all after it fail */
};

static bool note(void *context, uint32_t index, struct error *error)
{
    struct ledger *ledger = context;
    atomic_fetch_add(&ledger->times[index], 1);
    return index < ledger->first_bad || error_set(error, "piece %u", index);
}

static void test_every_piece_is_done_once(void **state)
{
    (void)state;
    const uint32_t jobs[] = {0, 1, 2, 7, 100000};
    for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++) {
        static struct ledger ledger;
        struct error error;
        memset(&ledger, 0, sizeof ledger);
        ledger.first_bad = UINT32_MAX;
        assert_true(parallel_for(PIECES, jobs[j], note, &ledger, &error));
        for (uint32_t i = 0; i < PIECES; i++) {
            assert_int_equal(ledger.times[i], 1);
        }
    }
}

/* Whatever the threads' order, the error is that of the lowest index. */
static void test_the_first_failure_is_told(void **state)
{
    (void)state;
    for (int trial = 0; trial < 50; trial++) {
        static struct ledger ledger;
        struct error error;
        memset(&ledger, 0, sizeof ledger);
        ledger.first_bad = 17;
        assert_false(parallel_for(PIECES, 8, note, &ledger, &error));
        assert_string_equal(error.message, "piece 17");
        assert_int_equal(ledger.times[PIECES - 1], 0);
    }
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    struct error error;
    assert_true(parallel_for(0, 0, note, NULL, &error));
    assert_true(parallel_cores() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_piece_is_done_once),
        cmocka_unit_test(test_the_first_failure_is_told),
        cmocka_unit_test(test_nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
