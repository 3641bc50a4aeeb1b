#include "sim/report/figure_style.h"

#include "tests/unit/check.h"

static void check_refused(struct figure_style_texts texts, const char *message)
{
    struct figure_style style;
    struct error error;
    assert_false(figure_style_parse(&texts, &style, &error));
    assert_contains(error.message, message);
}

static void test_errors(void **state)
{
    (void)state;
    check_refused((struct figure_style_texts){.formats = "jpg"},
                  "--format: expected one of png, svg, pdf, tikz, got 'jpg'");
    check_refused((struct figure_style_texts){.formats = "pdf,pdf"}, "'pdf' is given twice");
    check_refused((struct figure_style_texts){.formats = ","}, "expected a format");
    check_refused((struct figure_style_texts){.style = "poster"},
                  "--style: expected one of screen, ieee, acm, slides, got 'poster'");
    check_refused((struct figure_style_texts){.legend = "left"}, "--legend: expected one of top");
    const char *const sizes[] = {"3.3x2.2", "3.3in",   "x2in",   "3.3x2.2furlong",
                                 "0x2in",   "100x2in", "nanx2in"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        check_refused((struct figure_style_texts){.size = sizes[i]},
                      "--size: expected WIDTHxHEIGHT");
    }
    /* Neither can end the text that gnuplot reads. */
    check_refused((struct figure_style_texts){.font = "Times'; system('id"}, "--font: expected");
    check_refused((struct figure_style_texts){.font = "Times,x"}, "--font: expected");
    check_refused((struct figure_style_texts){.title = "two\nlines"}, "--title: expected one line");
}

static void test_values(void **state)
{
    (void)state;
    struct figure_style style;
    struct error error;
    assert_true(figure_style_parse(&(struct figure_style_texts){.formats = "pdf,tikz",
                                                                .style = "ieee",
                                                                .size = "8.255x5.588cm",
                                                                .font = "Nimbus Roman,9",
                                                                .legend = "none"},
                                   &style, &error));
    assert_int_equal(style.format_count, 2);
    assert_string_equal(style.formats[1]->extension, "tex");
    assert_near(style.width_in, 3.25, 1e-9);
    assert_near(style.height_in, 2.2, 1e-9);
    assert_near(style.font_pt, 9, 0);
    assert_string_equal(style.font, "Nimbus Roman");
    assert_false(style.has_legend);
}

static char *begin(const struct figure_style *style, size_t format)
{
    static char text[1 << 14];
    FILE *stream = fmemopen(text, sizeof text, "w");
    assert_non_null(stream);
    figure_style_begin(style, style->formats[format], "figure", 960, 480, stream);
    fclose(stream);
    return text;
}

static void test_script(void **state)
{
    (void)state;
    struct error error;
    struct figure_style style = figure_style_default();
    assert_contains(begin(&style, 0), "set terminal pngcairo size 960,480 font 'DejaVu Sans,13'");
    assert_contains(begin(&style, 1), "set output 'figure.svg'");
    assert_true(figure_style_parse(
        &(struct figure_style_texts){
            .formats = "png,pdf,tikz", .size = "3x2in", .style = "acm", .title = "it's `id`"},
        &style, &error));
    assert_contains(begin(&style, 0), "size 900,600");
    assert_contains(begin(&style, 0), "figure_title = 'it''s `id`'\n");
    assert_contains(begin(&style, 1), "set terminal pdfcairo size 3.0000in,2.0000in");
    assert_contains(begin(&style, 2), "is_tex = 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
