/* The shipped calibrations and profiles as step costs, with what each was made for. Each kind is
 * read and parsed at the first call that asks for it, once in a process, and shared by all threads;
 * nothing in it changes afterwards. */
#ifndef SIM_PRICING_COST_CATALOG_H
#define SIM_PRICING_COST_CATALOG_H

#include "sim/pricing/cost_transfer.h"

struct catalog_cost {
    struct step_cost cost;
    struct cost_configuration made; /* for which */
};

struct cost_catalog {
    struct catalog_cost *costs;
    uint32_t count;
};

/* Those below calibration/. */
MUST_CHECK bool cost_catalog_calibrations(const struct cost_catalog **ret_catalog,
                                          struct error *error);

/* Those below profiler/profiles/, composed into steps. */
MUST_CHECK bool cost_catalog_profiles(const struct cost_catalog **ret_catalog, struct error *error);

/* What a cost was made for, by its identity. */
MUST_CHECK bool cost_catalog_configuration(const struct step_cost *cost,
                                           struct cost_configuration *ret_made,
                                           struct error *error);

/* Reads one profile and composes its cost. */
MUST_CHECK bool cost_catalog_read_profile(const char *path, struct catalog_cost *ret_cost,
                                          struct error *error);

#endif
