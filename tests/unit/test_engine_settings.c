#include "tests/unit/check.h"

#include "sim/base/json.h"
#include "sim/base/text.h"
#include "sim/serving/engine_settings.h"

static const struct setting *const tables[] = {
    engine_settings_of_all,     engine_settings_of_blocks,   engine_settings_of_chunks,
    engine_settings_of_overlap, engine_settings_of_prefixes, engine_settings_of_drafts,
};

enum { TABLES = sizeof tables / sizeof tables[0] };

/* A preset may have all tables: no name is in two, and each tells what it is for. */
static void test_names_are_unlike_and_explained(void **state)
{
    (void)state;
    const char *names[64];
    size_t count = 0;
    for (size_t t = 0; t < TABLES; t++) {
        for (const struct setting *one = tables[t]; one->name != NULL; one++) {
            assert_true(text_starts_with(one->name, "engine."));
            assert_true(one->help != NULL && strlen(one->help) > 20);
            assert_true(one->type == SETTING_BOOL || one->maximum > one->minimum);
            for (size_t i = 0; i < count; i++) {
                assert_string_not_equal(one->name, names[i]);
            }
            names[count++] = one->name;
        }
    }
    assert_int_equal(count, 13);
}

/* Reads one member; true when it is taken. */
static bool read_text(const struct setting *table, const char *text,
                      struct engine_settings *settings, struct error *error)
{
    struct json *document = NULL;
    assert_true(json_parse(text, "a file", &document, error));
    bool ok = settings_read(table, document, "a file", settings, error);
    json_destroy(document);
    return ok;
}

static void test_values_reach_their_members(void **state)
{
    (void)state;
    struct engine_settings settings = {.max_batch_tokens = 5};
    struct error error;
    assert_true(read_text(engine_settings_of_all,
                          "{\"engine\": {\"max_batch_requests\": 7, \"loop_ms\": 1.5}}", &settings,
                          &error));
    assert_int_equal(settings.max_batch_requests, 7);
    assert_int_equal(settings.host.loop_ps, 1500000000);
    assert_int_equal(settings.max_batch_tokens, 5); /* absent: left alone */
    assert_true(read_text(engine_settings_of_drafts,
                          "{\"engine\": {\"draft_request_us\": 2, \"draft_token_ns\": 3}}",
                          &settings, &error));
    assert_int_equal(settings.host.draft_request_ps, 2000000);
    assert_int_equal(settings.host.draft_token_ps, 3000);
}

static void test_values_out_of_range(void **state)
{
    (void)state;
    struct engine_settings settings = {.max_batch_tokens = 5};
    struct error error;
    assert_false(read_text(engine_settings_of_all, "{\"engine\": {\"max_batch_tokens\": -1}}",
                           &settings, &error));
    assert_contains(error.message, "engine.max_batch_tokens");
    assert_int_equal(settings.max_batch_tokens, 5);
    assert_false(read_text(engine_settings_of_drafts, "{\"engine\": {\"draft_tokens\": 65}}",
                           &settings, &error));
    assert_contains(error.message, "engine.draft_tokens");
    assert_false(read_text(engine_settings_of_blocks, "{\"engine\": {\"draft_tokens\": 5}}",
                           &settings, &error));
    assert_contains(error.message, "draft_tokens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unlike_and_explained),
        cmocka_unit_test(test_values_reach_their_members),
        cmocka_unit_test(test_values_out_of_range),
    };
    return cmocka_run_group_tests_name("engine_settings", tests, NULL, NULL);
}
