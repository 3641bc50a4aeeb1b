#include "sim/base/embedded.h"

#include <unistd.h>

#include "sim/base/text.h"

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
