#include "sim/experiments/sweep.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/output_file.h"
#include "sim/base/parallel.h"
#include "sim/experiments/replications.h"
#include "sim/scenario/deployment.h"
#include "sim/scenario/scenario_file.h"

struct sweep {
    const struct sweep_settings *settings;
    struct design design;
    struct sweep_store *store;
    uint64_t *rows; /* to run: point * replications + replication */
    uint32_t count;
    uint32_t *pieces; /* first row of each */
    uint32_t piece_count;
    pthread_mutex_t mutex; /* guards the store and what follows */
    uint64_t ran;
    uint64_t refused;
};

static bool read_base(const struct sweep_settings *settings, struct scenario *scenario,
                      struct error *error)
{
    const struct sweep_base *base = &settings->base;
    bool ok = scenario_file_read(scenario, base->path, &base->assignments, base->seed, error);
    if (ok) {
        scenario->noise = scenario->noise || base->noise || settings->replications > 1;
    }
    return ok;
}

static bool read_point(const struct sweep *sweep, uint32_t point, struct scenario *scenario,
                       struct error *error)
{
    const struct sweep_settings *settings = sweep->settings;
    struct sweep_settings varied = *settings;
    struct design_assignments *room = memory_zeroed(1, sizeof *room);
    bool ok = design_assign(&sweep->design, point, room, &varied.base.assignments, error) &&
              read_base(&varied, scenario, error);
    free(room);
    return ok;
}

static bool add_row(struct sweep *sweep, const struct sweep_row *row, struct error *error)
{
    const struct sweep_settings *settings = sweep->settings;
    pthread_mutex_lock(&sweep->mutex);
    bool ok = sweep_store_add(sweep->store, row, error);
    sweep->ran++;
    sweep->refused += row->summary == NULL;
    if (ok && settings->on_row != NULL) {
        settings->on_row(settings->context, sweep->ran, sweep->count);
    }
    pthread_mutex_unlock(&sweep->mutex);
    return ok;
}

/* Rows of one point that one thread runs on one deployment. */
struct piece {
    struct scenario scenario;
    struct deployment deployment;
    struct run_summary summary;
    struct error refusal;
    bool is_read;
    bool is_resolved;
};

static void resolve_piece(const struct sweep *sweep, uint32_t point, struct piece *piece)
{
    piece->is_read = read_point(sweep, point, &piece->scenario, &piece->refusal);
    piece->is_resolved =
        piece->is_read && deployment_resolve(&piece->deployment, &piece->scenario, &piece->refusal);
}

static bool run_row(struct sweep *sweep, struct piece *piece, uint64_t number, struct error *error)
{
    uint32_t replications = sweep->settings->replications;
    struct scenario one = piece->scenario;
    struct error refusal = piece->refusal;
    struct sweep_row row = {.point = (uint32_t)(number / replications),
                            .replication = (uint32_t)(number % replications)};
    one.seed += row.replication;
    row.scenario = piece->is_read ? &one : NULL;
    if (piece->is_resolved &&
        replications_run_one(&one, &piece->deployment, &piece->summary, &refusal)) {
        row.summary = &piece->summary;
    } else {
        row.refusal = refusal.message;
    }
    return add_row(sweep, &row, error);
}

static bool run_piece(void *context, uint32_t index, struct error *error)
{
    struct sweep *sweep = context;
    struct piece *piece = memory_zeroed(1, sizeof *piece);
    uint32_t first = sweep->pieces[index];
    assert(index < sweep->piece_count);
    uint32_t end = index + 1 < sweep->piece_count ? sweep->pieces[index + 1] : sweep->count;
    bool ok = true;
    resolve_piece(sweep, (uint32_t)(sweep->rows[first] / sweep->settings->replications), piece);
    for (uint32_t i = first; ok && i < end; i++) {
        ok = run_row(sweep, piece, sweep->rows[i], error);
    }
    deployment_clear(&piece->deployment);
    free(piece);
    return ok;
}

/* Cuts the rows where a point ends, and long points so that all cores have something to do. */
static void cut_pieces(struct sweep *sweep)
{
    enum { MAX_PIECE = 8 };
    sweep->pieces = memory_zeroed((size_t)sweep->count + 1, sizeof sweep->pieces[0]);
    uint64_t replications = sweep->settings->replications;
    for (uint32_t i = 0; i < sweep->count; i++) {
        bool begins = i == 0 ||
                      sweep->rows[i] / replications != sweep->rows[i - 1] / replications ||
                      i - sweep->pieces[sweep->piece_count - 1] == MAX_PIECE;
        if (begins) {
            sweep->pieces[sweep->piece_count++] = i;
        }
    }
}

/* All settings that are the same at each point: the seed is the first replication's. */
static char *describe_base(const struct scenario *scenario)
{
    struct json *object = json_create_object();
    scenario_file_echo(scenario, object);
    char *text = json_print(object);
    json_destroy(object);
    return text;
}

static char *describe_axes(const struct option_list *axes)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    for (size_t i = 0; i < axes->count; i++) {
        fprintf(stream, "%s%s", i > 0 ? "\n" : "", axes->values[i]);
    }
    fclose(stream);
    return text;
}

static bool open_store(struct sweep *sweep, const struct scenario *base, const char *path,
                       struct error *error)
{
    const struct sweep_settings *settings = sweep->settings;
    char *scenario = describe_base(base);
    char *axes = describe_axes(&settings->axes);
    char sample[96] = "";
    if (settings->sample != NULL) {
        snprintf(sample, sizeof sample, "%.40s of seed %llu", settings->sample,
                 (unsigned long long)base->seed);
    }
    const struct sweep_definition definition = {.scenario = scenario,
                                                .axes = axes,
                                                .sample = sample,
                                                .points = sweep->design.points,
                                                .replications = settings->replications};
    bool ok = sweep_store_open(path, &definition, &sweep->store, error);
    free(axes);
    free(scenario);
    return ok;
}

/* Lists the rows of this shard that are not in the file. */
static bool list_rows(struct sweep *sweep, struct sweep_outcome *outcome, struct error *error)
{
    const struct sweep_settings *settings = sweep->settings;
    uint64_t all = (uint64_t)sweep->design.points * settings->replications;
    if (all > DESIGN_MAX_POINTS) {
        return error_set(error, "a sweep has at most %d runs, got %llu", DESIGN_MAX_POINTS,
                         (unsigned long long)all);
    }
    bool *done = memory_zeroed(all, sizeof done[0]);
    sweep->rows = memory_zeroed(all, sizeof sweep->rows[0]);
    bool ok = sweep_store_find_done(sweep->store, settings->replications, done, error);
    for (uint64_t i = settings->shard; ok && i < all; i += settings->shards) {
        outcome->planned++;
        if (done[i]) {
            outcome->found++;
        } else {
            sweep->rows[sweep->count++] = i;
        }
    }
    free(done);
    return ok;
}

bool sweep_run(const struct sweep_settings *settings, const char *path,
               struct sweep_outcome *ret_outcome, struct error *error)
{
    assert(settings->replications > 0 && settings->shard < settings->shards);
    struct sweep *sweep = memory_zeroed(1, sizeof *sweep);
    struct scenario *base = memory_zeroed(1, sizeof *base);
    struct sweep_outcome outcome = {.points = 0};
    sweep->settings = settings;
    pthread_mutex_init(&sweep->mutex, NULL);
    bool ok = read_base(settings, base, error) &&
              design_parse("--vary", &settings->axes, settings->sample, base->seed, &sweep->design,
                           error) &&
              open_store(sweep, base, path, error) && list_rows(sweep, &outcome, error);
    if (ok) {
        cut_pieces(sweep);
        ok = parallel_for(sweep->piece_count, settings->jobs, run_piece, sweep, error);
    }
    outcome.points = sweep->design.points;
    outcome.ran = sweep->ran;
    outcome.refused = sweep->refused;
    assert(!ok || outcome.found + outcome.ran == outcome.planned);
    sweep_store_close(sweep->store);
    pthread_mutex_destroy(&sweep->mutex);
    design_clear(&sweep->design);
    free(sweep->pieces);
    free(sweep->rows);
    free(sweep);
    free(base);
    *ret_outcome = outcome;
    return ok;
}

bool sweep_export(struct sweep_store *store, const char *csv_path, struct error *error)
{
    struct output_file file;
    if (!output_file_open(&file, NULL, csv_path, error)) {
        return false;
    }
    if (!sweep_store_export(store, file.stream, error)) {
        output_file_discard(&file);
        return false;
    }
    return output_file_commit(&file, error);
}
