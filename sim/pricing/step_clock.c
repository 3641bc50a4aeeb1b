#include "sim/pricing/step_clock.h"

#include "sim/base/units.h"

/* How long a launch is held up. Seen in every run in bf16, on one GPU and two, and in none with
 * quantized weights (tests/accuracy/new_sizes.py): at the first step with about so many tokens, the
 * launch gets to its first product, in about the time it takes to launch a graph, and waits there
 * until the step before it has ended. */
static int64_t wait_ps(struct step_clock *clock, const struct step_cost *cost,
                       const struct batch_summary *summary, int64_t launch_starts_ps)
{
    bool waits = clock->new_sizes_wait && summary->cuda_graph == CUDA_GRAPH_NONE &&
                 launched_sizes_add(&clock->launched_sizes, summary->padded_tokens);
    int64_t first_product_ps = launch_starts_ps + cost->host.launch_ps[CUDA_GRAPH_FULL];
    return waits ? ps_max(0, clock->gpu_free_ps - first_product_ps) : 0;
}

void step_clock_launch(struct step_clock *clock, const struct step_cost *cost,
                       const struct batch_summary *summary, struct step_price price, int64_t now_ps)
{
    int64_t launch_starts_ps =
        cost->host.launch_blocks_loop ? now_ps : ps_max(now_ps, clock->launch_done_ps);
    int64_t launched_ps =
        launch_starts_ps + wait_ps(clock, cost, summary, launch_starts_ps) + price.launch_ps;
    bool full_graph = summary->cuda_graph == CUDA_GRAPH_FULL;
    int64_t started_ps = ps_max(clock->gpu_free_ps, full_graph ? launched_ps : now_ps);
    clock->launch_done_ps = launched_ps;
    clock->gpu_free_ps = ps_max(started_ps + price.gpu_ps, launched_ps + cost->host.launch_tail_ps);
}

void step_clock_clear(struct step_clock *clock)
{
    launched_sizes_clear(&clock->launched_sizes);
}
