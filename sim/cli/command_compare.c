#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json.h"
#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/experiments/comparison.h"
#include "sim/pages/comparison_page.h"
#include "sim/pages/page.h"

struct compare_options {
    struct option_list assignments; /* for all */
    struct option_list variants;    /* "KEY=VALUE KEY=VALUE" each */
    const char *seed;
    const char *replications_text;
    uint32_t replications;
    const char *csv;
    const char *report;
    char *command; /* as it was typed */
    bool all;
    bool json;
};

/* What is compared, and what to call it. */
struct sides {
    struct compared_scenario scenarios[MAX_COMPARED];
    char labels[MAX_COMPARED][160];
    char texts[MAX_COMPARED][1024]; /* the assignments of variants, cut up */
    uint32_t count;
};

static bool add_assignment(struct compared_scenario *scenario, const char *text,
                           struct error *error)
{
    if (scenario->assignments.count == MAX_OPTIONS) {
        return error_set(error, "more than %d settings are given", MAX_OPTIONS);
    }
    scenario->assignments.values[scenario->assignments.count++] = text;
    return true;
}

static bool add_side(struct sides *sides, const struct compare_options *chosen, const char *path,
                     const char *variant, struct error *error)
{
    if (sides->count == MAX_COMPARED) {
        return error_set(error, "at most %d scenarios can be compared", MAX_COMPARED);
    }
    uint32_t index = sides->count++;
    struct compared_scenario *scenario = &sides->scenarios[index];
    scenario->path = path;
    scenario->assignments = chosen->assignments;
    snprintf(sides->labels[index], sizeof sides->labels[index], "%s",
             variant != NULL ? variant
             : path != NULL  ? path
                             : "default");
    if (variant == NULL) {
        return true;
    }
    if (!text_copy(sides->texts[index], sizeof sides->texts[index], variant)) {
        return error_set(error, "--with: longer than %zu characters",
                         sizeof sides->texts[index] - 1);
    }
    bool ok = true;
    char *rest = NULL;
    for (char *word = strtok_r(sides->texts[index], " ", &rest); ok && word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        ok = add_assignment(scenario, word, error);
    }
    return ok;
}

static void print_row(const struct figure *figure, const struct paired *row, bool is_significant)
{
    double scale = figure->shown_scale > 0 ? figure->shown_scale : 1;
    char relative[32] = "";
    if (fabs(row->first) > 0) {
        snprintf(relative, sizeof relative, "%+.1f %%", 100 * row->difference / fabs(row->first));
    }
    printf("  %-28s %10.4g %10.4g %+10.4g %10.4g %10.4g %9s %s %s\n", figure->label,
           row->first * scale, row->second * scale, row->difference * scale, row->low * scale,
           row->high * scale, relative, is_significant ? "*" : " ",
           figure->shown_unit != NULL ? figure->shown_unit : "");
}

static void print_table(const struct comparison_table *table, const struct sides *sides,
                        uint32_t side)
{
    printf("\n%s  against  %s\n", sides->labels[side], sides->labels[0]);
    printf("  %-28s %10s %10s %10s %10s %10s\n", "", "first", "this", "difference", "low", "high");
    for (uint32_t i = 0; i < table->count; i++) {
        print_row(table->figures[i], &table->rows[i], table->significant[i]);
    }
}

static void write_rows(FILE *stream, const struct comparison_table *table, uint32_t side)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct paired *row = &table->rows[i];
        fprintf(stream, "%u,%s,%u,%.17g,%.17g,%.17g,%.17g,%.17g,%.6g,%s\n", side,
                table->figures[i]->key, row->pairs, row->first, row->second, row->difference,
                row->low, row->high, row->chance, table->significant[i] ? "true" : "false");
    }
}

static bool write_csv(const struct comparison_table *tables, uint32_t scenarios, const char *path,
                      struct error *error)
{
    struct output_file file = {.stream = NULL};
    if (!output_file_open(&file, NULL, path, error)) {
        return false;
    }
    fprintf(file.stream,
            "scenario,figure,pairs,first,this,difference,low,high,chance,significant\n");
    for (uint32_t side = 1; side < scenarios; side++) {
        write_rows(file.stream, &tables[side], side);
    }
    return output_file_commit(&file, error);
}

static void print_tables(const struct comparison_table *tables, const struct comparison *comparison,
                         const struct sides *sides)
{
    printf("paired seeds  %u replications of each; means, and the %.0f %% interval of the mean "
           "difference\n",
           comparison->replications, 100 * COMPARISON_LEVEL);
    for (uint32_t side = 1; side < comparison->scenarios; side++) {
        print_table(&tables[side], sides, side);
    }
    printf("\n* significant: all marked ones of a table together are by luck in 5 %% of cases at "
           "most\n");
}

static void add_rows(const struct comparison_table *table, struct json *list)
{
    for (uint32_t i = 0; i < table->count; i++) {
        const struct paired *row = &table->rows[i];
        struct json *object = json_add_object(list, NULL);
        json_add_text(object, "figure", table->figures[i]->key);
        json_add_text(object, "unit",
                      table->figures[i]->unit != NULL ? table->figures[i]->unit : "");
        json_add_whole(object, "pairs", row->pairs);
        json_add_number(object, "first", row->first);
        json_add_number(object, "this", row->second);
        json_add_number(object, "difference", row->difference);
        json_add_number(object, "low", row->low);
        json_add_number(object, "high", row->high);
        json_add_number(object, "chance", row->chance);
        json_add_bool(object, "significant", table->significant[i]);
    }
}

static void print_json(const struct comparison_table *tables, const struct comparison *comparison,
                       const struct sides *sides)
{
    struct json *document = json_create_object();
    json_add_whole(document, "format_version", 1);
    json_add_whole(document, "replications", comparison->replications);
    json_add_number(document, "level", COMPARISON_LEVEL);
    json_add_text(document, "first", sides->labels[0]);
    struct json *list = json_add_array(document, "comparisons");
    for (uint32_t side = 1; side < comparison->scenarios; side++) {
        struct json *object = json_add_object(list, NULL);
        json_add_text(object, "scenario", sides->labels[side]);
        add_rows(&tables[side], json_add_array(object, "differences"));
    }
    char *text = json_print(document);
    printf("%s\n", text);
    free(text);
    json_destroy(document);
}

static bool report(const struct comparison *comparison, const struct sides *sides,
                   const struct compare_options *chosen, struct error *error)
{
    struct comparison_table tables[MAX_COMPARED];
    for (uint32_t side = 1; side < comparison->scenarios; side++) {
        comparison_table_fill(&tables[side], comparison, side, chosen->all);
    }
    if (chosen->json) {
        print_json(tables, comparison, sides);
    } else {
        print_tables(tables, comparison, sides);
    }
    const char *labels[MAX_COMPARED];
    for (uint32_t side = 0; side < sides->count; side++) {
        labels[side] = sides->labels[side];
    }
    bool ok = chosen->csv == NULL || write_csv(tables, comparison->scenarios, chosen->csv, error);
    ok = ok && (chosen->report == NULL ||
                comparison_page_write(comparison, labels, chosen->command, chosen->report, error));
    for (uint32_t side = 1; side < comparison->scenarios; side++) {
        comparison_table_clear(&tables[side]);
    }
    return ok;
}

static bool compare(const struct compare_options *chosen, const struct option_list *paths,
                    struct error *error)
{
    struct sides *sides = memory_zeroed(1, sizeof *sides);
    struct comparison comparison = {.runs = NULL};
    const char *first = paths->count > 0 ? paths->values[0] : NULL;
    bool ok = add_side(sides, chosen, first, NULL, error);
    for (size_t i = 1; ok && i < paths->count; i++) {
        ok = add_side(sides, chosen, paths->values[i], NULL, error);
    }
    for (size_t i = 0; ok && i < chosen->variants.count; i++) {
        ok = add_side(sides, chosen, first, chosen->variants.values[i], error);
    }
    ok = ok &&
         comparison_run(sides->scenarios, sides->count, chosen->seed, chosen->replications,
                        &comparison, error) &&
         report(&comparison, sides, chosen, error);
    comparison_clear(&comparison);
    free(sides);
    return ok;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct compare_options chosen = {.replications = 10};
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--with", "'KEY=VALUE ...'", "the first scenario with these settings; may be given again",
         OPTION_LIST, &chosen.variants},
        {"--set", "KEY=VALUE", "override a setting of all ('kvcast list settings')", OPTION_LIST,
         &chosen.assignments},
        {"--seed", "N", "first seed of all (default: the first scenario's)", OPTION_TEXT,
         &chosen.seed},
        {"--replications", "N", "seeds of each (default 10)", OPTION_TEXT,
         &chosen.replications_text},
        {"--all", NULL, "every figure, not only the main ones", OPTION_FLAG, &chosen.all},
        {"--json", NULL, "print JSON instead of tables", OPTION_FLAG, &chosen.json},
        {"--csv", "FILE", "write the differences as CSV too", OPTION_TEXT, &chosen.csv},
        {"--report", "FILE", "write a page (HTML) too", OPTION_TEXT, &chosen.report},
        {.name = NULL},
    };
    int status = 0;
    double replications = chosen.replications;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count + chosen.variants.count < (positionals.count > 0 ? 2 : 1)) {
        fprintf(stderr, "kvcast compare: expected two scenarios, or one and --with KEY=VALUE\n");
        return EXIT_BAD_USAGE;
    }
    struct error error;
    if (chosen.replications_text != NULL &&
        (!text_to_whole(chosen.replications_text, 100000, &replications) || replications < 2)) {
        error_set(&error, "--replications: expected a whole number from 2 to 100000, got '%s'",
                  chosen.replications_text);
        return options_fail(error.message);
    }
    chosen.replications = (uint32_t)replications;
    chosen.command = page_command(argc, argv);
    bool ok = compare(&chosen, &positionals, &error);
    free(chosen.command);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_compare = {
    .name = "compare",
    .arguments = "[SCENARIO...]",
    .summary = "scenarios side by side under the same seeds: which figures differ, and how surely",
    .details = "Each is compared with the first. Without a scenario the first is the default.\n"
               "\n"
               "  kvcast compare a.json b.json\n"
               "  kvcast compare --with engine.prefix_caching=true --with model.weights=fp8\n"
               "  kvcast compare a.json --with 'hardware.gpu=L40S engine.instances=2' --all\n",
    .run = run,
};
