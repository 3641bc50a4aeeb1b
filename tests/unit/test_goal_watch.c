#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/base/units.h"
#include "sim/experiments/goal_watch.h"
#include "sim/metrics/samples.h"
#include "sim/serving/request.h"

static struct goal_list goals_of(const char *first, const char *second)
{
    const struct option_list texts = {{first, second}, second != NULL ? 2 : 1};
    struct goal_list list;
    struct error error;
    assert_true(goal_list_parse(&texts, &list, &error));
    return list;
}

/* A request of eleven outputs that took so long to its first, and so long from one to the next. */
static struct request finished(double ttft_s, double tpot_s)
{
    struct request request = {.status = REQUEST_FINISHED, .known_tokens = 21};
    request.ask.prompt_tokens = 10;
    request.clock.first_scheduled_ps = ps_from_s(ttft_s / 2);
    request.clock.first_token_ps = ps_from_s(ttft_s);
    request.clock.last_token_ps = ps_from_s(ttft_s + 10 * tpot_s);
    return request;
}

static bool tell(struct goal_watch *watch, double ttft_s, double tpot_s)
{
    struct request request = finished(ttft_s, tpot_s);
    struct observer observer = goal_watch_observer(watch);
    observer.on_finish(observer.state, &request, request.clock.last_token_ps);
    return watch->is_lost;
}

/* Of 100 requests a 99th percentile leaves out the slowest two, as it lies between the two. */
static void test_one_too_many(void **state)
{
    (void)state;
    struct goal_list goals = goals_of("ttft_s.p99<2", NULL);
    struct goal_watch watch;
    goal_watch_init(&watch, &goals, 1, 100);
    assert_int_equal(watch.count, 1);
    assert_false(tell(&watch, 3, 1));
    assert_false(tell(&watch, 1, 1));
    assert_false(tell(&watch, 3, 1));
    assert_true(tell(&watch, 3, 1));
}

/* Each goal counts for itself; the margin loosens both. */
static void test_goals_and_margin(void **state)
{
    (void)state;
    struct goal_list goals = goals_of("tpot_s.max<0.1", "e2e_s.p50<5");
    struct goal_watch watch;
    goal_watch_init(&watch, &goals, 1.5, 10);
    assert_int_equal(watch.count, 2);
    assert_false(tell(&watch, 0, 0.14));
    assert_false(tell(&watch, 9, 0.01));
    assert_false(tell(&watch, 0, 0.16)); /* the slowest of all lies on no limit: one more */
    assert_true(tell(&watch, 0, 0.16));
    struct request rejected = {.status = REQUEST_REJECTED};
    goal_watch_init(&watch, &goals, 1.5, 1);
    struct observer observer = goal_watch_observer(&watch);
    observer.on_finish(observer.state, &rejected, 0);
    assert_int_equal(watch.goals[0].beyond + watch.goals[1].beyond, 0);
}

/* What is no upper bound on a percentile is never lost. */
static void test_what_is_not_watched(void **state)
{
    (void)state;
    struct goal_list goals = goals_of("ttft_s.mean<1", "ttft_s.p99>1");
    struct goal_watch watch;
    goal_watch_init(&watch, &goals, 1, 10);
    assert_int_equal(watch.count, 0);
    goals = goals_of("makespan_s<1", "itl_s.p99<1");
    goal_watch_init(&watch, &goals, 1, 10);
    assert_int_equal(watch.count, 0);
    for (int i = 0; i < 10; i++) {
        assert_false(tell(&watch, 100, 100));
    }
}

/* Whatever follows, and however few do: what was lost misses its bound in the end. */
static void test_lost_is_lost(void **state)
{
    (void)state;
    static const char *const texts[] = {"ttft_s.p50<1", "ttft_s.p90<1", "ttft_s.p95<1",
                                        "ttft_s.p99<1"};
    struct random_stream *random = random_create(5, "watched");
    uint32_t lost = 0;
    for (int trial = 0; trial < 400; trial++) {
        struct goal_list goals = goals_of(texts[trial % 4], NULL);
        uint32_t requests = 1 + random_below(random, 300);
        double slow = random_uniform(random);
        struct goal_watch watch;
        struct samples samples;
        samples_init(&samples);
        goal_watch_init(&watch, &goals, 1, requests);
        for (uint32_t i = 0; i < requests; i++) {
            /* from then on as fast as can be; one in three is rejected and has no time at all */
            double ttft_s = watch.is_lost ? 0 : random_uniform(random) < slow ? 1.001 : 0.5;
            if (!watch.is_lost || i % 3 > 0) {
                samples_add(&samples, ttft_s);
                tell(&watch, ttft_s, 1);
            }
        }
        struct distribution distribution = samples_distribution(&samples);
        struct run_summary summary = {.latency.ttft_s = distribution};
        if (watch.is_lost) {
            lost++;
            assert_true(figure_value(goals.goals[0].figure, &summary) > 1);
        }
        samples_clear(&samples);
    }
    random_destroy(random);
    assert_true(lost > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_goals_and_margin),
        cmocka_unit_test(test_what_is_not_watched),
        cmocka_unit_test(test_lost_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
