#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/experiments/trial.h"
#include "sim/scenario/scenario_file.h"

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

static struct trial run_at(double rate_per_s, const char *goal, bool to_the_end)
{
    char rate[64];
    snprintf(rate, sizeof rate, "workload.rate_per_s=%g", rate_per_s);
    const struct option_list assignments = {{rate, "workload.requests=400"}, 2};
    struct goal_list goals = goal_of(goal);
    struct scenario *scenario = memory_zeroed(1, sizeof *scenario);
    struct error error;
    assert_true(scenario_file_read(scenario, NULL, &assignments, NULL, &error));
    struct trial trial = trial_run(scenario, &goals, 4, to_the_end);
    free(scenario);
    return trial;
}

/* Runs that have lost are stopped; the verdict is that of whole runs. */
static void test_lost_runs_are_stopped(void **state)
{
    (void)state;
    struct trial whole = run_at(50, "e2e_s.p90<20", true);
    struct trial cut = run_at(50, "e2e_s.p90<20", false);
    assert_int_equal(whole.verdict, TRIAL_MISSED);
    assert_int_equal(cut.verdict, TRIAL_MISSED);
    assert_false(whole.is_cut);
    assert_true(cut.is_cut && cut.is_sure);
    assert_true(cut.miss > 1.5 && trial_miss(&cut) > trial_miss(&whole));
}

/* What keeps its goals, or misses them by little, is not touched. */
static void test_others_are_whole(void **state)
{
    (void)state;
    struct trial whole = run_at(1, "e2e_s.p90<200", true);
    struct trial watched = run_at(1, "e2e_s.p90<200", false);
    assert_int_equal(watched.verdict, TRIAL_MET);
    assert_false(watched.is_cut);
    assert_int_equal(watched.runs, whole.runs);
    assert_near(watched.miss, whole.miss, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),           cmocka_unit_test(test_few_runs),
        cmocka_unit_test(test_sureness_is_honest), cmocka_unit_test(test_lost_runs_are_stopped),
        cmocka_unit_test(test_others_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
