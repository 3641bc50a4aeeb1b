#include "tests/unit/check.h"

#include "sim/base/json.h"
#include "sim/base/settings.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_read_and_echo),
        cmocka_unit_test(test_settings_errors),
        cmocka_unit_test(test_settings_of_the_command_line),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
