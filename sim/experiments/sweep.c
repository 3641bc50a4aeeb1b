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

enum { MAX_PIECE = 8 }; /* rows */

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

/* What came of a row: figures, or why there are none. */
struct row_result {
    uint64_t number; /* point * replications + replication */
    bool is_finished;
    struct run_summary summary;
    struct error refusal;
};

static void run_row(const struct sweep *sweep, const struct piece *piece, uint64_t number,
                    struct row_result *ret_result)
{
    struct scenario one = piece->scenario;
    *ret_result = (struct row_result){.number = number, .refusal = piece->refusal};
    one.seed += number % sweep->settings->replications;
    ret_result->is_finished =
        piece->is_resolved &&
        replications_run_one(&one, &piece->deployment, &ret_result->summary, &ret_result->refusal);
}

/* 'scenario' is the point's; NULL: its settings are an error. */
static bool keep_row(struct sweep *sweep, const struct scenario *scenario,
                     const struct row_result *result, struct error *error)
{
    uint32_t replications = sweep->settings->replications;
    struct sweep_row row = {.point = (uint32_t)(result->number / replications),
                            .replication = (uint32_t)(result->number % replications)};
    struct scenario one;
    if (scenario != NULL) {
        one = *scenario;
        one.seed += row.replication;
        row.scenario = &one;
    }
    row.summary = result->is_finished ? &result->summary : NULL;
    row.refusal = result->is_finished ? NULL : result->refusal.message;
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
        struct row_result result;
        run_row(sweep, piece, sweep->rows[i], &result);
        ok = keep_row(sweep, piece->is_read ? &piece->scenario : NULL, &result, error);
    }
    deployment_clear(&piece->deployment);
    free(piece);
    return ok;
}

/* Cuts the rows where a point ends, and long points so that all cores have something to do. */
static void cut_pieces(struct sweep *sweep)
{
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

/* Rank 0 asks for the rows of a piece; none: there are no more. */
struct team_order {
    uint32_t count;
    uint64_t rows[MAX_PIECE];
};

/* The others answer a row each, and ask for the next piece with the last of one. */
struct team_answer {
    bool is_broken; /* it cannot work: 'result.refusal' says why */
    bool has_row;
    bool wants_more;
    struct row_result result;
};

static struct team_order order_piece(const struct sweep *sweep, uint32_t index)
{
    struct team_order order = {.count = 0};
    uint32_t end = index + 1 < sweep->piece_count ? sweep->pieces[index + 1] : sweep->count;
    for (uint32_t i = sweep->pieces[index]; i < end; i++) {
        assert(order.count < MAX_PIECE);
        order.rows[order.count++] = sweep->rows[i];
    }
    return order;
}

static bool keep_answer(struct sweep *sweep, const struct team_answer *answer, struct error *error)
{
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    struct error ignored;
    bool is_read =
        read_point(sweep, (uint32_t)(answer->result.number / sweep->settings->replications),
                   scenario, &ignored);
    bool ok = keep_row(sweep, is_read ? scenario : NULL, &answer->result, error);
    free(scenario);
    return ok;
}

/* Hands out the pieces and keeps what comes back, until all others have been told that there is no
 * more; after an error, at once. */
static bool dispatch(struct sweep *sweep, bool ok, struct error *error)
{
    struct team_answer *answer = memory_zeroed(1, sizeof *answer);
    uint32_t next = 0;
    for (uint32_t working = sweep->settings->team.size - 1; working > 0;) {
        uint32_t from = team_receive(TEAM_ANYONE, answer, sizeof *answer);
        if (ok && answer->is_broken) {
            ok = error_set(error, "process %u of %u: %s", from, sweep->settings->team.size,
                           answer->result.refusal.message);
        }
        ok = ok && (!answer->has_row || keep_answer(sweep, answer, error));
        if (answer->wants_more) {
            struct team_order order = {.count = 0};
            if (ok && next < sweep->piece_count) {
                order = order_piece(sweep, next++);
            } else {
                working--;
            }
            team_send(from, &order, sizeof order);
        }
    }
    free(answer);
    return ok;
}

static void work_on_order(const struct sweep *sweep, const struct team_order *order,
                          struct team_answer *answer)
{
    assert(!answer->is_broken && order->count <= MAX_PIECE);
    struct piece *piece = memory_zeroed(1, sizeof *piece);
    resolve_piece(sweep, (uint32_t)(order->rows[0] / sweep->settings->replications), piece);
    for (uint32_t i = 0; i < order->count; i++) {
        run_row(sweep, piece, order->rows[i], &answer->result);
        answer->has_row = true;
        answer->wants_more = i + 1 == order->count;
        team_send(0, answer, sizeof *answer);
    }
    deployment_clear(&piece->deployment);
    free(piece);
}

void sweep_work(const struct sweep_settings *settings)
{
    struct sweep *sweep = memory_zeroed(1, sizeof *sweep);
    struct scenario *base = memory_zeroed(1, sizeof *base);
    struct team_answer *answer = memory_zeroed(1, sizeof *answer);
    struct team_order order = {.count = 0};
    assert(settings->team.rank > 0);
    sweep->settings = settings;
    answer->is_broken = !(read_base(settings, base, &answer->result.refusal) &&
                          design_parse("--vary", &settings->axes, settings->sample, base->seed,
                                       &sweep->design, &answer->result.refusal));
    answer->wants_more = true;
    team_send(0, answer, sizeof *answer);
    for (team_receive(0, &order, sizeof order); order.count > 0;
         team_receive(0, &order, sizeof order)) {
        work_on_order(sweep, &order, answer);
    }
    design_clear(&sweep->design);
    free(answer);
    free(base);
    free(sweep);
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
    }
    if (settings->team.size > 1) {
        ok = dispatch(sweep, ok, error);
    } else {
        ok = ok && parallel_for(sweep->piece_count, settings->jobs, run_piece, sweep, error);
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
