/* What was written as JSON, as a reader of the file sees it. */
#ifndef TESTS_UNIT_READ_AGAIN_H
#define TESTS_UNIT_READ_AGAIN_H

#include "sim/base/json.h"
#include "tests/unit/check.h"

/* Destroys 'object'. */
static inline struct json *read_again(struct json *object)
{
    struct json *again = NULL;
    struct error error;
    char *text = json_print(object);
    assert_true(json_parse(text, "test", &again, &error));
    free(text);
    json_destroy(object);
    return again;
}

#endif
