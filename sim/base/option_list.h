/* What was given to an option that may be given again. */
#ifndef SIM_BASE_OPTION_LIST_H
#define SIM_BASE_OPTION_LIST_H

#include <stddef.h>

enum { MAX_OPTIONS = 64 };

struct option_list {
    const char *values[MAX_OPTIONS];
    size_t count;
};

#endif
