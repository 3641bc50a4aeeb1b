#include "tests/unit/check.h"

#include <stdbool.h>

#include "sim/base/random.h"
#include "sim/cluster/request_table.h"

/* No place is in use twice, and places are used again: there are never more than lived at once. */
static void test_places_are_used_again(void **state)
{
    (void)state;
    enum { MAX_ALIVE = 50 };
    struct request_table table = {0};
    struct random_stream *random = random_create(3, "places");
    uint32_t alive[MAX_ALIVE];
    bool used[MAX_ALIVE] = {false};
    uint32_t count = 0;
    for (int i = 0; i < 20000; i++) {
        if (count == 0 || (count < MAX_ALIVE && random_below(random, 2) == 0)) {
            uint32_t place = request_table_take(&table);
            assert_true(place < MAX_ALIVE && !used[place]);
            used[place] = true;
            alive[count++] = place;
        } else {
            uint32_t which = random_below(random, count);
            used[alive[which]] = false;
            request_table_give_back(&table, alive[which]);
            alive[which] = alive[--count];
        }
    }
    assert_true(table.count <= MAX_ALIVE);
    assert_int_equal(table.count - table.vacant_count, count);
    request_table_clear(&table);
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places_are_used_again)};
    return cmocka_run_group_tests_name("request_table", tests, NULL, NULL);
}
