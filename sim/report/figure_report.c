#include "sim/report/figure_report.h"

#include <assert.h>
#include <string.h>

#include "sim/base/text.h"

/* Length of the key's group; 0: it stands alone. */
static size_t group_length(const char *key)
{
    const char *dot = strchr(key, '.');
    return dot != NULL ? (size_t)(dot - key) : 0;
}

struct json *figure_nest_enter(struct figure_nest *nest, const char *key, const char **ret_name)
{
    size_t length = group_length(key);
    assert(length < sizeof nest->group_name);
    if (length == 0) {
        nest->group = NULL;
        *ret_name = key;
        return nest->object;
    }
    *ret_name = key + length + 1;
    if (nest->group == NULL || strlen(nest->group_name) != length ||
        strncmp(nest->group_name, key, length) != 0) {
        snprintf(nest->group_name, sizeof nest->group_name, "%.*s", (int)length, key);
        nest->group = json_add_object(nest->object, nest->group_name);
    }
    return nest->group;
}

static void add_figure(const struct figure *figure, const struct run_summary *summary,
                       struct json *parent, const char *name)
{
    if (figure->type == FIGURE_EXACT) {
        json_add_text(parent, name,
                      summary->latency.percentiles_are_exact ? "exact" : "within 0.8 %");
    } else {
        json_add_number(parent, name, figure_value(figure, summary));
    }
}

void figure_report_results(const struct run_summary *summary,
                           const struct percentile_list *percentiles, struct json *object)
{
    struct figure_nest nest = {.object = object};
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        bool is_shown = !figure->is_extra || percentile_list_has(percentiles, figure->key);
        if (is_shown && !figure_is_price(figure)) {
            const char *name = NULL;
            struct json *parent = figure_nest_enter(&nest, figure->key, &name);
            add_figure(figure, summary, parent, name);
        }
    }
}

void figure_report_price(const struct run_summary *summary, struct json *object)
{
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        if (!figure->is_extra && figure_is_price(figure)) {
            add_figure(figure, summary, object, figure->key + group_length(figure->key) + 1);
        }
    }
}

static const char *unit_of(const struct figure *figure)
{
    return figure->unit != NULL ? figure->unit : "";
}

void figure_report_list(FILE *stream)
{
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        fprintf(stream, "%-46s %-10s %s\n", figure->key, unit_of(figure), figure->help);
    }
}

static bool same_definition(const struct figure *a, const struct figure *b)
{
    return b->key != NULL && text_equal(a->help, b->help);
}

void figure_report_markdown(FILE *stream)
{
    fputs("| key in `summary.json` | unit | definition |\n| --- | --- | --- |\n", stream);
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        fprintf(stream, "| `%s%s`", figure_is_price(figure) || figure->is_extra ? "" : "results.",
                figure->key);
        const struct figure *first = figure;
        while (same_definition(figure, figure + 1)) {
            figure++;
            fprintf(stream, ", `%s`%s", figure->key + group_length(figure->key),
                    figure->is_extra ? " (†)" : "");
        }
        fprintf(stream, "%s | %s | %s |\n", first->is_extra ? " (†)" : "", unit_of(first),
                first->help);
    }
    fputs("\n(†) not in `summary.json`, but in `replications.csv`, sweeps and goals.\n", stream);
}
