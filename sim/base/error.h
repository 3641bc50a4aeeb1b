/* Bad input travels as a message: a fallible function returns false and fills its last parameter.
 * Messages are lower case, place first, the subject in single quotes, expected and found. */
#ifndef SIM_BASE_ERROR_H
#define SIM_BASE_ERROR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct error {
    char message[512];
};

/* Formats the message; always returns false, so that 'return error_set(...)' reads well. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "place: " before the message that is there; always returns false. */
bool error_add_place(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
