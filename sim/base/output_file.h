/* A file that appears whole or not at all: written under a temporary name beside its place and
 * renamed on commit. */
#ifndef SIM_BASE_OUTPUT_FILE_H
#define SIM_BASE_OUTPUT_FILE_H

#include <stdio.h>

#include "sim/base/error.h"

struct output_file {
    FILE *stream; /* write here; NULL when closed */
    char path[1024];
    char temporary_path[1088];
};

MUST_CHECK bool output_file_open(struct output_file *file, const char *directory, const char *name,
                                 struct error *error);

/* Flushes, checks every earlier write, and renames to the final name. */
MUST_CHECK bool output_file_commit(struct output_file *file, struct error *error);

/* Drops what was written; harmless after a commit or on a zeroed struct. */
void output_file_discard(struct output_file *file);

/* Makes 'path' and its parents, unless they exist. */
MUST_CHECK bool output_directory_create(const char *path, struct error *error);

#endif
