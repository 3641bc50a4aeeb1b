#include "tests/unit/check.h"

#include "calibration/replay_load.h"
#include "sim/base/units.h"

/* Two conversations; the first has three turns and thinks 2 s, the requests stand in any order. */
static struct measured_request requests[] = {
    {.request_id = 0,
     .prompt_tokens = 10,
     .output_tokens = 5,
     .sent_s = 1,
     .last_token_s = 2,
     .conversation_id = 1,
     .turn = 1,
     .prefix_id = 7,
     .prefix_tokens = 4},
    {.request_id = 1,
     .prompt_tokens = 20,
     .output_tokens = 5,
     .sent_s = 4,
     .last_token_s = 5,
     .conversation_id = 1,
     .turn = 2,
     .prefix_id = 7,
     .prefix_tokens = 4},
    {.request_id = 2,
     .prompt_tokens = 10,
     .output_tokens = 5,
     .sent_s = 3,
     .last_token_s = 9,
     .conversation_id = 2,
     .turn = 1},
    {.request_id = 3,
     .prompt_tokens = 40,
     .output_tokens = 5,
     .sent_s = 7,
     .last_token_s = 8,
     .conversation_id = 1,
     .turn = 3,
     .prefix_id = 7,
     .prefix_tokens = 4},
};

static const struct measured_job job = {.request_count = 4};

static struct measured_run run_of(uint32_t drafts)
{
    struct measured_run run = {.requests = requests, .request_count = 4};
    run.engine.speculation.draft_tokens = drafts;
    run.engine.speculation.acceptance[0] = 0.5;
    run.engine.speculation.acceptance[1] = 0.25;
    return run;
}

/* Each answer takes 'takes_s' seconds. */
static void answer_all(struct replay_load *load, double takes_s)
{
    for (uint32_t i = 0; i < load->count; i++) {
        load->requests[i].clock.last_token_ps = load->requests[i].ask.sent_ps + ps_from_s(takes_s);
    }
}

static void test_requests_in_order_of_sending(void **state)
{
    (void)state;
    struct measured_run run = run_of(0);
    struct replay_load load;
    replay_load_init(&load, &run, &job, 1);
    assert_true(load.has_sessions);
    assert_int_equal(load.requests[1].ask.sent_ps, 2 * PS_PER_S);
    assert_int_equal(load.measured[1].request_id, 2);
    const struct prompt_content *content = &load.requests[0].ask.content;
    assert_int_equal(content->parts[0].end, 4);
    assert_int_equal(content->parts[1].end, 10);
    assert_true(content->own_stream == content->parts[1].stream);
    assert_true(load.requests[1].ask.content.parts[0].end == 0);
    replay_load_clear(&load);
}

/* Answers of 4 s instead of 1: turns follow, later ones by the sum, and come to rest. */
static void test_turns_follow_answers(void **state)
{
    (void)state;
    struct measured_run run = run_of(0);
    struct replay_load load;
    replay_load_init(&load, &run, &job, 1);
    double moved_s = 1;
    int rounds = 0;
    for (; moved_s > 1e-9 && rounds < 10; rounds++) {
        answer_all(&load, 4);
        moved_s = replay_load_follow_answers(&load);
    }
    assert_true(rounds <= 4);
    assert_int_equal(load.measured[3].request_id, 3);
    assert_int_equal(load.requests[2].ask.sent_ps, 6 * PS_PER_S);  /* 4 + think 2 */
    assert_int_equal(load.requests[3].ask.sent_ps, 12 * PS_PER_S); /* and again */
    assert_int_equal(load.requests[1].ask.sent_ps, 2 * PS_PER_S);  /* no turn before */
    replay_load_clear(&load);
}

static void test_drafts_are_accepted_by_position(void **state)
{
    (void)state;
    struct measured_run run = run_of(2);
    struct replay_load load;
    replay_load_init(&load, &run, &job, 1);
    const struct draft_truth *drafts = &load.requests[0].truth.drafts;
    double at_least[3] = {0};
    assert_true(drafts->accepted_count > 1000);
    for (uint32_t i = 0; i < drafts->accepted_count; i++) {
        for (int k = 0; k <= drafts->accepted[i]; k++) {
            at_least[k] += 1.0 / drafts->accepted_count;
        }
    }
    assert_near(at_least[1], 0.5, 0.04);
    assert_near(at_least[2], 0.25, 0.04);
    replay_load_clear(&load);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_in_order_of_sending),
        cmocka_unit_test(test_turns_follow_answers),
        cmocka_unit_test(test_drafts_are_accepted_by_position),
    };
    return cmocka_run_group_tests_name("replay_load", tests, NULL, NULL);
}
