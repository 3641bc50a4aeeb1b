#include "sim/serving/attention_schedule.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"

#define SHARE_SLACK 1.1
#define LONE_SPEED_UP 2.0 /* assumed: the measured sweeps do not tell 1.5 from 3 */
enum { MAXIMUM_SPLITS = 32, DRAWS = 40, MEAN_TILES = 40 };

static uint32_t divide_up(uint32_t a, uint32_t b)
{
    return (a + b - 1) / b;
}

static uint32_t tiles_of(uint32_t context_tokens)
{
    return divide_up(context_tokens + 1, ATTENTION_TILE_TOKENS);
}

/* The most tiles a piece may have. */
static uint32_t fair_share(const struct attention_shape *shape, uint32_t tiles)
{
    return (uint32_t)ceil(tiles * SHARE_SLACK * shape->kv_heads / shape->multiprocessors);
}

static int descending(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b ? 1 : 0;
}

/* Hands the pieces to whoever is free first; fills in when each multiprocessor ends. */
static void hand_out(const uint32_t *pieces, uint32_t count, double *end, uint32_t multiprocessors)
{
    for (uint32_t i = 0; i < multiprocessors; i++) {
        end[i] = 0;
    }
    for (uint32_t p = 0; p < count; p++) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < multiprocessors; i++) {
            first = end[i] < end[first] ? i : first;
        }
        end[first] += pieces[p];
    }
    qsort(end, multiprocessors, sizeof end[0], ascending);
}

/* As multiprocessors end, those left share the bandwidth, up to the limit of one. */
static double with_shared_bandwidth(const double *end, uint32_t multiprocessors)
{
    double time = 0;
    double before = 0;
    for (uint32_t i = 0; i < multiprocessors; i++) {
        double speed = fmin(LONE_SPEED_UP, (double)multiprocessors / (multiprocessors - i));
        time += (end[i] - before) / speed;
        before = end[i];
    }
    return time;
}

double attention_schedule_tiles(const struct attention_shape *shape, const uint32_t *context_tokens,
                                uint32_t requests, bool *ret_is_split)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < requests; i++) {
        total += tiles_of(context_tokens[i]);
    }
    uint32_t share = fair_share(shape, total);
    uint32_t *pieces =
        memory_zeroed((size_t)requests * shape->kv_heads * MAXIMUM_SPLITS, sizeof pieces[0]);
    uint32_t count = 0;
    *ret_is_split = false;
    for (uint32_t i = 0; i < requests; i++) {
        uint32_t tiles = tiles_of(context_tokens[i]);
        uint32_t splits = divide_up(tiles, share);
        splits = splits > MAXIMUM_SPLITS ? MAXIMUM_SPLITS : splits;
        *ret_is_split = *ret_is_split || splits > 1;
        for (uint32_t piece = 0; piece < splits * shape->kv_heads; piece++) {
            pieces[count++] = divide_up(tiles, splits);
        }
    }
    qsort(pieces, count, sizeof pieces[0], descending);
    double *end = memory_zeroed(shape->multiprocessors, sizeof end[0]);
    hand_out(pieces, count, end, shape->multiprocessors);
    double time = with_shared_bandwidth(end, shape->multiprocessors);
    free(end);
    free(pieces);
    return time;
}

double attention_schedule_equal(const struct attention_shape *shape, uint32_t requests,
                                uint64_t context_tokens, bool *ret_is_split)
{
    uint32_t tiles = tiles_of((uint32_t)(context_tokens / requests));
    uint32_t share = fair_share(shape, tiles * requests);
    uint32_t splits = divide_up(tiles, share);
    splits = splits > MAXIMUM_SPLITS ? MAXIMUM_SPLITS : splits;
    uint32_t piece_tiles = divide_up(tiles, splits);
    uint32_t pieces = requests * shape->kv_heads * splits;
    uint32_t last_round = pieces % shape->multiprocessors;
    uint32_t full_rounds = pieces / shape->multiprocessors;
    double rounds = full_rounds;
    if (last_round > 0) {
        rounds += 1 / fmin(LONE_SPEED_UP, (double)shape->multiprocessors / last_round);
    }
    *ret_is_split = splits > 1;
    return rounds * piece_tiles;
}

double attention_schedule_even(const struct attention_shape *shape, uint32_t requests,
                               uint64_t context_tokens)
{
    double tiles = (double)context_tokens / ATTENTION_TILE_TOKENS + requests / 2.0;
    return tiles * shape->kv_heads / shape->multiprocessors;
}

double attention_schedule_imbalance(const struct attention_shape *shape, uint32_t requests)
{
    struct random_stream *random = random_create(1, "attention contexts");
    uint32_t *contexts = memory_zeroed(requests, sizeof contexts[0]);
    double sum = 0;
    for (int draw = 0; draw < DRAWS; draw++) {
        uint64_t context_sum = 0;
        for (uint32_t i = 0; i < requests; i++) {
            double tiles = (0.05 + 1.9 * random_uniform(random)) * MEAN_TILES;
            contexts[i] = (uint32_t)(tiles * ATTENTION_TILE_TOKENS);
            context_sum += contexts[i];
        }
        bool is_split = false;
        sum += attention_schedule_tiles(shape, contexts, requests, &is_split) /
               attention_schedule_even(shape, requests, context_sum);
    }
    free(contexts);
    random_destroy(random);
    return sum / DRAWS;
}
