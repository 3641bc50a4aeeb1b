/* How many steps a second one core simulates, step by step, by batch size. Not a test: it asserts
 * nothing. Usage: meson test -C build --benchmark, or run it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/base/memory.h"
#include "sim/policy/fcfs.h"
#include "sim/serving/simulation.h"
#include "sim/serving/vllm_v1.h"

static double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(void)
{
    enum { STEPS = 300000 };
    struct step_cost cost;
    struct error error;
    if (!step_cost_read(&cost, "calibration/qwen7b-bf16.json", &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%8s %14s %18s %12s\n", "batch", "steps/s", "output tokens/s", "ns/token");
    for (uint32_t batch = 1; batch <= 256; batch *= 2) {
        struct request *requests = memory_zeroed(batch, sizeof requests[0]);
        for (uint32_t i = 0; i < batch; i++) {
            requests[i] = (struct request){
                .prompt_tokens = 100, .output_tokens = STEPS, .max_output_tokens = STEPS};
        }
        struct simulation_settings settings = {.preset = &engine_preset_vllm_0_24,
                                               .policy = &policy_fcfs,
                                               .cost = &cost,
                                               .engine = {.max_batch_tokens = 2048,
                                                          .max_batch_requests = 256,
                                                          .max_model_len = 10000000,
                                                          .block_tokens = 16,
                                                          .num_blocks = 100000000,
                                                          .reserve_full_prompt = true,
                                                          .chunked_prefill = true,
                                                          .async_scheduling = true},
                                               .client = {.kind = CLIENT_OPEN}};
        double started = monotonic_s();
        struct simulation *simulation = simulation_create(&settings, requests, batch);
        simulation_run(simulation);
        double took = monotonic_s() - started;
        printf("%8u %14.0f %18.0f %12.2f\n", batch, STEPS / took, STEPS / took * batch,
               took / STEPS / batch * 1e9);
        simulation_destroy(simulation);
        free(requests);
    }
    return 0;
}
