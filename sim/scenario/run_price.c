#include "sim/scenario/run_price.h"

#include <assert.h>
#include <math.h>

#include "sim/scenario/measured_part.h"

static double ratio(double value, double of)
{
    return of > 0 ? value / of : (double)NAN;
}

struct run_price run_price_of(const struct deployment *deployment,
                              const struct run_summary *summary)
{
    const struct gpu *gpu = &deployment->gpu;
    double millions = (double)summary->tokens.output / 1e6;
    double right = (double)summary->requests.correct;
    struct run_price price = {.gpus = deployment_gpus(deployment)};
    assert(price.gpus > 0 && summary->makespan_s >= 0);
    assert(summary->requests.correct <= summary->requests.graded);
    price.gpu_s = price.gpus * summary->makespan_s;
    price.usd_low = gpu->price_low_usd_per_hour > 0
                        ? price.gpu_s / 3600 * gpu->price_low_usd_per_hour
                        : (double)NAN;
    price.usd_high = gpu->price_high_usd_per_hour > 0
                         ? price.gpu_s / 3600 * gpu->price_high_usd_per_hour
                         : (double)NAN;
    price.usd_per_million_tokens_low = ratio(price.usd_low, millions);
    price.usd_per_million_tokens_high = ratio(price.usd_high, millions);
    price.usd_per_right_answer_low = ratio(price.usd_low, right);
    price.usd_per_right_answer_high = ratio(price.usd_high, right);
    price.right_per_gpu_s = summary->requests.graded > 0 ? ratio(right, price.gpu_s) : (double)NAN;
    double hours = 730;
    price.usd_per_gpu_hour_low =
        gpu->price_low_usd_per_hour > 0 ? gpu->price_low_usd_per_hour : (double)NAN;
    price.usd_per_gpu_hour_high =
        gpu->price_high_usd_per_hour > 0 ? gpu->price_high_usd_per_hour : (double)NAN;
    price.usd_per_month_low = hours * price.gpus * price.usd_per_gpu_hour_low;
    price.usd_per_month_high = hours * price.gpus * price.usd_per_gpu_hour_high;
    price.usd_per_hour =
        gpu->price_low_usd_per_hour > 0 && gpu->price_high_usd_per_hour > 0
            ? price.gpus * (gpu->price_low_usd_per_hour + gpu->price_high_usd_per_hour) / 2
            : (double)NAN;
    return price;
}

struct run_summary run_price_summarize(const struct finished_run *run)
{
    struct run_summary summary = simulation_summarize(run->simulation);
    summary.measured = measured_part_of(run->scenario, run->simulation, &summary);
    summary.price = run_price_of(run->deployment, &summary);
    return summary;
}
