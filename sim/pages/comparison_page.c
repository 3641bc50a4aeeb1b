#include "sim/pages/comparison_page.h"

#include <math.h>
#include <stdio.h>

#include "sim/metrics/figure_interval.h"
#include "sim/pages/page.h"

/* Relative differences of the main figures in per cent of the first scenario's, a panel a scenario.
 */
static void add_differences(struct page *page, const struct comparison_table *tables,
                            uint32_t scenarios, const char *const *labels)
{
    struct chart chart = {.series = NULL};
    const char *rows[64];
    size_t count = 0;
    for (uint32_t i = 0; i < tables[1].count && count < sizeof rows / sizeof rows[0]; i++) {
        const struct figure *figure = tables[1].figures[i];
        bool is_shown = figure->is_main && fabs(tables[1].rows[i].first) > 0;
        for (uint32_t side = 1; is_shown && side < scenarios; side++) {
            const struct paired *row = &tables[side].rows[i];
            double percent = 100 / fabs(row->first);
            if (count == 0) {
                chart_add_series(&chart, labels[side], "difference");
            }
            chart_add_point(&chart, side - 1,
                            (struct chart_point){percent * row->difference, (double)count,
                                                 percent * row->low, percent * row->high});
        }
        if (is_shown) {
            rows[count++] = figure->label;
        }
    }
    if (count > 0) {
        struct json *block =
            page_add_chart(page,
                           &(struct page_chart){
                               .heading = "Differences",
                               .note = "In per cent of the first scenario's figure, with the 95 % "
                                       "interval of the mean difference.",
                               .kind = "forest",
                               .x = "difference (%)",
                               .y = "figure"},
                           &chart);
        page_add_rows(block, rows, count);
    }
    chart_clear(&chart);
}

/* Percentiles of each latency, the scenarios below each other in each row. */
static void add_latencies(struct page *page, const struct comparison *comparison,
                          const char *const *labels)
{
    static const char *const groups[] = {"ttft_s", "tpot_s", "e2e_s"};
    static const char *const titles[] = {"time to first token", "time per output token",
                                         "end to end"};
    static const char *const names[] = {"p50", "p90", "p95", "p99", "p99.9"};
    enum { NAMES = sizeof names / sizeof names[0] };
    struct chart chart = {.series = NULL};
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
        for (uint32_t side = 0; side < comparison->scenarios; side++) {
            size_t series = chart_add_series(&chart, titles[g], labels[side]);
            for (size_t n = 0; n < NAMES; n++) {
                char key[64];
                struct error error;
                const struct figure *figure = NULL;
                snprintf(key, sizeof key, "%s.%s", groups[g], names[n]);
                if (!figure_find(key, &figure, &error)) {
                    continue;
                }
                struct interval interval =
                    figure_interval(figure, comparison_runs(comparison, side),
                                    comparison->replications, COMPARISON_LEVEL);
                double shift = (side - (comparison->scenarios - 1) / 2.0) * 0.5 /
                               fmax(2, comparison->scenarios);
                chart_add_point(&chart, series,
                                (struct chart_point){interval.mean, (double)n + shift, interval.low,
                                                     interval.high});
            }
        }
    }
    struct json *block = page_add_chart(
        page,
        &(struct page_chart){.heading = "Latencies",
                             .note =
                                 "Means over the replications, and where the next run lies with a "
                                 "probability of 95 %.",
                             .kind = "forest",
                             .x = "seconds",
                             .y = "percentile"},
        &chart);
    page_add_rows(block, names, NAMES);
    chart_clear(&chart);
}

static void add_table(struct page *page, const struct comparison_table *table, const char *label,
                      const char *first)
{
    char caption[512];
    snprintf(caption, sizeof caption,
             "%s against %s: means, the mean difference and its 95 %% interval", label, first);
    struct json *block = page_add_table(page, label, NULL, caption);
    page_add_column(block, "figure", NULL, false, "as in summary.json");
    page_add_column(block, "first", NULL, true, NULL);
    page_add_column(block, "this", NULL, true, NULL);
    page_add_column(block, "difference", NULL, true, NULL);
    page_add_column(block, "low", NULL, true,
                    "lower end of the 95 % interval of the mean difference");
    page_add_column(block, "high", NULL, true,
                    "upper end of the 95 % interval of the mean difference");
    page_add_column(block, "unit", NULL, false, NULL);
    page_add_column(block, "significant", NULL, false,
                    "all marked ones of a table together are by luck in 5 % of cases at most");
    for (uint32_t i = 0; i < table->count; i++) {
        const struct paired *paired = &table->rows[i];
        struct json *row = page_add_row(block);
        json_add_text(row, NULL, table->figures[i]->key);
        json_add_number(row, NULL, paired->first);
        json_add_number(row, NULL, paired->second);
        json_add_number(row, NULL, paired->difference);
        json_add_number(row, NULL, paired->low);
        json_add_number(row, NULL, paired->high);
        json_add_text(row, NULL, table->figures[i]->unit != NULL ? table->figures[i]->unit : "");
        json_add_bool(row, NULL, table->significant[i]);
        if (table->significant[i]) {
            page_mark_row(block, i);
        }
    }
}

static void add_headlines(struct page *page, const struct comparison *comparison,
                          const char *const *labels)
{
    static const char *const keys[] = {"throughput.output_tokens_per_s", "ttft_s.p99", "e2e_s.p99"};
    struct json *headlines = page_add_headlines(page);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        for (uint32_t side = 0; side < comparison->scenarios; side++) {
            struct error error;
            const struct figure *figure = NULL;
            if (!figure_find(keys[k], &figure, &error)) {
                continue;
            }
            struct interval interval = figure_interval(figure, comparison_runs(comparison, side),
                                                       comparison->replications, COMPARISON_LEVEL);
            page_add_headline(
                headlines,
                &(struct page_headline){.label = figure->label,
                                        .unit = page_unit(figure),
                                        .note = labels[side],
                                        .value = page_shown(figure, interval.mean),
                                        .bounds = {.low = page_shown(figure, interval.low),
                                                   .high = page_shown(figure, interval.high)}});
        }
    }
}

bool comparison_page_write(const struct comparison *comparison, const char *const *labels,
                           const char *command, const char *path, struct error *error)
{
    char lead[256];
    struct comparison_table tables[MAX_COMPARED];
    snprintf(lead, sizeof lead, "%u scenarios under the same %u seeds; the first is %.100s",
             comparison->scenarios, comparison->replications, labels[0]);
    struct page page = page_create("comparison", "Comparison", lead);
    for (uint32_t side = 1; side < comparison->scenarios; side++) {
        comparison_table_fill(&tables[side], comparison, side, true);
    }
    add_headlines(&page, comparison, labels);
    add_differences(&page, tables, comparison->scenarios, labels);
    add_latencies(&page, comparison, labels);
    page_add_code(&page, "How to repeat it", "The same inputs and seeds give the same numbers.",
                  NULL, command);
    for (uint32_t side = 1; side < comparison->scenarios; side++) {
        add_table(&page, &tables[side], labels[side], labels[0]);
        comparison_table_clear(&tables[side]);
    }
    bool ok = page_write(&page, NULL, path, error);
    page_destroy(&page);
    return ok;
}
