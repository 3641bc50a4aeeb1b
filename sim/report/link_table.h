/* The file of links that kvcast-profile writes (profiler/PROFILE_FORMAT.md), as a table. */
#ifndef SIM_REPORT_LINK_TABLE_H
#define SIM_REPORT_LINK_TABLE_H

#include "sim/base/json.h"

/* Whether the document is such a file, rather than a profile of a model. */
bool link_table_is(const struct json *document);

/* Prints time and rate of each kind of message by size; errors name 'place' and the row. */
MUST_CHECK bool link_table_print(const struct json *document, const char *place,
                                 struct error *error);

#endif
