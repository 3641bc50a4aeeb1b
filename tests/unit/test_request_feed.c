#include "tests/unit/check.h"

#include "sim/cluster/request_feed.h"

/* Requests come in the order of the array; those done are written back to where they came from. */
static void test_array_is_read_and_written_back(void **state)
{
    (void)state;
    struct request requests[3] = {
        {.ask.prompt_tokens = 10}, {.ask.prompt_tokens = 20}, {.ask.prompt_tokens = 30}};
    struct request_array array = {.requests = requests, .count = 3};
    struct request_feed feed = request_array_feed(&array);
    struct request request;
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(feed.next(feed.context, &request));
        assert_int_equal(request.ask.prompt_tokens, 10 * (i + 1));
    }
    assert_false(feed.next(feed.context, &request));
    request = requests[1];
    request.id = 1;
    request.clock.last_token_ps = 77;
    feed.done(feed.context, &request);
    assert_int_equal(requests[1].clock.last_token_ps, 77);
    assert_int_equal(requests[0].clock.last_token_ps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_array_is_read_and_written_back)};
    return cmocka_run_group_tests_name("request_feed", tests, NULL, NULL);
}
