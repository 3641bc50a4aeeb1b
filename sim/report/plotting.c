#include "sim/report/plotting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"
#include "sim/report/gnuplot.h"

struct figure {
    const char *name;
    const char *needs; /* a CSV in the folder */
    unsigned width;    /* in pixels */
    unsigned height;
};

static const struct figure figures[] = {
    {"kv_utilization", "timeline.csv", 1000, 460},
    {"running_waiting", "timeline.csv", 1000, 460},
    {"stragglers", "requests.csv", 1000, 620},
    {"latency_cdf", "requests.csv", 1000, 720},
    {"difficulty", "requests.csv", 1000, 560},
    {"contrast", "contrast_timeline.csv", 1000, 640},
    {"explain", "explain_steps.csv", 1000, 900},
    {"experiment_budgets", "experiment_budgets.csv", 1000, 520},
    {"experiment_mixed", "experiment_mixed.csv", 1000, 520},
    {"experiment_formats", "experiment_formats.csv", 1000, 520},
    {"paper_load", "paper_load.csv", 1200, 760},
    {"experiment_ratios", "experiment_ratios.csv", 1200, 520},
    {"experiment_precisions", "experiment_precisions.csv", 1000, 620},
    {"experiment_lengths", "experiment_lengths.csv", 1100, 560},
    {"paper_tables", "paper_tables.csv", 1100, 560},
    {"paper_running", "paper_running.csv", 1200, 900},
    {"profile_steps", "profile_steps.csv", 1200, 560},
    {"profile_roofline", "profile_operations.csv", 1000, 620},
};

#define DRAWN(name) name ".png", name ".svg"
#define RUN_FIGURES                                                                                \
    DRAWN("kv_utilization"), DRAWN("running_waiting"), DRAWN("stragglers"), DRAWN("latency_cdf"),  \
        DRAWN("difficulty"), DRAWN("contrast")
#define PAPER_FIGURES DRAWN("paper_load"), DRAWN("paper_tables"), DRAWN("paper_running")
#define EXPERIMENT_FIGURES                                                                         \
    DRAWN("experiment_budgets"), DRAWN("experiment_mixed"), DRAWN("experiment_formats"),           \
        DRAWN("experiment_ratios"), DRAWN("experiment_precisions"), DRAWN("experiment_lengths")
#define PROFILE_FIGURES DRAWN("profile_steps"), DRAWN("profile_roofline")

const char *const plotting_run_names[] = {"summary.json",
                                          "requests.csv",
                                          "timeline.csv",
                                          "contrast_timeline.csv",
                                          "replications.csv",
                                          RUN_FIGURES,
                                          NULL};
const char *const plotting_explain_names[] = {"explain_steps.csv", "explain_state.csv",
                                              DRAWN("explain"), NULL};
const char *const plotting_paper_names[] = {"paper_tables.csv", "paper_running.csv",
                                            "paper_load.csv", PAPER_FIGURES, NULL};
const char *const plotting_experiment_names[] = {
    "experiment_budgets.csv",    "experiment_mixed.csv",
    "experiment_formats.csv",    "experiment_ratios.csv",
    "experiment_precisions.csv", "experiment_lengths.csv",
    EXPERIMENT_FIGURES,          NULL};
const char *const plotting_profile_names[] = {"profile_operations.csv", "profile_steps.csv",
                                              PROFILE_FIGURES, NULL};
static const char *const all_figures[] = {RUN_FIGURES,        DRAWN("explain"), PAPER_FIGURES,
                                          EXPERIMENT_FIGURES, PROFILE_FIGURES,  NULL};

/* One drawing: style, terminal, script. */
static void write_script(FILE *stream, const struct figure *figure, const char *script,
                         const char *kind)
{
    bool is_png = text_equal(kind, "png");
    fprintf(stream,
            "reset\n%s\nset terminal %s size %u,%u font 'DejaVu Sans,13' enhanced "
            "linewidth 1.5 background rgb 'white'\nset output '%s.%s'\n%s\nunset output\n",
            embedded_find("plots/style.gp"), is_png ? "pngcairo" : "svg", figure->width,
            figure->height, figure->name, kind, script);
}

/* A figure that gnuplot says it has drawn must be there. */
static bool check_drawn(const struct figure *figure, const char *directory, const char *kind,
                        struct error *error)
{
    char path[OUTPUT_PATH_BYTES + 64];
    struct stat there;
    snprintf(path, sizeof path, "%s/%s.%s", directory, figure->name, kind);
    return (stat(path, &there) == 0 && there.st_size > 0) ||
           error_set(error, "gnuplot did not write '%s.%s'", figure->name, kind);
}

/* The figure as PNG and as SVG. Larger tables may take longer. */
static bool draw(const struct figure *figure, const char *directory, off_t table_bytes,
                 struct error *error)
{
    enum { LIMIT_S = 20, BYTES_PER_S = 1 << 20 };
    char path[128];
    char *text = NULL;
    size_t length = 0;
    snprintf(path, sizeof path, "plots/%s.gp", figure->name);
    const char *script = embedded_find(path);
    if (script == NULL) {
        snprintf(path, sizeof path, "plots/study/%s.gp", figure->name);
        script = embedded_find(path);
    }
    assert(script != NULL);
    FILE *stream = open_memstream(&text, &length);
    write_script(stream, figure, script, "png");
    write_script(stream, figure, script, "svg");
    fclose(stream);
    bool ok =
        gnuplot_run(directory, text, LIMIT_S + (unsigned)(table_bytes / BYTES_PER_S), error) &&
        check_drawn(figure, directory, "png", error) &&
        check_drawn(figure, directory, "svg", error);
    free(text);
    return ok || error_add_place(error, "figure '%s'", figure->name);
}

bool plotting_draw(const char *directory, FILE *notes, unsigned *ret_count, struct error *error)
{
    *ret_count = 0;
    if (!gnuplot_is_installed()) {
        fprintf(notes, "kvcast: gnuplot is not installed: figures are skipped\n");
        return true;
    }
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char path[OUTPUT_PATH_BYTES + 64];
        struct stat there;
        snprintf(path, sizeof path, "%s/%s", directory, figures[i].needs);
        if (stat(path, &there) != 0) {
            continue;
        }
        if (!draw(&figures[i], directory, there.st_size, error)) {
            return false;
        }
        ++*ret_count;
    }
    return true;
}

bool plotting_finish(struct output_set *set, bool draw_them, unsigned *ret_count,
                     struct error *error)
{
    struct error not_placed;
    *ret_count = 0;
    bool drawn = !draw_them || plotting_draw(set->stage, stderr, ret_count, error);
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
    char whole[OUTPUT_PATH_BYTES + 64];
    struct stat there;
    snprintf(whole, sizeof whole, "%s/%s", set->directory, name);
    if (stat(whole, &there) != 0) {
        return true;
    }
    if (!S_ISREG(there.st_mode)) {
        return error_set(error, "%s: expected a regular file", whole);
    }
    snprintf(from, sizeof from, "../%.200s", name);
    snprintf(to, sizeof to, "%s/%s", set->stage, name);
    return symlink(from, to) == 0 || errno == EEXIST ||
           error_set(error, "%s: cannot link: %s", to, strerror(errno));
}

bool plotting_redraw(const char *directory, unsigned *ret_count, struct error *error)
{
    struct output_set set;
    *ret_count = 0;
    if (!gnuplot_is_installed()) {
        fprintf(stderr, "kvcast: gnuplot is not installed: figures are skipped\n");
        return true;
    }
    if (!output_set_open(&set, directory, all_figures, error)) {
        return false;
    }
    bool ok = link_table(&set, "explain_state.csv", error);
    for (size_t i = 0; ok && i < sizeof figures / sizeof figures[0]; i++) {
        ok = link_table(&set, figures[i].needs, error);
    }
    ok = ok && plotting_draw(set.stage, stderr, ret_count, error) && output_set_commit(&set, error);
    output_set_discard(&set);
    return ok;
}
