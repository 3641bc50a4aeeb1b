#include "traces/import.h"

#include <math.h>

#include "tests/unit/check.h"

static const struct import_format *format(const char *name)
{
    const struct import_format *found = import_formats;
    while (found->name != NULL && strcmp(found->name, name) != 0) {
        found++;
    }
    assert_non_null(found->name);
    return found;
}

static bool read_text(const char *name, const char *content, double from_s, double until_s,
                      struct import_requests *requests, struct error *error)
{
    const struct import_settings settings = {
        .path = temporary_file("trace.csv", content), .from_s = from_s, .until_s = until_s};
    bool ok = import_read(format(name), &settings, requests, error);
    unlink(settings.path);
    return ok;
}

static void refused(const char *name, const char *content, const char *part)
{
    struct import_requests requests;
    struct error error;
    assert_false(read_text(name, content, 0, INFINITY, &requests, &error));
    assert_contains(error.message, part);
    assert_null(requests.requests);
}

/* Rows come in any order; those without an answer are counted and left out. */
static void test_table(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    const char *rows = "arrival_s,input_tokens,output_tokens,reasoning_tokens\n"
                       "7,70,17,3\n5,50,15,0\n6,60,0,0\n4,40,14,14\n9,90,19,1\n";
    assert_true(read_text("csv", rows, 5, 9, &requests, &error));
    assert_int_equal(requests.count, 2);
    assert_int_equal(requests.skipped[IMPORT_NO_ANSWER], 1);
    assert_near(requests.requests[0].arrival_s, 0, 1e-12); /* begins with the time asked for */
    assert_int_equal(requests.requests[0].prompt_tokens, 50);
    assert_near(requests.requests[1].arrival_s, 2, 1e-12);
    assert_int_equal(requests.requests[1].reasoning_tokens, 3);
    assert_int_equal(requests.requests[1].max_output_tokens, 17); /* as recorded */
    assert_string_equal(requests.names.names[0], "table");
    import_clear(&requests);
    assert_int_equal(requests.count, 0);
    assert_false(read_text("csv", rows, 20, 30, &requests, &error));
    assert_contains(error.message, "no requests from 20 to 30 s");
}

static void test_azure_counts_from_its_first_row(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    assert_true(read_text("azure",
                          "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                          "2023-11-16 23:59:59.5000000,100,10\n2023-11-17 00:00:01.2500000,200,20\n"
                          "2023-11-17 00:00:02,300,30\n",
                          0, INFINITY, &requests, &error));
    assert_int_equal(requests.count, 3);
    assert_near(requests.requests[1].arrival_s, 1.75, 1e-6); /* across midnight */
    assert_near(requests.requests[2].arrival_s, 2.5, 1e-6);
    import_clear(&requests);
}

static void test_burstgpt(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    assert_true(read_text("burstgpt",
                          "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                          "5,ChatGPT,472,18,490,Conversation log\n"
                          "45,ChatGPT,1087,0,1087,Conversation log\n"
                          "118,GPT-4,417,276,693,Conversation log\n",
                          0, INFINITY, &requests, &error));
    assert_int_equal(requests.count, 2);
    assert_int_equal(requests.skipped[IMPORT_NO_ANSWER], 1);
    assert_near(requests.requests[1].arrival_s, 113, 1e-12);
    import_clear(&requests);
}

static void test_refusals(void **state)
{
    (void)state;
    const char *azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n%s,1,2\n";
    static const char *const times[] = {"yesterday", "2023-11-16", "2023-11-16 18:15:46.x",
                                        "2023-11-16 18:15:46 and more", "2023-11-16 18:15:467"};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char content[200];
        snprintf(content, sizeof content, azure, times[i]);
        refused("azure", content, "'TIMESTAMP' must be a time like");
        refused("azure", content, ":2: ");
    }
    refused("azure", "TIMESTAMP,ContextTokens\n2023-11-16 18:15:46,5\n", "no column for 'output'");
    refused("csv", "arrival_s,input_tokens,output_tokens\n-1,2,3\n", "'arrival_s'");
    refused("csv", "arrival_s,input_tokens,output_tokens\n1,2.5,3\n", "'input_tokens'");
    refused("csv", "arrival_s,input_tokens,output_tokens\n", "no requests");
    refused("csv", "arrival_s,input_tokens,output_tokens,reasoning_tokens\n1,2,3,4\n",
            "4 reasoning tokens exceed 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_azure_counts_from_its_first_row),
        cmocka_unit_test(test_burstgpt),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
