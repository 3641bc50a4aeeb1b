#include "sim/scenario/scenario_file.h"

#include "tests/unit/check.h"

static struct scenario scenario;

static bool read_all(const char *json, const char *first, const char *second, const char *seed,
                     struct error *error)
{
    const struct option_list assignments = {{first, second},
                                            (size_t)(first != NULL) + (second != NULL)};
    const char *path = json != NULL ? temporary_file("scenario.json", json) : NULL;
    bool ok = scenario_file_read(&scenario, path, &assignments, seed, error);
    if (path != NULL) {
        unlink(path);
    }
    return ok;
}

static void test_later_sources_win(void **state)
{
    (void)state;
    struct error error;
    const char *json = "{\"seed\": 5, \"workload\": {\"requests\": 40},"
                       " \"engine\": {\"preset\": \"vllm-v0\"}}";
    assert_true(read_all(json, NULL, NULL, NULL, &error));
    assert_int_equal(scenario.seed, 5);
    assert_string_equal(scenario.engine.preset->name, "vllm-v0");
    assert_int_equal(scenario.workload.requests, 40);
    assert_true(scenario_is_given(&scenario, "workload.requests"));
    assert_false(scenario_is_given(&scenario, "workload.token_budget"));
    assert_true(read_all(json, "workload.requests=41", "workload.requests=42", "7", &error));
    assert_int_equal(scenario.workload.requests, 42); /* the last one counts */
    assert_int_equal(scenario.seed, 7);
    assert_true(read_all(json, "engine.preset=tgi", NULL, NULL, &error));
    assert_string_equal(scenario.engine.preset->name, "tgi");
}

/* What is written of a scenario reads as the same scenario. */
static void test_echo_round_trip(void **state)
{
    (void)state;
    struct error error;
    assert_true(read_all(NULL, "workload.requests=33", "hardware.gpu=L40S", "9", &error));
    struct json *object = json_create_object();
    scenario_file_echo(&scenario, object);
    char *first = json_print(object);
    json_destroy(object);
    assert_true(read_all(first, NULL, NULL, NULL, &error));
    assert_int_equal(scenario.workload.requests, 33);
    object = json_create_object();
    scenario_file_echo(&scenario, object);
    char *second = json_print(object);
    json_destroy(object);
    assert_string_equal(first, second);
    char summary[60000];
    snprintf(summary, sizeof summary, "{\"results\": {}, \"scenario\": %s}", first);
    assert_true(read_all(summary, NULL, NULL, NULL, &error)); /* a run's summary is one too */
    assert_int_equal(scenario.seed, 9);
    free(first);
    free(second);
}

static void test_a_trace_brings_its_own(void **state)
{
    (void)state;
    struct error error;
    assert_true(read_all(NULL, "workload.trace=a.csv", NULL, NULL, &error));
    assert_int_equal(scenario.workload.requests, 0);
    assert_near(scenario.workload.arrivals.rate_per_s, 0, 0);
    assert_true(read_all(NULL, "workload.trace=a.csv", "workload.requests=9", NULL, &error));
    assert_int_equal(scenario.workload.requests, 9);
}

static void refused(const char *json, const char *assignment, const char *seed, const char *part)
{
    struct error error;
    assert_false(read_all(json, assignment, NULL, seed, &error));
    assert_contains(error.message, part);
}

static void test_refusals(void **state)
{
    (void)state;
    refused(NULL, "engine.preset=none", NULL, "none");
    refused(NULL, NULL, "-1", "'seed'");
    refused(NULL, "qps=3", NULL, "did you mean 'workload.rate_per_s'?");
    refused("{\"workload\": {\"request\": 1}}", NULL, NULL, "'workload.request'");
    refused("{\"workload\": 5}", NULL, NULL, "workload");
    refused("{", NULL, NULL, "malformed JSON");
    refused("{\"engine\": {\"preset\": \"orca\"}}", "engine.draft_tokens=2", NULL,
            "'engine.draft_tokens' is no setting of 'orca'; engines that have it: ");
}

/* vLLM's V1 caches prefixes where prompts have something in common, unless it is set. */
static void test_prefixes_by_sharing(void **state)
{
    (void)state;
    struct error error;
    assert_true(read_all(NULL, NULL, NULL, NULL, &error));
    assert_false(scenario.engine.settings.prefix_caching);
    assert_true(read_all(NULL, "workload.turns=3", NULL, NULL, &error));
    assert_true(scenario.engine.settings.prefix_caching);
    assert_true(read_all(NULL, "workload.samples=3", "engine.prefix_caching=false", NULL, &error));
    assert_false(scenario.engine.settings.prefix_caching);
    assert_true(read_all(NULL, "workload.turns=3", "engine.preset=vllm-v0", NULL, &error));
    assert_false(scenario.engine.settings.prefix_caching);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_sources_win),
        cmocka_unit_test(test_echo_round_trip),
        cmocka_unit_test(test_a_trace_brings_its_own),
        cmocka_unit_test(test_prefixes_by_sharing),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
