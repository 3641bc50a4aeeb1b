#include "sim/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* The first name that begins with 'text', whatever the case; NULL when there is none. */
static const char *first_beginning(const char *text, const char *const *names)
{
    enum { MIN_PART = 3 };
    size_t length = strlen(text);
    for (; *names != NULL && length >= MIN_PART; names++) {
        if (strncasecmp(*names, text, length) == 0) {
            return *names;
        }
    }
    return NULL;
}

const char *text_nearest(const char *text, const char *const *names)
{
    const char *nearest = first_beginning(text, names);
    if (nearest != NULL) {
        return nearest;
    }
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
    if (text[0] == '\0' || text[strspn(text, "+-.0123456789eE")] != '\0') {
        return false; /* no spaces, hexadecimal numbers, nan or inf */
    }
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

/* The length of the UTF-8 character at 'at'; 0 when there is none. */
static size_t character_bytes(const unsigned char *at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80             ? 1
                    : (*at & 0xe0) == 0xc0 ? 2
                    : (*at & 0xf0) == 0xe0 ? 3
                    : (*at & 0xf8) == 0xf0 ? 4
                                           : 0;
    if (length <= 1) {
        return length;
    }
    uint32_t code = *at & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (at[i] & 0x3fu);
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    return code >= least[length] && code <= 0x10ffff && !is_surrogate ? length : 0;
}

bool text_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        if (*at >= 0x20 && *at < 0x7f) { /* nearly all of most texts */
            at++;
            continue;
        }
        size_t length = character_bytes(at);
        bool is_control = *at < 0x80 && *at != '\t' && *at != '\n' && *at != '\r';
        if (length == 0 || is_control) {
            return false;
        }
        at += length;
    }
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
