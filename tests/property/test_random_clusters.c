/* Clusters whose instances fail, are drained, come back, are started and stopped, under every
 * router: no request is lost, doubled or served by two at once, and fast-forwarding changes
 * nothing. */
#include "tests/unit/check.h"

#include <stdio.h>

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/cluster/simulation.h"
#include "sim/engines/engine_presets.h"
#include "sim/policy/scheduling_policies.h"

enum { CLUSTERS = 2000, MAX_REQUESTS = 40 };

struct drawn_cluster {
    struct step_cost cost;
    struct instance_config config;
    struct instance_group groups[2];
    struct simulation_settings settings;
    struct request requests[MAX_REQUESTS];
    uint32_t request_count;
};

static uint32_t between(struct random_stream *random, uint32_t low, uint32_t high)
{
    return low + random_below(random, high - low + 1);
}

static bool one_in(struct random_stream *random, uint32_t count)
{
    return random_below(random, count) == 0;
}

static void draw_engine(struct drawn_cluster *cluster, struct random_stream *random)
{
    uint32_t presets = 0;
    while (engine_presets[presets] != NULL) {
        presets++;
    }
    cluster->config.preset = engine_presets[random_below(random, presets)];
    cluster->config.policy = scheduling_policies[0];
    cluster->config.cost = &cluster->cost;
    struct engine_settings *engine = &cluster->config.engine;
    *engine = cluster->config.preset->defaults;
    engine->max_batch_tokens = between(random, 40, 200);
    engine->max_batch_requests = between(random, 1, 8);
    engine->max_model_len = 300;
    engine->num_blocks = 2 + between(random, 320, 900) / engine->block_tokens;
    engine->prefix_caching = engine->prefix_caching || one_in(random, 2);
    engine->largest_graph = 8;
    if (!engine->chunked_prefill) {
        engine->max_batch_tokens = engine->max_model_len;
    }
    cluster->cost = step_cost_constant((int64_t)between(random, 1, 20) * PS_PER_MS);
    cluster->cost.host.idle_start_ps = (int64_t)between(random, 0, 3) * PS_PER_MS;
    cluster->cost.host.output_overhead_ps = (int64_t)between(random, 0, 2) * PS_PER_MS;
}

static void draw_requests(struct drawn_cluster *cluster, struct random_stream *random)
{
    int64_t now_ps = 0;
    cluster->request_count = between(random, 1, MAX_REQUESTS);
    for (uint32_t i = 0; i < cluster->request_count; i++) {
        uint32_t prompt = between(random, 1, 100);
        uint32_t output = between(random, 1, 120);
        now_ps += one_in(random, 3) ? 0 : ps_from_s(random_exponential(random, 0.05));
        cluster->requests[i] = (struct request){.ask.sent_ps = now_ps,
                                                .ask.prompt_tokens = prompt,
                                                .ask.max_output_tokens = output,
                                                .truth.output_tokens = output};
        cluster->requests[i].ask.content.parts[1] = (struct prompt_part){
            .stream = between(random, 1, 4), .end = one_in(random, 2) * prompt};
    }
    cluster->settings.client =
        (struct client_settings){(enum client_kind)random_below(random, 3), between(random, 1, 8)};
}

static void draw_groups(struct drawn_cluster *cluster, struct random_stream *random)
{
    bool is_split = cluster->config.preset->moves_kv && one_in(random, 3);
    struct instance_group *groups = cluster->groups;
    groups[0] = (struct instance_group){.config = &cluster->config,
                                        .count = between(random, 1, is_split ? 3 : 6),
                                        .role = is_split ? INSTANCE_PREFILL : INSTANCE_BOTH,
                                        .link = {.token_ps = PS_PER_US, .latency_ps = PS_PER_MS}};
    groups[1] = (struct instance_group){
        .config = &cluster->config, .count = between(random, 1, 3), .role = INSTANCE_DECODE};
    cluster->settings.groups = groups;
    cluster->settings.group_count = is_split ? 2 : 1;
}

/* INSTANCE:FROM_S:FOR_S,... */
static void draw_outages(char *text, size_t size, uint32_t instances, struct random_stream *random)
{
    size_t used = 0;
    for (uint32_t left = random_below(random, 4); left > 0; left--) {
        used += (size_t)snprintf(text + used, size - used, "%s%u:%.2f:%.2f", used > 0 ? "," : "",
                                 between(random, 1, instances), 3 * random_uniform(random),
                                 0.01 + random_uniform(random));
    }
}

static void draw_changes(struct drawn_cluster *cluster, struct random_stream *random)
{
    struct simulation_settings *settings = &cluster->settings;
    bool is_split = settings->group_count == 2;
    uint32_t instances = cluster->groups[0].count + (is_split ? cluster->groups[1].count : 0);
    settings->router = (struct router_settings){
        .rule = random_below(random, ROUTER_PREFIX_AWARE + 1), .prefix_weight = 1};
    struct outage_settings *outages = &settings->outages;
    draw_outages(outages->failures, sizeof outages->failures, instances, random);
    draw_outages(outages->drains, sizeof outages->drains, instances, random);
    outages->failure_mean_s = one_in(random, 3) ? 5 + 10 * random_uniform(random) : 0;
    outages->failure_shape = 0.5 + 2 * random_uniform(random);
    outages->repair_s = 0.1 + random_uniform(random);
    outages->retry =
        is_split ? between(random, RETRY_RESTART, RETRY_NEVER) : between(random, 0, RETRY_NEVER);
    settings->scaling = (struct autoscaler_settings){
        .rule = is_split ? SCALING_OFF : between(random, SCALING_OFF, SCALING_KV),
        .target = one_in(random, 2) ? 0.3 : 2,
        .minimum = between(random, 1, 3),
        .interval_ps = (int64_t)between(random, 50, 500) * PS_PER_MS,
        .start_ps = (int64_t)between(random, 0, 500) * PS_PER_MS,
        .cool_down_ps = (int64_t)between(random, 0, 1000) * PS_PER_MS,
    };
    settings->max_requests = one_in(random, 4) ? between(random, 1, 10) : 0;
    settings->seed = random_below(random, 1000);
}

static void draw(struct drawn_cluster *cluster, uint64_t seed)
{
    struct random_stream *random = random_create(seed, "cluster");
    *cluster = (struct drawn_cluster){.request_count = 0};
    draw_engine(cluster, random);
    draw_requests(cluster, random);
    draw_groups(cluster, random);
    draw_changes(cluster, random);
    random_destroy(random);
}

struct outcome {
    uint64_t digest;
    uint64_t retries;
    uint64_t failures;
};

static void check_request(const struct drawn_cluster *cluster, const struct request *request)
{
    bool never = cluster->settings.outages.retry == RETRY_NEVER;
    if (request->status == REQUEST_FINISHED) {
        assert_true(request_outputs(request) == request->truth.output_tokens ||
                    request_outputs(request) < request->truth.output_tokens);
        assert_true(request->clock.first_token_ps >= request->ask.sent_ps);
        assert_true(request->retries == 0 || !never);
    } else {
        assert_int_equal(request->status, REQUEST_REJECTED);
    }
}

static struct outcome run(struct drawn_cluster *cluster, uint64_t seed, bool stepwise)
{
    draw(cluster, seed);
    cluster->settings.stepwise = stepwise;
    struct simulation *simulation =
        simulation_create(&cluster->settings, cluster->requests, cluster->request_count);
    while (simulation_step(simulation)) {
        simulation_check(simulation);
    }
    struct outcome outcome = {.digest = 17};
    assert_false(simulation_is_stalled(simulation));
    const struct simulation_counts *counts = simulation_counts(simulation);
    assert_int_equal(counts->finished + counts->rejected, cluster->request_count);
    for (uint32_t i = 0; i < cluster->request_count; i++) {
        const struct request *request = &cluster->requests[i];
        check_request(cluster, request);
        outcome.retries += request->retries;
        outcome.digest = outcome.digest * 31 + (uint64_t)request->clock.first_token_ps;
        outcome.digest = outcome.digest * 31 + (uint64_t)request->clock.last_token_ps;
        outcome.digest = outcome.digest * 31 + request->retries + request_outputs(request);
    }
    for (uint32_t i = 0; i < simulation_instance_count(simulation); i++) {
        struct instance_figures figures = simulation_instance_figures(simulation, i);
        outcome.failures += figures.failures;
        outcome.digest = outcome.digest * 31 + figures.finished;
        outcome.digest = outcome.digest * 31 + (uint64_t)(1e6 * figures.paid_s);
        outcome.digest = outcome.digest * 31 + (uint64_t)(1e9 * figures.kv_mean);
    }
    simulation_destroy(simulation);
    return outcome;
}

static void test_no_request_is_lost(void **state)
{
    (void)state;
    static struct drawn_cluster cluster;
    uint64_t retries = 0;
    uint64_t failures = 0;
    for (uint64_t seed = 1; seed <= CLUSTERS; seed++) {
        struct outcome lazily = run(&cluster, seed, false);
        struct outcome stepwise = run(&cluster, seed, true);
        if (lazily.digest != stepwise.digest) {
            fail_msg("seed %llu: fast-forwarded and stepwise runs differ",
                     (unsigned long long)seed);
        }
        retries += lazily.retries;
        failures += lazily.failures;
    }
    printf("# %llu failures, %llu retries\n", (unsigned long long)failures,
           (unsigned long long)retries);
    assert_true(failures > CLUSTERS / 4 && retries > CLUSTERS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_request_is_lost)};
    return cmocka_run_group_tests_name("random_clusters", tests, NULL, NULL);
}
