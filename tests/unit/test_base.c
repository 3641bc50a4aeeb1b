#include "tests/unit/check.h"

#include <math.h>
#include <sys/stat.h>

#include "sim/base/csv.h"
#include "sim/base/distribution.h"
#include "sim/base/embedded.h"
#include "sim/base/json.h"
#include "sim/base/output_file.h"
#include "sim/base/random.h"
#include "sim/base/settings.h"
#include "sim/base/text.h"

/* Files of a folder come one after another, those of others do not. */
static void test_embedded_files_of_a_folder(void **state)
{
    (void)state;
    uint32_t calibrations = 0;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next("calibration/", file)) != NULL) {
        assert_true(text_starts_with(file->path, "calibration/"));
        assert_ptr_equal(embedded_find(file->path), file->text);
        calibrations++;
    }
    assert_true(calibrations > 1);
    assert_null(embedded_next("no such folder/", NULL));
}

static void test_nearest_name(void **state)
{
    (void)state;
    static const char *const names[] = {"max_batch_tokens", "max_batch_requests", "seed", NULL};
    assert_string_equal(text_nearest("max_batch_token", names), "max_batch_tokens");
    assert_string_equal(text_nearest("sed", names), "seed");
    assert_null(text_nearest("zzzz", names));
}

static void test_strict_numbers(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "x", "1x", "nan", "inf", "1e999", " ", "0x"};
    double value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_to_double(bad[i], &value));
    }
    assert_near(value, 7, 0);
    assert_true(text_to_double("-2.5e3", &value));
    assert_near(value, -2500, 0);
    assert_false(text_to_whole("1.5", 10, &value));
    assert_false(text_to_whole("11", 10, &value));
    assert_true(text_to_whole("10", 10, &value));
}

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

struct sample {
    uint32_t count;
    double ratio;
    bool flag;
    char kind[8];
    uint64_t seed;
};

static const char *const kinds[] = {"red", "blue", NULL};
static const struct setting sample_settings[] = {
    {.name = "part.count",
     .type = SETTING_WHOLE,
     SETTING_OF(sample, count),
     .minimum = 1,
     .maximum = 9,
     .required = true},
    {.name = "part.ratio", .type = SETTING_NUMBER, SETTING_OF(sample, ratio), .maximum = 1},
    {.name = "flag", .type = SETTING_BOOL, SETTING_OF(sample, flag)},
    {.name = "kind", .type = SETTING_TEXT, SETTING_OF(sample, kind), .choices = kinds},
    {.name = "seed", .type = SETTING_SEED, SETTING_OF(sample, seed), .maximum = 9007199254740992},
    {.name = NULL},
};

static bool read_sample(const char *text, struct sample *sample, struct error *error)
{
    struct json *document = NULL;
    bool ok = json_parse(text, "s.json", &document, error) &&
              settings_read(sample_settings, document, "s.json", sample, error);
    json_destroy(document);
    return ok;
}

static void test_settings_read_and_echo(void **state)
{
    (void)state;
    struct sample sample = {.kind = "blue"};
    struct error error;
    assert_true(
        read_sample("{\"part\": {\"count\": 3, \"ratio\": 0.5}, \"flag\": true}", &sample, &error));
    assert_int_equal(sample.count, 3);
    assert_true(sample.flag);
    assert_true(settings_assign(sample_settings, "seed=9007199254740991", &sample, &error));
    assert_true(sample.seed == UINT64_C(9007199254740991));
    struct json *echo = json_create_object();
    settings_echo(sample_settings, &sample, echo);
    char *text = json_print(echo);
    struct sample again = {.count = 0};
    assert_true(read_sample(text, &again, &error));
    free(text);
    json_destroy(echo);
    assert_int_equal(again.count, 3);
    assert_near(again.ratio, 0.5, 0);
    assert_string_equal(again.kind, "blue");
}

static void expect_settings_error(const char *text, const char *part)
{
    struct sample sample = {.kind = "blue"};
    struct error error = {""};
    assert_false(read_sample(text, &sample, &error));
    assert_contains(error.message, part);
}

static void test_settings_errors(void **state)
{
    (void)state;
    expect_settings_error("{\"part\": {\"cuont\": 3}}",
                          "unknown key 'part.cuont', did you mean 'part.count'?");
    expect_settings_error("{\"part\": {\"count\": 0}}",
                          "'part.count' must be a whole number from 1 to 9, got 0");
    expect_settings_error("{\"part\": {\"count\": 2.5}}", "whole number");
    expect_settings_error("{\"part\": {\"count\": \"3\"}}",
                          "'part.count' must be a number, got text");
    expect_settings_error("{\"part\": 3}", "'part' must be an object, got number");
    expect_settings_error("{\"flag\": true}", "key 'part.count' is missing");
    expect_settings_error("{\"kind\": \"bleu\"}", "'kind' must be one of red, blue, got 'bleu'");
    expect_settings_error("{\"kind\": \"red\", \"kind\": \"red\"}", "'kind' stands twice");
    expect_settings_error("[1]", "expected an object, got array");
}

static void test_output_file_appears_whole(void **state)
{
    (void)state;
    struct output_file file = {0};
    struct error error;
    char path[1200];
    const char *folder = "/tmp";
    snprintf(path, sizeof path, "kvcast-test-%ld-out.txt", (long)getpid());
    assert_true(output_file_open(&file, folder, path, &error));
    assert_int_not_equal(access(file.path, F_OK), 0);
    fputs("x", file.stream);
    assert_true(output_file_commit(&file, &error));
    assert_int_equal(access(file.path, F_OK), 0);
    unlink(file.path);
    assert_true(output_file_open(&file, folder, path, &error));
    output_file_discard(&file);
    assert_int_not_equal(access(file.path, F_OK), 0);
    assert_int_not_equal(access(file.temporary_path, F_OK), 0);
    assert_false(output_file_open(&file, "/nonexistent", "x", &error));
    assert_contains(error.message, "cannot write");
}

static void test_random_streams_are_named(void **state)
{
    (void)state;
    struct random_stream *a = random_create(5, "arrivals");
    struct random_stream *b = random_create(5, "arrivals");
    struct random_stream *c = random_create(5, "lengths");
    double first = random_uniform(a);
    assert_near(first, random_uniform(b), 0);
    assert_true(fabs(first - random_uniform(c)) > 1e-12);
    random_destroy(a);
    random_destroy(b);
    random_destroy(c);
}

static void test_distributions_invert(void **state)
{
    (void)state;
    for (int family = DISTRIBUTION_LOGNORMAL; family <= DISTRIBUTION_WEIBULL; family++) {
        for (double p = 0.05; p < 1; p += 0.1) {
            double value = distribution_quantile((enum distribution_family)family, 1.3, 0.7, p);
            assert_near(distribution_cumulative((enum distribution_family)family, 1.3, 0.7, value),
                        p, 1e-9);
        }
    }
}

static void test_counter_based_normals(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    uint64_t key = random_key(3, "noise");
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        double value = random_normal_at(key, i);
        sum += value;
        squares += value * value;
    }
    assert_near(sum / COUNT, 0, 0.03);
    assert_near(squares / COUNT, 1, 0.04);
    assert_near(random_normal_at(key, 7), random_normal_at(key, 7), 0);
    assert_true(random_key(3, "noise") != random_key(4, "noise"));
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
        cmocka_unit_test(test_csv_writer),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_strict_numbers),
        cmocka_unit_test(test_csv_errors_name_the_place),
        cmocka_unit_test(test_csv_reads_quotes_and_crlf),
        cmocka_unit_test(test_json_errors_name_the_line),
        cmocka_unit_test(test_settings_read_and_echo),
        cmocka_unit_test(test_settings_errors),
        cmocka_unit_test(test_output_file_appears_whole),
        cmocka_unit_test(test_random_streams_are_named),
        cmocka_unit_test(test_distributions_invert),
        cmocka_unit_test(test_counter_based_normals),
        cmocka_unit_test(test_embedded_files_of_a_folder),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
