/* One setting that an experiment varies, and the values it takes. */
#ifndef SIM_EXPERIMENTS_AXIS_H
#define SIM_EXPERIMENTS_AXIS_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/error.h"

enum { AXIS_KEY_BYTES = 96, AXIS_VALUE_BYTES = 300, AXIS_MAX_VALUES = 100000 };

struct axis {
    char key[AXIS_KEY_BYTES];
    char **values; /* as they are assigned */
    uint32_t count;
    bool is_range; /* given by its ends, so that a sample may take any value between */
    bool is_log;   /* spread evenly in the logarithm */
    bool is_whole; /* values are whole numbers */
    double low;
    double high;
};

/* Reads one of
 *   KEY=A,B,C          these values (separated by ';' where one of them holds a comma)
 *   KEY=LOW..HIGH      whole numbers, one after the other
 *   KEY=LOW..HIGH:log  doubled from LOW to HIGH
 *   KEY=LOW..HIGH:N    N values, evenly spread
 *   KEY=LOW..HIGH:N:log, KEY=LOW..HIGH:N|log   evenly spread in the logarithm
 * and checks that the setting exists and takes each value. Errors begin with 'option', the name of
 * the option that it was given to. The axis is cleared by axis_clear, also after an error. */
MUST_CHECK bool axis_parse(const char *option, const char *text, struct axis *ret_axis,
                           struct error *error);
void axis_clear(struct axis *axis);

/* The value at 'share' (0 to 1, exclusive) of the way along the axis. */
void axis_value_at(const struct axis *axis, double share, char *text, size_t text_bytes);

#endif
