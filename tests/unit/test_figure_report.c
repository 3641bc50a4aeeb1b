#include "sim/report/figure_report.h"

#include "tests/unit/check.h"
#include "tests/unit/read_again.h"

static const struct run_summary summary = {.makespan_s = 12.5,
                                           .requests = {.total = 7, .finished = 6},
                                           .latency = {.ttft_s = {.mean = 0.25, .count = 6}},
                                           .price = {.gpus = 2, .usd_low = 1.5}};

static double number(const struct json *object, const char *group, const char *name)
{
    double value = -1;
    const struct json *inner = group != NULL ? json_find(object, group) : object;
    assert_non_null(inner);
    const struct json *item = json_find(inner, name);
    assert_true(item != NULL && json_number(item, &value));
    return value;
}

static void test_results_and_price(void **state)
{
    (void)state;
    struct percentile_list percentiles;
    struct error error;
    assert_true(percentile_list_parse("50,99", &percentiles, &error));
    struct json *results = json_create_object();
    struct json *price = json_create_object();
    figure_report_results(&summary, &percentiles, results);
    figure_report_price(&summary, price);
    results = read_again(results);
    price = read_again(price);
    assert_near(number(results, NULL, "makespan_s"), 12.5, 1e-12);
    assert_near(number(results, "requests", "finished"), 6, 1e-12);
    assert_near(number(results, "ttft_s", "mean"), 0.25, 1e-12);
    assert_null(json_find(results, "price"));
    assert_near(number(price, NULL, "gpus"), 2, 1e-12);
    assert_near(number(price, NULL, "usd_low"), 1.5, 1e-12);
    assert_null(json_find(price, "makespan_s"));
    size_t groups = 0; /* each stands once */
    for (const struct json *item = json_first(results); item != NULL; item = json_next(item)) {
        assert_ptr_equal(json_find(results, json_name(item)), item);
        groups++;
    }
    assert_true(groups > 5);
    json_destroy(results);
    json_destroy(price);
}

static void test_nest(void **state)
{
    (void)state;
    struct json *object = json_create_object();
    struct figure_nest nest = {.object = object};
    const char *name = NULL;
    assert_ptr_equal(figure_nest_enter(&nest, "alone", &name), object);
    assert_string_equal(name, "alone");
    struct json *group = figure_nest_enter(&nest, "ab.c.d", &name);
    assert_string_equal(name, "c.d"); /* a group ends at the first dot */
    assert_ptr_equal(figure_nest_enter(&nest, "ab.e", &name), group);
    assert_ptr_not_equal(figure_nest_enter(&nest, "a.e", &name), group);
    assert_ptr_not_equal(figure_nest_enter(&nest, "abc.e", &name), group);
    assert_string_equal(json_name(nest.group), "abc");
    json_destroy(object);
}

/* Both texts name every figure. */
static void test_lists_are_whole(void **state)
{
    (void)state;
    char *texts[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        size_t length = 0;
        FILE *stream = open_memstream(&texts[i], &length);
        assert_non_null(stream);
        (i == 0 ? figure_report_list : figure_report_markdown)(stream);
        fclose(stream);
    }
    size_t lines = 0;
    for (const char *at = texts[0]; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, figure_table_count());
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        const char *dot = strchr(figure->key, '.');
        assert_contains(texts[0], figure->key);
        assert_contains(texts[0], figure->help);
        assert_contains(texts[1], dot != NULL ? dot : figure->key); /* rows are joined there */
        assert_contains(texts[1], figure->help);
    }
    free(texts[0]);
    free(texts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_and_price),
        cmocka_unit_test(test_nest),
        cmocka_unit_test(test_lists_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
