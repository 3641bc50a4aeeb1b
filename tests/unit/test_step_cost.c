#include "tests/unit/check.h"

#include "sim/engines/vllm_graphs.h"
#include "sim/pricing/step_cost_file.h"
#include "sim/pricing/step_profile.h"

static struct batch_summary decodes(uint32_t requests)
{
    struct batch_summary summary = {.decode_requests = requests};
    batch_summary_choose_graph(&summary, 128, 2048, 0);
    return summary;
}

static void test_cost_survives_its_file(void **state)
{
    (void)state;
    struct step_cost cost;
    struct step_cost again;
    struct error error;
    assert_true(step_cost_read(&cost, "calibration/qwen7b-bf16.json", &error));
    struct json *document = json_create_object();
    step_cost_to_json(&cost, document);
    char *text = json_print(document);
    json_destroy(document);
    assert_true(json_parse(text, "again", &document, &error));
    assert_true(step_cost_from_json(&again, document, "again", &error));
    json_destroy(document);
    free(text);
    for (uint32_t requests = 1; requests <= 128; requests++) {
        struct batch_summary summary = decodes(requests);
        summary.decode_context_tokens = 1000 * requests;
        assert_true(step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                                    (struct step_noise){1, 1})
                        .gpu_ps == step_cost_price(&again, &summary,
                                                   step_cost_attention(&again, &summary, NULL),
                                                   (struct step_noise){1, 1})
                                       .gpu_ps);
    }
}

/* Beyond what was measured a longer context or a longer prompt never costs less. */
static void test_cost_is_monotone(void **state)
{
    (void)state;
    struct step_cost cost;
    struct error error;
    assert_true(step_cost_read(&cost, "calibration/qwen14b-fp8.json", &error));
    int64_t last = 0;
    for (uint32_t tokens = 2; tokens < 20000; tokens += 37) {
        struct batch_summary summary = {.prefill_requests = 1, .prefill_tokens = tokens};
        batch_summary_choose_graph(&summary, 128, 2048, 0);
        int64_t price = step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                                        (struct step_noise){1, 1})
                            .gpu_ps;
        assert_true(price >= last);
        last = price;
    }
    struct batch_summary summary = decodes(64);
    last = 0;
    for (summary.decode_context_tokens = 0; summary.decode_context_tokens < 5000000;
         summary.decode_context_tokens += 10007) {
        int64_t price = step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                                        (struct step_noise){1, 1})
                            .gpu_ps;
        assert_true((double)price > 0.97 * (double)last);
        last = price;
    }
    assert_true(step_cost_is_extrapolated(&cost, &summary));
}

static void test_cost_file_errors(void **state)
{
    (void)state;
    struct step_cost cost;
    struct error error;
    struct json *document = NULL;
    assert_true(json_parse("{\"format_version\": 1}", "c.json", &document, &error));
    assert_false(step_cost_from_json(&cost, document, "c.json", &error));
    assert_contains(error.message, "c.json: 'format_version' must be 2");
    json_destroy(document);
    assert_true(json_parse("{\"format_version\": 2, \"identity\": {}, \"coefficients\": {}}",
                           "c.json", &document, &error));
    assert_false(step_cost_from_json(&cost, document, "c.json", &error));
    assert_contains(error.message, "key 'split_ms' is missing");
    json_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_survives_its_file),
        cmocka_unit_test(test_cost_is_monotone),
        cmocka_unit_test(test_cost_file_errors),
    };
    return cmocka_run_group_tests_name("step_cost", tests, NULL, NULL);
}
