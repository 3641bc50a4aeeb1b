#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/experiments/sweep.h"
#include "sim/pages/page.h"
#include "sim/pages/sweep_page.h"

struct sweep_options {
    struct sweep_settings settings;
    const char *replications;
    const char *jobs;
    const char *shard;
    const char *out;
    const char *csv;
    const char *report;
    char *command; /* as it was typed */
    bool merge;
};

/* A line on a terminal, at most ten times a second. */
static void show_progress(void *context, uint64_t done, uint64_t of)
{
    struct timespec *shown = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double since_s =
        (double)(now.tv_sec - shown->tv_sec) + (double)(now.tv_nsec - shown->tv_nsec) * 1e-9;
    if (since_s >= 0.1) {
        *shown = now;
        fprintf(stderr, "\r%llu of %llu runs (%.0f %%) ", (unsigned long long)done,
                (unsigned long long)of, 100.0 * (double)done / (double)of);
    }
}

static bool export_csv(struct sweep_store *store, const char *csv, struct error *error)
{
    struct sweep_totals totals;
    if (!sweep_export(store, csv, error) || !sweep_store_count(store, &totals, error)) {
        return false;
    }
    printf("%s: %llu rows\n", csv, (unsigned long long)totals.rows);
    return true;
}

static bool export_file(const struct sweep_options *chosen, struct error *error)
{
    struct sweep_store *store = NULL;
    bool ok = sweep_store_open_existing(chosen->out, &store, error) &&
              export_csv(store, chosen->csv, error);
    sweep_store_close(store);
    return ok;
}

static bool merge(const struct sweep_options *chosen, const struct option_list *sources,
                  struct error *error)
{
    struct sweep_store *store = NULL;
    struct sweep_totals totals;
    bool ok = sweep_store_merge(chosen->out, sources->values, sources->count, &store, error) &&
              sweep_store_count(store, &totals, error);
    if (ok) {
        printf("%s: %llu rows of %zu files, %llu of them refused\n", chosen->out,
               (unsigned long long)totals.rows, sources->count, (unsigned long long)totals.refused);
        ok = chosen->csv == NULL || export_csv(store, chosen->csv, error);
    }
    sweep_store_close(store);
    return ok;
}

static bool sweep(struct sweep_options *chosen, struct error *error)
{
    struct timespec shown = {0, 0};
    struct sweep_outcome outcome;
    bool terminal = isatty(STDERR_FILENO);
    chosen->settings.on_row = terminal ? show_progress : NULL;
    chosen->settings.context = &shown;
    bool ok = sweep_run(&chosen->settings, chosen->out, &outcome, error);
    if (terminal) {
        fprintf(stderr, "\r%40s\r", "");
    }
    if (!ok) {
        return false;
    }
    printf("%s: %u points, %u runs each", chosen->out, outcome.points,
           chosen->settings.replications);
    if (chosen->settings.shards > 1) {
        printf("; shard %u of %u has %llu runs", chosen->settings.shard + 1,
               chosen->settings.shards, (unsigned long long)outcome.planned);
    }
    printf("; %llu ran now, %llu were there\n", (unsigned long long)outcome.ran,
           (unsigned long long)outcome.found);
    if (outcome.refused > 0) {
        printf("%llu runs were refused: SELECT point, refusal FROM runs WHERE status = 'refused'\n",
               (unsigned long long)outcome.refused);
    }
    return chosen->csv == NULL || export_file(chosen, error);
}

static bool read_whole(const char *option, const char *text, double least, double most,
                       uint32_t *ret_value, struct error *error)
{
    double value = 0;
    if (text == NULL) {
        return true;
    }
    if (!text_to_whole(text, most, &value) || value < least) {
        return error_set(error, "%s: expected a whole number from %.0f to %.0f, got '%s'", option,
                         least, most, text);
    }
    *ret_value = (uint32_t)value;
    return true;
}

static bool read_shard(const char *text, struct sweep_settings *settings, struct error *error)
{
    unsigned shard = 0;
    unsigned shards = 0;
    char rest = '\0';
    if (text == NULL) {
        return true;
    }
    if (sscanf(text, "%u/%u%c", &shard, &shards, &rest) != 2 || shard < 1 || shard > shards ||
        shards > 100000) {
        return error_set(error, "--shard: expected I/N with I from 1 to N, got '%s'", text);
    }
    settings->shard = shard - 1;
    settings->shards = shards;
    return true;
}

static bool read_options(struct sweep_options *chosen, struct error *error)
{
    struct sweep_settings *settings = &chosen->settings;
    return read_whole("--replications", chosen->replications, 1, 100000, &settings->replications,
                      error) &&
           read_whole("--jobs", chosen->jobs, 1, 256, &settings->jobs, error) &&
           read_shard(chosen->shard, settings, error);
}

/* Of a process that runs rows for another. Options that are faulty stop it before it takes part, as
 * they do rank 0. */
static void work(struct sweep_options *chosen, const struct option_list *positionals)
{
    struct error same_as_of_rank_0;
    if (read_options(chosen, &same_as_of_rank_0)) {
        chosen->settings.base.path = positionals->count > 0 ? positionals->values[0] : NULL;
        sweep_work(&chosen->settings);
    }
}

static bool act(struct sweep_options *chosen, const struct option_list *positionals,
                struct error *error)
{
    struct sweep_settings *settings = &chosen->settings;
    if (!read_options(chosen, error)) {
        return false;
    }
    settings->base.path = positionals->count > 0 ? positionals->values[0] : NULL;
    return (chosen->merge ? merge(chosen, positionals, error) : sweep(chosen, error)) &&
           (chosen->report == NULL ||
            sweep_page_write(chosen->out, chosen->command, chosen->report, error));
}

/* As one of a team, where mpirun has started several; the only one to say anything is rank 0. */
static bool act_in_team(struct sweep_options *chosen, const struct option_list *positionals,
                        struct error *error)
{
    struct team *team = &chosen->settings.team;
    bool is_quiet = false;
    bool ok = team_join(team, error);
    if (ok && team->size > 1 && (chosen->jobs != NULL || chosen->merge)) {
        is_quiet = team->rank > 0;
        ok = error_set(error, "%s: not under mpirun, where each process runs one at a time",
                       chosen->merge ? "--merge" : "--jobs");
    }
    if (ok && team->rank > 0) {
        is_quiet = true;
        work(chosen, positionals);
    } else if (ok) {
        ok = act(chosen, positionals, error);
    }
    team_leave(team);
    return ok || is_quiet;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct sweep_options chosen = {.settings = {.replications = 1, .shards = 1}};
    struct option_list positionals = {.count = 0};
    struct sweep_base *base = &chosen.settings.base;
    const struct option options[] = {
        {"--vary", "KEY=VALUES", "a setting to vary; may be given again (see below)", OPTION_LIST,
         &chosen.settings.axes},
        {"--out", "FILE", "SQLite file for the rows; one that is there is gone on with",
         OPTION_TEXT, &chosen.out},
        {"--set", "KEY=VALUE", "override a setting at every point ('kvcast list settings')",
         OPTION_LIST, &base->assignments},
        {"--seed", "N", "seed of the first replication of every point (default 1)", OPTION_TEXT,
         &base->seed},
        {"--noise", NULL, "draw how far steps, launches and wakes lie from their prices",
         OPTION_FLAG, &base->noise},
        {"--sample", "latin:N", "a Latin hypercube of N points instead of all combinations",
         OPTION_TEXT, &chosen.settings.sample},
        {"--replications", "R", "seeds of each point, with noise where R > 1 (default 1)",
         OPTION_TEXT, &chosen.replications},
        {"--jobs", "N", "runs at a time (default: one a core)", OPTION_TEXT, &chosen.jobs},
        {"--shard", "I/N", "only each N-th run from the I-th on: one file a shard", OPTION_TEXT,
         &chosen.shard},
        {"--merge", NULL, "merge the files given as arguments into --out", OPTION_FLAG,
         &chosen.merge},
        {"--csv", "FILE", "write all rows of --out as CSV too", OPTION_TEXT, &chosen.csv},
        {"--report", "FILE", "write a page (HTML) of --out too", OPTION_TEXT, &chosen.report},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    const char *misuse = chosen.out == NULL                       ? "expected --out FILE"
                         : chosen.merge && positionals.count < 1  ? "--merge: expected files"
                         : !chosen.merge && positionals.count > 1 ? "expected at most one scenario"
                         : chosen.merge && chosen.settings.axes.count > 0
                             ? "--merge takes no --vary: the files say what they vary"
                             : NULL;
    if (misuse != NULL) {
        fprintf(stderr, "kvcast sweep: %s\n", misuse);
        return EXIT_BAD_USAGE;
    }
    struct error error;
    chosen.command = page_command(argc, argv);
    bool ok = act_in_team(&chosen, &positionals, &error);
    free(chosen.command);
    return ok ? EXIT_DONE : options_fail(error.message);
}

const struct command command_sweep = {
    .name = "sweep",
    .arguments = "[SCENARIO]",
    .summary = "many runs with settings varied, on all cores, into an SQLite file",
    .details =
        "VALUES are A,B,C (or A;B where a value holds a comma), LOW..HIGH (whole numbers),\n"
        "LOW..HIGH:log (doubled), LOW..HIGH:N (evenly spread), LOW..HIGH:N:log.\n"
        "Stopped at any moment and started again, a sweep goes on where it was.\n"
        "\n"
        "  kvcast sweep --vary workload.rate_per_s=1..8:8 --vary engine.instances=1,2,4 --out "
        "s.sqlite\n"
        "  kvcast sweep --vary workload.rate_per_s=0.5..8:log --replications 10 --out s.sqlite\n"
        "  kvcast sweep --vary K=... --out part-3.sqlite --shard 3/8   # and so on, then\n"
        "  kvcast sweep --merge --out all.sqlite part-*.sqlite --csv all.csv\n"
        "  mpirun -n 9 kvcast sweep --vary K=... --out s.sqlite   # one writes, eight run\n",
    .run = run,
};
