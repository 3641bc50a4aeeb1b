#include "sim/base/embedded.h"

#include <unistd.h>

#include "sim/base/text.h"

const struct embedded_file *embedded_next(const char *folder, const struct embedded_file *previous)
{
    const struct embedded_file *file = previous != NULL ? previous + 1 : embedded_files;
    while (file->path != NULL && !text_starts_with(file->path, folder)) {
        file++;
    }
    return file->path != NULL ? file : NULL;
}

const char *embedded_find(const char *path)
{
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        if (text_equal(file->path, path)) {
            return file->text;
        }
    }
    return NULL;
}

bool embedded_read_json(const char *path, struct json **ret_document, struct error *error)
{
    const char *text = access(path, R_OK) == 0 ? NULL : embedded_find(path);
    return text != NULL ? json_parse(text, path, ret_document, error)
                        : json_read_file(path, ret_document, error);
}
