#include "tests/unit/check.h"

#include <math.h>

#include "sim/metrics/figure_interval.h"
#include "sim/metrics/figure_table.h"
#include "sim/report/figure_report.h"
#include "sim/report/interval_report.h"

/* Each figure can be set and read back, and is no other one's: no two share a place. */
static void test_figures_are_apart(void **state)
{
    (void)state;
    struct run_summary summary;
    memset(&summary, 0, sizeof summary);
    double value = 1;
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        figure_set(figure, &summary, value++);
    }
    value = 1;
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++, value++) {
        if (figure->type == FIGURE_EXACT) {
            assert_true(isnan(figure_value(figure, &summary)));
        } else {
            assert_near(figure_value(figure, &summary), value, 0);
        }
    }
}

static void test_rows_are_complete(void **state)
{
    (void)state;
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        const struct figure *found = NULL;
        struct error error;
        assert_true(figure_find(figure->key, &found, &error));
        assert_ptr_equal(found, figure); /* no key stands twice */
        assert_non_null(figure->label);
        assert_true(strlen(figure->help) > 8);
        assert_int_equal(figure->help[strlen(figure->help) - 1], '.');
    }
    assert_true(figure_table_count() > 70);
}

static void test_counts_are_rounded(void **state)
{
    (void)state;
    struct run_summary summary;
    struct error error;
    const struct figure *figure = NULL;
    memset(&summary, 0, sizeof summary);
    assert_true(figure_find("preemptions", &figure, &error));
    figure_set(figure, &summary, 2.5);
    assert_int_equal(summary.preemption.preemptions, 3);
    figure_set(figure, &summary, NAN);
    assert_int_equal(summary.preemption.preemptions, 0);
    assert_true(figure_find("running.peak", &figure, &error));
    figure_set(figure, &summary, 1e12);
    assert_int_equal(summary.timeline.running_peak, UINT32_MAX);
}

static void test_names_of_goals(void **state)
{
    (void)state;
    const struct figure *figure = NULL;
    struct error error;
    assert_true(figure_find("gpus", &figure, &error));
    assert_string_equal(figure->key, "price.gpus");
    assert_true(figure_find("usd", &figure, &error));
    assert_string_equal(figure->key, "price.usd_per_hour");
    assert_false(figure_find("ttft_s.p98", &figure, &error));
    assert_contains(error.message, "'ttft_s.p98'");
    assert_contains(error.message, "did you mean 'ttft_s.p9");
}

/* sim/metrics/METRICS.md holds the table as it is generated. On a difference,
 * KVCAST_PRINT_FIGURES=1 of this test prints what belongs there. */
static void test_the_page_holds_the_table(void **state)
{
    (void)state;
    char *table = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&table, &length);
    figure_report_markdown(stream);
    fclose(stream);
    if (getenv("KVCAST_PRINT_FIGURES") != NULL) {
        fputs(table, stderr);
    }
    static char page[1 << 16];
    FILE *file = fopen(source_path("sim/metrics/METRICS.md"), "r");
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    fclose(file);
    if (strstr(page, table) == NULL) {
        fail_msg("sim/metrics/METRICS.md lacks the table of figures as it is now");
    }
    free(table);
}

static void test_means_and_intervals(void **state)
{
    (void)state;
    struct run_summary runs[3];
    const struct figure *figure = NULL;
    struct error error;
    memset(runs, 0, sizeof runs);
    for (uint32_t i = 0; i < 3; i++) {
        runs[i].makespan_s = 10 + i;
        runs[i].preemption.preemptions = 2 * i + 1;
        runs[i].latency.percentiles_are_exact = i > 0;
        runs[i].requests.accuracy = i == 2 ? NAN : 0.5;
    }
    struct run_summary means = figure_means(runs, 3);
    assert_near(means.makespan_s, 11, 1e-12);
    assert_int_equal(means.preemption.preemptions, 3);
    assert_near(means.requests.accuracy, 0.5, 0);
    assert_false(means.latency.percentiles_are_exact);
    assert_true(figure_find("makespan_s", &figure, &error));
    struct interval interval = figure_interval(figure, runs, 3, 0.95);
    assert_near(interval.mean, 11, 1e-12);
    assert_near(interval.high - 11, 4.302652729911275 * sqrt(4.0 / 3), 1e-6); /* t of 2 degrees */
    assert_true(figure_any_varies(runs, 3));
    assert_false(figure_any_varies(runs, 1));
    runs[1] = runs[0];
    assert_false(figure_any_varies(runs, 2));
}

/* One run in forty far above the rest: its mean is above the quantile, and still in the interval.
 */
static void test_an_interval_holds_its_mean(void **state)
{
    (void)state;
    static struct run_summary runs[60];
    const struct figure *figure = NULL;
    struct error error;
    for (uint32_t i = 0; i < 60; i++) {
        runs[i].makespan_s = i == 7 ? 6000 : 1 + 0.001 * i;
    }
    assert_true(figure_find("makespan_s", &figure, &error));
    struct interval interval = figure_interval(figure, runs, 60, 0.95);
    assert_true(interval.low <= interval.mean && interval.mean <= interval.high);
    assert_true(interval.low > 0.9);
}

static void test_replications_as_csv_and_json(void **state)
{
    (void)state;
    static struct run_summary runs[2];
    runs[0].makespan_s = 1.25;
    runs[1].makespan_s = 3;
    runs[1].requests.accuracy = NAN;
    const struct replication_set set = {runs, 2, 41};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    interval_report_csv(&set, stream);
    interval_report_table(&set, stream);
    fclose(stream);
    assert_contains(text, "seed,requests.total,");
    assert_contains(text, "\n41,0,0,");
    assert_contains(text, ",1.25,");
    assert_contains(text, "\n42,0,0,");
    assert_contains(text, "2 replications");
    free(text);
    struct json *written = json_create_object();
    struct json *object = NULL;
    struct error error;
    interval_report_json(&set, written);
    char *printed = json_print(written);
    assert_true(json_parse(printed, "intervals", &object, &error));
    double mean = 0;
    assert_true(json_number(json_find(json_find(object, "makespan_s"), "mean"), &mean));
    assert_near(mean, 2.125, 1e-12);
    assert_true(json_is_object(json_find(json_find(object, "ttft_s"), "p99")));
    assert_null(json_find(object, "percentiles_of_requests")); /* a text has no interval */
    json_destroy(object);
    json_destroy(written);
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_are_apart),
        cmocka_unit_test(test_rows_are_complete),
        cmocka_unit_test(test_counts_are_rounded),
        cmocka_unit_test(test_names_of_goals),
        cmocka_unit_test(test_the_page_holds_the_table),
        cmocka_unit_test(test_means_and_intervals),
        cmocka_unit_test(test_an_interval_holds_its_mean),
        cmocka_unit_test(test_replications_as_csv_and_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
