/* Instances that are unlike the others of a cluster: what 'cluster.groups' says of one group, as a
 * scenario of its own. */
#ifndef SIM_SCENARIO_SCENARIO_GROUP_H
#define SIM_SCENARIO_SCENARIO_GROUP_H

#include "sim/cluster/cluster.h"
#include "sim/scenario/scenario.h"

enum { MAX_GROUPS = 16 };

struct scenario_group {
    uint32_t instances;
    enum instance_role role;
    struct scenario scenario; /* the cluster's, with the group's settings in their places */
};

/* How many groups the scenario lists; 0: all its instances are alike. */
uint32_t scenario_group_count(const struct scenario *scenario);

/* Reads group 'index' of 'base'. A group has its weights, KV format, hardware, engine and prices;
 * with another engine than the cluster's it starts from what that engine starts with. */
MUST_CHECK bool scenario_group_read(const struct scenario *base, uint32_t index,
                                    struct scenario_group *ret_group, struct error *error);

#endif
