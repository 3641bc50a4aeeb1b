/* The page of a comparison: how each scenario differs from the first. */
#ifndef SIM_PAGES_COMPARISON_PAGE_H
#define SIM_PAGES_COMPARISON_PAGE_H

#include "sim/experiments/comparison.h"

/* 'labels' names each scenario; 'command' is what was typed; 'path' is the file. */
MUST_CHECK bool comparison_page_write(const struct comparison *comparison,
                                      const char *const *labels, const char *command,
                                      const char *path, struct error *error);

#endif
