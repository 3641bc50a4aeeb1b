#include "sim/scenario/warning_list.h"

#include "tests/unit/check.h"

static void test_keeps_what_says_something(void **state)
{
    (void)state;
    struct warning_list list = {.count = 0};
    warning_list_add(&list, "%s", "");
    assert_int_equal(list.count, 0);
    warning_list_add(&list, "'%s' is cut to %d", "a", 5);
    warning_list_add(&list, "%s", "");
    warning_list_add(&list, "another");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.messages[0], "'a' is cut to 5");
    assert_string_equal(list.messages[1], "another");
}

static void test_is_bounded(void **state)
{
    (void)state;
    static struct {
        struct warning_list list;
        char guard[64];
    } box;
    char message[2 * WARNING_BYTES];
    memset(message, 'x', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    for (int i = 0; i < MAX_WARNINGS + 5; i++) {
        warning_list_add(&box.list, "%d %s", i, message);
    }
    assert_int_equal(box.list.count, MAX_WARNINGS);
    for (int i = 0; i < MAX_WARNINGS; i++) {
        assert_int_equal(strlen(box.list.messages[i]), WARNING_BYTES - 1);
        assert_int_equal(atoi(box.list.messages[i]), i); /* the first ones are kept */
    }
    assert_int_equal(box.guard[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_what_says_something),
        cmocka_unit_test(test_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
