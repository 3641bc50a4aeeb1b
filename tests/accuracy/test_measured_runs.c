/* Predicted against measured: sweep jobs calibrate, trace jobs test. The limits are what the
 * project promises; the README has the numbers reached. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "calibration/step_fit.h"
#include "calibration/validation.h"
#include "sim/pricing/cost_choice.h"
#include "sim/pricing/step_cost_file.h"

struct expectation {
    const char *run;
    const char *calibrated_on;
    const char *job;
    double e2e_mape_pct;
    double makespan_pct;
    double ttft_p50_pct; /* 0: no promise */
    double ttft_p90_pct;
    double ttft_mean_pct;
    double kv_peak_points;
    double preemptions_low;
    double preemptions_high;
};

static const struct expectation expectations[] = {
    {"qwen7b-bf16", "qwen7b-bf16", "batch32-mixed-b8192", 0.5, 0.5, 0, 10, 10, 1, 0, 0},
    {"qwen7b-bf16", "qwen7b-bf16", "gamma-r2-cv2", 0.5, 0.5, 5, 10, 5, 1, 0, 0},
    {"qwen7b-bf16-kv96k", "qwen7b-bf16", "gamma-r2-cv2-kv96k", 0.7, 0.5, 5, 10, 5, 1, 1, 4},
    {"qwen7b-bf16-api", "qwen7b-bf16-api", "batch256-mixed-b4096", 1, 0.5, 5, 5, 5, 1, 0, 0},
    {"qwen7b-bf16-seats32-fcfs", "qwen7b-bf16-api", "seats32-r5-cv3", 2.5, 1, 0, 5, 8, 1, 0, 0},
    {"qwen7b-bf16-agents", "qwen7b-bf16-api", "agents-r3", 2, 1, 10, 10, 10, 1, 0, 0},
    {"qwen14b-bf16-api", "qwen14b-bf16-api", "gamma-r6-cv2", 2.5, 1, 6, 15, 8, 1, 0, 0},
    {"qwen32b-bf16-api", "qwen32b-bf16-api", "gamma-r3-cv2", 4, 1, 10, 10, 8, 1, 0, 0},
    {"qwen7b-gptq4-api", "qwen7b-gptq4-api", "gamma-r12-cv2", 3.5, 1, 10, 10, 8, 1, 0, 0},
    {"qwen14b-bf16", "qwen14b-bf16", "batch32-mixed-b4096", 1, 1, 0, 10, 10, 1, 0, 0},
    {"qwen14b-fp8", "qwen14b-fp8", "batch32-mixed-b4096", 1, 1, 0, 10, 10, 1, 0, 0},
    {"qwen14b-gptq4", "qwen14b-gptq4", "batch32-mixed-b4096", 1, 1, 0, 10, 10, 1, 0, 0},
    {"qwen14b-bf16-tp2", "qwen14b-bf16-tp2", "batch32-mixed-b4096", 1, 1, 0, 10, 10, 1, 0, 0},
};

/* Carried over from another size, precision or degree: each of these jobs from every calibration
 * but its own. How many prompts the first step of a burst holds is left to chance (first_steps.py),
 * and with it the mean TTFT of a 'batch32' job; where a forecast lands on the other side, on two
 * GPUs, is marked in 'by_chance'. */
static const struct expectation transferred[] = {
    {"qwen7b-bf16", "qwen7b-bf16", "batch32-mixed-b8192", 5, 5, 0, 0, 15, 1, 0, 0},
    {"qwen7b-bf16", "qwen7b-bf16", "gamma-r2-cv2", 5, 5, 15, 15, 15, 1, 0, 0},
    {"qwen7b-bf16-kv96k", "qwen7b-bf16", "gamma-r2-cv2-kv96k", 5, 5, 15, 15, 15, 4, 0, 8},
    {"qwen14b-bf16", "qwen14b-bf16", "batch32-mixed-b4096", 5, 5, 0, 0, 15, 1, 0, 0},
    {"qwen14b-fp8", "qwen14b-fp8", "batch32-mixed-b4096", 5, 5, 0, 0, 15, 1, 0, 0},
    {"qwen14b-gptq4", "qwen14b-gptq4", "batch32-mixed-b4096", 5, 5, 0, 0, 15, 1, 0, 0},
    {"qwen14b-bf16-tp2", "qwen14b-bf16-tp2", "batch32-mixed-b4096", 5, 5, 0, 0, 15, 1, 0, 0},
};

static const char *const calibrations[] = {
    "qwen7b-bf16", "qwen7b-gptq4",  "qwen7b-kvfp8",     "qwen14b-bf16",
    "qwen14b-fp8", "qwen14b-gptq4", "qwen14b-bf16-tp2", "qwen32b-bf16-tp2",
};

static const struct {
    const char *run;
    const char *calibrated_on;
} by_chance[] = {
    {"qwen14b-bf16-tp2", "qwen7b-bf16"},
    {"qwen14b-bf16-tp2", "qwen14b-gptq4"},
};

/* Priced from a profile of the card and one constant; the engine's kernels may differ from ours.
 * Where steps are some per cent too short, so is the pool too little used. */
static const struct expectation profiled[] = {
    {"qwen7b-bf16", "profile", "batch32-mixed-b8192", 4, 4, 0, 0, 0, 4, 0, 0},
    {"qwen7b-bf16", "profile", "gamma-r2-cv2", 4, 4, 0, 0, 0, 4, 0, 0},
    {"qwen7b-bf16-kv96k", "profile", "gamma-r2-cv2-kv96k", 4, 4, 0, 0, 0, 4, 0, 4},
    {"qwen14b-bf16", "profile", "batch32-mixed-b4096", 4, 4, 0, 0, 0, 4, 0, 0},
    /* the constant of two GPUs is learned from sweeps of this very model */
    {"qwen14b-bf16-tp2", "profile", "batch32-mixed-b4096", 4, 4, 0, 0, 10, 4, 0, 0},
    /* the bf16 profile with engine factors learned from the 7B runs */
    {"qwen14b-gptq4", "profile", "batch32-mixed-b4096", 4, 4, 0, 0, 10, 4, 0, 0},
};

static void read_run(struct measured_run *run, const char *name)
{
    char path[2048];
    struct error error;
    const char *root = getenv("KVCAST_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/calibration/measured/%s", root != NULL ? root : ".", name);
    if (!measured_run_read(run, path, &error)) {
        fail_msg("%s", error.message);
    }
}

static void check_error(const char *what, struct compared compared, double limit_pct)
{
    double error_pct = compared_error_pct(compared);
    if (limit_pct > 0 && !(fabs(error_pct) <= limit_pct)) {
        fail_msg("%s: measured %.6g, predicted %.6g: %+.2f %%, promised %.2f %%", what,
                 compared.measured, compared.predicted, error_pct, limit_pct);
    }
}

static void check(const struct expectation *expected, const struct step_cost *cost)
{
    struct measured_run run;
    struct job_validation result = {.name = ""};
    struct error error;
    read_run(&run, expected->run);
    for (uint32_t i = 0; i < run.job_count; i++) {
        if (strcmp(run.jobs[i].name, expected->job) == 0 &&
            !validation_replay(&run, &run.jobs[i], cost, &result, &error)) {
            fail_msg("%s", error.message);
        }
    }
    measured_run_clear(&run);
    assert_string_equal(result.name, expected->job);
    printf("# %s %s: E2E %.2f %%\n", expected->run, expected->job, result.e2e_mape_pct);
    if (!(result.e2e_mape_pct <= expected->e2e_mape_pct)) {
        fail_msg("E2E error per request %.2f %%, promised %.2f %%", result.e2e_mape_pct,
                 expected->e2e_mape_pct);
    }
    check_error("makespan", result.makespan_s, expected->makespan_pct);
    if (result.hit_tokens.predicted > 0) {
        check_error("hit tokens", result.hit_tokens, 1);
    }
    const struct distribution *m = &result.ttft_s.measured;
    const struct distribution *p = &result.ttft_s.predicted;
    check_error("TTFT p50", (struct compared){m->p50, p->p50}, expected->ttft_p50_pct);
    check_error("TTFT p90", (struct compared){m->p90, p->p90}, expected->ttft_p90_pct);
    check_error("TTFT mean", (struct compared){m->mean, p->mean}, expected->ttft_mean_pct);
    assert_true(100 * fabs(result.kv_peak.predicted - result.kv_peak.measured) <=
                expected->kv_peak_points);
    assert_true(result.preemptions.predicted >= expected->preemptions_low &&
                result.preemptions.predicted <= expected->preemptions_high);
}

static void test_expectation(void **state)
{
    const struct expectation *expected = *state;
    struct measured_run sweep;
    struct step_cost cost;
    struct fit_report report;
    struct error error;
    read_run(&sweep, expected->calibrated_on);
    if (!step_fit_run(&sweep, &cost, &report, &error)) {
        fail_msg("%s", error.message);
    }
    measured_run_clear(&sweep);
    check(expected, &cost);
}

/* The cost that a source stands for, for the engine of the expected run. */
static void choose_cost(const struct expectation *expected, const char *source,
                        struct step_cost *cost, char *warning)
{
    struct measured_run run;
    struct error error;
    bool found = false;
    read_run(&run, expected->run);
    struct cost_request request = measured_engine_cost_request(&run.engine, source);
    if (!cost_choice_find(&request, cost, &found, warning, &error)) {
        fail_msg("%s", error.message);
    }
    assert_true(found);
    measured_run_clear(&run);
}

static void check_transfer(struct expectation expected, const char *calibration)
{
    struct step_cost cost;
    char source[64];
    char warning[COST_WARNING_BYTES];
    snprintf(source, sizeof source, "calibrated:%s", calibration);
    choose_cost(&expected, source, &cost, warning);
    assert_true(strstr(warning, "carried over") != NULL);
    assert_true(cost.uncertainty > 0);
    for (size_t i = 0; i < sizeof by_chance / sizeof by_chance[0]; i++) {
        if (strcmp(by_chance[i].run, expected.run) == 0 &&
            strcmp(by_chance[i].calibrated_on, calibration) == 0) {
            expected.ttft_mean_pct = 30;
        }
    }
    printf("# from %s\n", calibration);
    check(&expected, &cost);
}

static void test_transfers(void **state)
{
    const struct expectation *expected = *state;
    for (size_t i = 0; i < sizeof calibrations / sizeof calibrations[0]; i++) {
        if (strcmp(calibrations[i], expected->calibrated_on) != 0) {
            check_transfer(*expected, calibrations[i]);
        }
    }
}

static void test_profiled(void **state)
{
    const struct expectation *expected = *state;
    struct step_cost cost;
    char warning[COST_WARNING_BYTES];
    choose_cost(expected, "profiled", &cost, warning);
    assert_string_equal(cost.identity.source, "profiled");
    check(expected, &cost);
}

/* Drafts need a loop that waits for each step: calibrated without drafts, and the host times of
 * such a loop. Time to the first token (20 % short) is not promised. */
static void test_drafts(void **state)
{
    (void)state;
    const struct expectation expected = {
        "qwen7b-bf16-ngram4", "qwen7b-bf16-api", "batch32-mixed-b3072", 5, 3, 0, 0, 0, 1, 0, 0};
    struct step_cost cost;
    char warning[COST_WARNING_BYTES];
    choose_cost(&expected, "calibrated:qwen7b-bf16-api", &cost, warning);
    assert_true(cost.host.sync_request_ps > 0);
    check(&expected, &cost);
}

/* A run is priced by the calibration whose limits hold its own. */
static void test_limits_choose_the_calibration(void **state)
{
    (void)state;
    static const char *const chosen[][2] = {{"qwen7b-bf16-kv96k", "qwen7b-bf16"},
                                            {"qwen7b-bf16-seats32-fcfs", "qwen7b-bf16-api"},
                                            {"qwen7b-bf16-agents", "qwen7b-bf16-api"}};
    for (size_t i = 0; i < sizeof chosen / sizeof chosen[0]; i++) {
        const struct expectation expected = {.run = chosen[i][0]};
        struct step_cost cost;
        char warning[COST_WARNING_BYTES];
        choose_cost(&expected, "", &cost, warning);
        assert_string_equal(cost.identity.name, chosen[i][1]);
    }
}

/* What the program ships is what a fit of today's data gives. */
static void test_shipped_calibration_is_current(void **state)
{
    (void)state;
    struct measured_run run;
    struct step_cost fitted;
    struct step_cost shipped;
    struct fit_report report;
    struct error error;
    read_run(&run, "qwen7b-bf16");
    assert_true(step_fit_run(&run, &fitted, &report, &error));
    assert_true(step_cost_read(&shipped, "calibration/qwen7b-bf16.json", &error));
    measured_run_clear(&run);
    for (uint32_t k = 0; k < fitted.decode.count; k++) {
        assert_true(fabs(fitted.decode.cost_ps[k] / shipped.decode.cost_ps[k] - 1) < 1e-4);
    }
    assert_true(llabs(fitted.host.launch_ps[CUDA_GRAPH_NONE] -
                      shipped.host.launch_ps[CUDA_GRAPH_NONE]) < 1000000);
}

int main(void)
{
    enum {
        EXPECTATIONS = sizeof expectations / sizeof expectations[0],
        TRANSFERS = sizeof transferred / sizeof transferred[0],
        PROFILED = sizeof profiled / sizeof profiled[0],
        COUNT = EXPECTATIONS + TRANSFERS + PROFILED
    };
    struct CMUnitTest tests[COUNT + 3];
    char names[COUNT][128];
    for (size_t i = 0; i < COUNT; i++) {
        const struct expectation *one = NULL;
        CMUnitTestFunction function = NULL;
        if (i < EXPECTATIONS) {
            one = &expectations[i];
            function = test_expectation;
        } else if (i < EXPECTATIONS + TRANSFERS) {
            one = &transferred[i - EXPECTATIONS];
            function = test_transfers;
        } else {
            one = &profiled[i - EXPECTATIONS - TRANSFERS];
            function = test_profiled;
        }
        snprintf(names[i], sizeof names[i], "%s %s from %s%s", one->run, one->job,
                 function == test_transfers ? "all but " : "", one->calibrated_on);
        tests[i] = (struct CMUnitTest){
            .name = names[i], .test_func = function, .initial_state = (void *)(uintptr_t)one};
    }
    tests[COUNT] = (struct CMUnitTest)cmocka_unit_test(test_shipped_calibration_is_current);
    tests[COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(test_drafts);
    tests[COUNT + 2] = (struct CMUnitTest)cmocka_unit_test(test_limits_choose_the_calibration);
    return _cmocka_run_group_tests("measured runs", tests, COUNT + 3, NULL, NULL);
}
