/* Shared by the unit tests: cmocka with the headers it wants, and the folder of the sources. */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A path below the source root, in a buffer that the next call reuses. */
static inline const char *source_path(const char *relative)
{
    static char path[2048];
    const char *root = getenv("KVCAST_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", relative);
    return path;
}

/* Writes a file below the temporary folder and gives its path, in a buffer as above. */
static inline const char *temporary_file(const char *name, const char *content)
{
    static char path[2048];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/kvcast-test-%ld-%s", folder != NULL ? folder : "/tmp",
             (long)getpid(), name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(content, stream);
    fclose(stream);
    return path;
}

/* cmocka compares floats only. */
#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        double found_ = (a);                                                                       \
        double expected_ = (b);                                                                    \
        if (!(found_ >= expected_ - (tolerance) && found_ <= expected_ + (tolerance))) {           \
            fail_msg("%s is %.12g, expected %.12g within %g", #a, found_, expected_,               \
                     (double)(tolerance));                                                         \
        }                                                                                          \
    } while (0)

#define assert_contains(text, part)                                                                \
    do {                                                                                           \
        if (strstr(text, part) == NULL) {                                                          \
            fail_msg("expected '%s' in '%s'", part, text);                                         \
        }                                                                                          \
    } while (0)

#endif
