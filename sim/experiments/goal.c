#include "sim/experiments/goal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"

bool goal_parse(const char *text, struct goal *ret_goal, struct error *error)
{
    char key[64];
    struct goal goal = {.figure = NULL};
    size_t length = strcspn(text, "<>");
    if (length == 0 || length >= sizeof key || text[length] == '\0' ||
        !text_copy(goal.text, sizeof goal.text, text)) {
        return error_set(error, "--slo: expected FIGURE<BOUND or FIGURE>BOUND, got '%s'", text);
    }
    snprintf(key, sizeof key, "%.*s", (int)length, text);
    for (size_t i = length; i > 0 && key[i - 1] == ' '; i--) {
        key[i - 1] = '\0';
    }
    const char *bound = text + length + 1;
    bound += *bound == '=';
    bound += strspn(bound, " ");
    goal.is_ceiling = text[length] == '<';
    if (!figure_find(key, &goal.figure, error)) {
        return error_add_place(error, "--slo %s", text);
    }
    if (goal.figure->type == FIGURE_EXACT) {
        return error_set(error, "--slo %s: '%s' is no number", text, key);
    }
    if (!text_to_double(bound, &goal.bound) || goal.bound < 0) {
        return error_set(error, "--slo %s: the bound must be a number of at least 0, got '%s'",
                         text, bound);
    }
    *ret_goal = goal;
    return true;
}

bool goal_list_parse(const struct option_list *texts, struct goal_list *ret_list,
                     struct error *error)
{
    ret_list->count = 0;
    if (texts->count > MAX_GOALS) {
        return error_set(error, "--slo: at most %d bounds", MAX_GOALS);
    }
    for (size_t i = 0; i < texts->count; i++) {
        if (!goal_parse(texts->values[i], &ret_list->goals[ret_list->count++], error)) {
            return false;
        }
    }
    return true;
}

double goal_miss(const struct goal *goal, double value)
{
    assert(goal->bound >= 0);
    if (isnan(value)) {
        return INFINITY;
    }
    double small = goal->is_ceiling ? value : goal->bound;
    double large = goal->is_ceiling ? goal->bound : value;
    if (large > 0) {
        return small / large;
    }
    return small <= large ? 1 - 1e-9 : INFINITY; /* 0 where at most 0 is wanted */
}

double goal_list_miss(const struct goal_list *list, const struct run_summary *summary,
                      uint32_t *ret_worst)
{
    double worst = 0;
    *ret_worst = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        double miss = goal_miss(&list->goals[i], figure_value(list->goals[i].figure, summary));
        if (miss > worst) {
            worst = miss;
            *ret_worst = i;
        }
    }
    return worst;
}
