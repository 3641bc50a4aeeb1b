#include "sim/pages/sweep_page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/pages/page.h"
#include "sim/pages/sweep_charts.h"

/* Drawn and shown for each point; the first as a heat map too. */
static const char *const keys[] = {"ttft_s.p99",
                                   "throughput.output_tokens_per_s",
                                   "tpot_s.p99",
                                   "e2e_s.p99",
                                   "kv_utilization.peak",
                                   "attainment",
                                   "accuracy",
                                   "price.usd_per_hour",
                                   "price.usd_per_million_output_tokens_high"};
enum { KEYS = sizeof keys / sizeof keys[0] };

static bool has_values(const struct sweep_table *table, uint32_t figure)
{
    for (size_t i = 0; i < table->count; i++) {
        if (!isnan(table->points[i].figures[figure].mean)) {
            return true;
        }
    }
    return false;
}

static void add_lines(struct page *page, const struct sweep_table *table, uint32_t figure)
{
    struct chart chart = {.series = NULL};
    char label[128];
    char note[256] = "";
    const char **names = NULL;
    sweep_chart_lines(table, figure, &chart);
    sweep_chart_label(table->figures[figure], label, sizeof label);
    uint32_t count = sweep_table_values(table, 0, &names);
    if (!sweep_table_is_numeric(table, 0)) {
        snprintf(note, sizeof note, "The axis counts the values of %s from 0 (%s) to %u (%s).",
                 table->axes[0], names[0], count - 1, names[count - 1]);
    }
    page_add_chart(page,
                   &(struct page_chart){.heading = label,
                                        .note = note[0] != '\0' ? note : NULL,
                                        .kind = "lines",
                                        .x = table->axes[0],
                                        .y = label,
                                        .log_x = true},
                   &chart);
    free(names);
    chart_clear(&chart);
}

static void add_heat(struct page *page, const struct sweep_table *table)
{
    struct chart chart = {.series = NULL};
    char label[128];
    char heading[160];
    const char **columns = NULL;
    const char **rows = NULL;
    if (table->axis_count < 2) {
        return;
    }
    uint32_t column_count = sweep_table_values(table, 0, &columns);
    uint32_t row_count = sweep_table_values(table, 1, &rows);
    enum { MAX_CELLS_A_SIDE = 24 };
    if (column_count <= MAX_CELLS_A_SIDE && row_count <= MAX_CELLS_A_SIDE) {
        sweep_chart_label(table->figures[0], label, sizeof label);
        snprintf(heading, sizeof heading, "%s by two settings", label);
        sweep_chart_cells(table, 0, 1, 0, &chart);
        struct json *block = page_add_chart(page,
                                            &(struct page_chart){.heading = heading,
                                                                 .note = "Darker is more.",
                                                                 .kind = "heat",
                                                                 .x = table->axes[0],
                                                                 .y = table->axes[1]},
                                            &chart);
        page_add_columns(block, columns, column_count);
        page_add_rows(block, rows, row_count);
    }
    free(columns);
    free(rows);
    chart_clear(&chart);
}

static void add_points(struct page *page, const struct sweep_table *table)
{
    struct json *block =
        page_add_table(page, "All points", NULL, "Means over the replications of each point");
    for (uint32_t a = 0; a < table->axis_count; a++) {
        page_add_column(block, table->axes[a], NULL, sweep_table_is_numeric(table, a), NULL);
    }
    for (uint32_t f = 0; f < table->figure_count; f++) {
        page_add_column(block, table->figures[f]->label, page_unit(table->figures[f]), true,
                        table->figures[f]->help);
    }
    page_add_column(block, "runs", NULL, true, NULL);
    for (size_t i = 0; i < table->count; i++) {
        const struct sweep_table_point *point = &table->points[i];
        struct json *row = page_add_row(block);
        for (uint32_t a = 0; a < table->axis_count; a++) {
            if (isnan(point->numbers[a])) {
                json_add_text(row, NULL, point->settings[a]);
            } else {
                json_add_number(row, NULL, point->numbers[a]);
            }
        }
        for (uint32_t f = 0; f < table->figure_count; f++) {
            json_add_number(row, NULL, page_shown(table->figures[f], point->figures[f].mean));
        }
        json_add_number(row, NULL, point->runs);
    }
}

bool sweep_page_write(const char *sweep_path, const char *command, const char *path,
                      struct error *error)
{
    struct sweep_table table;
    char lead[256];
    if (!sweep_table_read(sweep_path, keys, KEYS, &table, error)) {
        sweep_table_clear(&table);
        return false;
    }
    snprintf(lead, sizeof lead, "%zu points, %llu runs, %llu of them refused", table.count,
             (unsigned long long)table.rows, (unsigned long long)table.refused);
    struct page page = page_create("sweep", sweep_path, lead);
    if (table.axis_count > 0) {
        add_heat(&page, &table);
        for (uint32_t f = 0; f < table.figure_count; f++) {
            if (has_values(&table, f)) {
                add_lines(&page, &table, f);
            }
        }
    }
    page_add_code(&page, "How to repeat it", "The same inputs and seeds give the same rows.", NULL,
                  command);
    add_points(&page, &table);
    bool ok = page_write(&page, NULL, path, error);
    page_destroy(&page);
    sweep_table_clear(&table);
    return ok;
}
