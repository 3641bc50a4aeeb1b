/* Runs gnuplot over the CSV files of a folder. The scripts are ours; what the CSV files hold is
 * only ever data, and gnuplot is stopped when it takes too long. */
#ifndef SIM_REPORT_GNUPLOT_H
#define SIM_REPORT_GNUPLOT_H

#include "sim/base/error.h"

bool gnuplot_is_installed(void);

/* The script reads and writes files of 'directory' by their names. On failure the error tells what
 * gnuplot said first. */
MUST_CHECK bool gnuplot_run(const char *directory, const char *script, unsigned limit_s,
                            struct error *error);

#endif
