/* Special cases with closed forms. One request at a time, a synchronous engine and a constant step
 * make a single server: M/M/1 when output lengths are geometric, M/D/1 when they are fixed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"
#include "sim/policy/longest_first.h"
#include "sim/policy/sjf.h"
#include "sim/policy/srpt.h"

enum { REQUESTS = 60000, BATCHES = 30, MEAN_TOKENS = 50 };

#define STEP_S 0.001
#define LOAD 0.7

static void assert_within(double found, double expected, double half_width, const char *what)
{
    if (fabs(found - expected) > half_width) {
        fail_msg("%s: found %.6g, theory says %.6g, confidence interval +- %.3g", what, found,
                 expected, half_width);
    }
}

struct queue {
    struct step_cost cost;
    struct request *requests;
    struct instance_config config;
    struct instance_group group;
    struct simulation *simulation;
};

/* SRPT's gain, preemptions and milestones: requests have 50 tokens in the mean. */
static const double eager[] = {4, 3, 8};

/* What serves: so many instances behind a router, on each of which 'batch' requests may run
 * together, as on so many servers. */
struct servers {
    bool geometric; /* lengths; else all have the mean */
    uint32_t batch;
    uint32_t instances;
    enum router_rule router;
    const struct scheduling_policy *policy; /* NULL: first come, first served */
};

/* Poisson arrivals at 'LOAD' of what the servers can do. */
static void set_up_queue(struct queue *queue, struct servers servers)
{
    const struct scheduling_policy *policy = servers.policy != NULL ? servers.policy : &policy_fcfs;
    double rate_per_s = servers.instances * servers.batch * LOAD / (MEAN_TOKENS * STEP_S);
    struct random_stream *gaps = random_create(9, "gaps");
    struct random_stream *lengths = random_create(9, "lengths");
    queue->requests = memory_zeroed(REQUESTS, sizeof queue->requests[0]);
    double now_s = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        now_s += random_exponential(gaps, 1 / rate_per_s);
        uint32_t tokens = MEAN_TOKENS;
        if (servers.geometric) {
            tokens = 1 + (uint32_t)(log(random_uniform(lengths)) / log(1 - 1.0 / MEAN_TOKENS));
        }
        queue->requests[i] = (struct request){.ask.sent_ps = ps_from_s(now_s),
                                              .ask.prompt_tokens = 1,
                                              .truth.output_tokens = tokens,
                                              .ask.max_output_tokens = tokens};
    }
    random_destroy(gaps);
    random_destroy(lengths);
    queue->cost = step_cost_constant(ps_from_s(STEP_S));
    queue->config = (struct instance_config){.preset = &engine_preset_vllm_0_24,
                                             .policy = policy,
                                             .policy_values = policy == &policy_srpt ? eager : NULL,
                                             .predictor = {.kind = PREDICTOR_ORACLE},
                                             .cost = &queue->cost,
                                             .engine = {.max_batch_tokens = 2048,
                                                        .max_batch_requests = servers.batch,
                                                        .max_model_len = 100000,
                                                        .block_tokens = 16,
                                                        .num_blocks = 1000000,
                                                        .reserve_full_prompt = true,
                                                        .chunked_prefill = true}};
    queue->group = (struct instance_group){&queue->config, servers.instances, INSTANCE_BOTH, {0}};
    struct simulation_settings settings = {.groups = &queue->group,
                                           .group_count = 1,
                                           .router = {.rule = servers.router},
                                           .client = {.kind = CLIENT_OPEN}};
    queue->simulation = simulation_create(&settings, queue->requests, REQUESTS);
    simulation_run(queue->simulation);
}

static void clear_queue(struct queue *queue)
{
    simulation_destroy(queue->simulation);
    free(queue->requests);
}

/* Mean time in queue with a 99 % confidence interval by batch means (29 degrees of freedom). */
static void mean_wait(const struct queue *queue, double *ret_mean_s, double *ret_half_width_s)
{
    double means[BATCHES] = {0};
    double sum = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const struct request *request = &queue->requests[i];
        double wait_s = s_from_ps(request->clock.first_scheduled_ps - request->ask.sent_ps);
        means[i / (REQUESTS / BATCHES)] += wait_s / (REQUESTS / BATCHES);
        sum += wait_s;
    }
    double mean = sum / REQUESTS;
    double squares = 0;
    for (int b = 0; b < BATCHES; b++) {
        squares += (means[b] - mean) * (means[b] - mean);
    }
    *ret_mean_s = mean;
    *ret_half_width_s = 2.756 * sqrt(squares / (BATCHES - 1) / BATCHES);
}

/* Pollaczek and Khinchine: W = rate E[S^2] / (2 (1 - load)). */
static double theory_wait_s(double rate_per_s, double second_moment)
{
    return rate_per_s * second_moment / (2 * (1 - LOAD));
}

static void test_mm1(void **state)
{
    (void)state;
    struct queue queue;
    double mean = 0;
    double half_width = 0;
    double rate = LOAD / (MEAN_TOKENS * STEP_S);
    set_up_queue(&queue, (struct servers){true, 1, 1, ROUTER_LEAST_REQUESTS, NULL});
    mean_wait(&queue, &mean, &half_width);
    /* Geometric on 1, 2, ... with mean m: E[n^2] = 2 m^2 - m. */
    double second = (2.0 * MEAN_TOKENS * MEAN_TOKENS - MEAN_TOKENS) * STEP_S * STEP_S;
    assert_within(mean, theory_wait_s(rate, second), half_width, "M/M/1 mean wait");
    clear_queue(&queue);
}

static void test_md1(void **state)
{
    (void)state;
    struct queue queue;
    double mean = 0;
    double half_width = 0;
    double rate = LOAD / (MEAN_TOKENS * STEP_S);
    set_up_queue(&queue, (struct servers){false, 1, 1, ROUTER_LEAST_REQUESTS, NULL});
    mean_wait(&queue, &mean, &half_width);
    double second = (double)MEAN_TOKENS * MEAN_TOKENS * STEP_S * STEP_S;
    assert_within(mean, theory_wait_s(rate, second), half_width, "M/D/1 mean wait");
    clear_queue(&queue);
}

/* Shortest job first (Phipps 1956): who needs n steps waits W0 / ((1 - load of the shorter) (1 -
 * load of these and of n)), with W0 = rate E[S^2] / 2. */
static void test_shortest_first(void **state)
{
    (void)state;
    struct queue queue;
    double mean = 0;
    double half_width = 0;
    double rate = LOAD / (MEAN_TOKENS * STEP_S);
    set_up_queue(&queue, (struct servers){true, 1, 1, ROUTER_LEAST_REQUESTS, &policy_sjf});
    mean_wait(&queue, &mean, &half_width);
    double second = (2.0 * MEAN_TOKENS * MEAN_TOKENS - MEAN_TOKENS) * STEP_S * STEP_S;
    double shorter = 0;
    double expected = 0;
    for (uint32_t n = 1; n < 100 * MEAN_TOKENS; n++) {
        double chance = pow(1 - 1.0 / MEAN_TOKENS, n - 1) / MEAN_TOKENS;
        double with = shorter + rate * chance * n * STEP_S;
        expected += chance * rate * second / 2 / ((1 - shorter) * (1 - with));
        shorter = with;
    }
    assert_within(mean, expected, half_width, "M/M/1 mean wait, shortest job first");
    clear_queue(&queue);
}

static double mean_e2e_s(const struct queue *queue)
{
    double sum = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const struct request *request = &queue->requests[i];
        sum += s_from_ps(request->clock.last_token_ps - request->ask.sent_ps);
    }
    return sum / REQUESTS;
}

/* Of the same requests in the same order of arrival: preempting for the shortest remaining time
 * takes less than starting the shortest first, which takes less than first come, first served; the
 * longest first takes more. */
static void test_order_of_orders(void **state)
{
    (void)state;
    const struct scheduling_policy *const orders[] = {&policy_srpt, &policy_sjf, &policy_fcfs,
                                                      &policy_longest_first};
    double before = 0;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct queue queue;
        set_up_queue(&queue, (struct servers){true, 1, 1, ROUTER_LEAST_REQUESTS, orders[i]});
        double mean = mean_e2e_s(&queue);
        if (mean <= before) {
            fail_msg("%s: mean E2E %.6g s, before it %.6g s", orders[i]->name, mean, before);
        }
        before = mean;
        clear_queue(&queue);
    }
}

/* Erlang: the chance that all of c servers are busy, over c (1 - load) times the mean service. */
static void test_mmc(void **state)
{
    (void)state;
    enum { SERVERS = 4 };
    struct queue queue;
    double mean = 0;
    double half_width = 0;
    double offered = SERVERS * LOAD;
    double term = 1;
    double sum = 1;
    for (int k = 1; k < SERVERS; k++) {
        term *= offered / k;
        sum += term;
    }
    double all_busy = term * offered / SERVERS / (1 - LOAD);
    double chance = all_busy / (sum + all_busy);
    set_up_queue(&queue, (struct servers){true, SERVERS, 1, ROUTER_LEAST_REQUESTS, NULL});
    mean_wait(&queue, &mean, &half_width);
    /* Who comes while others run waits for the end of the step, between none and one of them. */
    double expected = chance * MEAN_TOKENS * STEP_S / (SERVERS * (1 - LOAD)) + STEP_S / 2;
    assert_within(mean, expected, half_width + STEP_S / 2, "M/M/4 mean wait");
    clear_queue(&queue);
}

/* A Poisson stream that is split at random stays one: each of many instances is an M/M/1 queue.
 * With the shorter of two queues drawn at random, the mean time in the system is the sum over i of
 * load^(2^i - 2) mean services for many instances (Mitzenmacher 1996); the shortest of all is
 * shorter still. */
static void test_routers(void **state)
{
    (void)state;
    enum { INSTANCES = 64 };
    static const enum router_rule rules[] = {ROUTER_RANDOM, ROUTER_POWER_OF_TWO,
                                             ROUTER_LEAST_REQUESTS};
    double means[3];
    double half_widths[3];
    for (int i = 0; i < 3; i++) {
        struct queue queue;
        set_up_queue(&queue, (struct servers){true, 1, INSTANCES, rules[i], NULL});
        mean_wait(&queue, &means[i], &half_widths[i]);
        clear_queue(&queue);
    }
    double services = 0;
    for (int i = 1; i < 8; i++) {
        services += pow(LOAD, pow(2, i) - 2);
    }
    double second = (2.0 * MEAN_TOKENS * MEAN_TOKENS - MEAN_TOKENS) * STEP_S * STEP_S;
    double rate = LOAD / (MEAN_TOKENS * STEP_S);
    double of_two = (services - 1) * MEAN_TOKENS * STEP_S;
    assert_within(means[0], theory_wait_s(rate, second), half_widths[0], "random routing");
    assert_within(means[1], of_two, half_widths[1] + 0.03 * of_two, "power of two choices");
    assert_true(means[1] + half_widths[1] < means[0] - half_widths[0]);
    assert_true(means[2] + half_widths[2] < means[1] - half_widths[1]);
}

/* Little: mean number in the system = throughput x mean time in the system, exactly, over a run
 * that starts and ends empty. */
static void test_little(void **state)
{
    (void)state;
    struct queue queue;
    set_up_queue(&queue, (struct servers){true, 8, 1, ROUTER_LEAST_REQUESTS, NULL});
    const struct timeline *timeline = simulation_timeline(queue.simulation);
    double inside_s = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        inside_s +=
            s_from_ps(queue.requests[i].clock.last_token_ps - queue.requests[i].ask.sent_ps);
    }
    double area_s =
        (double)(timeline->requests.running_ps + timeline->requests.waiting_ps) / (double)PS_PER_S;
    /* An arrival shows in the log of states at the next scheduling pass, half a step later on
     * average. */
    assert_within(area_s / inside_s, 1, 0.02, "Little's law");
    clear_queue(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mm1),
        cmocka_unit_test(test_md1),
        cmocka_unit_test(test_shortest_first),
        cmocka_unit_test(test_order_of_orders),
        cmocka_unit_test(test_mmc),
        cmocka_unit_test(test_routers),
        cmocka_unit_test(test_little),
    };
    return cmocka_run_group_tests_name("queueing", tests, NULL, NULL);
}
