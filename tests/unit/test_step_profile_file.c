#include "tests/unit/check.h"

#include "sim/base/json.h"
#include "sim/pricing/step_profile_file.h"

static struct step_profile profile;

static bool parse(const char *degree, const char *steps, const char *operations,
                  struct error *error)
{
    char text[2048];
    struct json *document = NULL;
    snprintf(text, sizeof text,
             "{\"format_version\": 1, \"gpu\": {\"name\": \"G\", \"multiprocessors\": 10},"
             "\"model\": {\"name\": \"M\", \"num_hidden_layers\": 2, \"hidden_size\": 64,"
             "\"intermediate_size\": 128, \"num_attention_heads\": 8, \"num_key_value_heads\": 4,"
             "\"head_dim\": 8, \"vocab_size\": 1000}, \"weights\": \"nf4\", \"kv_cache\": \"bf16\","
             "\"date\": \"today\", \"tensor_parallel\": %s, \"weight_bytes\": 1e6,"
             "\"kv_bytes_per_token\": 64, \"steps\": %s, \"operations\": %s}",
             degree, steps, operations);
    assert_true(json_parse(text, "p.json", &document, error));
    bool ok = step_profile_parse(&profile, document, "p.json", error);
    json_destroy(document);
    return ok;
}

/* Sizes are of one GPU's part; formats are called as the simulator calls them. */
static void test_rows_and_sizes(void **state)
{
    (void)state;
    struct error error;
    assert_true(parse("2", "[[0,0,4,512,1,10,9.9,10.1,20], [0,0,4,64,1,10,9,11,20]]",
                      "[[\"gemm\",4,0,0.5]]", &error));
    assert_string_equal(profile.weights, "bnb-nf4");
    assert_int_equal(profile.shape.kv_heads, 2);
    assert_int_equal(profile.shape.vocab_size, 500);
    assert_int_equal(profile.shape.hidden_size, 64);
    assert_int_equal(profile.step_count, 2);
    assert_false(profile.steps[0].noisy); /* 2 % apart */
    assert_true(profile.steps[1].noisy);  /* 20 % */
    const struct profile_step like = {.requests = 4, .context = 64, .query_tokens = 1};
    assert_ptr_equal(step_profile_find(&profile, &like), &profile.steps[1]);
    assert_int_equal(profile.operation_count, 1);
    assert_string_equal(profile.operations[0].name, "gemm");
}

static void test_faults(void **state)
{
    (void)state;
    struct error error;
    assert_false(parse("8", "[]", "[]", &error));
    assert_string_equal(error.message, "p.json: key 'tensor_parallel' exceeds the KV heads");
    assert_false(parse("0", "[]", "[]", &error));
    assert_string_equal(error.message, "p.json: key 'tensor_parallel' must be a number above 0");
    assert_false(parse("0.5", "[]", "[]", &error));
    assert_contains(error.message, "key 'tensor_parallel' must be from 1 to 2^31 - 1");
    assert_false(
        parse("1", "[[0,0,4,512,1,10,9.9,10.1,20], [0,0,4,64,1,0,9,11,20]]", "[]", &error));
    assert_contains(error.message, "p.json: row 2 of 'steps' must hold nine numbers");
    assert_false(parse("1", "[[0,0,4]]", "[]", &error));
    assert_contains(error.message, "row 1 of 'steps'");
    assert_false(parse("1", "[]", "[[4,0,0.5]]", &error));
    assert_contains(error.message, "row 1 of 'operations' must hold a name and numbers");
    assert_false(step_profile_read(&profile, "/nonexistent/p.json", &error));
    assert_contains(error.message, "/nonexistent/p.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_and_sizes),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests_name("step_profile_file", tests, NULL, NULL);
}
