#include "sim/report/interval_report.h"

#include <math.h>

#include "sim/metrics/figure_table.h"
#include "tests/unit/check.h"
#include "tests/unit/read_again.h"

static const struct run_summary runs[3] = {
    {.makespan_s = 10, .requests.accuracy = NAN, .throughput.requests_per_s = 1.0 / 3},
    {.makespan_s = 12, .requests.accuracy = NAN, .throughput.requests_per_s = 0.5},
    {.makespan_s = 14, .requests.accuracy = NAN, .throughput.requests_per_s = 0.25}};
static const struct replication_set set = {.runs = runs, .count = 3, .first_seed = 40};

static char *print(void (*report)(const struct replication_set *set, FILE *stream))
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    assert_non_null(stream);
    report(&set, stream);
    fclose(stream);
    char *copy = strdup(text); /* GCC 12 takes the buffer for the variable that points to it */
    assert_non_null(copy);
    free(text);
    return copy;
}

static void test_json(void **state)
{
    (void)state;
    struct json *object = json_create_object();
    double mean = 0;
    double low = 0;
    double high = 0;
    interval_report_json(&set, object);
    object = read_again(object);
    const struct json *makespan = json_find(object, "makespan_s");
    assert_non_null(makespan);
    assert_true(json_number(json_find(makespan, "mean"), &mean));
    assert_true(json_number(json_find(makespan, "low"), &low));
    assert_true(json_number(json_find(makespan, "high"), &high));
    assert_near(mean, 12, 1e-9);
    assert_near(high, 12 + 4.302653 * 2 * sqrt(4.0 / 3), 1e-3); /* t of 2 degrees of freedom */
    assert_near(low, fmax(0, 24 - high), 1e-3);
    assert_null(json_find(object, "price"));
    json_destroy(object);
}

/* As many cells in each row as in the header; numbers read again are the same. */
static void test_csv(void **state)
{
    (void)state;
    char *text = print(interval_report_csv);
    size_t commas[4] = {0};
    size_t rows = 0;
    size_t accuracy = 0;
    size_t rate = 0;
    for (const char *at = text; *at != '\0' && rows < 4; at++) {
        commas[rows] += *at == ',';
        rows += *at == '\n';
    }
    assert_int_equal(rows, 4);
    size_t column = 1;
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        accuracy = strcmp(figure->key, "accuracy") == 0 ? column : accuracy;
        rate = strcmp(figure->key, "throughput.requests_per_s") == 0 ? column : rate;
        column += figure->type != FIGURE_EXACT;
    }
    assert_true(accuracy > 0 && rate > 0);
    for (int row = 0; row < 4; row++) {
        assert_int_equal(commas[row], column - 1);
    }
    const char *line = strchr(text, '\n') + 1;
    assert_int_equal(atoi(line), 40); /* the first seed */
    for (size_t i = 1; i <= rate; i++) {
        line = strchr(line, ',') + 1;
        assert_true(i != accuracy || *line == ','); /* not known: empty */
    }
    assert_true(strtod(line, NULL) <= 1.0 / 3 && strtod(line, NULL) >= 1.0 / 3);
    free(text);
}

static void test_table(void **state)
{
    (void)state;
    char *text = print(interval_report_table);
    assert_contains(text, "95 % prediction interval, 3 replications");
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (figure->is_main) {
            assert_contains(text, figure->label);
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
