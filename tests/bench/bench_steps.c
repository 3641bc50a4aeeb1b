/* How many steps a second one core simulates, walked one by one and taken in stretches, by batch
 * size. Not a test: it asserts nothing. Usage: meson test -C build --benchmark, or run it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/base/memory.h"
#include "sim/cluster/simulation.h"
#include "sim/engines/vllm_v1.h"
#include "sim/policy/fcfs.h"
#include "sim/pricing/step_cost_file.h"

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

enum { STEPS = 300000 };

/* Seconds for 'batch' requests of STEPS output tokens, all at once. */
static double run_s(const struct step_cost *cost, uint32_t batch, bool stepwise)
{
    struct request *requests = memory_zeroed(batch, sizeof requests[0]);
    for (uint32_t i = 0; i < batch; i++) {
        requests[i] = (struct request){
            .ask.prompt_tokens = 100, .truth.output_tokens = STEPS, .ask.max_output_tokens = STEPS};
    }
    struct instance_config config = {.preset = &engine_preset_vllm_0_24,
                                     .policy = &policy_fcfs,
                                     .cost = cost,
                                     .engine = {.max_batch_tokens = 2048,
                                                .max_batch_requests = 256,
                                                .max_model_len = 10000000,
                                                .block_tokens = 16,
                                                .num_blocks = 100000000,
                                                .reserve_full_prompt = true,
                                                .chunked_prefill = true,
                                                .async_scheduling = true}};
    struct instance_group group = {&config, 1, INSTANCE_BOTH, {0}};
    struct simulation_settings settings = {
        .groups = &group, .group_count = 1, .client = {.kind = CLIENT_OPEN}, .stepwise = stepwise};
    double started = monotonic_s();
    struct simulation *simulation = simulation_create(&settings, requests, batch);
    simulation_run(simulation);
    double took = monotonic_s() - started;
    simulation_destroy(simulation);
    free(requests);
    return took;
}

int main(void)
{
    struct step_cost cost;
    struct error error;
    if (!step_cost_read(&cost, "calibration/qwen7b-bf16.json", &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%8s %18s %18s %20s\n", "batch", "walked, steps/s", "taken, steps/s", "taken, tokens/s");
    for (uint32_t batch = 1; batch <= 256; batch *= 2) {
        double walked_s = run_s(&cost, batch, true);
        double taken_s = run_s(&cost, batch, false);
        printf("%8u %18.0f %18.0f %20.0f\n", batch, STEPS / walked_s, STEPS / taken_s,
               STEPS / taken_s * batch);
    }
    return 0;
}
