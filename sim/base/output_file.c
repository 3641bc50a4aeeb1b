#include "sim/base/output_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool output_file_open(struct output_file *file, const char *directory, const char *name,
                      struct error *error)
{
    file->stream = NULL;
    int length = directory == NULL
                     ? snprintf(file->path, sizeof file->path, "%s", name)
                     : snprintf(file->path, sizeof file->path, "%s/%s", directory, name);
    if (length >= (int)sizeof file->path) {
        return error_set(error, "'%s': path is too long", name);
    }
    snprintf(file->temporary_path, sizeof file->temporary_path, "%s.tmp.%ld", file->path,
             (long)getpid());
    file->stream = fopen(file->temporary_path, "w");
    if (file->stream == NULL) {
        return error_set(error, "%s: cannot write: %s", file->path, strerror(errno));
    }
    return true;
}

bool output_file_commit(struct output_file *file, struct error *error)
{
    bool failed = fflush(file->stream) != 0 || ferror(file->stream) != 0;
    failed = fclose(file->stream) != 0 || failed;
    file->stream = NULL;
    if (!failed && rename(file->temporary_path, file->path) == 0) {
        return true;
    }
    error_set(error, "%s: cannot write: %s", file->path, strerror(errno));
    unlink(file->temporary_path);
    return false;
}

void output_file_discard(struct output_file *file)
{
    if (file->stream != NULL) {
        fclose(file->stream);
        file->stream = NULL;
        unlink(file->temporary_path);
    }
}

bool output_directory_create(const char *path, struct error *error)
{
    char part[1024];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part) {
        return error_set(error, "output folder '%s': expected a path of 1 to 1023 characters",
                         path);
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
    if (access(path, W_OK | X_OK) != 0) {
        return error_set(error, "output folder '%s': cannot write there: %s", path,
                         strerror(errno));
    }
    return true;
}
