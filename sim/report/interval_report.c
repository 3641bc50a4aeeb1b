#include "sim/report/interval_report.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "sim/metrics/figure_interval.h"
#include "sim/report/figure_report.h"

void interval_report_json(const struct replication_set *set, struct json *object)
{
    assert(set->count > 0);
    struct figure_nest nest = {.object = object};
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (figure->is_extra || figure_is_price(figure) || figure->type == FIGURE_EXACT) {
            continue;
        }
        const char *name = NULL;
        struct json *parent = figure_nest_enter(&nest, figure->key, &name);
        struct json *child = json_add_object(parent, name);
        struct interval interval =
            figure_interval(figure, set->runs, set->count, INTERVAL_REPORT_LEVEL);
        json_add_number(child, "mean", interval.mean);
        json_add_number(child, "low", interval.low);
        json_add_number(child, "high", interval.high);
    }
}

void interval_report_table(const struct replication_set *set, FILE *stream)
{
    fprintf(stream, "\n  %-28s %9s %9s %9s   %.0f %% prediction interval, %u replications\n", "",
            "mean", "low", "high", 100 * INTERVAL_REPORT_LEVEL, set->count);
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (!figure->is_main) {
            continue;
        }
        double scale = figure->shown_scale > 0 ? figure->shown_scale : 1;
        struct interval interval =
            figure_interval(figure, set->runs, set->count, INTERVAL_REPORT_LEVEL);
        fprintf(stream, "  %-28s %9.4g %9.4g %9.4g %s\n", figure->label, interval.mean * scale,
                interval.low * scale, interval.high * scale,
                figure->shown_unit != NULL ? figure->shown_unit : "");
    }
}

void interval_report_csv(const struct replication_set *set, FILE *stream)
{
    fputs("seed", stream);
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (figure->type != FIGURE_EXACT) {
            fprintf(stream, ",%s", figure->key);
        }
    }
    fputc('\n', stream);
    for (uint32_t i = 0; i < set->count; i++) {
        fprintf(stream, "%" PRIu64, set->first_seed + i);
        for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
            double value = figure_value(figure, &set->runs[i]);
            if (figure->type == FIGURE_EXACT) {
                continue;
            }
            if (isnan(value)) {
                fputc(',', stream);
            } else {
                fprintf(stream, ",%.17g", value);
            }
        }
        fputc('\n', stream);
    }
}
