/* The figures of one run, or of several laid over each other, as data. */
#ifndef SIM_REPORT_RUN_CHARTS_H
#define SIM_REPORT_RUN_CHARTS_H

#include "sim/report/chart.h"
#include "sim/report/run_curves.h"

/* Adds what the runs have to a chart; nothing where they lack its data. */
typedef void run_chart(const struct run_curves *runs, size_t count, struct chart *chart);

run_chart run_chart_kv_utilization;  /* in % over seconds */
run_chart run_chart_running_waiting; /* requests over seconds */
run_chart run_chart_contrast;        /* both, beside the traditional model */
run_chart run_chart_latency_cdf;     /* % of the requests over each latency; its percentiles */
run_chart run_chart_stragglers;      /* each request from low to high, in seconds, at y */
run_chart run_chart_difficulty;      /* seconds end to end over output tokens, by dataset */

#endif
