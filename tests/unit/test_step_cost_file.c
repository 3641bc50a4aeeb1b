#include "tests/unit/check.h"

#include "sim/base/json.h"
#include "sim/base/units.h"
#include "sim/pricing/step_cost_file.h"

/* Reads a text; true when it is a cost. */
static bool parse(const char *text, struct step_cost *cost, struct error *error)
{
    struct json *document = NULL;
    assert_true(json_parse(text, "c.json", &document, error));
    bool ok = step_cost_from_json(cost, document, "c.json", error);
    json_destroy(document);
    return ok;
}

static const char *coefficients =
    "\"coefficients\": {\"split_ms\": 0.5, \"split_request_us\": 2, \"attention_tile_us\": 3,"
    "\"kv_heads_per_gpu\": 4, \"multiprocessors\": 132, \"beside_prefill_ns_per_token\": 1.5,"
    "\"mixed_attention_ps_per_pair\": 7,"
    "\"launch_ms\": {\"full_graph\": 1, \"piecewise_graph\": 2, \"no_graph\": 3},"
    "\"launch_tail_ms\": 0.25, \"launch_blocks_loop\": true, \"request_overhead_ms\": 4,"
    "\"wake_ms\": 5, \"output_overhead_ms\": 6, \"largest_context_tokens\": 1000,"
    "\"step_noise_ratio\": 0.01, \"launch_noise_ratio\": 0.1}";

static const char *file_with(const char *version, const char *tokens, const char *costs)
{
    static char text[2048];
    snprintf(text, sizeof text,
             "{\"format_version\": %s, \"identity\": {\"name\": \"mine\"},"
             "\"decode\": {\"padded_requests\": %s, \"cost_ms\": %s},"
             "\"mixed\": {\"padded_tokens\": [1], \"cost_ms\": [4]}, %s}",
             version, tokens, costs, coefficients);
    return text;
}

static void test_units_are_picoseconds(void **state)
{
    (void)state;
    struct step_cost cost;
    struct error error;
    assert_true(parse(file_with("2", "[1, 8]", "[5, 5.5]"), &cost, &error));
    assert_string_equal(cost.identity.name, "mine");
    assert_int_equal(cost.identity.tensor_parallel, 1); /* unless it says otherwise */
    assert_int_equal(cost.decode.count, 2);
    assert_near(cost.decode.cost_ps[1], 5.5 * (double)PS_PER_MS, 1);
    assert_int_equal(cost.split_ps, PS_PER_MS / 2);
    assert_int_equal(cost.split_request_ps, 2 * PS_PER_US);
    assert_near(cost.tile_ps, 3 * (double)PS_PER_US, 1e-3);
    assert_int_equal(cost.beside_prefill_ps, 1500);
    assert_int_equal(cost.host.launch_ps[CUDA_GRAPH_NONE], 3 * PS_PER_MS);
    assert_int_equal(cost.host.idle_start_ps, 5 * PS_PER_MS);
    assert_near(cost.spread.idle_start, 0, 0); /* files from before it was fitted */
}

static void test_faulty_curves(void **state)
{
    (void)state;
    struct step_cost cost = {.split_ps = 77};
    struct error error;
    assert_false(parse(file_with("2", "[8, 8]", "[5, 6]"), &cost, &error));
    assert_contains(error.message, "c.json: 'decode' must have rising 'padded_requests'");
    assert_false(parse(file_with("2", "[1, 8]", "[5, -1]"), &cost, &error));
    assert_contains(error.message, "costs from 0 to");
    assert_false(parse(file_with("2", "[]", "[]"), &cost, &error));
    assert_contains(error.message, "'decode' must hold 'padded_requests' and 'cost_ms' of 1 to 64");
    assert_false(parse(file_with("2", "[1, 8]", "[5]"), &cost, &error));
    assert_contains(error.message, "cost_ms");
    assert_int_equal(cost.split_ps, 77); /* a cost is filled as a whole or not at all */
}

static void test_other_faults(void **state)
{
    (void)state;
    struct step_cost cost;
    struct error error;
    assert_false(parse(file_with("1", "[1]", "[5]"), &cost, &error));
    assert_contains(error.message, "c.json: 'format_version' must be 2");
    assert_false(parse("{\"format_version\": 2}", &cost, &error));
    assert_contains(error.message, "c.json: key 'identity' is missing");
    assert_false(parse("{\"format_version\": 2, \"identity\": {}}", &cost, &error));
    assert_contains(error.message, "c.json: key 'coefficients' is missing");
    assert_false(step_cost_read(&cost, "/nonexistent/c.json", &error));
    assert_contains(error.message, "/nonexistent/c.json");
}

/* Written and read again it is the same cost. */
static void test_written_and_read_again(void **state)
{
    (void)state;
    struct step_cost cost;
    struct step_cost again;
    struct error error;
    assert_true(parse(file_with("2", "[1, 8]", "[5, 5.5]"), &cost, &error));
    struct json *document = json_create_object();
    step_cost_to_json(&cost, document);
    char *text = json_print(document);
    if (!parse(text, &again, &error)) {
        fail_msg("%s", error.message);
    }
    free(text);
    assert_int_equal(again.decode.count, cost.decode.count);
    assert_near(again.decode.cost_ps[1], cost.decode.cost_ps[1], 1e-3);
    assert_int_equal(again.split_ps, cost.split_ps);
    assert_memory_equal(&again.host.launch_ps, &cost.host.launch_ps, sizeof cost.host.launch_ps);
    assert_near(again.spread.launch, cost.spread.launch, 1e-9);
    json_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_picoseconds),
        cmocka_unit_test(test_faulty_curves),
        cmocka_unit_test(test_other_faults),
        cmocka_unit_test(test_written_and_read_again),
    };
    return cmocka_run_group_tests_name("step_cost_file", tests, NULL, NULL);
}
