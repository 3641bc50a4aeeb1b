/* Sizes are in inches and fonts in points throughout; a terminal of gnuplot that counts otherwise
 * says so in the table of formats. What comes from the command line is written into a script, so it
 * is checked strictly here. */
#include "sim/report/figure_style.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"

#define PIXELS_PER_INCH 96.0

/* Bitmaps and SVG count in pixels, of which a point takes 96/72; Cairo's PDF draws a line of width
 * 1 half as wide as a bitmap does. */
static const struct figure_format formats[] = {
    {"png", "png", "pngcairo", -1, 1, 1, true},
    {"svg", "svg", "svg", PIXELS_PER_INCH, PIXELS_PER_INCH / 72, 1, true},
    {"pdf", "pdf", "pdfcairo", 0, 1, 1.6, true},
    {"tikz", "tex", "tikz", 0, 1, 1, false},
};

/* Looks by name. Columns of papers: 3.5 inches (IEEE), 3.33 (ACM). There text takes more of a
 * figure, which is taller for it. */
static const struct look {
    const char *name;
    double width_in;
    double height_in;
    double tallness;
    double dots_per_inch;
    const char *font;
    double font_pt;
    double line_width;
} looks[] = {
    {"screen", 0, 0, 1, PIXELS_PER_INCH, "DejaVu Sans", 13, 1.5},
    {"ieee", 3.5, 0, 1.35, 300, "Times New Roman", 8, 1},
    {"acm", 3.33, 0, 1.35, 300, "Linux Libertine O", 8, 1},
    {"slides", 10, 5.6, 1, 150, "Helvetica", 20, 2.5},
};

static const struct {
    const char *name;
    const char *key; /* of gnuplot's "set key" */
} legends[] = {
    {"top", "outside top center horizontal"},
    {"right", "outside right top vertical"},
    {"inside", "inside right top vertical opaque"},
    {"none", NULL},
};

/* The number of 'name' in a table whose rows begin with a name; an error names those it has. */
static bool find(const char *option, const char *name, const void *table, size_t rows,
                 size_t row_bytes, size_t *ret_row, struct error *error)
{
    char known[128] = "";
    for (size_t row = 0; row < rows; row++) {
        const char *const *row_name = (const void *)((const char *)table + row * row_bytes);
        if (text_equal(*row_name, name)) {
            *ret_row = row;
            return true;
        }
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s", row > 0 ? ", " : "", *row_name);
    }
    return error_set(error, "%s: expected one of %s, got '%.60s'", option, known, name);
}

#define FIND(option, name, table, ret_row, error)                                                  \
    find(option, name, table, sizeof table / sizeof table[0], sizeof table[0], ret_row, error)

static bool parse_formats(const char *text, struct figure_style *style, struct error *error)
{
    char copy[64];
    char *rest = NULL;
    if (!text_copy(copy, sizeof copy, text)) {
        return error_set(error, "--format: longer than %zu characters", sizeof copy - 1);
    }
    style->format_count = 0;
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        size_t row = 0;
        if (!FIND("--format", name, formats, &row, error)) {
            return false;
        }
        for (size_t i = 0; i < style->format_count; i++) {
            if (style->formats[i] == &formats[row]) {
                return error_set(error, "--format: '%s' is given twice", name);
            }
        }
        style->formats[style->format_count++] = &formats[row];
    }
    return style->format_count > 0 ||
           error_set(error, "--format: expected a format, got '%s'", text);
}

static void take_look(const struct look *look, struct figure_style *style)
{
    style->width_in = look->width_in;
    style->height_in = look->height_in;
    style->tallness = look->tallness;
    style->dots_per_inch = look->dots_per_inch;
    style->font_pt = look->font_pt;
    style->line_width = look->line_width;
    snprintf(style->font, sizeof style->font, "%s", look->font);
}

/* "WxH" and a unit. */
static bool parse_size(const char *text, struct figure_style *style, struct error *error)
{
    static const struct {
        const char *name;
        double per_inch;
    } units[] = {{"in", 1}, {"cm", 2.54}, {"mm", 25.4}, {"pt", 72}, {"px", PIXELS_PER_INCH}};
    enum { MAX_IN = 40 };
    char copy[64];
    double width = 0;
    double height = 0;
    for (size_t i = 0; text_copy(copy, sizeof copy, text) && i < sizeof units / sizeof units[0];
         i++) {
        size_t length = strlen(copy);
        size_t unit = strlen(units[i].name);
        char *times = strchr(copy, 'x');
        if (length <= unit || times == NULL || strcmp(copy + length - unit, units[i].name) != 0) {
            continue;
        }
        copy[length - unit] = '\0';
        *times = '\0';
        if (text_to_double(copy, &width) && text_to_double(times + 1, &height)) {
            style->width_in = width / units[i].per_inch;
            style->height_in = height / units[i].per_inch;
            if (style->width_in >= 0.5 && style->width_in <= MAX_IN && style->height_in >= 0.5 &&
                style->height_in <= MAX_IN) {
                return true;
            }
        }
    }
    return error_set(error,
                     "--size: expected WIDTHxHEIGHT in in, cm, mm, pt or px, of 0.5 to %d inches "
                     "each, such as 3.3x2.2in, got '%.40s'",
                     MAX_IN, text);
}

/* A name of letters, digits, spaces and dashes, and perhaps a size in points. */
static bool parse_font(const char *text, struct figure_style *style, struct error *error)
{
    enum { MIN_PT = 3, MAX_PT = 100 };
    size_t length = strcspn(text, ",");
    bool ok = length > 0 && length < sizeof style->font;
    for (size_t i = 0; ok && i < length; i++) {
        ok = isalnum((unsigned char)text[i]) || text[i] == ' ' || text[i] == '-';
    }
    if (ok && text[length] == ',') {
        ok = text_to_double(text + length + 1, &style->font_pt) && style->font_pt >= MIN_PT &&
             style->font_pt <= MAX_PT;
    }
    if (!ok) {
        return error_set(error,
                         "--font: expected NAME or NAME,POINTS with a name of letters, digits, "
                         "spaces and '-', and %d to %d points, got '%.60s'",
                         MIN_PT, MAX_PT, text);
    }
    snprintf(style->font, sizeof style->font, "%.*s", (int)length, text);
    return true;
}

static bool parse_title(const char *text, struct figure_style *style, struct error *error)
{
    bool ok = text_is_utf8(text) && strpbrk(text, "\t\r\n") == NULL;
    return (ok && text_copy(style->title, sizeof style->title, text)) ||
           error_set(error, "--title: expected one line of at most %zu bytes of UTF-8",
                     sizeof style->title - 1);
}

struct figure_style figure_style_default(void)
{
    struct figure_style style = {.formats = {&formats[0], &formats[1]}, .format_count = 2};
    take_look(&looks[0], &style);
    style.legend = legends[0].key;
    style.has_legend = true;
    return style;
}

bool figure_style_parse(const struct figure_style_texts *texts, struct figure_style *ret_style,
                        struct error *error)
{
    struct figure_style style = figure_style_default();
    size_t row = 0;
    if (texts->style != NULL) {
        if (!FIND("--style", texts->style, looks, &row, error)) {
            return false;
        }
        take_look(&looks[row], &style);
    }
    if (texts->legend != NULL) {
        if (!FIND("--legend", texts->legend, legends, &row, error)) {
            return false;
        }
        style.has_legend = legends[row].key != NULL;
        style.legend = style.has_legend ? legends[row].key : style.legend;
    }
    if ((texts->formats != NULL && !parse_formats(texts->formats, &style, error)) ||
        (texts->size != NULL && !parse_size(texts->size, &style, error)) ||
        (texts->font != NULL && !parse_font(texts->font, &style, error)) ||
        (texts->title != NULL && !parse_title(texts->title, &style, error))) {
        return false;
    }
    *ret_style = style;
    return true;
}

/* Between single quotes gnuplot takes all characters as they are; a quote is written twice. */
static void write_quoted(FILE *script, const char *text)
{
    fputc('\'', script);
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputc('\'', script);
        }
        fputc(*text, script);
    }
    fputc('\'', script);
}

static void write_terminal(const struct figure_style *style, const struct figure_format *format,
                           double width_in, double height_in, FILE *script)
{
    bool is_bitmap = format->units_per_inch < 0;
    double units = is_bitmap ? style->dots_per_inch : format->units_per_inch;
    double scale = is_bitmap ? style->dots_per_inch / PIXELS_PER_INCH : 1;
    fprintf(script, "set terminal %s ", format->terminal);
    if (units > 0) {
        fprintf(script, "size %.0f,%.0f ", width_in * units, height_in * units);
    } else {
        fprintf(script, "size %.4fin,%.4fin ", width_in, height_in);
    }
    if (!format->takes_font) {
        fprintf(script, "linewidth %.3g\n", style->line_width * format->line_scale);
        return;
    }
    fprintf(script,
            "font '%s,%.3g' fontscale %.4f enhanced linewidth %.3g background rgb 'white'\n",
            style->font, style->font_pt, scale * format->font_scale,
            style->line_width * format->line_scale * scale);
}

void figure_style_begin(const struct figure_style *style, const struct figure_format *format,
                        const char *name, unsigned width, unsigned height, FILE *script)
{
    const char *look = embedded_find("plots/style.gp");
    double width_in = style->width_in > 0 ? style->width_in : width / PIXELS_PER_INCH;
    double height_in =
        style->height_in > 0 ? style->height_in : width_in * height / width * style->tallness;
    assert(look != NULL && width > 0 && height > 0);
    fprintf(script, "reset\nis_tex = %d\nshow_legend = %d\nfigure_title = ", !format->takes_font,
            style->has_legend);
    write_quoted(script, style->title);
    fprintf(script, "\n%s\nset key %s\n%s", look, style->legend,
            style->has_legend ? "" : "set key off\n");
    write_terminal(style, format, width_in, height_in, script);
    fprintf(script, "set output '%s.%s'\n", name, format->extension);
}
