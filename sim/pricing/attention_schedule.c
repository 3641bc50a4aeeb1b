#include "sim/pricing/attention_schedule.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/units.h"

#define SHARE_SLACK 1.1
/* A multiprocessor that has the memory bus to itself reads at most so many times as fast as with
 * all others busy. This and ATTENTION_PIECE_TILES fit the sweeps of all eight measured runs closest
 * where the decode bases are free; where they may not fall, as they are fitted, one tile is 1 %
 * closer than two (tests/accuracy/attention_constants.sh). */
#ifndef LONE_SPEED_UP
#define LONE_SPEED_UP 1.75
#endif
enum { MAX_SPLITS = 32 };

static uint32_t divide_up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t tiles_of(double context_tokens)
{
    return (uint32_t)(context_tokens / ATTENTION_TILE_TOKENS) + 1;
}

/* The most tiles a piece may have. */
static uint32_t fair_share(const struct attention_shape *shape, uint64_t tiles)
{
    return (uint32_t)ceil((double)tiles * SHARE_SLACK * shape->kv_heads / shape->multiprocessors);
}

/* So many multiprocessors end at the same time. */
struct end_run {
    double end;
    uint32_t count;
};

/* When the multiprocessors end, in rising order: the runs from 'first' on, before 'past'. */
struct ends {
    struct end_run *runs;
    uint32_t first;
    uint32_t past;
    size_t capacity;
};

/* All of them are idle. There are never more runs than multiprocessors, so every other time that
 * one is added at the most they are moved to the front. */
static struct ends ends_of_idle(uint32_t multiprocessors)
{
    struct ends ends = {.past = 1};
    ends.runs =
        memory_grow(NULL, &ends.capacity, 2 * (size_t)multiprocessors + 2, sizeof ends.runs[0]);
    ends.runs[0] = (struct end_run){.end = 0, .count = multiprocessors};
    return ends;
}

static void add_run(struct ends *ends, struct end_run run)
{
    if (ends->past == ends->capacity) {
        ends->past -= ends->first;
        memmove(ends->runs, &ends->runs[ends->first], ends->past * sizeof ends->runs[0]);
        ends->first = 0;
    }
    assert(ends->past < ends->capacity);
    uint32_t place = ends->past;
    while (place > ends->first && ends->runs[place - 1].end > run.end) {
        place--;
    }
    if (place > ends->first && ends->runs[place - 1].end >= run.end) {
        ends->runs[place - 1].count += run.count;
        return;
    }
    for (uint32_t i = ends->past++; i > place; i--) {
        ends->runs[i] = ends->runs[i - 1];
    }
    ends->runs[place] = run;
}

/* Pieces of one size go to whoever is free first. */
static void hand_out(struct ends *ends, uint32_t pieces, double tiles)
{
    while (pieces > 0) {
        struct end_run *first = &ends->runs[ends->first];
        struct end_run run = {.end = first->end + tiles,
                              .count = first->count < pieces ? first->count : pieces};
        first->count -= run.count;
        ends->first += first->count == 0;
        pieces -= run.count;
        add_run(ends, run);
    }
}

/* As multiprocessors end, those left share the bandwidth, up to the limit of one. */
static double with_shared_bandwidth(const struct ends *ends, uint32_t multiprocessors)
{
    uint32_t left = multiprocessors;
    double time = 0;
    double before = 0;
    for (uint32_t i = ends->first; i < ends->past; i++) {
        const struct end_run *run = &ends->runs[i];
        double speed_up = (double)multiprocessors / left;
        time += (run->end - before) / (speed_up < LONE_SPEED_UP ? speed_up : LONE_SPEED_UP);
        before = run->end;
        left -= run->count;
    }
    assert(left == 0);
    return time;
}

static uint32_t splits_of(uint32_t tiles, uint32_t share)
{
    uint32_t splits = divide_up(tiles, share);
    return splits > MAX_SPLITS ? MAX_SPLITS : splits;
}

static uint32_t piece_of(uint32_t tiles, uint32_t share)
{
    return divide_up(tiles, splits_of(tiles, share));
}

/* Requests from 'first' on whose contexts have as many tiles as its own. */
static uint32_t count_alike(const uint32_t *tiles, uint32_t first, uint32_t requests)
{
    uint32_t past = first + 1;
    while (past < requests && tiles[past] == tiles[first]) {
        past++;
    }
    return past - first;
}

/* Pieces of all requests, counted by size; the last of a context may be smaller. */
static struct attention_time play(const struct attention_shape *shape, const uint32_t *tiles,
                                  uint32_t requests, uint64_t total)
{
    struct attention_time time = {0};
    uint32_t share = fair_share(shape, total);
    uint32_t most = 0;
    for (uint32_t i = 0; i < requests; i++) {
        most = tiles[i] > most ? tiles[i] : most;
    }
    uint32_t *counts = memory_zeroed((size_t)most + 1, sizeof counts[0]);
    uint32_t largest = 0;
    uint32_t alike = 0;
    for (uint32_t i = 0; i < requests; i += alike) {
        uint32_t piece = piece_of(tiles[i], share);
        assert(piece > 0);
        alike = count_alike(tiles, i, requests);
        largest = piece > largest ? piece : largest;
        time.is_split = time.is_split || piece < tiles[i];
        counts[piece] += tiles[i] / piece * alike;
        counts[tiles[i] % piece] += alike; /* no tiles at all is nobody's size */
    }
    struct ends ends = ends_of_idle(shape->multiprocessors);
    for (uint32_t size = largest; size > 0; size--) {
        hand_out(&ends, counts[size] * shape->kv_heads, size + ATTENTION_PIECE_TILES);
    }
    time.tiles = with_shared_bandwidth(&ends, shape->multiprocessors);
    free(ends.runs);
    free(counts);
    return time;
}

struct attention_time attention_schedule_tiles(const struct attention_shape *shape,
                                               const uint32_t *context_tokens, uint32_t requests)
{
    uint32_t *tiles = memory_zeroed(requests, sizeof tiles[0]);
    uint64_t total = 0;
    for (uint32_t i = 0; i < requests; i++) {
        tiles[i] = tiles_of(context_tokens[i]);
        total += tiles[i];
    }
    struct attention_time time = play(shape, tiles, requests, total);
    free(tiles);
    return time;
}

double attention_schedule_even(const struct attention_shape *shape, uint32_t requests,
                               uint64_t context_tokens)
{
    double tiles = (double)context_tokens / ATTENTION_TILE_TOKENS + requests / 2.0;
    return tiles * shape->kv_heads / shape->multiprocessors;
}

/* A kind of contexts that one schedule stands for. */
struct kind {
    uint32_t requests;
    uint32_t mean;   /* tiles of equal contexts, else half tiles */
    uint32_t spread; /* sixteenths of the root of the coefficient of variation; 0: equal */
};

struct attention_memo_entry {
    struct kind kind;
    bool is_split;
    double tiles;        /* beyond one piece's own time */
    uint64_t of_context; /* tokens of the contexts it was played with; 0: as equal ones */
};

enum { MEMO_ENTRIES = 1 << 14, MAX_SPREAD = 12 };

/* The nearest number of five significant bits. */
static uint32_t rounded(double value)
{
    assert(value >= 0 && value < 4294967296.0);
    uint32_t unit = 1;
    while (value >= 32.0 * unit) {
        unit *= 2;
    }
    uint32_t nearest = (uint32_t)nearest_whole(value / unit) * unit;
    return nearest > 1 ? nearest : 1;
}

/* Equal contexts are told apart exactly: one request more can take another round. */
static struct kind kind_of(const struct attention_contexts *contexts)
{
    double mean = (double)contexts->tokens / contexts->requests;
    double variance = (double)contexts->squares / contexts->requests - mean * mean;
    double variation = mean > 0 && variance > 0 ? sqrt(variance) / mean : 0;
    uint32_t spread = (uint32_t)smaller_of(MAX_SPREAD, (double)nearest_whole(16 * sqrt(variation)));
    return (struct kind){
        .requests = spread == 0 ? contexts->requests : rounded(contexts->requests),
        .spread = spread,
        .mean = spread == 0 ? tiles_of(mean) : rounded(mean / (ATTENTION_TILE_TOKENS / 2.0)),
    };
}

/* Contexts that are evenly spaced over an interval of the kind's mean and variance. */
static struct attention_memo_entry play_kind(const struct attention_shape *shape, struct kind kind)
{
    struct attention_memo_entry entry = {.kind = kind};
    double variation = kind.spread * kind.spread / 256.0;
    double mean = kind.mean * ATTENTION_TILE_TOKENS / 2.0;
    uint32_t *tiles = memory_zeroed(kind.requests, sizeof tiles[0]);
    uint64_t total = 0;
    for (uint32_t i = 0; i < kind.requests; i++) {
        double place = (2 * i + 1.0) / kind.requests - 1;
        double context = mean * (1 + sqrt(3) * variation * place);
        tiles[i] = kind.spread == 0 ? kind.mean : tiles_of(context);
        total += tiles[i];
        entry.of_context += kind.spread == 0 ? 0 : (uint64_t)context;
    }
    struct attention_time time = play(shape, tiles, kind.requests, total);
    free(tiles);
    entry.is_split = time.is_split;
    entry.tiles = time.tiles - ATTENTION_PIECE_TILES;
    return entry;
}

static bool is_same_kind(struct kind a, struct kind b)
{
    return a.requests == b.requests && a.mean == b.mean && a.spread == b.spread;
}

static struct attention_memo_entry recall(const struct attention_shape *shape, struct kind kind,
                                          struct attention_memo *memo)
{
    if (memo == NULL) {
        return play_kind(shape, kind);
    }
    if (memo->entries == NULL) {
        memo->entries = memory_zeroed(MEMO_ENTRIES, sizeof memo->entries[0]);
    }
    uint64_t place = random_bits_at(kind.requests, ((uint64_t)kind.spread << 32) | kind.mean);
    struct attention_memo_entry *entry = &memo->entries[place % MEMO_ENTRIES];
    if (!is_same_kind(entry->kind, kind)) {
        *entry = play_kind(shape, kind);
    }
    return *entry;
}

void attention_memo_clear(struct attention_memo *memo)
{
    free(memo->entries);
    memo->entries = NULL;
}

struct attention_time attention_schedule_typical(const struct attention_shape *shape,
                                                 const struct attention_contexts *contexts,
                                                 struct attention_memo *memo)
{
    uint32_t requests = contexts->requests;
    struct attention_memo_entry entry = recall(shape, kind_of(contexts), memo);
    double scale = entry.of_context == 0
                       ? 1
                       : attention_schedule_even(shape, requests, contexts->tokens) /
                             attention_schedule_even(shape, entry.kind.requests, entry.of_context);
    return (struct attention_time){.tiles = ATTENTION_PIECE_TILES + entry.tiles * scale,
                                   .is_split = entry.is_split};
}
