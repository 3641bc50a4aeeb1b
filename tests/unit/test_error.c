#include "tests/unit/check.h"

#include "sim/base/error.h"

static void test_set_says_and_fails(void **state)
{
    (void)state;
    struct error error;
    assert_false(error_set(&error, "'%s' must be > 0, got %d", "rate_per_s", -1));
    assert_string_equal(error.message, "'rate_per_s' must be > 0, got -1");
}

static void test_places_come_in_front(void **state)
{
    (void)state;
    struct error error;
    error_set(&error, "'model' is missing");
    assert_false(error_add_place(&error, "line %d", 3));
    assert_false(error_add_place(&error, "%s", "run.json"));
    assert_string_equal(error.message, "run.json: line 3: 'model' is missing");
}

/* A message too long for its buffer is cut, never written beyond it. */
static void test_long_messages_are_cut(void **state)
{
    (void)state;
    struct {
        struct error error;
        char guard[8];
    } both = {.guard = "guard"};
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&both.error, "%s", text);
    error_add_place(&both.error, "%s", text);
    assert_true(strlen(both.error.message) < sizeof both.error.message);
    assert_string_equal(both.guard, "guard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_says_and_fails),
        cmocka_unit_test(test_places_come_in_front),
        cmocka_unit_test(test_long_messages_are_cut),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
