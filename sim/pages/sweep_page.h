/* The page of a sweep, from its file. */
#ifndef SIM_PAGES_SWEEP_PAGE_H
#define SIM_PAGES_SWEEP_PAGE_H

#include "sim/base/error.h"

/* 'sweep_path' is the SQLite file, 'command' what was typed, 'path' the page. */
MUST_CHECK bool sweep_page_write(const char *sweep_path, const char *command, const char *path,
                                 struct error *error);

#endif
