/* The files of one run in one folder, replaced as one set. They are written into a hidden folder
 * inside it; on commit every file of the set moves into place and the files of that set that an
 * earlier run left and this one did not write are removed. Until then, and whenever the program
 * ends early, the earlier results stay as they were. */
#ifndef SIM_BASE_OUTPUT_SET_H
#define SIM_BASE_OUTPUT_SET_H

#include "sim/base/error.h"
#include "sim/base/output_file.h"

enum { OUTPUT_SET_MAX_NAMES = 112 };

struct output_set {
    const char *const *names; /* all that a set may hold, NULL-ended; borrowed */
    int tickets[OUTPUT_SET_MAX_NAMES + 2];
    int lock; /* held on the hidden folder while it is in use */
    bool made_directory;
    char directory[OUTPUT_PATH_BYTES];
    char stage[OUTPUT_PATH_BYTES]; /* the hidden folder: write here; empty when closed */
};

/* Makes the folder unless it exists, and the hidden one; hidden ones that a killed program left are
 * removed. */
MUST_CHECK bool output_set_open(struct output_set *set, const char *directory,
                                const char *const *names, struct error *error);

/* All files of the set must have been committed to the stage. */
MUST_CHECK bool output_set_commit(struct output_set *set, struct error *error);

/* Drops what was written; harmless after a commit or on a zeroed struct. */
void output_set_discard(struct output_set *set);

#endif
