#include "sim/experiments/design.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/random.h"
#include "sim/base/text.h"

static bool parse_sample(const char *sample, uint32_t *ret_points, struct error *error)
{
    double points = 0;
    if (!text_starts_with(sample, "latin:") ||
        !text_to_whole(sample + strlen("latin:"), DESIGN_MAX_POINTS, &points) || points < 1) {
        return error_set(error, "--sample: expected 'latin:N' with N from 1 to %d, got '%s'",
                         DESIGN_MAX_POINTS, sample);
    }
    *ret_points = (uint32_t)points;
    return true;
}

static bool count_combinations(struct design *design, const char *option, struct error *error)
{
    uint64_t points = 1;
    for (uint32_t i = 0; i < design->axis_count; i++) {
        points *= design->axes[i].count;
        if (points > DESIGN_MAX_POINTS) {
            return error_set(error,
                             "%s: more than %d combinations; take a sample: --sample latin:N",
                             option, DESIGN_MAX_POINTS);
        }
    }
    design->points = (uint32_t)points;
    return true;
}

bool design_parse(const char *option, const struct option_list *texts, const char *sample,
                  uint64_t seed, struct design *ret_design, struct error *error)
{
    memset(ret_design, 0, sizeof *ret_design);
    ret_design->seed = seed;
    if (texts->count > DESIGN_MAX_AXES) {
        return error_set(error, "%s: at most %d settings can vary", option, DESIGN_MAX_AXES);
    }
    for (size_t i = 0; i < texts->count; i++) {
        struct axis *axis = &ret_design->axes[ret_design->axis_count++];
        if (!axis_parse(option, texts->values[i], axis, error)) {
            return false;
        }
        for (uint32_t k = 0; k + 1 < ret_design->axis_count; k++) {
            if (text_equal(ret_design->axes[k].key, axis->key)) {
                return error_set(error, "%s: '%s' is varied twice", option, axis->key);
            }
        }
    }
    ret_design->is_latin = sample != NULL;
    if (sample != NULL && ret_design->axis_count == 0) {
        return error_set(error, "--sample: there is nothing to sample without %s", option);
    }
    return sample != NULL ? parse_sample(sample, &ret_design->points, error)
                          : count_combinations(ret_design, option, error);
}

void design_clear(struct design *design)
{
    for (uint32_t i = 0; i < design->axis_count; i++) {
        axis_clear(&design->axes[i]);
    }
    design->axis_count = 0;
}

/* Where a keyed permutation of 0 to 'count' - 1 puts 'index': a few rounds of a Feistel network
 * over the next power of four, walked until the result is below 'count'. No table is kept, so a
 * shard needs no other point. */
static uint32_t permuted(uint64_t key, uint32_t index, uint32_t count)
{
    enum { ROUNDS = 6 };
    uint32_t half_bits = 1;
    while ((1ULL << (2 * half_bits)) < count) {
        half_bits++;
    }
    uint32_t mask = (1U << half_bits) - 1;
    uint32_t value = index;
    do {
        uint32_t left = value >> half_bits;
        uint32_t right = value & mask;
        for (uint32_t round = 0; round < ROUNDS; round++) {
            uint64_t mixed = random_bits_at(key, ((uint64_t)round << 32) | right);
            uint32_t next = left ^ ((uint32_t)(mixed >> 16) & mask);
            left = right;
            right = next;
        }
        value = (left << half_bits) | right;
    } while (value >= count);
    return value;
}

void design_value(const struct design *design, uint32_t point, uint32_t axis, char *text,
                  size_t text_bytes)
{
    assert(point < design->points && axis < design->axis_count);
    const struct axis *varied = &design->axes[axis];
    if (design->is_latin) {
        char name[AXIS_KEY_BYTES + 16];
        snprintf(name, sizeof name, "latin:%s", varied->key);
        uint64_t key = random_key(design->seed, name);
        uint32_t stratum = permuted(key, point, design->points);
        double within = random_uniform_at(key, (1ULL << 60) | point);
        axis_value_at(varied, (stratum + within) / design->points, text, text_bytes);
        return;
    }
    uint32_t index = point;
    for (uint32_t i = design->axis_count - 1; i > axis; i--) {
        index /= design->axes[i].count;
    }
    snprintf(text, text_bytes, "%s", varied->values[index % varied->count]);
}

bool design_assign(const struct design *design, uint32_t point, struct design_assignments *room,
                   struct option_list *list, struct error *error)
{
    if (list->count + design->axis_count > MAX_OPTIONS) {
        return error_set(error, "more than %d settings are given", MAX_OPTIONS);
    }
    for (uint32_t i = 0; i < design->axis_count; i++) {
        char value[AXIS_VALUE_BYTES];
        design_value(design, point, i, value, sizeof value);
        snprintf(room->texts[i], sizeof room->texts[i], "%s=%s", design->axes[i].key, value);
        list->values[list->count++] = room->texts[i];
    }
    return true;
}
