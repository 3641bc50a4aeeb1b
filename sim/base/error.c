#include "sim/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool error_add_place(struct error *error, const char *format, ...)
{
    char text[2 * sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof error->message, format, arguments);
    va_end(arguments);
    size_t used = length < (int)sizeof error->message ? (size_t)length : sizeof error->message - 1;
    snprintf(text + used, sizeof text - used, ": %s", error->message);
    memcpy(error->message, text, sizeof error->message - 1);
    error->message[sizeof error->message - 1] = '\0';
    return false;
}
