/* Requests of a generator over the shipped length models, for the tests of what makes and keeps
 * them. */
#ifndef TESTS_UNIT_GENERATED_REQUESTS_H
#define TESTS_UNIT_GENERATED_REQUESTS_H

#include "sim/base/memory.h"
#include "tests/unit/check.h"
#include "workloads/generator.h"

static struct length_catalog catalog;

static inline int set_up(void **state)
{
    (void)state;
    struct error error;
    return length_catalog_read(&catalog, "workloads/data/lengths.json", &error) ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    length_catalog_clear(&catalog);
    return 0;
}

/* All of them, to free(); the generator must then have no more. */
static inline struct trace_request *generate(struct generator_settings settings,
                                             struct trace_names *names)
{
    struct generator *generator = NULL;
    struct error error;
    if (!generator_create(&settings, &catalog, names, &generator, &error)) {
        fail_msg("%s", error.message);
    }
    struct trace_request *requests = memory_zeroed(settings.requests, sizeof requests[0]);
    for (uint32_t i = 0; i < settings.requests; i++) {
        assert_true(generator_next(generator, &requests[i]));
    }
    struct trace_request none;
    assert_false(generator_next(generator, &none));
    generator_destroy(generator);
    return requests;
}

static const struct generator_settings base = {
    .seed = 11,
    .requests = 40000,
    .arrivals = {.process = ARRIVAL_GAMMA, .rate_per_s = 2, .burstiness = 0.25},
    .token_budget = 8192,
    .model = "DeepSeek-R1-Distill-Qwen-7B",
    .datasets = "gsm8k:3,aime-2024:1"};

#endif
