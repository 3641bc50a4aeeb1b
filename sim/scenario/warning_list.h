/* What the user should know of a run that is not wrong enough to refuse it. */
#ifndef SIM_SCENARIO_WARNING_LIST_H
#define SIM_SCENARIO_WARNING_LIST_H

#include <stdint.h>

enum { MAX_WARNINGS = 16, WARNING_BYTES = 512 };

struct warning_list {
    char messages[MAX_WARNINGS][WARNING_BYTES];
    uint32_t count;
};

/* An empty message is left out, and so are those beyond MAX_WARNINGS. */
void warning_list_add(struct warning_list *list, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
