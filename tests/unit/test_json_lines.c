#include "tests/unit/check.h"

#include <math.h>
#include <zlib.h>

#include "sim/base/json_lines.h"

static const char *const CONTENT = "{\"a\": 1}\n\n{\"a\": 2.5}\n{\"a\": \"x\"}\n";

static void read_three(const char *path)
{
    struct json_lines lines;
    struct json *object = NULL;
    struct error error;
    double value = 0;
    assert_true(json_lines_open(&lines, path, &error));
    assert_true(json_lines_next(&lines, &object, &error));
    assert_true(json_lines_number(&lines, object, "a", 10, &value, &error));
    assert_near(value, 1, 0);
    json_destroy(object);
    assert_true(json_lines_next(&lines, &object, &error));
    assert_false(json_lines_number(&lines, object, "a", 2, &value, &error));
    assert_contains(error.message, ":3: ");
    json_destroy(object);
    assert_true(json_lines_next(&lines, &object, &error));
    assert_false(json_lines_number(&lines, object, "a", 10, &value, &error));
    assert_contains(error.message, ":4: ");
    json_destroy(object);
    assert_true(json_lines_next(&lines, &object, &error));
    assert_null(object);
    json_lines_close(&lines);
}

static void test_plain_and_gzipped(void **state)
{
    (void)state;
    const char *path = temporary_file("lines.jsonl", CONTENT);
    read_three(path);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_true(gzputs(file, CONTENT) > 0);
    gzclose(file);
    read_three(path);
    unlink(path);
}

static void test_broken_line_is_named(void **state)
{
    (void)state;
    struct json_lines lines;
    struct json *object = NULL;
    struct error error;
    const char *path = temporary_file("broken.jsonl", "{\"a\": 1}\n{\"a\": \n");
    assert_true(json_lines_open(&lines, path, &error));
    assert_true(json_lines_next(&lines, &object, &error));
    json_destroy(object);
    assert_false(json_lines_next(&lines, &object, &error));
    assert_contains(error.message, ":2: ");
    json_lines_close(&lines);
    unlink(path);
}

static void test_missing_file(void **state)
{
    (void)state;
    struct json_lines lines;
    struct error error;
    assert_false(json_lines_open(&lines, "/nonexistent.jsonl", &error));
    assert_contains(error.message, "/nonexistent.jsonl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_gzipped),
        cmocka_unit_test(test_broken_line_is_named),
        cmocka_unit_test(test_missing_file),
    };
    return cmocka_run_group_tests_name("json_lines", tests, NULL, NULL);
}
