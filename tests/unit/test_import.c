#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/text.h"
#include "traces/import_summary.h"

static bool import(const char *format, struct import_settings settings, const char *content,
                   struct import_requests *requests, struct error *error)
{
    const struct import_format *chosen = import_formats;
    while (!text_equal(chosen->name, format)) {
        chosen++;
    }
    const char *path = temporary_file("import", content);
    settings.path = path;
    settings.until_s = settings.until_s > 0 ? settings.until_s : INFINITY;
    bool ok = import_read(chosen, &settings, requests, error);
    unlink(path);
    return ok;
}

static void expect_error(const char *format, struct import_settings settings, const char *content,
                         const char *part)
{
    struct import_requests requests;
    struct error error = {""};
    assert_false(import(format, settings, content, &requests, &error));
    assert_contains(error.message, part);
}

/* The second arrival of two, after the first. */
static double second_arrival_s(const char *format, struct import_settings settings,
                               const char *content)
{
    struct import_requests requests;
    struct error error = {""};
    if (!import(format, settings, content, &requests, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(requests.count, 2);
    assert_near(requests.requests[0].arrival_s, 0, 1e-9);
    double at_s = requests.requests[1].arrival_s;
    import_clear(&requests);
    return at_s;
}

static void test_units_of_tables(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    const struct import_settings ms = {.time_unit = TIME_UNIT_MS};
    static const char *const epochs[] = {
        "timestamp,isl,osl\n1700000000,5,5\n1700000002.5,5,5\n",
        "Timestamp,ISL,OSL\n1700000000000,5,5\n1700000002500,5,5\n",
        "time,input_tokens,output_tokens\n1700000000000000,5,5\n1700000002500000,5,5\n",
        "arrival_ms,prompt_len,output_len\n0,5,5\n2500,5,5\n",
        "arrived_at,num_prefill_tokens,num_decode_tokens\n2024-05-10T00:00:00Z,5,5\n"
        "2024-05-10T02:00:02.5+02:00,5,5\n"};
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        assert_near(second_arrival_s("csv", none, epochs[i]), 2.5, 1e-5);
    }
    assert_near(second_arrival_s("csv", ms, "time,isl,osl\n0,5,5\n2500,5,5\n"), 2.5, 1e-9);
    expect_error("csv", none, "time,isl,osl\n0,5,5\n2500,5,5\n", "in which unit is 'time' 0?");
    expect_error("csv", ms, "time,isl,osl\n1700000000,5,5\n", "a date of our time in s");
    expect_error("csv", none, "time,isl,osl\n2024-05-10T00:00:00Z,5,5\n17,5,5\n",
                 "a number among dates");
    expect_error("csv", none, "time,isl,osl\n1700000000,5,5\n2024-05-10T00:00:00Z,5,5\n",
                 "must be a time like");
    expect_error("csv", none, "time,isl,osl\n2020-05-10T00:00:00Z,5,5\n2024-05-10T00:00:00Z,5,5\n",
                 "arrivals span 1.46e+03 days, a trace at most 104");
}

static void test_columns(void **state)
{
    (void)state;
    struct import_settings named = {.columns = "arrival=When,prompt=In,output=Out",
                                    .time_unit = TIME_UNIT_S};
    assert_near(second_arrival_s("csv", named, "Out,In,When\n5,6,0\n7,8,3\n"), 3, 0);
    named.columns = "arrival=Nope";
    expect_error("csv", named, "Out,In,When\n5,6,0\n", "column 'Nope' is missing");
    named.columns = "arival=When";
    expect_error("csv", named, "Out,In,When\n5,6,0\n",
                 "unknown role 'arival', did you mean 'arrival'?");
    named.columns = "arrival";
    expect_error("csv", named, "Out,In,When\n5,6,0\n", "expected ROLE=COLUMN");
    named.columns = NULL;
    expect_error("csv", named, "Out,In,When\n5,6,0\n", "no column for 'arrival' is found");
    expect_error("csv", named, "arrival_s,isl,osl,input_tokens\n0,5,5,5\n",
                 "both 'isl' and 'input_tokens' may be the column of 'prompt'");
    expect_error("csv", named, "arrival_s,isl,osl\n0,5,5.5\n", "'osl' must be a whole number");
    expect_error("csv", named, "arrival_s,isl,osl\n0,-5,5\n", "'isl' must be a whole number");
}

static void test_filters_and_reasons(void **state)
{
    (void)state;
    struct import_requests requests;
    struct error error;
    struct import_settings settings = {
        .model = "gpt-4", .log_type = "API log", .from_s = 1, .until_s = 60};
    static const char table[] =
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "5,GPT-4,10,10,20,API log\n"
        "4,GPT-4,10,10,20,API log\n"
        "6,ChatGPT,10,10,20,API log\n"
        "7,GPT-4,10,10,20,Conversation log\n"
        "8,GPT-4,10,0,10,API log\n"
        "90,GPT-4,10,10,10,API log\n";
    assert_true(import("burstgpt", settings, table, &requests, &error));
    assert_int_equal(requests.rows, 6);
    assert_int_equal(requests.count, 1);
    assert_near(requests.requests[0].arrival_s, 0,
                0); /* the one at 5 s, a second after the first */
    assert_int_equal(requests.out_of_order, 1);
    assert_int_equal(requests.skipped[IMPORT_OTHER], 2);
    assert_int_equal(requests.skipped[IMPORT_NO_ANSWER], 1);
    assert_int_equal(requests.skipped[IMPORT_OUTSIDE], 2);
    import_clear(&requests);
    expect_error("burstgpt", settings, "Timestamp,Request tokens,Response tokens\n5,1,1\n",
                 "--model: there is no column 'Model'");
}

static void test_block_sizes(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    struct import_requests requests;
    struct error error;
    static const struct {
        const char *row;
        const char *blocks;
    } rows[] = {
        {"{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 1, \"hash_ids\": [1, 2]}",
         "blocks of 512 tokens"},
        {"{\"timestamp\": 0, \"input_length\": 40, \"output_length\": 1, \"hash_ids\": [1, 2, 3]}",
         "blocks of 16 tokens"},
        {"{\"timestamp\": 0, \"input_length\": 130, \"output_length\": 1, \"hash_ids\": [1, 2, 3]}",
         "blocks of 64 tokens"},
        {"{\"timestamp\": 0, \"input_length\": 9, \"output_length\": 1}", "blocks of 512 tokens"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(import("mooncake", none, rows[i].row, &requests, &error));
        assert_contains(requests.note, rows[i].blocks);
        import_clear(&requests);
    }
    expect_error(
        "mooncake", none,
        "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 1, \"hash_ids\": [1, 2, 3]}",
        "no size of a block fits");
    expect_error("mooncake", (struct import_settings){.block_tokens = 100}, rows[0].row,
                 "blocks of 100 tokens do not fit 'input_length' in 1 of 1 rows");
}

/* Hashes of 64 bits that a double could not tell apart, texts, and numbers that are none. */
static void test_hashes(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    struct import_requests requests;
    struct error error;
    char rows[1024];
    static const char row[] = "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1, "
                              "\"x\": {\"hash_ids\": [7]}, \"hash_ids\": [%s]}\n";
    static const char *const ids[] = {"18446744073709551615",
                                      "18446744073709551614",
                                      "9007199254740993",
                                      "9007199254740992",
                                      "\"c0ffee\"",
                                      "\"c0ffef\"",
                                      "-1"};
    size_t used = 0;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        used += (size_t)snprintf(rows + used, sizeof rows - used, row, ids[i]);
    }
    assert_true(import("mooncake", none, rows, &requests, &error));
    for (uint64_t i = 0; i + 1 < requests.count; i++) { /* the last equals the first in 64 bits */
        assert_int_equal(requests.requests[i].conversation_id, i + 1);
    }
    import_clear(&requests);
    static const char *const bad[] = {"1.5", "1e3", "18446744073709551616", "null", "[1]", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(rows, sizeof rows, row, bad[i]);
        expect_error("mooncake", none, rows, "'hash_ids' must be an array of whole numbers");
    }
}

static void test_sessions(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    struct import_requests requests;
    struct error error;
    assert_true(import("mooncake", none,
                       "{\"session_id\": \"a\", \"timestamp\": 2000, \"input_length\": 600, "
                       "\"output_length\": 52}\n"
                       "{\"session_id\": \"b\", \"timestamp\": 1000, \"input_length\": 600, "
                       "\"output_length\": 52}\n"
                       "{\"session_id\": \"a\", \"delay\": 500, \"input_length\": 1100, "
                       "\"output_length\": 52}\n",
                       &requests, &error));
    assert_int_equal(requests.count, 3);
    const struct trace_request *last = &requests.requests[2];
    assert_true(last->follows_answer && !requests.requests[1].follows_answer);
    assert_near(last->delay_s, 0.5, 0);
    assert_near(last->arrival_s, 2, 0);
    assert_int_equal(last->conversation_id, requests.requests[1].conversation_id);
    assert_int_not_equal(last->conversation_id, requests.requests[0].conversation_id);
    import_clear(&requests);
    expect_error("mooncake", none,
                 "{\"session_id\": \"a\", \"delay\": 5, \"input_length\": 6, \"output_length\": 5}",
                 "'timestamp' is missing");
    expect_error("mooncake", none, "{\"delay\": 5, \"input_length\": 6, \"output_length\": 5}",
                 "'timestamp' is missing");
    expect_error("mooncake", none,
                 "{\"timestamp\": 5.2, \"input_length\": 6, \"output_length\": 5}",
                 "in which unit is 'timestamp' 5.2?");
}

static void test_results_of_benchmarks(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    expect_error("vllm-bench", none, "{\"input_lens\": [1]}", "'output_lens' is missing");
    expect_error("vllm-bench", none,
                 "{\"input_lens\": [1], \"output_lens\": [1, 2], "
                 "\"request_rate\": 1}",
                 "of different lengths");
    expect_error("vllm-bench", none, "{\"input_lens\": [1], \"output_lens\": [1]}",
                 "when requests were sent is not known");
    expect_error("vllm-bench", none,
                 "{\"input_lens\": [1, 1], \"output_lens\": [1, 1], \"start_times\": [5]}",
                 "the 2th is missing");
    expect_error("vllm-bench", none,
                 "{\"input_lens\": [1.5], \"output_lens\": [1], "
                 "\"request_rate\": NaN}",
                 "when requests were sent is not known");
    expect_error("guidellm", none, "{\"benchmarks\": []}", "holds 0 benchmarks");
    expect_error("guidellm", none, "{\"benchmarks\": [{}, {}]}", "holds 2 benchmarks; say which");
    expect_error("guidellm", none, "{\"benchmarks\": [{}]}", "'requests.successful'");
    expect_error("aiperf", none, "{\"experiments\": []}", "has no token counts");
}

/* The reader of our traces would refuse what these would become. */
static void test_nothing_is_written_that_run_refuses(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    expect_error("csv", none, "arrival_s,isl,osl,reasoning_tokens\n0,10,20,50\n",
                 ":2: 50 reasoning tokens exceed 20 output tokens");
    expect_error("csv", none, "arrival_s,isl,osl\n0,10,2000000000\n", "more than 2^30 tokens");
    expect_error("csv", none, "arrival_s,isl,osl\n0,10,0\n", "no requests");
    char rows[4096] = "arrival_s,isl,osl\n";
    for (int i = 0; i < 120; i++) {
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%.6f,5,5\n", i * 1e-6);
    }
    expect_error("csv", none, rows, "are not plausible");
}

static void test_summary(void **state)
{
    (void)state;
    const struct import_settings none = {.path = NULL};
    struct import_requests requests;
    struct import_summary summary;
    struct error error;
    assert_true(
        import("csv", none, "arrival_s,isl,osl\n0,10,1\n1,20,1\n4,30,2\n", &requests, &error));
    import_summarize(&requests, &summary);
    assert_near(summary.span_s, 4, 0);
    assert_near(summary.rate_per_s, 0.5, 1e-12);
    assert_near(summary.gap_cv, 0.5, 1e-12);
    assert_near(summary.prompt.mean, 20, 0);
    assert_int_equal(summary.prompt.at[0], 20);
    assert_int_equal(summary.prompt.at[3], 30);
    import_clear(&requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_of_tables),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_filters_and_reasons),
        cmocka_unit_test(test_block_sizes),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_sessions),
        cmocka_unit_test(test_results_of_benchmarks),
        cmocka_unit_test(test_nothing_is_written_that_run_refuses),
        cmocka_unit_test(test_summary),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
