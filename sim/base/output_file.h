/* The one writer of output files. A regular file appears whole or not at all: it is written under a
 * temporary name in its folder and renamed on commit. Symbolic links are followed, so that the file
 * behind a link is replaced and the link stays. Devices, FIFOs and standard output ("-") cannot be
 * replaced and are written into. What is written to a file whose name ends in ".gz" is compressed. */
#ifndef SIM_BASE_OUTPUT_FILE_H
#define SIM_BASE_OUTPUT_FILE_H

#include <stdio.h>

#include "sim/base/error.h"

enum { OUTPUT_PATH_BYTES = 4096 };

struct output_file {
    FILE *stream;                           /* write here; NULL when closed */
    int ticket;                             /* of the temporary file at cleanup.h */
    char path[OUTPUT_PATH_BYTES];           /* as it was named */
    char target[OUTPUT_PATH_BYTES];         /* what the rename replaces, links followed */
    char temporary_path[OUTPUT_PATH_BYTES]; /* empty: the target is written into */
};

/* 'directory' NULL: 'name' is the path. */
MUST_CHECK bool output_file_open(struct output_file *file, const char *directory, const char *name,
                                 struct error *error);

/* Flushes, checks every earlier write, closes, and renames to the final name. */
MUST_CHECK bool output_file_commit(struct output_file *file, struct error *error);

/* Drops what was written; harmless after a commit or on a zeroed struct. */
void output_file_discard(struct output_file *file);

/* Checks that all that was printed on standard output has arrived. Called once, at the end. */
MUST_CHECK bool output_standard_check(struct error *error);

/* Makes 'path' and its parents, unless they exist. */
MUST_CHECK bool output_directory_create(const char *path, struct error *error);

#endif
