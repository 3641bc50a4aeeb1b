#include "tests/unit/check.h"

#include "sim/base/units.h"
#include "sim/pricing/pricing_facts.h"

static const struct pricing_facts *shipped(void)
{
    const struct pricing_facts *facts = NULL;
    struct error error;
    assert_true(pricing_facts_shipped(&facts, &error));
    return facts;
}

static const char *kernel_of(const char *weights, double capability)
{
    const struct gpu gpu = {.name = "some GPU", .compute_capability = capability};
    const struct weight_kernel *found = NULL;
    struct error error;
    assert_true(weight_kernel_find(&shipped()->kernels, weights, &gpu, &found, &error));
    return found->kernel;
}

static void test_facts_are_read_once(void **state)
{
    (void)state;
    assert_ptr_equal(shipped(), shipped());
    assert_true(shipped()->terms.layer_overhead_us > 0);
}

static void test_kernels_by_capability(void **state)
{
    (void)state;
    assert_string_equal(kernel_of("gptq-int4-g128", 9.0), "Machete");
    assert_string_equal(kernel_of("gptq-int4-g128", 8.9), "Marlin");
    assert_string_equal(kernel_of("bf16", 0), "cuBLAS");
}

static void test_unknown_capability_is_an_error(void **state)
{
    (void)state;
    const struct gpu gpu = {.name = "some GPU"};
    const struct weight_kernel *found = NULL;
    struct error error;
    assert_false(weight_kernel_find(&shipped()->kernels, "gptq-int4-g128", &gpu, &found, &error));
    assert_contains(error.message, "'compute_capability' of GPU 'some GPU' is not known");
    assert_false(weight_kernel_find(&shipped()->kernels, "ternary", &gpu, &found, &error));
    assert_contains(error.message, "no kernel for 'ternary' weights on 'some GPU'");
}

static struct host_cost launches_of(struct launch_request request)
{
    struct step_cost cost = step_cost_constant(1000);
    cost.host.launch_ps[CUDA_GRAPH_FULL] = 5;
    request.layers = 28;
    pricing_facts_set_launches(shipped(), &request, &cost);
    return cost.host;
}

static void test_launches_of_an_engine(void **state)
{
    (void)state;
    struct host_cost host = launches_of((struct launch_request){"vllm-0.24", 0, 1, false, false});
    assert_true(host.launch_ps[CUDA_GRAPH_FULL] > 1000000000);
    assert_true(host.request_ps > 0 && host.output_token_ps > 0);
    host = launches_of((struct launch_request){"sglang-0.4.6", 0, 1, false, false});
    assert_int_equal(host.launch_ps[CUDA_GRAPH_FULL], 5);
    assert_int_equal(host.request_ps, 0);
    host = launches_of((struct launch_request){"vllm-v0", 0, 2, true, false});
    assert_int_equal(host.launch_ps[CUDA_GRAPH_FULL], 600000000);
    assert_int_equal(host.launch_ps[CUDA_GRAPH_NONE], INT64_C(28) * 420000000);
    host = launches_of((struct launch_request){"vllm-v0", 0, 1, true, false});
    assert_int_equal(host.launch_ps[CUDA_GRAPH_FULL], 0);
}

/* A sweep on a host that changed its speed says only half of how fast it is. */
static void test_scattered_launches(void **state)
{
    (void)state;
    const struct launch_request request = {"vllm-0.24", 28, 1, false, false};
    struct step_cost cost = step_cost_constant(1000);
    cost.host.launch_ps[CUDA_GRAPH_NONE] = 80 * PS_PER_MS;
    cost.spread.launch = 0.2;
    pricing_facts_set_launches(shipped(), &request, &cost);
    assert_int_equal(cost.host.launch_ps[CUDA_GRAPH_NONE], 80 * PS_PER_MS);
    cost.spread.launch = 0.4;
    pricing_facts_set_launches(shipped(), &request, &cost);
    int64_t halfway_ps = cost.host.launch_ps[CUDA_GRAPH_NONE];
    assert_true(halfway_ps > 30 * PS_PER_MS && halfway_ps < 50 * PS_PER_MS);
    assert_int_equal(cost.host.launch_ps[CUDA_GRAPH_PIECEWISE], 0); /* unknown ones stay so */
}

/* Waiting for each step costs host time that grows with the requests, and drafting more of it;
 * engines that wait without drafting do not pay for drafts. */
static void test_one_step_in_flight(void **state)
{
    (void)state;
    struct host_cost two = launches_of((struct launch_request){"vllm-0.24", 0, 1, false, false});
    struct host_cost waits = launches_of((struct launch_request){"vllm-0.24", 0, 1, true, false});
    struct host_cost drafts = launches_of((struct launch_request){"vllm-0.24", 0, 1, true, true});
    assert_int_equal(two.sync_request_ps, 0);
    assert_int_equal(waits.sync_request_ps, 40 * PS_PER_US);
    assert_int_equal(drafts.sync_request_ps, 60 * PS_PER_US);
    assert_int_equal(waits.launch_ps[CUDA_GRAPH_FULL], 600 * PS_PER_US);
    assert_int_equal(drafts.launch_ps[CUDA_GRAPH_FULL], 1950 * PS_PER_US);
    assert_true(two.request_ps > 0);
    assert_int_equal(waits.request_ps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_are_read_once),
        cmocka_unit_test(test_kernels_by_capability),
        cmocka_unit_test(test_unknown_capability_is_an_error),
        cmocka_unit_test(test_launches_of_an_engine),
        cmocka_unit_test(test_scattered_launches),
        cmocka_unit_test(test_one_step_in_flight),
    };
    return cmocka_run_group_tests_name("pricing_facts", tests, NULL, NULL);
}
