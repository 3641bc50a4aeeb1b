#include "tests/unit/driven_loop.h"

#include "sim/engines/vllm_v1.h"

/* Verifications taken at once come out as one by one, whatever they accept. */
static void test_planned_verifications_equal_single_ones(void **state)
{
    (void)state;
    for (uint32_t drafts = 1; drafts <= 5; drafts += 2) {
        struct engine_settings settings = {
            .block_tokens = 16, .chunked_prefill = true, .draft_tokens = drafts};
        uint32_t longest = driven_loop_compare(&engine_preset_vllm_0_24, settings);
        assert_true(longest >= 2 && longest <= DRAFT_PLAN_STEPS);
        settings.host = (struct host_settings){
            .loop_ps = PS_PER_MS, .draft_request_ps = PS_PER_US, .draft_token_ps = PS_PER_NS};
        (void)driven_loop_compare(&engine_preset_vllm_0_8, settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planned_verifications_equal_single_ones),
    };
    return cmocka_run_group_tests_name("draft_run", tests, NULL, NULL);
}
