#include "sim/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("kvcast: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void *memory_zeroed(size_t count, size_t element_bytes)
{
    return checked(calloc(count > 0 ? count : 1, element_bytes));
}

void *memory_grow(void *array, size_t *capacity, size_t needed, size_t element_bytes)
{
    size_t size = *capacity < 16 ? 16 : *capacity;
    while (size < needed) {
        size *= 2;
    }
    if (array != NULL && size == *capacity) {
        return array;
    }
    *capacity = size;
    return checked(reallocarray(array, size, element_bytes));
}

char *memory_copy_text(const char *text)
{
    return checked(strdup(text));
}
