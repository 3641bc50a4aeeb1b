/* Intervals are honest: of the figures of measured traces that no fit has seen, the 90 % prediction
 * intervals of replications hold the nominal share, give or take. A replication of a replayed trace
 * draws how far each step lies from its price, and how far all prices together do. */
#include "tests/unit/check.h"

#include <math.h>

#include "calibration/validation.h"
#include "sim/metrics/interval.h"
#include "sim/pricing/cost_choice.h"
#include "sim/pricing/price_confidence.h"

enum { REPLICATIONS = 12, MAX_FIGURES = 16 };
#define LEVEL 0.9

/* Only whole traces: in a burst of 32 requests, chance decides how many prompts the first step
 * holds (first_steps.py), so that its times to first token are left out. */
static const struct {
    const char *run;
    const char *calibration;
    const char *job;
    bool is_burst;
} traces[] = {
    {"qwen7b-bf16", "qwen7b-bf16", "batch32-mixed-b8192", true},
    {"qwen7b-bf16", "qwen7b-bf16", "gamma-r2-cv2", false},
    {"qwen7b-bf16-kv96k", "qwen7b-bf16", "gamma-r2-cv2-kv96k", false},
    {"qwen14b-bf16", "qwen14b-bf16", "batch32-mixed-b4096", true},
    {"qwen14b-fp8", "qwen14b-fp8", "batch32-mixed-b4096", true},
    {"qwen14b-gptq4", "qwen14b-gptq4", "batch32-mixed-b4096", true},
    {"qwen14b-bf16-tp2", "qwen14b-bf16-tp2", "batch32-mixed-b4096", true},
};

static const char *const calibrations[] = {"qwen7b-bf16", "qwen7b-gptq4",  "qwen14b-bf16",
                                           "qwen14b-fp8", "qwen14b-gptq4", "qwen14b-bf16-tp2"};

struct tally {
    uint32_t held;
    uint32_t figures;
};

/* The figures of a replay that are compared, by name. */
static uint32_t list_figures(const struct job_validation *result, bool is_burst,
                             struct compared figures[MAX_FIGURES])
{
    const struct compared_distribution *const distributions[] = {&result->e2e_s, &result->tpot_s,
                                                                 &result->ttft_s};
    uint32_t count = 0;
    figures[count++] = result->makespan_s;
    figures[count++] = result->kv_mean;
    for (uint32_t i = 0; i < (is_burst ? 2 : 3); i++) {
        const struct distribution *m = &distributions[i]->measured;
        const struct distribution *p = &distributions[i]->predicted;
        figures[count++] = (struct compared){m->mean, p->mean};
        figures[count++] = (struct compared){m->p50, p->p50};
        figures[count++] = (struct compared){m->p90, p->p90};
        figures[count++] = (struct compared){m->p99, p->p99};
    }
    return count;
}

static void add_trace(size_t index, const char *source, struct tally *tally)
{
    struct measured_run run;
    struct step_cost cost;
    struct error error;
    char path[300];
    char warning[COST_WARNING_BYTES];
    bool found = false;
    snprintf(path, sizeof path, "calibration/measured/%s", traces[index].run);
    if (!measured_run_read(&run, source_path(path), &error)) {
        fail_msg("%s", error.message);
    }
    struct cost_request request = measured_engine_cost_request(&run.engine, source);
    if (!cost_choice_find(&request, &cost, &found, warning, &error)) {
        fail_msg("%s", error.message);
    }
    cost.uncertainty = price_confidence_uncertainty(&cost);
    double values[MAX_FIGURES][REPLICATIONS];
    struct compared figures[MAX_FIGURES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < REPLICATIONS; i++) {
        const struct replay_settings settings = {.noise = true, .seed = 1 + i};
        struct job_validation result = {.name = ""};
        for (uint32_t j = 0; j < run.job_count; j++) {
            if (strcmp(run.jobs[j].name, traces[index].job) == 0 &&
                !validation_replay_with(&run, &run.jobs[j], &cost, &settings, &result, &error)) {
                fail_msg("%s", error.message);
            }
        }
        count = list_figures(&result, traces[index].is_burst, figures);
        for (uint32_t k = 0; k < count; k++) {
            values[k][i] = figures[k].predicted;
        }
    }
    uint32_t held = 0;
    for (uint32_t k = 0; k < count; k++) {
        struct interval interval = interval_predict(values[k], REPLICATIONS, LEVEL);
        held += interval.low <= figures[k].measured && figures[k].measured <= interval.high;
    }
    print_message("# %s %s from %s: %u of %u figures held, prices uncertain by %.2g %%\n",
                  traces[index].run, traces[index].job, source, held, count,
                  100 * cost.uncertainty);
    tally->held += held;
    tally->figures += count;
    measured_run_clear(&run);
}

static void check_coverage(const struct tally *tally)
{
    double share = (double)tally->held / tally->figures;
    print_message("# %.1f %% of %u figures held by %.0f %% intervals\n", 100 * share,
                  tally->figures, 100 * LEVEL);
    assert_true(share >= 0.8);
    assert_true(share <= 0.98);
}

static void test_calibrated_here(void **state)
{
    (void)state;
    struct tally tally = {0, 0};
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        char source[64];
        snprintf(source, sizeof source, "calibrated:%s", traces[i].calibration);
        add_trace(i, source, &tally);
    }
    check_coverage(&tally);
}

static void test_carried_over(void **state)
{
    (void)state;
    struct tally tally = {0, 0};
    for (size_t i = 0; i < sizeof traces / sizeof traces[0]; i++) {
        for (size_t k = 0; k < sizeof calibrations / sizeof calibrations[0]; k++) {
            char source[64];
            snprintf(source, sizeof source, "calibrated:%s", calibrations[k]);
            if (strcmp(calibrations[k], traces[i].calibration) != 0) {
                add_trace(i, source, &tally);
            }
        }
    }
    check_coverage(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calibrated_here),
        cmocka_unit_test(test_carried_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
