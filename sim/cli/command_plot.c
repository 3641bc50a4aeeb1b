#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "sim/base/json.h"
#include "sim/cli/options.h"
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

static bool check_folders(const struct option_list *runs, struct error *error)
{
    for (size_t i = 0; i < runs->count; i++) {
        if (access(runs->values[i], R_OK | X_OK) != 0) {
            return error_set(error, "%s: cannot read this folder", runs->values[i]);
        }
    }
    return true;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct figure_style_texts texts = {.formats = NULL};
    struct option_list positionals = {.count = 0};
    const char *out = NULL;
    const struct option options[] = {
        {"--out", "DIR", "folder for the figures (default: the run's own; of several: figures)",
         OPTION_TEXT, &out},
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
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count == 0) {
        fprintf(stderr, "kvcast plot: expected a folder of results\n");
        return EXIT_BAD_USAGE;
    }
    struct figure_style style;
    const struct plotting plotting = {&style, positionals.values, positionals.count};
    struct error error;
    unsigned count = 0;
    out = out != NULL ? out : positionals.count == 1 ? positionals.values[0] : "figures";
    if (!figure_style_parse(&texts, &style, &error) || !check_folders(&positionals, &error) ||
        !plotting_redraw(&plotting, out, &count, &error)) {
        return options_fail(error.message);
    }
    for (size_t i = 0; i < positionals.count; i++) {
        print_run(positionals.values[i]);
    }
    printf("%u figures in %s\n", count, out);
    return EXIT_DONE;
}

const struct command command_plot = {
    .name = "plot",
    .arguments = "DIR...",
    .summary = "draw the figures of results: for papers, or of several runs in one",
    .details = "Each figure lies beside its data, FIGURE.csv.\n"
               "\n"
               "  kvcast plot results\n"
               "  kvcast plot results --format pdf --style ieee --size 3.3x2.2in\n"
               "  kvcast plot run-a run-b --out side-by-side --legend right\n",
    .run = run,
};
