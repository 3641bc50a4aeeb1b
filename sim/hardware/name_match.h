/* Finds the one entry of a catalogue that a person means: by its exact name or an alias, else by a
 * part that fits a single entry. A part that fits several is an error that lists them, so that
 * nothing is picked silently. */
#ifndef SIM_HARDWARE_NAME_MATCH_H
#define SIM_HARDWARE_NAME_MATCH_H

#include <stdint.h>

#include "sim/base/error.h"

struct name_entry {
    const char *name;
    const char *aliases; /* separated by '|'; NULL or "": none */
};

struct name_catalog {
    const char *kind; /* "GPU", for messages */
    const char *hint; /* ends a message about an unknown name: " ('kvcast list gpus' ...)" */
    const struct name_entry *entries;
    uint32_t count;
};

/* Sets '*ret_index' to the entry that 'asked' names. Case, blanks, hyphens and underscores do not
 * count in exact names. A text with a slash ("Qwen/Qwen3-32B") is compared whole, then without what
 * stands before the slash. */
MUST_CHECK bool name_match(const struct name_catalog *catalog, const char *asked,
                           uint32_t *ret_index, struct error *error);

/* True when 'asked' is exactly 'name' or one of 'aliases', as above. */
bool name_match_is_exact(const struct name_entry *entry, const char *asked);

#endif
