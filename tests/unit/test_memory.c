#include "tests/unit/check.h"

#include "sim/base/memory.h"

static void test_zeroed(void **state)
{
    (void)state;
    uint64_t *numbers = memory_zeroed(1000, sizeof numbers[0]);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(numbers[i], 0);
    }
    free(numbers);
    free(memory_zeroed(0, 8)); /* none is asked, and yet there is something to free */
}

/* What was there stays, room doubles, and enough room is left alone. */
static void test_grow_keeps_what_is_there(void **state)
{
    (void)state;
    uint32_t *numbers = NULL;
    size_t capacity = 0;
    uint32_t moves = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = capacity;
        numbers = memory_grow(numbers, &capacity, (size_t)i + 1, sizeof numbers[0]);
        assert_true(capacity > i);
        moves += capacity != before;
        numbers[i] = i;
    }
    for (uint32_t i = 0; i < 10000; i++) {
        assert_int_equal(numbers[i], i);
    }
    assert_true(moves < 16);
    free(numbers);
}

static void test_copy_text(void **state)
{
    (void)state;
    char text[] = "a request";
    char *copy = memory_copy_text(text);
    text[0] = 'b';
    assert_string_equal(copy, "a request");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed),
        cmocka_unit_test(test_grow_keeps_what_is_there),
        cmocka_unit_test(test_copy_text),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
