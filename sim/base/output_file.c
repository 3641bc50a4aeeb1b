#include "sim/base/output_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "sim/base/cleanup.h"
#include "sim/base/text.h"

/* Sets the error; the hidden folder of a set (output_set.h) is left out of the path. */
static bool fail(const struct output_file *file, struct error *error)
{
    int reason = errno;
    const char *place = text_equal(file->path, "-") ? "standard output" : file->path;
    const char *hidden = strstr(place, "/.kvcast-set-");
    const char *name = hidden != NULL ? strchr(hidden + 1, '/') : NULL;
    int kept = (int)(name != NULL ? (size_t)(hidden - place) : strlen(place));
    return error_set(error, "%.*s%s: cannot write: %s", kept, place, name != NULL ? name : "",
                     reason == ENXIO ? "no program reads from it"
                     : reason != 0   ? strerror(reason)
                                     : "an earlier write failed, as it does on a full disk");
}

/* The number of an open file that the path names ("/dev/stdout", "/proc/self/fd/3", "-"), or -1. */
static int named_descriptor(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/", NULL};
    if (text_equal(path, "-") || text_equal(path, "/dev/stdout")) {
        return STDOUT_FILENO;
    }
    if (text_equal(path, "/dev/stderr")) {
        return STDERR_FILENO;
    }
    for (size_t i = 0; folders[i] != NULL; i++) {
        double number = 0;
        if (text_starts_with(path, folders[i]) &&
            text_to_whole(path + strlen(folders[i]), INT_MAX, &number)) {
            return (int)number;
        }
    }
    return -1;
}

/* Follows symbolic links to a place that need not exist yet, from 'path' to 'target'. */
static bool follow_links(const char *path, char target[OUTPUT_PATH_BYTES])
{
    enum { MAX_LINKS = 40 };
    char link[OUTPUT_PATH_BYTES];
    strcpy(target, path);
    for (int i = 0; i < MAX_LINKS; i++) {
        ssize_t length = readlink(target, link, sizeof link - 1);
        if (length < 0) {
            return errno == EINVAL || errno == ENOENT; /* no link, or nothing there yet */
        }
        link[length] = '\0';
        char *slash = link[0] == '/' ? NULL : strrchr(target, '/');
        size_t kept = slash != NULL ? (size_t)(slash - target) + 1 : 0;
        if (kept + (size_t)length >= OUTPUT_PATH_BYTES) {
            errno = ENAMETOOLONG;
            return false;
        }
        memcpy(target + kept, link, (size_t)length + 1);
    }
    errno = ELOOP;
    return false;
}

static ssize_t write_compressed(void *cookie, const char *bytes, size_t count)
{
    return gzwrite(cookie, bytes, (unsigned)count); /* 0 when it failed */
}

static int close_compressed(void *cookie)
{
    return gzclose(cookie) == Z_OK ? 0 : EOF;
}

/* A stream into the open file, through gzip where its name ends in ".gz". */
static FILE *open_stream(const char *path, int descriptor)
{
    size_t length = strlen(path);
    if (length < 3 || !text_equal(path + length - 3, ".gz")) {
        return fdopen(descriptor, "w");
    }
    const cookie_io_functions_t through = {.write = write_compressed, .close = close_compressed};
    gzFile compressed = gzdopen(descriptor, "wb");
    return compressed != NULL ? fopencookie(compressed, "w", through) : NULL;
}

/* Opens a temporary file in the folder of the target; its name is short and new. */
static bool open_temporary(struct output_file *file, mode_t mode)
{
    const char *slash = strrchr(file->target, '/');
    int kept = slash != NULL ? (int)(slash - file->target) + 1 : 0;
    int length = snprintf(file->temporary_path, sizeof file->temporary_path, "%.*s.kvcast-XXXXXX",
                          kept, file->target);
    if (length >= (int)sizeof file->temporary_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    cleanup_hold_signals();
    int descriptor = mkostemp(file->temporary_path, O_CLOEXEC);
    file->ticket = descriptor >= 0 ? cleanup_add_file(file->temporary_path) : CLEANUP_NONE;
    cleanup_release_signals();
    if (descriptor < 0) {
        return false;
    }
    fchmod(descriptor, mode);
    file->stream = open_stream(file->path, descriptor);
    assert(file->stream != NULL);
    return true;
}

static mode_t default_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* A FIFO that nobody reads would hold the program up for good. */
static int open_when_read(const char *path)
{
    enum { ATTEMPTS = 500 };
    const struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < ATTEMPTS; i++) {
        int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (descriptor >= 0) {
            fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK);
            return descriptor;
        }
        if (errno != ENXIO) {
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    errno = ENXIO;
    return -1;
}

/* Opens for writing into what is there: a device, a FIFO, an open file. */
static bool open_into(struct output_file *file, int descriptor)
{
    file->temporary_path[0] = '\0';
    file->ticket = CLEANUP_NONE;
    if (descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO) {
        file->stream = descriptor == STDOUT_FILENO ? stdout : stderr;
        return true;
    }
    int own = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 3) : open_when_read(file->path);
    file->stream = own >= 0 ? fdopen(own, "w") : NULL;
    return file->stream != NULL;
}

bool output_file_open(struct output_file *file, const char *directory, const char *name,
                      struct error *error)
{
    assert(name != NULL);
    *file = (struct output_file){.ticket = CLEANUP_NONE};
    int length = directory == NULL
                     ? snprintf(file->path, sizeof file->path, "%s", name)
                     : snprintf(file->path, sizeof file->path, "%s/%s", directory, name);
    if (length >= (int)sizeof file->path) {
        return error_set(error, "'%.100s...': path is too long", name);
    }
    if (name[0] == '\0') {
        return error_set(error, "expected the name of a file to write, got nothing");
    }
    int descriptor = directory == NULL ? named_descriptor(name) : -1;
    if (descriptor >= 0) {
        return open_into(file, descriptor) || fail(file, error);
    }
    struct stat there;
    errno = 0;
    bool exists = stat(file->path, &there) == 0;
    if (exists && S_ISDIR(there.st_mode)) {
        return error_set(error, "%s: cannot write: this is a folder", file->path);
    }
    if (exists && !S_ISREG(there.st_mode)) {
        return open_into(file, -1) || fail(file, error);
    }
    bool ok = (exists || errno == ENOENT) && (!exists || access(file->path, W_OK) == 0) &&
              follow_links(file->path, file->target) &&
              open_temporary(file, exists ? there.st_mode & 07777 : default_mode());
    return ok || fail(file, error);
}

static bool close_stream(struct output_file *file)
{
    errno = 0;
    bool lost = ferror(file->stream) != 0;
    bool failed = fflush(file->stream) != 0 || lost;
    if (file->stream != stdout && file->stream != stderr) {
        failed = fclose(file->stream) != 0 || failed;
    }
    file->stream = NULL;
    return !failed;
}

bool output_file_commit(struct output_file *file, struct error *error)
{
    assert(file->stream != NULL);
    if (!close_stream(file)) {
        fail(file, error);
        if (file->temporary_path[0] != '\0') {
            unlink(file->temporary_path);
        }
        cleanup_forget(file->ticket);
        return false;
    }
    if (file->temporary_path[0] == '\0') {
        return true;
    }
    cleanup_hold_signals();
    bool ok = rename(file->temporary_path, file->target) == 0 || fail(file, error);
    if (!ok) {
        unlink(file->temporary_path);
    }
    cleanup_forget(file->ticket);
    cleanup_release_signals();
    return ok;
}

void output_file_discard(struct output_file *file)
{
    if (file->stream == NULL) {
        return;
    }
    close_stream(file);
    if (file->temporary_path[0] != '\0') {
        unlink(file->temporary_path);
        cleanup_forget(file->ticket);
    }
}

bool output_standard_check(struct error *error)
{
    errno = 0;
    bool lost = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !lost) {
        return true;
    }
    return error_set(error, "standard output: cannot write: %s",
                     errno != 0 ? strerror(errno) : "an earlier part was lost");
}

bool output_directory_create(const char *path, struct error *error)
{
    char part[OUTPUT_PATH_BYTES];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) {
        return error_set(error, "output folder '%.100s': expected a path of 1 to %zu characters",
                         path, sizeof part - 1);
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            return error_set(error, "output folder '%s': cannot create: %s", path, strerror(errno));
        }
    }
    struct stat there;
    if (stat(path, &there) != 0 || !S_ISDIR(there.st_mode)) {
        return error_set(error, "output folder '%s': there is something else of that name", path);
    }
    if (access(path, W_OK | X_OK) != 0) {
        return error_set(error, "output folder '%s': cannot write there: %s", path,
                         strerror(errno));
    }
    return true;
}
