#include "sim/base/output_set.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/cleanup.h"
#include "sim/base/text.h"

static const char prefix[] = ".kvcast-set-";

/* Removes a hidden folder and the files in it; it holds no folders. */
static void remove_stage(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return;
    }
    const struct dirent *entry = NULL;
    while ((entry = readdir(folder)) != NULL) {
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
    rmdir(path);
}

/* A hidden folder that nobody holds a lock on belonged to a program that was killed. */
static void remove_abandoned(const char *directory)
{
    DIR *folder = opendir(directory);
    const struct dirent *entry = NULL;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[OUTPUT_PATH_BYTES];
        if (!text_starts_with(entry->d_name, prefix) ||
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path) {
            continue;
        }
        int lock = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0) {
            remove_stage(path);
        }
        if (lock >= 0) {
            close(lock);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* Notes all that may come to lie in the stage, so that every way out removes it. */
static void note(struct output_set *set)
{
    size_t count = 0;
    set->tickets[count++] = set->made_directory ? cleanup_add_folder(set->directory) : CLEANUP_NONE;
    set->tickets[count++] = cleanup_add_folder(set->stage);
    for (size_t i = 0; set->names[i] != NULL; i++) {
        char path[OUTPUT_PATH_BYTES];
        assert(i < OUTPUT_SET_MAX_NAMES);
        int length = snprintf(path, sizeof path, "%s/%s", set->stage, set->names[i]);
        set->tickets[count++] = length < (int)sizeof path ? cleanup_add_file(path) : CLEANUP_NONE;
    }
}

static void forget(struct output_set *set)
{
    size_t count = 2;
    for (size_t i = 0; set->names[i] != NULL; i++) {
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        cleanup_forget(set->tickets[i]);
    }
    close(set->lock);
    set->stage[0] = '\0';
}

bool output_set_open(struct output_set *set, const char *directory, const char *const *names,
                     struct error *error)
{
    *set = (struct output_set){.names = names, .lock = -1};
    struct stat there;
    set->made_directory = stat(directory, &there) != 0;
    if (!output_directory_create(directory, error)) {
        return false;
    }
    int length = snprintf(set->stage, sizeof set->stage, "%s/%sXXXXXX", directory, prefix);
    if (length >= (int)sizeof set->stage) {
        set->stage[0] = '\0';
        return error_set(error, "output folder '%.100s...': path is too long", directory);
    }
    strcpy(set->directory, directory);
    remove_abandoned(directory);
    cleanup_hold_signals();
    bool made = mkdtemp(set->stage) != NULL;
    if (made) {
        note(set);
    }
    cleanup_release_signals();
    if (!made) {
        set->stage[0] = '\0';
        return error_set(error, "output folder '%s': cannot write there: %s", directory,
                         strerror(errno));
    }
    set->lock = open(set->stage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (set->lock >= 0) {
        flock(set->lock, LOCK_EX | LOCK_NB);
    }
    return true;
}

/* What stands at a name of the set now. */
enum occupant {
    OCCUPANT_NONE,
    OCCUPANT_FILE,
    OCCUPANT_FOLDER,
    OCCUPANT_LINK,
    OCCUPANT_DEVICE /* or a FIFO, or a socket */
};

static enum occupant occupant_of(const char *path)
{
    struct stat there;
    if (lstat(path, &there) != 0) {
        return OCCUPANT_NONE;
    }
    return S_ISREG(there.st_mode)   ? OCCUPANT_FILE
           : S_ISDIR(there.st_mode) ? OCCUPANT_FOLDER
           : S_ISLNK(there.st_mode) ? OCCUPANT_LINK
                                    : OCCUPANT_DEVICE;
}

/* Paths of one file in the stage and at its place. */
struct route {
    char from[OUTPUT_PATH_BYTES + 64];
    char to[OUTPUT_PATH_BYTES + 64];
};

static void find_route(const struct output_set *set, const char *name, struct route *route)
{
    snprintf(route->from, sizeof route->from, "%s/%s", set->stage, name);
    snprintf(route->to, sizeof route->to, "%s/%s", set->directory, name);
}

static bool copy_content(const char *from, FILE *to)
{
    char buffer[1 << 16];
    FILE *stream = fopen(from, "rb");
    if (stream == NULL) {
        return false;
    }
    size_t count = 0;
    while ((count = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        fwrite(buffer, 1, count, to);
    }
    bool ok = ferror(stream) == 0;
    fclose(stream);
    return ok;
}

/* Links, devices and FIFOs stay: what they lead to is written. */
static bool write_through(const struct route *route, struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, NULL, route->to, error)) {
        return false;
    }
    if (!copy_content(route->from, file.stream)) {
        output_file_discard(&file);
        return error_set(error, "%s: cannot read: %s", route->from, strerror(errno));
    }
    unlink(route->from);
    return output_file_commit(&file, error);
}

/* Everything that may fail is done before the first file is moved. */
static bool prepare(const struct output_set *set, struct error *error)
{
    for (size_t i = 0; set->names[i] != NULL; i++) {
        struct route route;
        find_route(set, set->names[i], &route);
        enum occupant occupant = occupant_of(route.to);
        bool written = access(route.from, F_OK) == 0;
        if (written && occupant == OCCUPANT_FOLDER) {
            return error_set(error, "%s: cannot replace: this is a folder", route.to);
        }
        if (!written && occupant == OCCUPANT_LINK) {
            unlink(route.to);
        }
        if (written && (occupant == OCCUPANT_LINK || occupant == OCCUPANT_DEVICE) &&
            !write_through(&route, error)) {
            return false;
        }
    }
    return true;
}

/* Moves one file into place, or removes the one of an earlier run that this run does not have. */
static bool place_file(const struct output_set *set, const char *name, struct error *error)
{
    struct route route;
    find_route(set, name, &route);
    bool ok = access(route.from, F_OK) == 0            ? rename(route.from, route.to) == 0
              : occupant_of(route.to) == OCCUPANT_FILE ? unlink(route.to) == 0
                                                       : true;
    return ok || error_set(error, "%s: cannot replace: %s", route.to, strerror(errno));
}

bool output_set_commit(struct output_set *set, struct error *error)
{
    assert(set->stage[0] != '\0');
    bool ok = prepare(set, error);
    cleanup_hold_signals();
    for (size_t i = 0; set->names[i] != NULL && ok; i++) {
        ok = place_file(set, set->names[i], error);
    }
    remove_stage(set->stage);
    forget(set);
    cleanup_release_signals();
    return ok;
}

void output_set_discard(struct output_set *set)
{
    if (set->stage[0] == '\0') {
        return;
    }
    cleanup_hold_signals();
    remove_stage(set->stage);
    if (set->made_directory) {
        rmdir(set->directory);
    }
    forget(set);
    cleanup_release_signals();
}
