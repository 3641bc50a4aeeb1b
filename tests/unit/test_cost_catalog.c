#include "tests/unit/check.h"

#include <pthread.h>

#include "sim/pricing/cost_catalog.h"
#include "sim/pricing/cost_choice.h"

static void *take_calibrations(void *ret)
{
    struct error error;
    return cost_catalog_calibrations(ret, &error) ? ret : NULL;
}

/* Threads that ask at the same time get one catalogue. */
static void test_threads_share_it(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    const struct cost_catalog *found[THREADS] = {NULL};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_calibrations, &found[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *done = NULL;
        pthread_join(threads[i], &done);
        assert_non_null(done);
        assert_ptr_equal(found[i], found[0]);
    }
    assert_true(found[0]->count >= 8);
}

static void test_profiles_are_composed(void **state)
{
    (void)state;
    const struct cost_catalog *profiles = NULL;
    struct error error;
    assert_true(cost_catalog_profiles(&profiles, &error));
    assert_true(profiles->count > 0);
    for (uint32_t i = 0; i < profiles->count; i++) {
        assert_string_equal(profiles->costs[i].cost.identity.source, "profiled");
        assert_true(profiles->costs[i].made.tensor_parallel > 0);
    }
}

static struct cost_request request_for(const char *gpu)
{
    return (struct cost_request){.source = "",
                                 .engine = "vllm-0.24",
                                 .model = "qwen2.5-7b",
                                 .gpu = gpu,
                                 .weights = "bf16",
                                 .kv_cache = "bf16",
                                 .tensor_parallel = 1};
}

static struct step_cost cost_on(const char *gpu)
{
    struct cost_request request = request_for(gpu);
    struct step_cost cost;
    struct error error;
    char warning[COST_WARNING_BYTES];
    if (!cost_choice_make(&request, &cost, warning, &error)) {
        fail_msg("%s", error.message);
    }
    return cost;
}

/* The GPU file once had no multiprocessors of B200: attention to any context cost nothing. */
static void test_attention_costs_on_every_gpu(void **state)
{
    (void)state;
    struct gpu_catalog gpus;
    struct error error;
    assert_true(gpu_catalog_read(&gpus, &error));
    for (uint32_t i = 0; i < gpus.count; i++) {
        struct step_cost cost = cost_on(gpus.gpus[i].name);
        assert_true(cost.tile_ps > 0);
        assert_true(cost.attention.multiprocessors > 1);
    }
    gpu_catalog_clear(&gpus);
}

static void test_engine_names_its_launches(void **state)
{
    (void)state;
    struct cost_request request = request_for("H200");
    struct step_cost cost;
    struct error error;
    char warning[COST_WARNING_BYTES];
    request.engine = "vllm-v0";
    assert_true(cost_choice_make(&request, &cost, warning, &error));
    assert_int_equal(cost.host.launch_ps[CUDA_GRAPH_FULL], 0);
    assert_true(cost_on("H200").host.launch_ps[CUDA_GRAPH_FULL] > 0);
}

/* What a price needs and a GPU file lacks is an error, not a free term. */
static void test_missing_fact_is_an_error(void **state)
{
    (void)state;
    const struct cost_catalog *calibrations = NULL;
    const struct pricing_facts *facts = NULL;
    struct error error;
    assert_true(cost_catalog_calibrations(&calibrations, &error));
    assert_true(pricing_facts_shipped(&facts, &error));
    struct step_cost cost = calibrations->costs[0].cost;
    struct cost_configuration to = calibrations->costs[0].made;
    snprintf(to.gpu.name, sizeof to.gpu.name, "half known");
    to.gpu.sm_count = 0;
    assert_false(cost_transfer(&cost, facts, &calibrations->costs[0].made, &to, &error));
    assert_contains(error.message, "'sm_count' of GPU 'half known' is not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_it),
        cmocka_unit_test(test_profiles_are_composed),
        cmocka_unit_test(test_attention_costs_on_every_gpu),
        cmocka_unit_test(test_engine_names_its_launches),
        cmocka_unit_test(test_missing_fact_is_an_error),
    };
    return cmocka_run_group_tests_name("cost_catalog", tests, NULL, NULL);
}
