#include "sim/cluster/autoscaler.h"

#include <assert.h>
#include <math.h>

#include "sim/base/units.h"
#include "sim/serving/request.h"

const struct setting_choice scaling_rules[] = {
    {"off", SCALING_OFF, "all instances serve all the time"},
    {"requests", SCALING_REQUESTS, "by the requests of an instance, running and waiting"},
    {"waiting", SCALING_WAITING, "by the requests that wait on an instance"},
    {"kv", SCALING_KV, "by the share of an instance's KV blocks in use"},
    {.name = NULL},
};

const struct setting autoscaler_settings_table[] = {
    {.name = "cluster.autoscale",
     .type = SETTING_CHOICE,
     SETTING_OF(autoscaler_settings, rule),
     .choices = scaling_rules,
     .help = "rule by which instances are started and stopped while the cluster serves"},
    {.name = "cluster.autoscale_target",
     .type = SETTING_NUMBER,
     SETTING_OF(autoscaler_settings, target),
     .minimum = 0.001,
     .maximum = 1e6,
     .help =
         "mean of an instance at which there are neither too many nor too few: requests, or for "
         "kv a share from 0 to 1"},
    {.name = "cluster.autoscale_minimum",
     .type = SETTING_WHOLE,
     SETTING_OF(autoscaler_settings, minimum),
     .minimum = 1,
     .maximum = 1024,
     .unit = "instances",
     .help = "fewest instances that serve; the most are those that the cluster has"},
    {.name = "cluster.autoscale_interval_s",
     .type = SETTING_TIME,
     SETTING_OF(autoscaler_settings, interval_ps),
     .minimum = 0.1,
     .maximum = 1e5,
     .unit = "s",
     .help = "time between two looks at the load"},
    {.name = "cluster.autoscale_start_s",
     .type = SETTING_TIME,
     SETTING_OF(autoscaler_settings, start_ps),
     .maximum = 1e5,
     .unit = "s",
     .help = "time from the decision to start an instance until it serves"},
    {.name = "cluster.autoscale_cool_down_s",
     .type = SETTING_TIME,
     SETTING_OF(autoscaler_settings, cool_down_ps),
     .maximum = 1e5,
     .unit = "s",
     .help = "time for which fewer instances must suffice before some are stopped"},
    {.name = NULL},
};

void autoscaler_init(struct autoscaler *autoscaler, const struct autoscaler_settings *settings)
{
    *autoscaler = (struct autoscaler){.settings = *settings, .fewer_since_ps = TIME_NONE};
}

/* What the load calls for; within a tenth of the target nothing changes. */
static uint32_t called_for(const struct autoscaler_settings *settings, uint32_t active,
                           uint32_t most, double load)
{
    double ratio = load / settings->target;
    double wanted = fabs(ratio - 1) <= 0.1 ? active : ceil(active * ratio);
    uint32_t least = settings->minimum < most ? settings->minimum : most;
    return wanted <= least ? least : wanted >= most ? most : (uint32_t)wanted;
}

uint32_t autoscaler_wanted(struct autoscaler *autoscaler, uint32_t active, uint32_t most,
                           double load, int64_t now_ps)
{
    assert(autoscaler->settings.rule != SCALING_OFF && active <= most && load >= 0);
    uint32_t wanted = called_for(&autoscaler->settings, active, most, load);
    if (wanted >= active) {
        autoscaler->fewer_since_ps = TIME_NONE;
        return wanted;
    }
    if (autoscaler->fewer_since_ps == TIME_NONE) {
        autoscaler->fewer_since_ps = now_ps;
        autoscaler->fewer = wanted;
    }
    autoscaler->fewer = wanted > autoscaler->fewer ? wanted : autoscaler->fewer;
    if (now_ps - autoscaler->fewer_since_ps < autoscaler->settings.cool_down_ps) {
        return active;
    }
    autoscaler->fewer_since_ps = TIME_NONE;
    return autoscaler->fewer;
}
