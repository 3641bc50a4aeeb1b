#include "sim/report/run_report.h"

#include <math.h>

#include "tests/unit/check.h"

static char text[8000];

static const char *table(const struct run_summary *summary, const char *percentiles)
{
    struct percentile_list list;
    struct error error;
    FILE *stream = fmemopen(text, sizeof text, "w");
    assert_non_null(stream);
    assert_true(percentile_list_parse(percentiles, &list, &error));
    run_report_table(summary, &list, stream);
    fclose(stream);
    return text;
}

static void test_table(void **state)
{
    (void)state;
    struct run_summary summary = {.requests = {.finished = 5}, .makespan_s = 12.34};
    summary.latency.ttft_s = (struct distribution){.mean = 0.0123, .p99 = 99.96, .max = NAN};
    summary.latency.e2e_s.mean = 0.99951; /* rounds to a second */
    table(&summary, "99");
    assert_contains(text, "5 finished, 0 cut while thinking; makespan 12.3 s");
    assert_contains(text, "12.3 ms");
    assert_contains(text, "100.0 s");
    assert_contains(text, "1.00 s");
    assert_contains(text, "p99 ");
    assert_null(strstr(text, "p90"));
    assert_null(strstr(text, "refused"));
    assert_null(strstr(text, "nan")); /* what is not known is a dash */
    assert_null(strstr(text, "accuracy"));
    assert_null(strstr(text, "speculation"));
    summary.requests.rejected = 2;
    summary.requests.graded = 4;
    summary.requests.accuracy = 0.5;
    table(&summary, "50,90");
    assert_contains(text, "2 refused");
    assert_contains(text, "50.0 % of the answers expected right (+-25.0)");
}

/* A verification may have found nothing to guess. */
static void test_no_drafts(void **state)
{
    (void)state;
    struct run_summary summary = {.speculation.verifications = 3};
    table(&summary, "50");
    assert_contains(text, "1.00 tokens a verification");
    assert_null(strstr(text, "nan"));
    summary.speculation.draft_tokens = 6;
    summary.speculation.accepted_drafts = 3;
    table(&summary, "50");
    assert_contains(text, "2.00 tokens a verification, of 2.00 drafted 50 % right");
}

static void test_rows(void **state)
{
    (void)state;
    struct csv_writer writer;
    const struct request_record record = {.request_id = 7,
                                          .dataset = "a,b",
                                          .status = "finished",
                                          .first_token_s = NAN,
                                          .prompt_tokens = 10};
    const struct timeline_sample sample = {.at_ps = 1500000000000, .state = {.used_blocks = 25}};
    FILE *stream = fmemopen(text, sizeof text, "w");
    assert_non_null(stream);
    csv_writer_init(&writer, stream);
    run_report_requests_header(&writer);
    run_report_request(&record, &writer);
    run_report_timeline_header(&writer);
    run_report_timeline_sample(&sample, 100, &writer);
    csv_writer_flush(&writer);
    fclose(stream);
    assert_contains(text, "7,\"a,b\",finished,10,0,0,0,0.000000,0.000000,,0.000000");
    assert_contains(text, "time_s,kv_utilization,used_blocks,running,waiting,output_tokens\n");
    assert_contains(text, "1.500,0.250000,25,0,0,0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_no_drafts),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
