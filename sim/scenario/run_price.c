#include "sim/scenario/run_price.h"

#include <assert.h>
#include <math.h>

#include "sim/scenario/measured_part.h"

static double ratio(double value, double of)
{
    return of > 0 ? value / of : (double)NAN;
}

static double known(double usd_per_hour)
{
    return usd_per_hour > 0 ? usd_per_hour : (double)NAN;
}

/* What all GPUs cost in an hour; NAN where a price is not known. */
static void add_hourly_prices(const struct deployment *deployment, struct run_price *price)
{
    double low = 0;
    double high = 0;
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        const struct deployment *part = deployment_of_group(deployment, g);
        double gpus = (double)deployment->groups[g].count * part->tensor_parallel;
        low += gpus * known(part->gpu.price_low_usd_per_hour);
        high += gpus * known(part->gpu.price_high_usd_per_hour);
    }
    double hours_a_month = 730;
    price->usd_per_gpu_hour_low = low / price->gpus;
    price->usd_per_gpu_hour_high = high / price->gpus;
    price->usd_per_hour = (low + high) / 2;
    price->usd_per_month_low = hours_a_month * low;
    price->usd_per_month_high = hours_a_month * high;
}

/* Adds up the GPUs' time: of each instance the whole run, or while it was on. */
static void add_paid_time(const struct deployment *deployment, const struct simulation *simulation,
                          double makespan_s, struct run_price *price)
{
    uint32_t number = 0;
    price->usd_low = 0;
    price->usd_high = 0;
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        const struct deployment *part = deployment_of_group(deployment, g);
        for (uint32_t i = 0; i < deployment->groups[g].count; i++, number++) {
            double on_s = simulation != NULL ? simulation_paid_s(simulation, number) : makespan_s;
            double gpu_s = part->tensor_parallel * on_s;
            price->gpu_s += gpu_s;
            price->usd_low += gpu_s / 3600 * known(part->gpu.price_low_usd_per_hour);
            price->usd_high += gpu_s / 3600 * known(part->gpu.price_high_usd_per_hour);
        }
    }
}

struct run_price run_price_of(const struct deployment *deployment,
                              const struct simulation *simulation,
                              const struct run_summary *summary)
{
    double millions = (double)summary->tokens.output / 1e6;
    double right = (double)summary->requests.correct;
    struct run_price price = {.gpus = deployment_gpus(deployment)};
    assert(price.gpus > 0 && summary->makespan_s >= 0);
    assert(summary->requests.correct <= summary->requests.graded);
    add_hourly_prices(deployment, &price);
    add_paid_time(deployment, simulation, summary->makespan_s, &price);
    price.usd_per_million_tokens_low = ratio(price.usd_low, millions);
    price.usd_per_million_tokens_high = ratio(price.usd_high, millions);
    price.usd_per_right_answer_low = ratio(price.usd_low, right);
    price.usd_per_right_answer_high = ratio(price.usd_high, right);
    price.right_per_gpu_s = summary->requests.graded > 0 ? ratio(right, price.gpu_s) : (double)NAN;
    return price;
}

struct run_summary run_price_summarize(const struct finished_run *run)
{
    bool scales = run->scenario->fleet.scaling.rule != SCALING_OFF;
    struct run_summary summary = simulation_summarize(run->simulation);
    summary.measured = measured_part_of(run->scenario, run->simulation, &summary);
    summary.price = run_price_of(run->deployment, scales ? run->simulation : NULL, &summary);
    return summary;
}
