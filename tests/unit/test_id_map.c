#include "tests/unit/check.h"

#include "traces/id_map.h"

static void test_numbers_by_appearance(void **state)
{
    (void)state;
    struct id_map map = {.slots = NULL};
    assert_int_equal(id_map_number(&map, UINT64_MAX), 0);
    assert_int_equal(id_map_number(&map, 0), 1);
    assert_int_equal(id_map_number(&map, UINT64_MAX - 1), 2);
    assert_int_equal(id_map_number(&map, UINT64_MAX), 0);
    assert_int_equal(id_map_number_text(&map, "a"), 3);
    assert_int_equal(id_map_number_text(&map, "b"), 4);
    assert_int_equal(id_map_number_text(&map, "a"), 3);
    id_map_clear(&map);
    assert_int_equal(map.count, 0);
}

/* Keys that count up, and keys that share their low bits. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct id_map map = {.slots = NULL};
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(id_map_number(&map, i), 2 * i);
            assert_int_equal(id_map_number(&map, ((uint64_t)i + 1) << 40), 2 * i + 1);
        }
    }
    assert_int_equal(map.count, 2 * COUNT);
    id_map_clear(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_by_appearance),
        cmocka_unit_test(test_many_keys),
    };
    return cmocka_run_group_tests_name("id_map", tests, NULL, NULL);
}
