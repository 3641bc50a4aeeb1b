/* Small text helpers: nearest names for error messages, strict numbers, path joining. */
#ifndef SIM_BASE_TEXT_H
#define SIM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/error.h"

/* The first name of the NULL-ended list that begins with 'text', else the nearest by edit distance,
 * or NULL when none is near. */
const char *text_nearest(const char *text, const char *const *names);

/* Sets "WHAT 'NAME', did you mean 'NEAREST'?HINT"; without a near name the question is left out.
 * Always returns false. */
bool text_error_unknown(struct error *error, const char *what, const char *name,
                        const char *const *names, const char *hint);

/* Strict numbers: the whole of 'text' must be one finite decimal number in range, without spaces;
 * false otherwise. */
bool text_to_double(const char *text, double *ret_value);
bool text_to_whole(const char *text, double maximum, double *ret_value);

/* Copies into a fixed buffer; false when 'text' does not fit. */
bool text_copy(char *buffer, size_t buffer_bytes, const char *text);

/* True for well-formed UTF-8 without control characters other than tab and line ends. */
bool text_is_utf8(const char *text);

bool text_equal(const char *a, const char *b);
/* True when 'words' stands in 'text', whatever the case, with no letter or digit next to it. */
bool text_contains_words(const char *text, const char *words);

bool text_starts_with(const char *text, const char *prefix);

#endif
