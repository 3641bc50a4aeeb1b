/* Points in time as other tools write them: ISO 8601 texts and numbers in some unit. */
#ifndef TRACES_TIMESTAMP_H
#define TRACES_TIMESTAMP_H

#include <stdbool.h>

#include "sim/base/error.h"

enum time_unit { TIME_UNIT_UNKNOWN, TIME_UNIT_S, TIME_UNIT_MS, TIME_UNIT_US, TIME_UNIT_NS };

/* "s", "ms", "us" or "ns". */
MUST_CHECK bool time_unit_find(const char *name, enum time_unit *ret_unit, struct error *error);
const char *time_unit_name(enum time_unit unit);
double time_unit_seconds(enum time_unit unit); /* of one */

/* The unit in which 'value' would be a date from 2001 to 2096, counted from 1970; else unknown. */
enum time_unit time_unit_of_epoch(double value);

/* "2024-05-10T00:00:00.5Z": 'T' or a space between day and time, any fraction, and perhaps 'Z' or
 * an offset such as "+02:00"; without one the time is taken as UTC. Gives seconds since 1970. */
bool timestamp_parse(const char *text, double *ret_s);

#endif
