#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/json.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/pages/sweep_charts.h"
#include "sim/pages/sweep_table.h"
#include "sim/report/plotting.h"

static const char *text_of(const struct json *object, const char *name)
{
    const struct json *item = object != NULL ? json_find(object, name) : NULL;
    const char *text = item != NULL ? json_text(item) : NULL;
    return text != NULL ? text : "?";
}

/* Says whose figures these are, where the folder has a summary. */
static void print_run(const char *directory)
{
    char path[OUTPUT_PATH_BYTES + 64];
    struct json *summary = NULL;
    struct error error;
    double seed = NAN;
    snprintf(path, sizeof path, "%s/summary.json", directory);
    if (access(path, F_OK) != 0 || !json_read_file(path, &summary, &error)) {
        return;
    }
    const struct json *scenario = json_find(summary, "scenario");
    if (scenario != NULL && json_is_object(scenario)) {
        const struct json *item = json_find(scenario, "seed");
        if (item != NULL) {
            json_number(item, &seed);
        }
        printf("run '%s': %s on %s, seed %.0f\n", text_of(scenario, "name"),
               text_of(json_find(scenario, "model"), "name"),
               text_of(json_find(scenario, "hardware"), "gpu"), seed);
    }
    json_destroy(summary);
}

struct plot_options {
    struct option_list runs; /* folders, or one file of a sweep */
    struct figure_style style;
    const char *out; /* NULL: not said */
    const char *figure;
    const char *heat; /* "X,Y"; NULL: lines */
};

static bool check_folders(const struct option_list *runs, struct error *error)
{
    for (size_t i = 0; i < runs->count; i++) {
        if (access(runs->values[i], R_OK | X_OK) != 0) {
            return error_set(error, "%s: cannot read this folder", runs->values[i]);
        }
    }
    return true;
}

static bool plot_runs(const struct plot_options *chosen, struct error *error)
{
    const struct option_list *runs = &chosen->runs;
    const struct plotting plotting = {&chosen->style, runs->values, runs->count};
    const char *out = chosen->out != NULL ? chosen->out
                      : runs->count == 1  ? runs->values[0]
                                          : "figures";
    unsigned count = 0;
    if (!check_folders(runs, error) || !plotting_redraw(&plotting, out, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < runs->count; i++) {
        print_run(runs->values[i]);
    }
    printf("%u figures in %s\n", count, out);
    return true;
}

/* The two settings of "X,Y". */
static bool find_axes(const struct sweep_table *table, const char *text, uint32_t axes[2],
                      struct error *error)
{
    char copy[256];
    char *comma = NULL;
    if (!text_copy(copy, sizeof copy, text) || (comma = strchr(copy, ',')) == NULL) {
        return error_set(error, "--heat: expected two settings of the sweep, X,Y, got '%.60s'",
                         text);
    }
    *comma = '\0';
    return (sweep_table_find_axis(table, copy, &axes[0], error) &&
            sweep_table_find_axis(table, comma + 1, &axes[1], error) &&
            (axes[0] != axes[1] ||
             error_set(error, "expected two settings, got '%s' twice", copy))) ||
           error_add_place(error, "--heat");
}

static bool make_chart(const struct sweep_table *table, const char *heat, struct chart *chart,
                       struct error *error)
{
    uint32_t axes[2] = {0, 0};
    if (table->axis_count == 0) {
        return error_set(error, "nothing varies in this sweep");
    }
    if (heat != NULL) {
        if (!find_axes(table, heat, axes, error)) {
            return false;
        }
        sweep_chart_cells(table, axes[0], axes[1], 0, chart);
        sweep_chart_name_axis(table, axes[0], true, true, chart);
        sweep_chart_name_axis(table, axes[1], false, true, chart);
        return true;
    }
    char label[128];
    sweep_chart_lines(table, 0, chart);
    sweep_chart_name_axis(table, 0, true, !sweep_table_is_numeric(table, 0), chart);
    sweep_chart_label(table->figures[0], label, sizeof label);
    chart_add_xy(chart, chart_add_series(chart, "y", label), 0, 0);
    return true;
}

static bool plot_sweep(const struct plot_options *chosen, struct error *error)
{
    const char *name = chosen->heat != NULL ? "sweep_heat" : "sweep_lines";
    const char *out = chosen->out != NULL ? chosen->out : "figures";
    char table_name[64];
    struct sweep_table table = {.points = NULL};
    struct chart chart = {.series = NULL};
    unsigned count = 0;
    snprintf(table_name, sizeof table_name, "%s.csv", name);
    bool ok = sweep_table_read(chosen->runs.values[0], &chosen->figure, 1, &table, error) &&
              make_chart(&table, chosen->heat, &chart, error) &&
              plotting_table(&chosen->style, &chart, table_name, out, &count, error);
    if (ok) {
        printf("%s of %zu points: %u figures in %s\n", chosen->figure, table.count, count, out);
    }
    chart_clear(&chart);
    sweep_table_clear(&table);
    return ok;
}

static bool is_file(const char *path)
{
    struct stat there;
    return stat(path, &there) == 0 && S_ISREG(there.st_mode);
}

static int run(const struct command *command, int argc, char **argv)
{
    struct figure_style_texts texts = {.formats = NULL};
    struct plot_options chosen = {.figure = NULL};
    const struct option options[] = {
        {"--out", "DIR", "folder for the figures (default: the one run's own, else figures)",
         OPTION_TEXT, &chosen.out},
        {"--figure", "KEY", "of a sweep: the figure to draw (default ttft_s.p99)", OPTION_TEXT,
         &chosen.figure},
        {"--heat", "X,Y", "of a sweep: a heat map over these two settings", OPTION_TEXT,
         &chosen.heat},
        {"--format", "LIST", "png, svg, pdf, tikz, or some of them (default png,svg)", OPTION_TEXT,
         &texts.formats},
        {"--style", "NAME", "screen, ieee, acm or slides: size, font, lines (default screen)",
         OPTION_TEXT, &texts.style},
        {"--size", "WxHUNIT", "size in in, cm, mm, pt or px, such as 3.3x2.2in", OPTION_TEXT,
         &texts.size},
        {"--font", "NAME[,PT]", "font, and its size in points", OPTION_TEXT, &texts.font},
        {"--title", "TEXT", "a title above each figure", OPTION_TEXT, &texts.title},
        {"--legend", "WHERE", "top, right, inside or none (default top)", OPTION_TEXT,
         &texts.legend},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &chosen.runs, &status)) {
        return status;
    }
    bool is_sweep = chosen.runs.count == 1 && is_file(chosen.runs.values[0]);
    const char *misuse = chosen.runs.count == 0
                             ? "expected a folder of results, or a file of a sweep"
                         : !is_sweep && (chosen.figure != NULL || chosen.heat != NULL)
                             ? "--figure and --heat are for the file of a sweep"
                             : NULL;
    if (misuse != NULL) {
        fprintf(stderr, "kvcast plot: %s\n", misuse);
        return EXIT_BAD_USAGE;
    }
    struct error error;
    chosen.figure = chosen.figure != NULL ? chosen.figure : "ttft_s.p99";
    bool ok = figure_style_parse(&texts, &chosen.style, &error) &&
              (is_sweep ? plot_sweep(&chosen, &error) : plot_runs(&chosen, &error));
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_plot = {
    .name = "plot",
    .arguments = "DIR...|SWEEP.sqlite",
    .summary = "draw the figures of results: for papers, or of several runs in one",
    .details = "Each figure lies beside its data, FIGURE.csv.\n"
               "\n"
               "  kvcast plot results\n"
               "  kvcast plot results --format pdf --style ieee --size 3.3x2.2in\n"
               "  kvcast plot run-a run-b --out side-by-side --legend right\n"
               "  kvcast plot rates.sqlite --figure e2e_s.p99\n"
               "  kvcast plot rates.sqlite --heat workload.rate_per_s,engine.instances\n",
    .run = run,
};
