#include "sim/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 63 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein distance with one row of memory. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t length = strlen(b);
    size_t row[MAX_NAME + 1];
    for (size_t j = 0; j <= length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t substituted = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            row[j + 1] = smaller(substituted, smaller(row[j], diagonal) + 1);
        }
    }
    return row[length];
}

const char *text_nearest(const char *text, const char *const *names)
{
    const char *nearest = NULL;
    size_t best = strlen(text) / 2 + 2;
    for (; *names != NULL; names++) {
        if (strlen(*names) > MAX_NAME) {
            continue;
        }
        size_t distance = edit_distance(text, *names);
        if (distance < best) {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}

bool text_error_unknown(struct error *error, const char *what, const char *name,
                        const char *const *names, const char *hint)
{
    const char *nearest = text_nearest(name, names);
    if (nearest == NULL) {
        return error_set(error, "%s '%s'%s", what, name, hint);
    }
    return error_set(error, "%s '%s', did you mean '%s'?%s", what, name, nearest, hint);
}

bool text_to_double(const char *text, double *ret_value)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || errno == ERANGE || !isfinite(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool text_to_whole(const char *text, double maximum, double *ret_value)
{
    double value = 0;
    if (!text_to_double(text, &value) || value < 0 || value > maximum || value != floor(value)) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool text_copy(char *buffer, size_t buffer_bytes, const char *text)
{
    size_t length = strlen(text);
    if (length >= buffer_bytes) {
        return false;
    }
    memcpy(buffer, text, length + 1);
    return true;
}

bool text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_contains_words(const char *text, const char *words)
{
    size_t length = strlen(words);
    const char *found = length > 0 ? strcasestr(text, words) : NULL;
    for (; found != NULL; found = strcasestr(found + 1, words)) {
        bool starts = found == text || !isalnum((unsigned char)found[-1]);
        if (starts && !isalnum((unsigned char)found[length])) {
            return true;
        }
    }
    return false;
}
