/* The page of a plan: what to buy, why, and what it could still take. */
#ifndef SIM_PAGES_PLAN_PAGE_H
#define SIM_PAGES_PLAN_PAGE_H

#include "sim/experiments/plan_answer.h"

/* 'command' is what was typed; 'path' is the file. */
MUST_CHECK bool plan_page_write(const struct plan_answer *answer, const char *command,
                                const char *path, struct error *error);

#endif
