#include <math.h>

#include "tests/unit/check.h"
#include "traces/import.h"

static bool read_text(const char *content, struct import_requests *requests, struct error *error)
{
    const struct import_settings settings = {.path = temporary_file("mooncake.jsonl", content),
                                             .until_s = INFINITY};
    const struct import_format *format = import_formats;
    while (strcmp(format->name, "mooncake") != 0) {
        format++;
    }
    bool ok = import_read(format, &settings, requests, error);
    unlink(settings.path);
    return ok;
}

#define LINE(at, input, ids)                                                                       \
    "{\"timestamp\": " at ", \"input_length\": " input                                             \
    ", \"output_length\": 5, \"hash_ids\": [" ids "]}\n"

static void test_common_beginning_and_conversation(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    assert_true(read_text(LINE("0", "1600", "0, 1, 2") LINE("1000", "1600", "0, 1, 3")
                              LINE("2000", "2000", "0, 1, 3, 4") LINE("3000", "700", "9, 10"),
                          &requests, &error));
    const struct trace_request *all = requests.requests;
    assert_int_equal(requests.count, 4);
    assert_near(all[2].arrival_s, 2, 1e-12);      /* milliseconds in the source */
    assert_int_equal(all[0].prefix_tokens, 1024); /* prompts part behind block 1 */
    assert_int_equal(all[0].prefix_id, all[1].prefix_id);
    assert_int_not_equal(all[0].prefix_id, 0);
    assert_int_not_equal(all[0].conversation_id, all[1].conversation_id);
    assert_int_equal(all[1].conversation_id, all[2].conversation_id); /* one goes on */
    assert_int_equal(all[3].prefix_id, 0);                            /* shares nothing */
    assert_int_not_equal(all[3].conversation_id, 0);
    import_clear(&requests);
}

/* The last block is not full: what is shared never goes beyond the prompt. */
static void test_prefix_ends_with_the_prompt(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    assert_true(read_text(LINE("0", "600", "0, 1") LINE("1", "1200", "0, 1, 2")
                              LINE("2", "1200", "0, 1, 3"),
                          &requests, &error));
    assert_int_equal(requests.requests[0].prefix_tokens, 600);
    assert_int_equal(requests.requests[0].conversation_id, 0);
    assert_int_equal(requests.requests[1].prefix_tokens, 1024);
    import_clear(&requests);
}

static void refused(const char *content, const char *part)
{
    struct import_requests requests;
    struct error error;
    assert_false(read_text(content, &requests, &error));
    assert_contains(error.message, part);
    assert_contains(error.message, ":1:");
    assert_null(requests.requests);
}

static void test_refusals(void **state)
{
    (void)state;
    refused(LINE("0", "100", "1.5"), "'hash_ids' must be an array of whole numbers");
    refused(LINE("0", "100", "null"), "'hash_ids' must be an array of whole numbers");
    refused(LINE("-5", "100", "1"), "'timestamp'");
    refused(LINE("5", "\"x\"", "1"), "'input_length'");
    refused("{\"timestamp\": 1, \"input_length\": 3, \"hash_ids\": []}\n", "'output_length'");
    refused("{\"timestamp\": 1,\n", "malformed JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_beginning_and_conversation),
        cmocka_unit_test(test_prefix_ends_with_the_prompt),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
