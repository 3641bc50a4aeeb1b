#include "tests/unit/check.h"
#include "tests/unit/generated_requests.h"

#include "sim/base/memory.h"
#include "workloads/generator.h"

static void expect_trace_error(const char *content, const char *part)
{
    struct trace_reader reader;
    struct trace_names names = {.count = 0};
    struct trace_request request;
    struct error error = {""};
    bool more = true;
    const char *path = temporary_file("trace.csv", content);
    bool ok = trace_reader_open(&reader, path, &error);
    while (ok && more) {
        ok = trace_reader_next(&reader, &names, &request, &more, &error);
    }
    trace_reader_close(&reader);
    unlink(path);
    assert_false(ok);
    assert_contains(error.message, part);
}

static void test_trace_errors(void **state)
{
    (void)state;
    expect_trace_error("arrival_s,prompt_tokens\n", "column 'output_tokens' is missing");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\n1,5,5\n0.5,5,5\n",
                       "trace.csv:3: 'arrival_s' goes back from 1 to 0.5");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\nnan,5,5\n", "trace.csv:2");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\n-1,5,5\n", "'arrival_s' must be");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens\n1,0,5\n", "'prompt_tokens' must be");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens,reasoning_tokens\n1,5,5,6\n",
                       "'reasoning_tokens' 6 exceeds 'output_tokens' 5");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens,user\n1,5,5,1000001\n",
                       "trace.csv:2: 'user' must be at most 1000000, got 1000001");
    expect_trace_error("arrival_s,prompt_tokens,output_tokens,deadline_s\n1,5,5,-1\n",
                       "'deadline_s' must be");
    expect_trace_error("arrival_s,prompt_tokens,output_tokns\n", "did you mean 'output_tokens'?");
}

static void test_trace_survives_its_file(void **state)
{
    (void)state;
    struct trace_names names = {.count = 0};
    struct generator_settings settings = base;
    settings.requests = 50;
    struct trace_request *requests = generate(settings, &names);
    const char *path = temporary_file("written.csv", "");
    FILE *stream = fopen(path, "w");
    trace_write_header(stream, false);
    for (uint32_t i = 0; i < settings.requests; i++) {
        trace_write(stream, &requests[i], &names, false);
    }
    fclose(stream);
    struct trace_reader reader;
    struct trace_names read_names = {.count = 0};
    struct error error;
    bool more = true;
    assert_true(trace_reader_open(&reader, path, &error));
    for (uint32_t i = 0; i < settings.requests; i++) {
        struct trace_request request;
        assert_true(trace_reader_next(&reader, &read_names, &request, &more, &error));
        assert_true(more);
        assert_near(request.arrival_s, requests[i].arrival_s, 1e-6);
        assert_int_equal(request.output_tokens, requests[i].output_tokens);
        assert_int_equal(request.max_output_tokens, requests[i].max_output_tokens);
        assert_string_equal(read_names.names[request.dataset], names.names[requests[i].dataset]);
    }
    trace_reader_close(&reader);
    unlink(path);
    free(requests);
}

static bool shares(const char *content)
{
    const char *path = temporary_file("sharing.csv", content);
    bool found = trace_has_sharing(path);
    unlink(path);
    return found;
}

static void test_sharing(void **state)
{
    (void)state;
    assert_false(trace_has_sharing("no-such-trace.csv"));
    assert_false(shares("arrival_s,prompt_tokens,output_tokens\n0,5,5\n"));
    assert_false(
        shares("arrival_s,prompt_tokens,output_tokens,prefix_id,conversation_id\n0,5,5,0,\n"));
    assert_true(shares("arrival_s,prompt_tokens,output_tokens,prefix_id\n0,5,5,0\n1,5,5,7\n"));
    assert_true(shares("arrival_s,prompt_tokens,output_tokens,conversation_id\n0,5,5,3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_errors),
        cmocka_unit_test(test_trace_survives_its_file),
        cmocka_unit_test(test_sharing),
    };
    return cmocka_run_group_tests_name("trace", tests, set_up, tear_down);
}
