/* The page of one run, from its folder of results. */
#ifndef SIM_PAGES_RUN_PAGE_H
#define SIM_PAGES_RUN_PAGE_H

#include "sim/base/error.h"
#include "sim/scenario/warning_list.h"

struct run_page_source {
    const char *directory; /* with summary.json, and the timelines and requests that there are */
    const char *command;   /* as it was typed */
    const struct warning_list *warnings;
};

/* Writes report.html into the folder. */
MUST_CHECK bool run_page_write(const struct run_page_source *source, struct error *error);

#endif
