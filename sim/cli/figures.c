#include "sim/cli/figures.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"

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
    {"paper_tables", "paper_tables.csv", 1100, 560},
    {"paper_running", "paper_running.csv", 1200, 900},
    {"profile_steps", "profile_steps.csv", 1200, 560},
    {"profile_roofline", "profile_operations.csv", 1000, 620},
};

static bool has_gnuplot(void)
{
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        char candidate[1024];
        size_t length = strcspn(path, ":");
        snprintf(candidate, sizeof candidate, "%.*s/gnuplot", (int)length, path);
        if (access(candidate, X_OK) == 0) {
            return true;
        }
        path += length + (path[length] == ':');
    }
    return false;
}

/* One drawing: style, terminal, script. */
static void feed(FILE *stream, const struct figure *figure, const char *script, const char *kind)
{
    bool is_png = text_equal(kind, "png");
    fprintf(stream,
            "reset\n%s\nset terminal %s size %u,%u font 'DejaVu Sans,13' enhanced "
            "linewidth 1.5 background rgb 'white'\nset output '%s.%s'\n%s\nunset output\n",
            embedded_find("plots/style.gp"), is_png ? "pngcairo" : "svg", figure->width,
            figure->height, figure->name, kind, script);
}

/* Feeds a figure's script, as PNG and as SVG, to a gnuplot that stands in the folder. */
static bool draw(const struct figure *figure, const char *directory, struct error *error)
{
    char path[128];
    snprintf(path, sizeof path, "plots/%s.gp", figure->name);
    const char *script = embedded_find(path);
    int ends[2];
    if (script == NULL || pipe(ends) != 0) {
        return error_set(error, "figure '%s': cannot start gnuplot", figure->name);
    }
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[0], STDIN_FILENO);
        close(ends[0]);
        close(ends[1]);
        if (chdir(directory) == 0 && setenv("LC_ALL", "C.UTF-8", 1) == 0) {
            execlp("gnuplot", "gnuplot", "-", (char *)NULL);
        }
        _exit(127);
    }
    close(ends[0]);
    FILE *stream = fdopen(ends[1], "w");
    feed(stream, figure, script, "png");
    feed(stream, figure, script, "svg");
    fclose(stream);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        return error_set(error, "figure '%s': gnuplot failed in '%s'", figure->name, directory);
    }
    return true;
}

bool figures_draw(const char *directory, FILE *notes, unsigned *ret_count, struct error *error)
{
    *ret_count = 0;
    if (!has_gnuplot()) {
        fprintf(notes, "kvcast: gnuplot is not installed: figures are skipped\n");
        return true;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        char path[1200];
        snprintf(path, sizeof path, "%s/%s", directory, figures[i].needs);
        if (access(path, R_OK) != 0) {
            continue;
        }
        if (!draw(&figures[i], directory, error)) {
            return false;
        }
        ++*ret_count;
    }
    return true;
}
