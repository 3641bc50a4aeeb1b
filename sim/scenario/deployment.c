#include "sim/scenario/deployment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/policy/scheduling_policies.h"

/* The link over which an instance hands KV over: as set, or the GPU's own. */
static struct kv_link link_of(const struct deployment *deployment,
                              const struct scenario_fleet *asked)
{
    const struct gpu *gpu = &deployment->gpu;
    double token_bytes = deployment->memory.block_bytes / deployment->instance.engine.block_tokens;
    double sheet = gpu->link_gb_per_s > 0 ? gpu->link_gb_per_s : gpu->pcie_gb_per_s;
    double link =
        asked->kv_link_gb_per_s > 0 ? asked->kv_link_gb_per_s : GPU_COPY_EFFICIENCY * sheet;
    return (struct kv_link){.latency_ps = asked->kv_latency_ps,
                            .token_ps = link > 0 ? (int64_t)(token_bytes * 1000 / link) : 0};
}

static void add_group(struct deployment *deployment, const struct deployment *part, uint32_t count,
                      enum instance_role role, const struct scenario_fleet *asked)
{
    assert(deployment->group_count < MAX_GROUPS);
    deployment->groups[deployment->group_count++] =
        (struct instance_group){&part->instance, count, role, link_of(part, asked)};
}

/* What is to be known of a group is told with the rest. */
static void take_warnings(struct deployment *deployment, const struct deployment *part,
                          uint32_t group)
{
    for (uint32_t i = 0; part != deployment && i < part->warnings.count; i++) {
        warning_list_add(&deployment->warnings, "group %u: %.*s", group + 1, WARNING_BYTES - 32,
                         part->warnings.messages[i]);
    }
}

/* KV that moves must mean the same to both sides, and there must be both. */
static bool check_roles(const struct deployment *deployment, struct error *error)
{
    uint32_t counts[3] = {0};
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        const struct deployment *part = deployment_of_group(deployment, g);
        enum instance_role role = deployment->groups[g].role;
        counts[role]++;
        if (role != INSTANCE_BOTH && !part->instance.preset->moves_kv) {
            return error_set(error,
                             "cluster.groups, group %u: '%s' cannot move KV: 'role' must be 'both'",
                             g + 1, part->instance.preset->name);
        }
        if (role != INSTANCE_BOTH && part->kv != deployment->kv) {
            return error_set(error,
                             "cluster.groups, group %u: KV moves between groups: 'model.kv_cache' "
                             "must be '%s' as in group 1, got '%s'",
                             g + 1, deployment->kv->name, part->kv->name);
        }
    }
    bool ok = (counts[INSTANCE_PREFILL] > 0) == (counts[INSTANCE_DECODE] > 0) &&
              (counts[INSTANCE_PREFILL] == 0 || counts[INSTANCE_BOTH] == 0);
    return ok ||
           error_set(error,
                     "cluster.groups: 'role' must be 'both' in all groups, or 'prefill' in "
                     "some and 'decode' in the others, got %u, %u and %u groups",
                     counts[INSTANCE_BOTH], counts[INSTANCE_PREFILL], counts[INSTANCE_DECODE]);
}

static bool resolve_groups(struct deployment *deployment, const struct scenario *scenario,
                           uint32_t count, struct error *error)
{
    struct deployment *others = memory_zeroed(count, sizeof others[0]);
    for (uint32_t g = 0; g < count; g++) {
        struct scenario_group group;
        struct deployment *part = g == 0 ? deployment : &others[g - 1];
        bool ok = scenario_group_read(scenario, g, &group, error);
        if (!ok || !deployment_resolve_part(part, &group.scenario, error)) {
            free(others);
            return ok ? error_add_place(error, "cluster.groups, group %u", g + 1) : false;
        }
        take_warnings(deployment, part, g);
        add_group(deployment, part, group.instances, group.role, &scenario->fleet);
    }
    deployment->others = others;
    return check_roles(deployment, error);
}

static bool resolve_alike(struct deployment *deployment, const struct scenario *scenario,
                          struct error *error)
{
    const struct scenario_fleet *fleet = &scenario->fleet;
    if (!deployment_resolve_part(deployment, scenario, error)) {
        return false;
    }
    if (fleet->prefill_instances > 0) {
        add_group(deployment, deployment, fleet->prefill_instances, INSTANCE_PREFILL, fleet);
        add_group(deployment, deployment, fleet->decode_instances, INSTANCE_DECODE, fleet);
    } else {
        add_group(deployment, deployment, fleet->instances, INSTANCE_BOTH, fleet);
    }
    return true;
}

/* How instances come and go must fit which there are. */
static bool check_changes(const struct deployment *deployment, const struct scenario_fleet *fleet,
                          struct error *error)
{
    const struct outage_settings *outages = &fleet->outages;
    uint32_t instances = 0;
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        instances += deployment->groups[g].count;
    }
    bool is_split = deployment->groups[0].role != INSTANCE_BOTH;
    bool fails = outages->failures[0] != '\0' || outages->failure_mean_s > 0;
    if (is_split && fails && outages->retry == RETRY_RESUME) {
        return error_set(error, "'cluster.retry' must be 'restart' or 'never' where prompts are "
                                "computed apart from answers, got 'resume'");
    }
    if (is_split && fleet->scaling.rule != SCALING_OFF) {
        return error_set(error,
                         "'cluster.autoscale' must be 'off' where prompts are computed apart "
                         "from answers");
    }
    return outage_settings_check(outages, instances, error);
}

bool deployment_resolve(struct deployment *deployment, const struct scenario *scenario,
                        struct error *error)
{
    uint32_t count = scenario_group_count(scenario);
    memset(deployment, 0, sizeof *deployment);
    if (count > MAX_GROUPS) {
        return error_set(error, "'cluster.groups' must be at most %d groups, got %u", MAX_GROUPS,
                         count);
    }
    bool ok = count > 0 ? resolve_groups(deployment, scenario, count, error)
                        : resolve_alike(deployment, scenario, error);
    deployment->router = scenario->fleet.router;
    assert(!ok || deployment_gpus(deployment) > 0);
    return ok && check_changes(deployment, &scenario->fleet, error);
}

void deployment_clear(struct deployment *deployment)
{
    free(deployment->others);
    deployment->others = NULL;
}

const struct deployment *deployment_of_group(const struct deployment *deployment, uint32_t group)
{
    assert(group < deployment->group_count);
    return group == 0 || deployment->others == NULL ? deployment : &deployment->others[group - 1];
}

void deployment_of_log(struct deployment *deployment, const struct engine_preset *preset,
                       const struct engine_settings *settings, const struct step_cost *cost)
{
    assert(settings->num_blocks > preset->reserved_blocks && settings->max_model_len > 0);
    memset(deployment, 0, sizeof *deployment);
    deployment->tensor_parallel = cost->identity.tensor_parallel;
    deployment->cost = *cost;
    deployment->instance = (struct instance_config){.preset = preset,
                                                    .policy = scheduling_policies[0],
                                                    .cost = &deployment->cost,
                                                    .engine = *settings};
    deployment->groups[0] =
        (struct instance_group){.config = &deployment->instance, .count = 1, .role = INSTANCE_BOTH};
    deployment->group_count = 1;
}

uint32_t deployment_gpus(const struct deployment *deployment)
{
    uint32_t gpus = 0;
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        gpus += deployment->groups[g].count * deployment_of_group(deployment, g)->tensor_parallel;
    }
    return gpus;
}
