#include "sim/scenario/warning_list.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void warning_list_add(struct warning_list *list, const char *format, ...)
{
    assert(format != NULL && list->count <= MAX_WARNINGS);
    if (list->count == MAX_WARNINGS) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(list->messages[list->count], WARNING_BYTES, format, arguments);
    va_end(arguments);
    list->count += list->messages[list->count][0] != '\0';
    assert(list->count <= MAX_WARNINGS);
}
