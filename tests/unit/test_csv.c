#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/csv.h"

static void expect_csv_error(const char *content, const char *part)
{
    struct csv_reader reader;
    struct error error = {""};
    static const char *const columns[] = {"a", "b", NULL};
    bool more = true;
    double number = 0;
    uint32_t whole = 0;
    const char *path = temporary_file("table.csv", content);
    bool ok = csv_open(&reader, path, columns, &error);
    while (ok && more) {
        ok = csv_next(&reader, &more, &error) &&
             (!more || (csv_double(&reader, 0, 0, 10, &number, &error) &&
                        csv_whole(&reader, 1, 1, &whole, &error)));
    }
    csv_close(&reader);
    unlink(path);
    assert_false(ok);
    assert_contains(error.message, part);
}

static void test_csv_errors_name_the_place(void **state)
{
    (void)state;
    expect_csv_error("", "table.csv:1: expected a header line");
    expect_csv_error("a,c\n", "unknown column 'c'");
    expect_csv_error("a,b\n1,1\nnan,1\n",
                     "table.csv:3: 'a' must be a number from 0 to 10, found 'nan'");
    expect_csv_error("a,b\n11,1\n", "table.csv:2: 'a'");
    expect_csv_error("a,b\n1,99999999999\n", "'b' must be a whole number from 1 to 4294967295");
    expect_csv_error("a,b\n1\n", "table.csv:2: expected 2 fields, found 1");
    expect_csv_error("a,b\n\"1,1\n", "a quote is not closed");
    expect_csv_error("a,b\n\"1\"x,1\n", "table.csv:2: text behind a closing quote");
    expect_csv_error("a,b,a\n1,1,1\n", "table.csv:1: column 'a' stands twice");
    expect_csv_error("a,b\n1,1\n\xff,1\n", "table.csv:3: expected UTF-8 text");
    expect_csv_error("\xef\xbb\xbf\n1,1\n", "table.csv:1: expected a header line, found nothing");
}

static void test_csv_reads_quotes_and_crlf(void **state)
{
    (void)state;
    struct csv_reader reader;
    struct error error;
    bool more = false;
    const char *path = temporary_file("quoted.csv", "a,b\r\n\"x,\"\"y\"\"\",2\r\n\n");
    assert_true(csv_open(&reader, path, NULL, &error));
    assert_true(csv_next(&reader, &more, &error));
    assert_true(more);
    assert_string_equal(reader.fields[0], "x,\"y\"");
    assert_string_equal(reader.fields[1], "2");
    assert_true(csv_next(&reader, &more, &error));
    assert_false(more);
    csv_close(&reader);
    unlink(path);
}

/* A zero byte would hide what stands behind it. */
static void test_csv_refuses_zero_bytes(void **state)
{
    (void)state;
    struct csv_reader reader;
    struct error error;
    bool more = false;
    const char *path = temporary_file("zero.csv", "");
    FILE *stream = fopen(path, "w");
    fwrite("a,b\n1\0 9,2\n", 1, 12, stream);
    fclose(stream);
    assert_true(csv_open(&reader, path, NULL, &error));
    assert_false(csv_next(&reader, &more, &error));
    assert_contains(error.message, "zero.csv:2: not a text file (it holds a zero byte)");
    csv_close(&reader);
    unlink(path);
}

static void test_csv_skips_a_byte_order_mark(void **state)
{
    (void)state;
    static const char *const columns[] = {"a", "b", NULL};
    static const char *const contents[] = {"\xef\xbb\xbf"
                                           "a,b\n1,2\n",
                                           "\xef\xbb\xbf\"a\",\"b\"\r\n1,2\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct csv_reader reader;
        struct error error;
        bool more = false;
        const char *path = temporary_file("mark.csv", contents[i]);
        assert_true(csv_open(&reader, path, columns, &error));
        assert_true(csv_next(&reader, &more, &error) && more);
        assert_string_equal(reader.fields[1], "2");
        csv_close(&reader);
        unlink(path);
    }
}

/* Rows of other tools are longer than a terminal line. */
static void test_csv_reads_long_lines(void **state)
{
    (void)state;
    enum { LENGTH = 300000 };
    static char content[LENGTH + 16];
    struct csv_reader reader;
    struct error error;
    bool more = false;
    memcpy(content, "a,b\n", 4);
    memset(content + 4, 'x', LENGTH);
    strcpy(content + 4 + LENGTH, ",2\n");
    const char *path = temporary_file("long.csv", content);
    assert_true(csv_open(&reader, path, NULL, &error));
    assert_true(csv_next(&reader, &more, &error) && more);
    assert_int_equal(strlen(reader.fields[0]), LENGTH);
    assert_near(csv_progress(&reader), 1, 0.01);
    csv_close(&reader);
    unlink(path);
}

/* What the writer writes, the reader reads. */
static void test_csv_quotes_what_it_must(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain", "a,b", "say \"x\"", "\"", ",", ""};
    enum { TEXTS = sizeof texts / sizeof texts[0] };
    static struct csv_writer writer;
    struct csv_reader reader;
    struct error error;
    bool more = false;
    const char *path = temporary_file("written.csv", "");
    FILE *stream = fopen(path, "w");
    csv_writer_init(&writer, stream);
    for (int row = 0; row < 2; row++) {
        for (size_t i = 0; i < TEXTS; i++) {
            csv_write_text(&writer,
                           row == 0 ? (const char *[]){"a", "b", "c", "d", "e", "f"}[i] : texts[i]);
        }
        csv_end_row(&writer);
    }
    csv_writer_flush(&writer);
    fclose(stream);
    assert_true(csv_open(&reader, path, NULL, &error));
    assert_true(csv_next(&reader, &more, &error) && more);
    for (size_t i = 0; i < TEXTS; i++) {
        assert_string_equal(reader.fields[i], texts[i]);
    }
    csv_close(&reader);
    unlink(path);
}

static void test_csv_writer(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    static struct csv_writer writer;
    csv_writer_init(&writer, stream);
    csv_write_decimal(&writer, NAN, 3);
    csv_write_whole(&writer, 0);
    csv_write_whole(&writer, UINT64_MAX);
    csv_write_text(&writer, "a b");
    csv_end_row(&writer);
    csv_write_decimal(&writer, 12.3456, 3);
    csv_write_decimal(&writer, 0.9999999, 6);
    csv_write_decimal(&writer, -0.05, 1);
    csv_write_decimal(&writer, -0.01, 1);
    csv_write_decimal(&writer, 7, 0);
    csv_end_row(&writer);
    csv_writer_flush(&writer);
    fflush(stream);
    assert_string_equal(text, ",0,18446744073709551615,a b\n12.346,1.000000,-0.1,0.0,7\n");
    for (uint32_t i = 0; i < 50000; i++) { /* more than the writer holds */
        csv_write_whole(&writer, i);
        csv_end_row(&writer);
    }
    csv_writer_flush(&writer);
    fclose(stream);
    assert_string_equal(text + length - 6, "49999\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_errors_name_the_place),
        cmocka_unit_test(test_csv_reads_quotes_and_crlf),
        cmocka_unit_test(test_csv_refuses_zero_bytes),
        cmocka_unit_test(test_csv_skips_a_byte_order_mark),
        cmocka_unit_test(test_csv_reads_long_lines),
        cmocka_unit_test(test_csv_quotes_what_it_must),
        cmocka_unit_test(test_csv_writer),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
