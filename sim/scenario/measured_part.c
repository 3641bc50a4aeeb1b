#include "sim/scenario/measured_part.h"

#include <assert.h>
#include <math.h>

#include "sim/base/units.h"

/* Clients that wait for answers are in full swing at once. */
static double default_from_s(const struct scenario *scenario, const struct run_summary *summary,
                             double sending_s)
{
    bool is_open = scenario->workload.client.kind == CLIENT_OPEN;
    return is_open && summary->latency.e2e_s.count > 0
               ? fmin(summary->latency.e2e_s.p90, sending_s / 2)
               : 0;
}

struct measured_figures measured_part_of(const struct scenario *scenario,
                                         const struct simulation *simulation,
                                         const struct run_summary *summary)
{
    const struct scenario_metrics *metrics = &scenario->metrics;
    const struct rate_window *rates = simulation_rates(simulation);
    double end_s = s_from_ps(simulation_now_ps(simulation));
    double sending_s = s_from_ps(rates->last_sent_ps);
    bool fills = scenario->workload.client.kind != CLIENT_BATCH && sending_s > 0;
    double from_s = metrics->warm_up_s >= 0 ? metrics->warm_up_s
                    : fills                 ? default_from_s(scenario, summary, sending_s)
                                            : 0;
    double until_s = metrics->measure_s > 0 ? from_s + metrics->measure_s
                     : fills                ? sending_s
                                            : end_s;
    until_s = fmax(from_s, fmin(until_s, end_s));
    assert(from_s >= 0 && until_s >= from_s);
    int64_t until_ps = ps_from_s(until_s);
    struct window_rates all = rate_window_between(rates, ps_from_s(from_s), until_ps);
    struct window_rates later =
        rate_window_between(rates, ps_from_s((from_s + until_s) / 2), until_ps);
    return (struct measured_figures){
        .from_s = from_s,
        .until_s = until_s,
        .offered_per_s = all.offered_per_s,
        .started_per_s = all.started_per_s,
        .requests_per_s = all.served_per_s,
        .output_tokens_per_s = all.output_tokens_per_s,
        .goodput_per_s = all.good_per_s,
        .waiting_until = all.waiting_until,
        .queue_growth_per_s = later.offered_per_s - later.started_per_s,
    };
}

bool measured_part_is_settled(const struct measured_figures *measured)
{
    return !(measured->requests_per_s < 0.9 * measured->started_per_s);
}

bool measured_part_is_overloaded(const struct measured_figures *measured)
{
    enum { FEW_WAITING = 20 };
    return measured->waiting_until > FEW_WAITING &&
           measured->queue_growth_per_s > 0.05 * measured->offered_per_s;
}
