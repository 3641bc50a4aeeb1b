#include "sim/scenario/run_price.h"

#include <assert.h>
#include <math.h>

#include "sim/scenario/measured_part.h"

static double ratio(double value, double of)
{
    return of > 0 ? value / of : (double)NAN;
}

/* What all GPUs cost in an hour; NAN where a price is not known. */
static void add_hourly_prices(const struct deployment *deployment, struct run_price *price)
{
    double low = 0;
    double high = 0;
    for (uint32_t g = 0; g < deployment->group_count; g++) {
        const struct deployment *part = deployment_of_group(deployment, g);
        const struct gpu *gpu = &part->gpu;
        double gpus = (double)deployment->groups[g].count * part->tensor_parallel;
        low += gpu->price_low_usd_per_hour > 0 ? gpus * gpu->price_low_usd_per_hour : (double)NAN;
        high +=
            gpu->price_high_usd_per_hour > 0 ? gpus * gpu->price_high_usd_per_hour : (double)NAN;
    }
    double hours_a_month = 730;
    price->usd_per_gpu_hour_low = low / price->gpus;
    price->usd_per_gpu_hour_high = high / price->gpus;
    price->usd_per_hour = (low + high) / 2;
    price->usd_per_month_low = hours_a_month * low;
    price->usd_per_month_high = hours_a_month * high;
}

struct run_price run_price_of(const struct deployment *deployment,
                              const struct run_summary *summary)
{
    double millions = (double)summary->tokens.output / 1e6;
    double right = (double)summary->requests.correct;
    struct run_price price = {.gpus = deployment_gpus(deployment)};
    assert(price.gpus > 0 && summary->makespan_s >= 0);
    assert(summary->requests.correct <= summary->requests.graded);
    add_hourly_prices(deployment, &price);
    price.gpu_s = price.gpus * summary->makespan_s;
    price.usd_low = price.gpu_s / 3600 * price.usd_per_gpu_hour_low;
    price.usd_high = price.gpu_s / 3600 * price.usd_per_gpu_hour_high;
    price.usd_per_million_tokens_low = ratio(price.usd_low, millions);
    price.usd_per_million_tokens_high = ratio(price.usd_high, millions);
    price.usd_per_right_answer_low = ratio(price.usd_low, right);
    price.usd_per_right_answer_high = ratio(price.usd_high, right);
    price.right_per_gpu_s = summary->requests.graded > 0 ? ratio(right, price.gpu_s) : (double)NAN;
    return price;
}

struct run_summary run_price_summarize(const struct finished_run *run)
{
    struct run_summary summary = simulation_summarize(run->simulation);
    summary.measured = measured_part_of(run->scenario, run->simulation, &summary);
    summary.price = run_price_of(run->deployment, &summary);
    return summary;
}
