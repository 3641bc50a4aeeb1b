#include "tests/unit/check.h"

#include "workloads/trace_replay.h"

#define HEADER "arrival_s,prompt_tokens,output_tokens,conversation_id\n"

/* Arrivals of the trace as it is played, up to 16 of them; how many there are. */
static uint32_t play(const struct trace_replay_settings *settings, double *arrivals,
                     struct trace_request *last)
{
    struct trace_replay replay;
    struct trace_names names = {.count = 0};
    struct error error;
    uint32_t count = 0;
    bool more = false;
    assert_true(trace_replay_open(&replay, settings, &error));
    while (count < 16) {
        struct trace_request request;
        assert_true(trace_replay_next(&replay, &names, &request, &more, &error));
        if (!more) {
            break;
        }
        *last = request;
        arrivals[count++] = request.arrival_s;
    }
    trace_replay_close(&replay);
    return count;
}

static void test_as_recorded(void **state)
{
    (void)state;
    double at[16];
    struct trace_request last;
    const struct trace_replay_settings settings = {
        .path = temporary_file("replay.csv", HEADER "1,10,5,1\n2,10,5,2\n4,10,5,1\n")};
    assert_int_equal(play(&settings, at, &last), 3);
    assert_near(at[0], 1, 0);
    assert_near(at[2], 4, 0);
    assert_int_equal(last.conversation_id, 1);
}

/* The mean gap is 1.5 s: at a rate of 2/s times shrink by 3. */
static void test_rescaled_to_a_rate(void **state)
{
    (void)state;
    double at[16];
    struct trace_request last;
    const struct trace_replay_settings settings = {
        .path = temporary_file("replay.csv", HEADER "1,10,5,1\n2,10,5,2\n4,10,5,1\n"),
        .rate_per_s = 2};
    assert_int_equal(play(&settings, at, &last), 3);
    assert_near(at[0], 1.0 / 3, 1e-12);
    assert_near(at[2] - at[0], 1, 1e-12);
}

/* Each playing has conversations of its own, or their prompts would be found in the cache. */
static void test_repeated(void **state)
{
    (void)state;
    double at[16];
    struct trace_request last;
    const struct trace_replay_settings settings = {
        .path = temporary_file("replay.csv", HEADER "1,10,5,1\n2,10,5,2\n4,10,5,1\n"),
        .from_s = 2,
        .until_s = 6,
        .repeat = 3};
    assert_int_equal(play(&settings, at, &last), 6);
    assert_near(at[1], 2, 0);
    assert_near(at[2], 4, 0);
    assert_near(at[5], 10, 0);
    assert_int_equal(last.conversation_id, 1 + 2 * 2);
}

static void test_redrawn_gaps_keep_the_mean(void **state)
{
    (void)state;
    char text[60000] = HEADER;
    size_t used = strlen(text);
    for (int i = 0; i < 4000; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%d,9,5,0\n", i);
    }
    const struct trace_replay_settings settings = {
        .path = temporary_file("replay.csv", text), .seed = 3, .burstiness = 0.5};
    struct trace_replay replay;
    struct trace_names names = {.count = 0};
    struct error error;
    double sum = 0;
    double squares = 0;
    double before = 0;
    bool more = true;
    assert_true(trace_replay_open(&replay, &settings, &error));
    while (more) {
        struct trace_request request = {.arrival_s = 0};
        assert_true(trace_replay_next(&replay, &names, &request, &more, &error));
        if (more) {
            double gap = request.arrival_s - before;
            assert_true(gap >= 0);
            sum += gap;
            squares += gap * gap;
            before = request.arrival_s;
        }
    }
    trace_replay_close(&replay);
    double mean = sum / 4000;
    /* CV = 1 / sqrt(0.5); five standard errors of mean and of squares */
    assert_near(mean, 1, 0.12);
    assert_near(squares / 4000 - mean * mean, 2, 0.5);
}

static void test_errors(void **state)
{
    (void)state;
    struct trace_replay replay;
    struct error error;
    struct trace_replay_settings settings = {
        .path = temporary_file("replay.csv", HEADER "1,10,5,1\n"), .rate_per_s = 2};
    assert_false(trace_replay_open(&replay, &settings, &error));
    assert_contains(error.message, "all 1 requests arrive at one moment");
    settings = (struct trace_replay_settings){.path = settings.path, .from_s = 3, .until_s = 2};
    assert_false(trace_replay_open(&replay, &settings, &error));
    assert_contains(error.message, "'workload.until_s' must be more than 'workload.from_s'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_recorded), cmocka_unit_test(test_rescaled_to_a_rate),
        cmocka_unit_test(test_repeated),    cmocka_unit_test(test_redrawn_gaps_keep_the_mean),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
