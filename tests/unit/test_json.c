#include "tests/unit/check.h"

#include "sim/base/json.h"

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

static void test_json_wants_utf8(void **state)
{
    (void)state;
    struct json *document = NULL;
    struct error error;
    assert_false(json_parse("{\"a\": \"\xff\"}", "x.json", &document, &error));
    assert_contains(error.message, "x.json: expected UTF-8 text");
}

/* Seeds and settings come back as they were; a number without end is said to be one. */
static void test_json_keeps_digits(void **state)
{
    (void)state;
    struct error error;
    struct json *document = json_create_object();
    json_add_whole(document, "seed", UINT64_C(9007199254740991));
    json_add_setting(document, "rate", 0.1);
    json_add_setting(document, "third", 1.0 / 3);
    json_add_number(document, "nothing", 0.0 / 0.0);
    char *text = json_print(document);
    assert_contains(text, "9007199254740991");
    assert_contains(text, "\"rate\":\t0.1,");
    json_destroy(document);
    double third = 0;
    assert_true(json_parse(text, "x", &document, &error));
    assert_true(json_number(json_find(document, "third"), &third));
    assert_true(third == 1.0 / 3);
    assert_string_equal(json_type(json_find(document, "nothing")), "null");
    json_destroy(document);
    free(text);
    assert_true(json_parse("[1e999]", "x", &document, &error));
    assert_false(json_number(json_first(document), &third));
    assert_string_equal(json_type(json_first(document)), "a number that is too large");
    json_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_errors_name_the_line),
        cmocka_unit_test(test_json_wants_utf8),
        cmocka_unit_test(test_json_keeps_digits),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
