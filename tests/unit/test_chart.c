#include "sim/report/chart.h"

#include <math.h>

#include "tests/unit/check.h"
#include "tests/unit/read_again.h"

static char *read_all(const char *path)
{
    static char text[4096];
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    return text;
}

static void test_csv(void **state)
{
    (void)state;
    struct chart chart = {.series = NULL};
    struct error error;
    size_t first = chart_add_series(&chart, "a panel", "one, \"two\"\nthree");
    size_t second = chart_add_series(&chart, "", "other");
    chart_add_xy(&chart, second, 3, NAN);
    chart_add_point(&chart, first, (struct chart_point){0.1, 1e-9, -1, 1e20});
    const char *path = temporary_file("chart.csv", "");
    assert_true(chart_write_csv(&chart, NULL, path, &error));
    assert_string_equal(read_all(path), "panel,series,x,y,low,high\n"
                                        "a panel,one; 'two' three,0.1,1e-09,-1,1e+20\n"
                                        ",other,3,,,\n");
    chart_clear(&chart);
    unlink(path);
}

/* A label is cut between characters, not within one. */
static void test_long_labels(void **state)
{
    (void)state;
    struct chart chart = {.series = NULL};
    char text[2 * CHART_LABEL_BYTES + 2] = "x";
    for (size_t i = 0; i < CHART_LABEL_BYTES; i++) {
        strcat(text, "\xC3\xA9");
    }
    chart_add_series(&chart, "", text);
    assert_int_equal(strlen(chart.series[0].label) % 2, 1);
    assert_in_range(strlen(chart.series[0].label), CHART_LABEL_BYTES - 3, CHART_LABEL_BYTES - 1);
    chart_clear(&chart);
}

static void test_json(void **state)
{
    (void)state;
    struct chart chart = {.series = NULL};
    size_t plain = chart_add_series(&chart, "p", "plain");
    chart_add_xy(&chart, plain, 1, 2);
    size_t bounded = chart_add_series(&chart, "p", "bounded");
    chart_add_xy(&chart, bounded, 1, NAN);
    chart_add_point(&chart, bounded, (struct chart_point){2, 3, 2.5, 3.5});
    struct json *object = json_create_object();
    chart_add_json(&chart, object);
    object = read_again(object);
    const struct json *series = json_first(json_find(object, "series"));
    assert_string_equal(json_text(json_find(series, "label")), "plain");
    assert_null(json_find(series, "low"));
    series = json_next(series);
    assert_int_equal(json_child_count(json_find(series, "low")), 2);
    assert_string_equal(json_type(json_first(json_find(series, "y"))), "null");
    json_destroy(object);
    chart_clear(&chart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_long_labels),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
