#include "sim/report/plotting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/report/gnuplot.h"
#include "sim/report/run_charts.h"

/* The script of a figure is plots/NAME.gp or plots/study/NAME.gp. */
struct figure {
    const char *name;
    const char *table; /* what it is drawn from */
    unsigned width;    /* in pixels of 1/96 inch */
    unsigned height;
    run_chart *chart; /* makes the table, from runs; NULL: a command wrote it */
};

static const struct figure figures[] = {
    {"kv_utilization", "kv_utilization.csv", 1000, 460, run_chart_kv_utilization},
    {"running_waiting", "running_waiting.csv", 1000, 460, run_chart_running_waiting},
    {"stragglers", "stragglers.csv", 1000, 620, run_chart_stragglers},
    {"latency_cdf", "latency_cdf.csv", 1000, 720, run_chart_latency_cdf},
    {"difficulty", "difficulty.csv", 1000, 560, run_chart_difficulty},
    {"contrast", "contrast.csv", 1000, 640, run_chart_contrast},
    {"explain", "explain_steps.csv", 1000, 900, NULL},
    {"experiment_budgets", "experiment_budgets.csv", 1000, 520, NULL},
    {"experiment_mixed", "experiment_mixed.csv", 1000, 520, NULL},
    {"experiment_formats", "experiment_formats.csv", 1000, 520, NULL},
    {"paper_load", "paper_load.csv", 1200, 760, NULL},
    {"experiment_ratios", "experiment_ratios.csv", 1200, 520, NULL},
    {"experiment_caching", "experiment_caching.csv", 1200, 520, NULL},
    {"experiment_precisions", "experiment_precisions.csv", 1000, 620, NULL},
    {"experiment_lengths", "experiment_lengths.csv", 1100, 560, NULL},
    {"paper_tables", "paper_tables.csv", 1100, 560, NULL},
    {"paper_running", "paper_running.csv", 1200, 900, NULL},
    {"sweep_lines", "sweep_lines.csv", 1000, 560, NULL},
    {"sweep_heat", "sweep_heat.csv", 1000, 620, NULL},
    {"profile_steps", "profile_steps.csv", 1200, 560, NULL},
    {"profile_roofline", "profile_operations.csv", 1000, 620, NULL},
};
enum { FIGURES = sizeof figures / sizeof figures[0] };

/* Tables that scripts read beside a figure's own. */
static const char *const further_tables[] = {"explain_state.csv", NULL};

#define DRAWN(name) name ".png", name ".svg"
#define MADE(name) name ".csv", DRAWN(name)

const char *const plotting_run_names[] = {"summary.json",
                                          "report.html",
                                          "requests.csv",
                                          "timeline.csv",
                                          "contrast_timeline.csv",
                                          "replications.csv",
                                          MADE("kv_utilization"),
                                          MADE("running_waiting"),
                                          MADE("stragglers"),
                                          MADE("latency_cdf"),
                                          MADE("difficulty"),
                                          MADE("contrast"),
                                          NULL};
const char *const plotting_explain_names[] = {"explain_steps.csv", "explain_state.csv",
                                              DRAWN("explain"), NULL};
const char *const plotting_paper_names[] = {"paper_tables.csv",
                                            "paper_running.csv",
                                            "paper_load.csv",
                                            DRAWN("paper_load"),
                                            DRAWN("paper_tables"),
                                            DRAWN("paper_running"),
                                            NULL};
const char *const plotting_experiment_names[] = {
    MADE("experiment_budgets"), MADE("experiment_mixed"),
    MADE("experiment_formats"), MADE("experiment_ratios"),
    MADE("experiment_caching"), MADE("experiment_precisions"),
    MADE("experiment_lengths"), NULL};
const char *const plotting_profile_names[] = {"profile_operations.csv", "profile_steps.csv",
                                              DRAWN("profile_steps"), DRAWN("profile_roofline"),
                                              NULL};

static bool is_there(const char *directory, const char *name, struct stat *ret_there)
{
    char path[OUTPUT_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, ret_there) == 0;
}

static const char *find_script(const struct figure *figure)
{
    char path[128];
    snprintf(path, sizeof path, "plots/%s.gp", figure->name);
    const char *script = embedded_find(path);
    if (script == NULL) {
        snprintf(path, sizeof path, "plots/study/%s.gp", figure->name);
        script = embedded_find(path);
    }
    assert(script != NULL);
    return script;
}

/* A figure that gnuplot says it has drawn must be there. */
static bool check_drawn(const struct figure *figure, const struct figure_style *style,
                        const char *directory, struct error *error)
{
    for (size_t i = 0; i < style->format_count; i++) {
        char name[128];
        struct stat there;
        snprintf(name, sizeof name, "%s.%s", figure->name, style->formats[i]->extension);
        if (!is_there(directory, name, &there) || there.st_size == 0) {
            return error_set(error, "gnuplot did not write '%s'", name);
        }
    }
    return true;
}

/* The figure in all formats. Larger tables may take longer. */
static bool draw(const struct figure *figure, const struct figure_style *style,
                 const char *directory, off_t table_bytes, struct error *error)
{
    enum { LIMIT_S = 20, BYTES_PER_S = 1 << 20 };
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    for (size_t i = 0; i < style->format_count; i++) {
        figure_style_begin(style, style->formats[i], figure->name, figure->width, figure->height,
                           stream);
        fprintf(stream, "table = '%s'\n%s\nunset output\n", figure->table, find_script(figure));
    }
    fclose(stream);
    bool ok =
        gnuplot_run(directory, text, LIMIT_S + (unsigned)(table_bytes / BYTES_PER_S), error) &&
        check_drawn(figure, style, directory, error);
    free(text);
    return ok || error_add_place(error, "figure '%s'", figure->name);
}

/* Writes the tables of the figures for which the runs have data. */
static bool make_tables(const struct plotting *plotting, const char *directory, struct error *error)
{
    struct run_curves *curves = memory_zeroed(plotting->run_count + 1, sizeof curves[0]);
    size_t read = 0;
    bool ok = true;
    while (ok && read < plotting->run_count) {
        ok = run_curves_read(&curves[read], plotting->runs[read], error);
        read++;
    }
    for (size_t i = 0; ok && i < FIGURES; i++) {
        struct chart chart = {.series = NULL};
        if (figures[i].chart != NULL) {
            figures[i].chart(curves, read, &chart);
        }
        ok = chart.count == 0 || chart_write_csv(&chart, directory, figures[i].table, error);
        chart_clear(&chart);
    }
    for (size_t i = 0; i < read; i++) {
        run_curves_clear(&curves[i]);
    }
    free(curves);
    return ok;
}

bool plotting_draw(const struct plotting *plotting, const char *directory, FILE *notes,
                   unsigned *ret_count, struct error *error)
{
    *ret_count = 0;
    if (!gnuplot_is_installed()) {
        fprintf(notes, "kvcast: gnuplot is not installed: figures are skipped\n");
        return true;
    }
    if (!make_tables(plotting, directory, error)) {
        return false;
    }
    for (size_t i = 0; i < FIGURES; i++) {
        struct stat there;
        if (!is_there(directory, figures[i].table, &there)) {
            continue;
        }
        if (!draw(&figures[i], plotting->style, directory, there.st_size, error)) {
            return false;
        }
        ++*ret_count;
    }
    return true;
}

bool plotting_finish(struct output_set *set, bool draw_them, unsigned *ret_count,
                     struct error *error)
{
    const struct figure_style style = figure_style_default();
    const char *const stage = set->stage;
    const struct plotting plotting = {&style, &stage, 1};
    struct error not_placed;
    *ret_count = 0;
    bool drawn = !draw_them || plotting_draw(&plotting, stage, stderr, ret_count, error);
    if (!output_set_commit(set, &not_placed)) {
        *error = not_placed;
        return false;
    }
    return drawn;
}

/* Lets the stage of a set see a table of the folder it will replace. */
static bool link_table(const struct output_set *set, const char *name, struct error *error)
{
    char from[OUTPUT_PATH_BYTES];
    char to[OUTPUT_PATH_BYTES + 64];
    struct stat there;
    if (!is_there(set->directory, name, &there)) {
        return true;
    }
    if (!S_ISREG(there.st_mode)) {
        return error_set(error, "%s/%s: expected a regular file", set->directory, name);
    }
    snprintf(from, sizeof from, "../%.200s", name);
    snprintf(to, sizeof to, "%s/%s", set->stage, name);
    return symlink(from, to) == 0 || errno == EEXIST ||
           error_set(error, "%s: cannot link: %s", to, strerror(errno));
}

/* Tables that commands wrote; those of runs are made anew. */
static bool link_tables(const struct output_set *set, struct error *error)
{
    bool ok = true;
    for (size_t i = 0; ok && further_tables[i] != NULL; i++) {
        ok = link_table(set, further_tables[i], error);
    }
    for (size_t i = 0; ok && i < FIGURES; i++) {
        ok = figures[i].chart != NULL || link_table(set, figures[i].table, error);
    }
    return ok;
}

/* All files that a drawing may leave, as one set. Those of tables that commands wrote belong to it
 * only in the folder of these tables. */
struct drawn_names {
    char texts[OUTPUT_SET_MAX_NAMES][64];
    const char *names[OUTPUT_SET_MAX_NAMES + 1];
    size_t count;
};

static void add_name(struct drawn_names *drawn, const char *name, const char *extension)
{
    assert(drawn->count < OUTPUT_SET_MAX_NAMES);
    snprintf(drawn->texts[drawn->count], sizeof drawn->texts[0], "%s.%s", name, extension);
    drawn->names[drawn->count] = drawn->texts[drawn->count];
    drawn->count++;
}

static void add_names(struct drawn_names *drawn, const struct figure *figure,
                      const struct figure_style *style, bool with_table)
{
    if (with_table) {
        add_name(drawn, figure->name, "csv");
    }
    for (size_t f = 0; f < style->format_count; f++) {
        add_name(drawn, figure->name, style->formats[f]->extension);
    }
}

static void list_names(struct drawn_names *drawn, const struct figure_style *style, bool all)
{
    for (size_t i = 0; i < FIGURES; i++) {
        if (figures[i].chart != NULL || all) {
            add_names(drawn, &figures[i], style, figures[i].chart != NULL);
        }
    }
}

bool plotting_redraw(const struct plotting *plotting, const char *directory, unsigned *ret_count,
                     struct error *error)
{
    struct output_set set;
    *ret_count = 0;
    if (!gnuplot_is_installed()) {
        fprintf(stderr, "kvcast: gnuplot is not installed: figures are skipped\n");
        return true;
    }
    struct drawn_names *drawn = memory_zeroed(1, sizeof *drawn);
    bool own = plotting->run_count == 1 && text_equal(plotting->runs[0], directory);
    list_names(drawn, plotting->style, own);
    bool ok = output_set_open(&set, directory, drawn->names, error);
    if (ok) {
        ok = (!own || link_tables(&set, error)) &&
             plotting_draw(plotting, set.stage, stderr, ret_count, error) &&
             output_set_commit(&set, error);
        output_set_discard(&set);
    }
    free(drawn);
    return ok;
}

bool plotting_table(const struct figure_style *style, const struct chart *chart, const char *table,
                    const char *directory, unsigned *ret_count, struct error *error)
{
    const struct plotting plotting = {.style = style};
    struct output_set set;
    struct drawn_names *drawn = memory_zeroed(1, sizeof *drawn);
    for (size_t i = 0; i < FIGURES; i++) {
        if (text_equal(figures[i].table, table)) {
            add_names(drawn, &figures[i], style, true);
        }
    }
    assert(drawn->count > 0);
    *ret_count = 0;
    bool ok = output_set_open(&set, directory, drawn->names, error);
    if (ok) {
        ok = chart_write_csv(chart, set.stage, table, error) &&
             plotting_draw(&plotting, set.stage, stderr, ret_count, error) &&
             output_set_commit(&set, error);
        output_set_discard(&set);
    }
    free(drawn);
    return ok;
}
