/* Heap memory that never fails: running out prints a line and exits, so no caller checks. */
#ifndef SIM_BASE_MEMORY_H
#define SIM_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed room for 'count' elements; free() it. */
void *memory_zeroed(size_t count, size_t element_bytes) __attribute__((returns_nonnull));

/* Grows 'array' so that at least 'needed' elements fit, doubling '*capacity'; new room is not
 * zeroed. 'array' may be NULL. */
void *memory_grow(void *array, size_t *capacity, size_t needed, size_t element_bytes)
    __attribute__((returns_nonnull));

/* A copy of 'text' to free(). */
char *memory_copy_text(const char *text) __attribute__((returns_nonnull));

#endif
