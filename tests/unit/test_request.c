#include "tests/unit/check.h"

#include "sim/serving/request.h"

static void test_request_begins_with_its_ask_and_truth(void **state)
{
    (void)state;
    struct request request = {.ask.prompt_tokens = 100,
                              .truth.output_tokens = 7,
                              .status = REQUEST_FINISHED,
                              .computed_tokens = 55,
                              .clock.max_itl_ps = 3};
    request_begin(&request, 12);
    assert_int_equal(request.id, 12);
    assert_int_equal(request.status, REQUEST_UNSENT);
    assert_int_equal(request.known_tokens, 100);
    assert_int_equal(request.truth.output_tokens, 7);
    assert_int_equal(request.computed_tokens, 0);
    assert_true(request.clock.first_token_ps == TIME_NONE && request.clock.max_itl_ps == 0);
    assert_true(request.ask.content.own_stream != 0);
}

static void test_request_is_handed_over_with_its_prompt(void **state)
{
    (void)state;
    struct request request = {.ask.prompt_tokens = 100, .ask.max_output_tokens = 9};
    request_begin(&request, 0);
    request_become(&request, REQUEST_WAITING);
    request_become(&request, REQUEST_RUNNING);
    request.known_tokens = 101;
    request.computed_tokens = 100;
    request_become(&request, REQUEST_FINISHED);
    request_hand_over(&request);
    assert_int_equal(request.status, REQUEST_UNSENT);
    assert_int_equal(request_outputs(&request), 0);
    assert_int_equal(request.remote_tokens, 99);
    request_become(&request, REQUEST_WAITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_begins_with_its_ask_and_truth),
        cmocka_unit_test(test_request_is_handed_over_with_its_prompt),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
