/* The figure table itself as text, and a run's figures as nested JSON. */
#ifndef SIM_REPORT_FIGURE_REPORT_H
#define SIM_REPORT_FIGURE_REPORT_H

#include <stdio.h>

#include "sim/base/json.h"
#include "sim/metrics/figure_table.h"
#include "sim/metrics/percentile_list.h"

/* The object of the group that was entered last; groups stand together in the figure table. */
struct figure_nest {
    struct json *object; /* to which groups are added; set by the caller */
    struct json *group;
    char group_name[64];
};

/* The object that the figure of that key belongs to, and its name there. */
struct json *figure_nest_enter(struct figure_nest *nest, const char *key, const char **ret_name);

/* Adds the members of summary.json's "results", those of the percentiles among them, or those of
 * its "price". */
void figure_report_results(const struct run_summary *summary,
                           const struct percentile_list *percentiles, struct json *object);
void figure_report_price(const struct run_summary *summary, struct json *object);

/* A line a figure: key, unit and definition. */
void figure_report_list(FILE *stream);

/* The table of sim/metrics/METRICS.md. */
void figure_report_markdown(FILE *stream);

#endif
