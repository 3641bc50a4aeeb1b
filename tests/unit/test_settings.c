#include "tests/unit/check.h"

#include "sim/base/json.h"
#include "sim/base/settings.h"
#include "sim/base/units.h"

struct sample {
    uint32_t count;
    double ratio;
    bool flag;
    char kind[8];
    uint64_t seed;
};

static const struct setting_choice kinds[] = {{.name = "red"}, {.name = "blue"}, {.name = NULL}};

enum color { COLOR_RED = 3, COLOR_BLUE = 5 };

static const struct setting_choice colors[] = {
    {"red", COLOR_RED, "warm"}, {"blue", COLOR_BLUE, "cold"}, {.name = NULL}};
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
    {.name = "seed", .type = SETTING_SEED, SETTING_OF(sample, seed), .maximum = 9007199254740991},
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

static void test_settings_of_the_command_line(void **state)
{
    (void)state;
    struct sample sample = {.kind = "blue"};
    struct error error;
    static const char *const bad[][2] = {
        {"part.ratio=0x1", "--set: 'part.ratio' must be a number, got 0x1"},
        {"part.ratio=nan", "must be a number, got nan"},
        {"part.ratio=1.5", "must be a number from 0 to 1, got 1.5"},
        {"part.ratio", "expected KEY=VALUE"},
        {"seed=9007199254740993", "'seed' must be a whole number"},
        {"kind=\xff", "must be one of red, blue"},
        {"flag=1", "'flag' must be true or false, got 1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(settings_assign(sample_settings, bad[i][0], &sample, &error));
        assert_contains(error.message, bad[i][1]);
    }
}

struct first {
    uint64_t seed;
    int64_t wait_ps;
};

struct second {
    double ratio;
    uint32_t count;
};

static const struct setting first_table[] = {
    {.name = "seed", .type = SETTING_SEED, SETTING_OF(first, seed), .maximum = MAX_SEED},
    {.name = "part.wait_us",
     .type = SETTING_TIME,
     SETTING_OF(first, wait_ps),
     .maximum = 1000,
     .unit = "us"},
    {.name = NULL},
};

static const struct setting second_table[] = {
    {.name = "part.ratio", .type = SETTING_NUMBER, SETTING_OF(second, ratio), .maximum = 1},
    {.name = "part.count", .type = SETTING_WHOLE, SETTING_OF(second, count), .maximum = 9},
    {.name = NULL},
};

static void test_times_are_kept_in_picoseconds(void **state)
{
    (void)state;
    struct first first = {.seed = 0};
    struct error error;
    assert_true(settings_assign(first_table, "part.wait_us=0.65", &first, &error));
    assert_true(first.wait_ps == 650 * PS_PER_NS);
    char text[40];
    setting_print(&first_table[1], &first, text, sizeof text);
    assert_string_equal(text, "0.65");
    assert_false(settings_assign(first_table, "part.wait_us=1001", &first, &error));
    assert_string_equal(error.message,
                        "--set: 'part.wait_us' must be a number from 0 to 1000, got 1001");
}

static void test_parts_are_read_as_one(void **state)
{
    (void)state;
    struct first first = {.seed = 1};
    struct second second = {.count = 2};
    uint8_t given[MAX_SETTINGS] = {0};
    const struct settings_part parts[] = {
        {first_table, &first}, {second_table, &second}, {.table = NULL}};
    const struct settings_form form = {.parts = parts, .given = given, .level = 7};
    struct json *document = NULL;
    struct error error;
    assert_true(json_parse("{\"part\": {\"count\": 3, \"wait_us\": 5}}", "x", &document, &error));
    assert_true(settings_form_read(&form, document, "x", &error));
    json_destroy(document);
    assert_int_equal(second.count, 3);
    assert_true(first.wait_ps == 5 * PS_PER_US && first.seed == 1);
    assert_int_equal(given[0], 0);
    assert_int_equal(given[1], 7);
    assert_int_equal(given[3], 7);
    assert_int_equal(settings_position(parts, "part.ratio"), 2);
    assert_int_equal(settings_position(parts, "ratio"), MAX_SETTINGS);
    assert_false(settings_form_assign(&form, "part.cuont=1", &error));
    assert_string_equal(error.message,
                        "--set: unknown key 'part.cuont', did you mean 'part.count'?");
}

/* Echoed numbers have to read back as the same numbers, or a run could not be repeated. */
static void test_echo_keeps_every_digit(void **state)
{
    (void)state;
    struct first first = {.seed = UINT64_C(9007199254740991), .wait_ps = 123456789};
    struct second second = {.ratio = 0.1234567890123456789};
    struct json *echo = json_create_object();
    settings_echo(first_table, &first, echo);
    settings_echo(second_table, &second, echo);
    struct first first_again = {.seed = 0};
    struct second second_again = {.ratio = 0};
    const struct settings_part parts[] = {
        {first_table, &first_again}, {second_table, &second_again}, {.table = NULL}};
    const struct settings_form form = {.parts = parts};
    struct json *read = NULL;
    struct error error;
    char *text = json_print(echo);
    assert_true(json_parse(text, "echo", &read, &error));
    assert_true(settings_form_read(&form, read, "echo", &error));
    assert_true(first_again.seed == first.seed && first_again.wait_ps == first.wait_ps);
    assert_true(second_again.ratio == second.ratio);
    free(text);
    json_destroy(read);
    json_destroy(echo);
}

static void test_choices_are_enums(void **state)
{
    (void)state;
    const struct setting table[] = {
        {.name = "color", .type = SETTING_CHOICE, .bytes = sizeof(enum color), .choices = colors},
        {.name = NULL}};
    enum color color = COLOR_RED;
    char text[20];
    struct error error;
    assert_true(settings_assign(table, "color=blue", &color, &error));
    assert_int_equal(color, COLOR_BLUE);
    setting_print(table, &color, text, sizeof text);
    assert_string_equal(text, "blue");
    assert_false(settings_assign(table, "color=green", &color, &error));
    assert_contains(error.message, "'color' must be one of red, blue, got 'green'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_read_and_echo),
        cmocka_unit_test(test_settings_errors),
        cmocka_unit_test(test_settings_of_the_command_line),
        cmocka_unit_test(test_times_are_kept_in_picoseconds),
        cmocka_unit_test(test_parts_are_read_as_one),
        cmocka_unit_test(test_echo_keeps_every_digit),
        cmocka_unit_test(test_choices_are_enums),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
