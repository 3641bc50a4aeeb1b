#include "sim/metrics/percentile_list.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "sim/base/text.h"

static const struct {
    double percentile;
    const char *name;
} kept[MAX_PERCENTILES] = {{50, "p50"}, {90, "p90"}, {95, "p95"}, {99, "p99"}, {99.9, "p99.9"}};

/* Marks the one that the first number of 'text' names; '*ret_end' is what follows it. */
static bool mark(const char *text, bool *chosen, const char **ret_end)
{
    char number[16];
    size_t length = strcspn(text, ",");
    double value = 0;
    if (length >= sizeof number) {
        return false;
    }
    memcpy(number, text, length);
    number[length] = '\0';
    *ret_end = text[length] == ',' ? text + length + 1 : NULL;
    for (size_t i = 0; i < MAX_PERCENTILES; i++) {
        if (text_to_double(number, &value) && value == kept[i].percentile) {
            chosen[i] = true;
            return true;
        }
    }
    return false;
}

bool percentile_list_parse(const char *text, struct percentile_list *ret_list, struct error *error)
{
    bool chosen[MAX_PERCENTILES] = {false};
    const char *rest = text;
    while (rest != NULL) {
        if (!mark(rest, chosen, &rest)) {
            return error_set(error,
                             "'metrics.percentiles' must be a list of 50, 90, 95, 99 and 99.9, got "
                             "'%s'",
                             text);
        }
    }
    struct percentile_list list = {.count = 0};
    for (size_t i = 0; i < MAX_PERCENTILES; i++) {
        if (chosen[i]) {
            list.names[list.count++] = kept[i].name;
        }
    }
    assert(list.count > 0);
    *ret_list = list;
    return true;
}

bool percentile_list_has(const struct percentile_list *list, const char *key)
{
    const char *dot = strchr(key, '.');
    for (uint32_t i = 0; dot != NULL && i < list->count; i++) {
        if (text_equal(dot + 1, list->names[i])) {
            return true;
        }
    }
    return false;
}
