#include "tests/unit/check.h"

#include "sim/base/settings.h"

static void test_json_errors_name_the_line(void **state)
{
    (void)state;
    struct json *document = NULL;
    struct error error;
    assert_false(json_parse("{\n \"a\": 1,\n oops\n}", "x.json", &document, &error));
    assert_contains(error.message, "x.json:3: malformed JSON near");
    assert_false(json_read_file("/nonexistent/x.json", &document, &error));
    assert_contains(error.message, "/nonexistent/x.json: cannot read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_errors_name_the_line),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
