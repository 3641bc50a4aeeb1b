#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/random.h"
#include "sim/experiments/trial.h"

static struct goal_list goal_of(const char *text)
{
    const struct option_list texts = {{text}, 1};
    struct goal_list list;
    struct error error;
    assert_true(goal_list_parse(&texts, &list, &error));
    return list;
}

static struct trial judge(const char *goal, const double *makespans, uint32_t count)
{
    static struct run_summary runs[TRIAL_MAX_RUNS];
    struct goal_list goals = goal_of(goal);
    for (uint32_t i = 0; i < count; i++) {
        runs[i].makespan_s = makespans[i];
    }
    return trial_judge(&goals, runs, count);
}

static void test_verdicts(void **state)
{
    (void)state;
    struct trial trial = judge("makespan_s<10", (double[]){9, 9.01, 8.99, 9}, 4);
    assert_int_equal(trial.verdict, TRIAL_MET);
    assert_true(trial.is_sure);
    assert_near(trial.miss, 0.9, 1e-9);
    trial = judge("makespan_s<10", (double[]){11, 11.02, 10.98, 11}, 4);
    assert_int_equal(trial.verdict, TRIAL_MISSED);
    assert_true(trial.is_sure);
    trial = judge("makespan_s<10", (double[]){8, 11, 9, 10.5}, 4);
    assert_int_equal(trial.verdict, TRIAL_MET); /* by its mean */
    assert_false(trial.is_sure);
    trial = judge("makespan_s>10", (double[]){12, 12.1, 11.9, 12}, 4);
    assert_int_equal(trial.verdict, TRIAL_MET);
    assert_true(trial.is_sure);
}

/* One run is never sure; two that are far off are. */
static void test_few_runs(void **state)
{
    (void)state;
    assert_false(judge("makespan_s<10", (double[]){1}, 1).is_sure);
    assert_false(judge("makespan_s<10", (double[]){8, 9}, 2).is_sure);
    assert_true(judge("makespan_s<10", (double[]){2, 5}, 2).is_sure);
    struct trial trial = judge("makespan_s<10", (double[]){20, 90}, 2);
    assert_true(trial.is_sure);
    assert_int_equal(trial.verdict, TRIAL_MISSED);
}

/* Runs whose mean is on one side are surely judged to be on the other in at most a few per cent. */
static void test_sureness_is_honest(void **state)
{
    (void)state;
    struct random_stream *random = random_create(3, "trials");
    uint32_t wrong = 0;
    enum { TRIALS = 2000, RUNS = 6 };
    for (int i = 0; i < TRIALS; i++) {
        double makespans[RUNS];
        for (int k = 0; k < RUNS; k++) {
            double normal = 0;
            for (int n = 0; n < 12; n++) {
                normal += random_uniform(random) - 0.5;
            }
            makespans[k] = 10.0001 + normal; /* the true mean misses by next to nothing */
        }
        struct trial trial = judge("makespan_s<10", makespans, RUNS);
        wrong += trial.is_sure && trial.verdict == TRIAL_MET;
    }
    random_destroy(random);
    assert_true(wrong < TRIALS * 0.04 && wrong > TRIALS * 0.01); /* 2.5 % by the interval */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_few_runs),
        cmocka_unit_test(test_sureness_is_honest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
