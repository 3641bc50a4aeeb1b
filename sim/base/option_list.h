/* What was given to an option that may be given again. */
#ifndef SIM_BASE_OPTION_LIST_H
#define SIM_BASE_OPTION_LIST_H

#include <stddef.h>

enum { OPTION_LIST_MAXIMUM = 64 };

struct option_list {
    const char *values[OPTION_LIST_MAXIMUM];
    size_t count;
};

#endif
