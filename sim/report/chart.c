#include "sim/report/chart.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/csv.h"
#include "sim/base/memory.h"
#include "sim/base/output_file.h"

/* Cut where a character begins, so that it stays UTF-8; without line ends, and without commas and
 * quotes, at which gnuplot ends a text even where it is quoted. */
static void copy_label(char *label, const char *text)
{
    size_t length = strlen(text);
    if (length >= CHART_LABEL_BYTES) {
        length = CHART_LABEL_BYTES - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
            length--;
        }
    }
    memcpy(label, text, length);
    label[length] = '\0';
    for (char *at = label; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' ? ' ' : *at == ',' ? ';' : *at == '"' ? '\'' : *at;
    }
}

size_t chart_add_series(struct chart *chart, const char *panel, const char *label)
{
    assert(panel != NULL && label != NULL);
    chart->series =
        memory_grow(chart->series, &chart->capacity, chart->count + 1, sizeof chart->series[0]);
    struct chart_series *series = &chart->series[chart->count];
    *series = (struct chart_series){.points = NULL};
    copy_label(series->panel, panel);
    copy_label(series->label, label);
    return chart->count++;
}

void chart_add_point(struct chart *chart, size_t series, struct chart_point point)
{
    assert(series < chart->count);
    struct chart_series *to = &chart->series[series];
    to->points = memory_grow(to->points, &to->capacity, to->count + 1, sizeof to->points[0]);
    to->points[to->count++] = point;
}

void chart_add_xy(struct chart *chart, size_t series, double x, double y)
{
    chart_add_point(chart, series, (struct chart_point){x, y, NAN, NAN});
}

void chart_clear(struct chart *chart)
{
    for (size_t i = 0; i < chart->count; i++) {
        free(chart->series[i].points);
    }
    free(chart->series);
    *chart = (struct chart){.series = NULL};
}

/* The members of a point, in the order of their columns. */
static const struct {
    const char *name;
    size_t offset;
} members[] = {{"x", offsetof(struct chart_point, x)},
               {"y", offsetof(struct chart_point, y)},
               {"low", offsetof(struct chart_point, low)},
               {"high", offsetof(struct chart_point, high)}};
enum { MEMBERS = sizeof members / sizeof members[0] };

static double value_of(const struct chart_point *point, size_t member)
{
    double value = NAN;
    memcpy(&value, (const char *)point + members[member].offset, sizeof value);
    return value;
}

bool chart_write_csv(const struct chart *chart, const char *directory, const char *name,
                     struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, directory, name, error)) {
        return false;
    }
    struct csv_writer *writer = memory_zeroed(1, sizeof *writer);
    csv_writer_init(writer, file.stream);
    csv_write_text(writer, "panel");
    csv_write_text(writer, "series");
    for (size_t m = 0; m < MEMBERS; m++) {
        csv_write_text(writer, members[m].name);
    }
    csv_end_row(writer);
    for (size_t s = 0; s < chart->count; s++) {
        const struct chart_series *series = &chart->series[s];
        for (size_t i = 0; i < series->count; i++) {
            csv_write_text(writer, series->panel);
            csv_write_text(writer, series->label);
            for (size_t m = 0; m < MEMBERS; m++) {
                csv_write_number(writer, value_of(&series->points[i], m));
            }
            csv_end_row(writer);
        }
    }
    csv_writer_flush(writer);
    free(writer);
    return output_file_commit(&file, error);
}

static bool has_member(const struct chart_series *series, size_t member)
{
    for (size_t i = 0; i < series->count; i++) {
        if (!isnan(value_of(&series->points[i], member))) {
            return true;
        }
    }
    return false;
}

void chart_add_json(const struct chart *chart, struct json *object)
{
    enum { ALWAYS = 2 }; /* x and y */
    struct json *array = json_add_array(object, "series");
    for (size_t s = 0; s < chart->count; s++) {
        const struct chart_series *series = &chart->series[s];
        struct json *child = json_add_object(array, NULL);
        json_add_text(child, "panel", series->panel);
        json_add_text(child, "label", series->label);
        for (size_t m = 0; m < MEMBERS; m++) {
            if (m >= ALWAYS && !has_member(series, m)) {
                continue;
            }
            struct json *values = json_add_array(child, members[m].name);
            for (size_t i = 0; i < series->count; i++) {
                json_add_number(values, NULL, value_of(&series->points[i], m));
            }
        }
    }
}
