#include "sim/report/link_table.h"

#include <stdio.h>

#include "sim/base/text.h"

bool link_table_is(const struct json *document)
{
    return json_is_array(json_find(document, "links"));
}

/* A row: what, bytes, median in ms; what follows is not printed. */
static bool print_row(const struct json *row, const char *previous)
{
    const struct json *name = json_first(row);
    const struct json *size = name != NULL ? json_next(name) : NULL;
    const struct json *time = size != NULL ? json_next(size) : NULL;
    double bytes = 0;
    double ms = 0;
    if (time == NULL || json_text(name) == NULL || !json_number(size, &bytes) ||
        !json_number(time, &ms) || bytes <= 0 || ms <= 0) {
        return false;
    }
    if (!text_equal(json_text(name), previous)) {
        printf("\n%-20s %12s %12s %8s\n", json_text(name), "bytes", "us", "GB/s");
    }
    printf("%-20s %12.0f %12.2f %8.1f\n", "", bytes, 1000 * ms, bytes / ms / 1e6);
    return true;
}

/* Rows of one kind stand together in the table, though not in the file. */
static bool print_kind(const struct json *rows, const char *kind, const char *place,
                       struct error *error)
{
    const char *previous = "";
    unsigned number = 0;
    for (const struct json *row = json_first(rows); row != NULL; row = json_next(row)) {
        const char *name = json_first(row) != NULL ? json_text(json_first(row)) : NULL;
        number++;
        if (name != NULL && !text_equal(name, kind)) {
            continue;
        }
        if (!print_row(row, previous)) {
            return error_set(error,
                             "%s: row %u of 'links' must hold a name, bytes and ms, both above 0",
                             place, number);
        }
        previous = name;
    }
    return true;
}

bool link_table_print(const struct json *document, const char *place, struct error *error)
{
    static const char *const kinds[] = {"host_to_device", "device_to_host", "device_to_device",
                                        "all_reduce_one_shot", "all_reduce_nccl"};
    const struct json *gpu = json_find(document, "gpu");
    const struct json *date = json_find(document, "date");
    const struct json *name = gpu != NULL ? json_find(gpu, "name") : NULL;
    const struct json *count = json_find(document, "gpus");
    double gpus = 0;
    if (name == NULL || json_text(name) == NULL || date == NULL || json_text(date) == NULL ||
        count == NULL || !json_number(count, &gpus)) {
        return error_set(error, "%s: keys 'gpu', 'gpus' and 'date' must tell what was measured",
                         place);
    }
    printf("links of %.0f x %s, %s\n", gpus, json_text(name), json_text(date));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!print_kind(json_find(document, "links"), kinds[i], place, error)) {
            return false;
        }
    }
    return true;
}
