#include "tests/unit/check.h"

#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/experiments/plan_answer.h"

static struct plan_settings settings_for(const char *goal)
{
    struct plan_settings settings = {.max_runs = 2};
    settings.goals = (struct option_list){{goal}, 1};
    settings.over = (struct option_list){{"engine.instances=1,2", "model.weights=bf16,fp8"}, 2};
    settings.base.assignments = (struct option_list){{"workload.requests=30"}, 1};
    return settings;
}

static struct plan_answer *answer_to(const char *goal, bool with_what_ifs)
{
    struct plan_settings settings = settings_for(goal);
    struct plan_answer *answer = memory_zeroed(1, sizeof *answer);
    struct error error;
    if (!plan_answer_find(&settings, with_what_ifs, answer, &error)) {
        fail_msg("%s", error.message);
    }
    return answer;
}

/* The winner's scenario, its command, and one plan for each other load. */
static void test_found(void **state)
{
    (void)state;
    struct plan_answer *answer = answer_to("e2e_s.p99<1000", true);
    assert_true(plan_answer_is_found(answer));
    assert_int_equal(answer->winner.fleet.instances, 1);
    assert_true(text_starts_with(answer->command, "vllm serve deepseek-ai/"));
    assert_true(answer->headroom.is_open);
    assert_int_equal(answer->what_if_count, PLAN_MAX_WHAT_IFS);
    for (uint32_t i = 0; i < answer->what_if_count; i++) {
        assert_true(answer->what_ifs[i].can_be);
        assert_int_equal(answer->what_ifs[i].plan.configuration_count, 1);
    }
    assert_near(plan_answer_arrivals_s(answer), 30 / answer->winner.workload.arrivals.rate_per_s,
                1e-9);
    assert_true(plan_answer_is_brief(answer)); /* 30 requests end before the first answers do */
    plan_answer_clear(answer);
    free(answer);
}

static void test_not_found(void **state)
{
    (void)state;
    struct plan_answer *answer = answer_to("e2e_s.p99<0.01", true);
    assert_false(plan_answer_is_found(answer));
    assert_int_equal(answer->what_if_count, 0);
    assert_true(answer->plan.closest < answer->plan.configuration_count);
    struct json *document = plan_answer_json(answer, false);
    assert_string_equal(json_type(json_find(document, "best")), "null");
    assert_int_equal(json_child_count(json_find(document, "configurations")), 2);
    json_destroy(document);
    plan_answer_clear(answer);
    free(answer);
}

/* Where costlier ones were looked at too, each that reaches the goals says if it is on the front.
 */
static void test_front_in_json(void **state)
{
    (void)state;
    struct plan_answer *answer = answer_to("e2e_s.p99<1000", false);
    struct json *document = plan_answer_json(answer, true);
    bool is_known = false;
    const struct json *one = json_first(json_find(document, "configurations"));
    for (; one != NULL; one = json_next(one)) {
        bool is_met = text_equal(json_text(json_find(one, "outcome")), "met");
        bool is_on_front = false;
        assert_int_equal(json_bool(json_find(one, "is_on_front"), &is_on_front), is_met);
        is_known = is_known || is_on_front;
    }
    assert_true(is_known);
    json_destroy(document);
    plan_answer_clear(answer);
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_front_in_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
