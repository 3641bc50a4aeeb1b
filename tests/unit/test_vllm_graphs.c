#include "tests/unit/check.h"

#include "sim/engines/vllm_graphs.h"
#include "sim/serving/batch.h"

static struct batch_summary decodes(uint32_t requests)
{
    struct batch_summary summary = {.decode_requests = requests};
    batch_summary_choose_graph(&summary, 128, 2048, 0);
    return summary;
}

/* The measured engine logs 19 full sizes up to 128 and 35 piecewise sizes up to 256. */
static void test_graph_sizes_as_logged(void **state)
{
    (void)state;
    bool full[257] = {false};
    bool piecewise[257] = {false};
    uint32_t full_count = 0;
    uint32_t piecewise_count = 0;
    for (uint32_t tokens = 1; tokens <= 256; tokens++) {
        struct batch_summary summary = decodes(tokens);
        if (summary.cuda_graph == CUDA_GRAPH_FULL) {
            full_count += !full[summary.padded_tokens];
            full[summary.padded_tokens] = true;
        }
        summary = (struct batch_summary){.prefill_requests = 1, .prefill_tokens = tokens};
        batch_summary_choose_graph(&summary, 128, 2048, 0);
        assert_int_equal(summary.cuda_graph, CUDA_GRAPH_PIECEWISE);
        piecewise_count += !piecewise[summary.padded_tokens];
        piecewise[summary.padded_tokens] = true;
    }
    assert_int_equal(full_count, 19);
    assert_int_equal(piecewise_count, 35);
    struct batch_summary large = {.prefill_requests = 1, .prefill_tokens = 257};
    batch_summary_choose_graph(&large, 128, 2048, 0);
    assert_int_equal(large.cuda_graph, CUDA_GRAPH_NONE);
    assert_int_equal(large.padded_tokens, 257);
    assert_int_equal(decodes(3).padded_tokens, 4);
    assert_int_equal(decodes(17).padded_tokens, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_sizes_as_logged),
    };
    return cmocka_run_group_tests_name("vllm_graphs", tests, NULL, NULL);
}
