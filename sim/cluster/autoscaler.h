/* How many instances there should be, by how much they have to do: the rule of Kubernetes'
 * horizontal pod autoscaler, ceil(instances * load / target), with a cool-down before there are
 * fewer. */
#ifndef SIM_CLUSTER_AUTOSCALER_H
#define SIM_CLUSTER_AUTOSCALER_H

#include <stdint.h>

#include "sim/base/settings.h"

/* What is held at its target. */
enum scaling_rule {
    SCALING_OFF,
    SCALING_REQUESTS,
    SCALING_WAITING,
    SCALING_KV,
};

extern const struct setting_choice scaling_rules[];

struct autoscaler_settings {
    enum scaling_rule rule;
    double target;        /* mean of an instance: requests, or share of its KV blocks */
    uint32_t minimum;     /* instances; the most are those of the cluster */
    int64_t interval_ps;  /* between two looks */
    int64_t start_ps;     /* until an instance that is started serves */
    int64_t cool_down_ps; /* for which fewer must suffice before there are fewer */
};

/* Table of the settings, keys "cluster.autoscale...". */
extern const struct setting autoscaler_settings_table[];

struct autoscaler {
    struct autoscaler_settings settings;
    int64_t fewer_since_ps; /* fewer have sufficed since then; TIME_NONE: they do not */
    uint32_t fewer;         /* the most that were called for since then */
};

void autoscaler_init(struct autoscaler *autoscaler, const struct autoscaler_settings *settings);

/* Of 'most' instances 'active' serve or start, with a mean load of 'load' each, now: how many there
 * should be. */
uint32_t autoscaler_wanted(struct autoscaler *autoscaler, uint32_t active, uint32_t most,
                           double load, int64_t now_ps);

#endif
