#include "sim/hardware/name_match.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"

enum { MAX_NAME = 255, MAX_LISTED = 8 };

/* How 'asked' is compared with a name or an alias. */
typedef bool comparison(const char *name, const char *asked);

static bool is_separator(char c)
{
    return c == ' ' || c == '-' || c == '_';
}

static bool equal_but_for_separators(const char *a, const char *b)
{
    for (;;) {
        while (is_separator(*a)) {
            a++;
        }
        while (is_separator(*b)) {
            b++;
        }
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b)) {
            return false;
        }
        if (*a == '\0') {
            return true;
        }
        a++;
        b++;
    }
}

static const char *without_owner(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

static bool equal_without_owner(const char *name, const char *asked)
{
    return equal_but_for_separators(without_owner(name), without_owner(asked));
}

/* Every part of 'asked' between separators stands in 'name'. */
static bool contains_parts(const char *name, const char *asked)
{
    char part[MAX_NAME + 1];
    uint32_t parts = 0;
    while (*asked != '\0') {
        size_t length = strcspn(asked, " -_");
        if (length > 0) {
            memcpy(part, asked, length);
            part[length] = '\0';
            if (!text_contains_words(name, part)) {
                return false;
            }
            parts++;
        }
        asked += length;
        asked += is_separator(*asked);
    }
    return parts > 0;
}

/* 'fits' for the name or any alias of the entry. */
static bool entry_fits(const struct name_entry *entry, const char *asked, comparison *fits)
{
    if (fits(entry->name, asked)) {
        return true;
    }
    char alias[MAX_NAME + 1];
    const char *rest = entry->aliases != NULL ? entry->aliases : "";
    while (*rest != '\0') {
        size_t length = strcspn(rest, "|");
        if (length <= MAX_NAME) {
            memcpy(alias, rest, length);
            alias[length] = '\0';
            if (fits(alias, asked)) {
                return true;
            }
        }
        rest += length;
        rest += *rest == '|';
    }
    return false;
}

/* A name that separators alone make, or nothing, fits every entry and means none. */
static bool can_name(const char *asked)
{
    size_t length = strlen(asked);
    while (length > 0 && !isalnum((unsigned char)asked[length - 1])) {
        length--;
    }
    return length > 0 && strlen(asked) <= MAX_NAME;
}

bool name_match_is_exact(const struct name_entry *entry, const char *asked)
{
    return can_name(asked) && (entry_fits(entry, asked, equal_but_for_separators) ||
                               entry_fits(entry, asked, equal_without_owner));
}

/* Writes the entries that fit into 'list', the first few by name, and returns how many there are.
 * '*ret_index' is the last of them. */
static uint32_t collect(const struct name_catalog *catalog, const char *asked, comparison *fits,
                        char *list, size_t list_bytes, uint32_t *ret_index)
{
    uint32_t found = 0;
    size_t used = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        if (!entry_fits(&catalog->entries[i], asked, fits)) {
            continue;
        }
        *ret_index = i;
        if (found < MAX_LISTED && used < list_bytes) {
            used += (size_t)snprintf(list + used, list_bytes - used, "%s%s", found > 0 ? ", " : "",
                                     catalog->entries[i].name);
        }
        found++;
    }
    if (found > MAX_LISTED && used < list_bytes) {
        snprintf(list + used, list_bytes - used, " and %u more", found - MAX_LISTED);
    }
    return found;
}

static uint32_t count_words(const struct name_catalog *catalog)
{
    uint32_t words = 0;
    for (uint32_t i = 0; i < catalog->count; i++) {
        words += 2;
        for (const char *c = catalog->entries[i].aliases; c != NULL && *c != '\0'; c++) {
            words += *c == '|';
        }
    }
    return words;
}

/* Names the nearest of all names and aliases. */
static bool unknown(const struct name_catalog *catalog, const char *asked, struct error *error)
{
    const char **words = memory_zeroed(count_words(catalog) + 1, sizeof *words);
    char **copies = memory_zeroed(catalog->count + 1, sizeof *copies);
    char what[64];
    uint32_t count = catalog->count;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const char *aliases = catalog->entries[i].aliases;
        char *rest = NULL;
        words[i] = catalog->entries[i].name;
        copies[i] = memory_copy_text(aliases != NULL ? aliases : "");
        for (char *alias = strtok_r(copies[i], "|", &rest); alias != NULL;
             alias = strtok_r(NULL, "|", &rest)) {
            words[count++] = alias;
        }
    }
    snprintf(what, sizeof what, "unknown %s", catalog->kind);
    bool ok = text_error_unknown(error, what, asked, words, catalog->hint);
    for (uint32_t i = 0; i < catalog->count; i++) {
        free(copies[i]);
    }
    free(copies);
    free(words);
    return ok;
}

/* Of several entries of the very name or alias, the first stands: it is the catalogue's own. */
static bool first_called(const struct name_catalog *catalog, const char *asked, uint32_t *ret_index)
{
    uint32_t i = 0;
    while (i < catalog->count &&
           !entry_fits(&catalog->entries[i], asked, equal_but_for_separators)) {
        i++;
    }
    assert(i < catalog->count);
    *ret_index = i;
    return true;
}

bool name_match(const struct name_catalog *catalog, const char *asked, uint32_t *ret_index,
                struct error *error)
{
    static comparison *const tiers[] = {equal_but_for_separators, equal_without_owner,
                                        text_contains_words, contains_parts};
    assert(catalog != NULL && asked != NULL && ret_index != NULL);
    char list[400] = "";
    for (size_t i = 0; i < sizeof tiers / sizeof tiers[0] && can_name(asked); i++) {
        uint32_t found = collect(catalog, asked, tiers[i], list, sizeof list, ret_index);
        if (found > 1 && tiers[i] == equal_but_for_separators) {
            return first_called(catalog, asked, ret_index);
        }
        if (found > 1) {
            return error_set(error, "%s '%s' fits several, expected one of %s", catalog->kind,
                             asked, list);
        }
        if (found == 1) {
            return true;
        }
    }
    return unknown(catalog, asked, error);
}
