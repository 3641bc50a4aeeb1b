/* The points of a sweep: every combination of the axes' values, or a sample of the space between.
 */
#ifndef SIM_EXPERIMENTS_DESIGN_H
#define SIM_EXPERIMENTS_DESIGN_H

#include "sim/base/settings.h"
#include "sim/experiments/axis.h"

enum { DESIGN_MAX_AXES = 24, DESIGN_MAX_POINTS = 10000000 };

struct design {
    struct axis axes[DESIGN_MAX_AXES];
    uint32_t axis_count;
    uint32_t points;
    bool is_latin; /* a Latin hypercube of 'points', else all combinations */
    uint64_t seed; /* of the sample */
};

/* From "KEY=VALUES" texts (see axis.h); 'sample' is "latin:N", or NULL for all combinations. The
 * last axis varies fastest. No axis at all is one point. Cleared by design_clear, also after an
 * error. */
MUST_CHECK bool design_parse(const char *option, const struct option_list *texts,
                             const char *sample, uint64_t seed, struct design *ret_design,
                             struct error *error);
void design_clear(struct design *design);

/* The value that an axis has at a point. */
void design_value(const struct design *design, uint32_t point, uint32_t axis, char *text,
                  size_t text_bytes);

/* "KEY=VALUE" texts of a point, held in 'texts'. */
struct design_assignments {
    char texts[DESIGN_MAX_AXES][AXIS_KEY_BYTES + AXIS_VALUE_BYTES];
};

/* Appends the point's assignments to 'list'; they live as long as 'room'. */
MUST_CHECK bool design_assign(const struct design *design, uint32_t point,
                              struct design_assignments *room, struct option_list *list,
                              struct error *error);

#endif
