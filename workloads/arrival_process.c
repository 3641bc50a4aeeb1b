#include "workloads/arrival_process.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

#define MIN_WINDOW_S 0.1
/* The same bounds as those of the settings 'rate_per_s' and 'burstiness'. */
#define MIN_RATE_PER_S 1e-6
#define MAX_RATE_PER_S 1e6
#define MIN_BURSTINESS 1e-3
#define MAX_BURSTINESS 1e6
/* Below, nearly all gaps would be 0 and the rest longer than any run. */
#define MIN_WEIBULL_SHAPE 0.1

const struct setting_choice arrival_processes[] = {
    {"gamma", ARRIVAL_GAMMA, "gamma gaps: mean 1/rate, shape burstiness"},
    {"poisson", ARRIVAL_POISSON, "exponential gaps: mean 1/rate"},
    {"weibull", ARRIVAL_WEIBULL, "Weibull gaps: mean 1/rate, shape burstiness"},
    {"windows", ARRIVAL_WINDOWS, "gamma gaps whose rate and burstiness change over time"},
    {"constant", ARRIVAL_CONSTANT, "equal gaps of 1/rate"},
    {"all-at-once", ARRIVAL_ALL_AT_ONCE, "all requests arrive at time 0"},
    {.name = NULL},
};

static bool parse_window(char *fields, struct arrival_window *window, double *ret_s)
{
    const char *first = strsep(&fields, ":");
    const char *second = fields != NULL ? strsep(&fields, ":") : NULL;
    return second != NULL && fields != NULL && text_to_double(first, ret_s) &&
           *ret_s >= MIN_WINDOW_S && text_to_double(second, &window->rate_per_s) &&
           window->rate_per_s >= 0 && window->rate_per_s <= MAX_RATE_PER_S &&
           text_to_double(fields, &window->burstiness) && window->burstiness >= MIN_BURSTINESS &&
           window->burstiness <= MAX_BURSTINESS;
}

/* Requests that hardly ever arrive are not waited for. */
static bool check_windows(const struct arrival_process *arrivals, struct error *error)
{
    double requests = 0;
    double from_s = 0;
    for (uint32_t i = 0; i < arrivals->window_count; i++) {
        const struct arrival_window *window = &arrivals->windows[i];
        requests += (window->until_s - from_s) * window->rate_per_s / arrivals->share;
        from_s = window->until_s;
    }
    return requests / from_s >= MIN_RATE_PER_S ||
           error_set(error,
                     "workload.windows: expected a mean rate of at least %g requests/s, got %g",
                     MIN_RATE_PER_S, requests / from_s);
}

static bool parse_windows(struct arrival_process *arrivals, const char *text, struct error *error)
{
    double until_s = 0;
    bool ok = true;
    bool any = false;
    char *copy = memory_copy_text(text);
    char *rest = copy;
    for (char *part = strsep(&rest, ","); ok && part != NULL; part = strsep(&rest, ",")) {
        struct arrival_window window;
        double seconds = 0;
        ok = arrivals->window_count < ARRIVAL_MAX_WINDOWS && parse_window(part, &window, &seconds);
        if (ok) {
            until_s += seconds;
            window.until_s = until_s;
            window.rate_per_s *= arrivals->share;
            any = any || window.rate_per_s > 0;
            arrivals->windows[arrivals->window_count++] = window;
        }
    }
    free(copy);
    if (ok && any) {
        return check_windows(arrivals, error);
    }
    return error_set(error,
                     "workload.windows: expected at most %d SECONDS:RATE:BURSTINESS, from 0.1 s on "
                     "(a rate may be 0, but not all of them), got '%s'",
                     ARRIVAL_MAX_WINDOWS, text);
}

/* The next arrival: gaps are drawn by the window they begin in, anew where it ends. */
static double next_in_windows_s(const struct arrival_process *arrivals,
                                struct random_stream *random, double now_s)
{
    uint32_t last = arrivals->window_count - 1;
    double cycle_s = arrivals->windows[last].until_s;
    for (;;) {
        double cycles_s = floor(now_s / cycle_s) * cycle_s;
        uint32_t i = 0;
        while (i < last && now_s >= cycles_s + arrivals->windows[i].until_s) {
            i++;
        }
        const struct arrival_window *window = &arrivals->windows[i];
        double end_s = cycles_s + window->until_s;
        if (window->rate_per_s > 0) {
            double scale_s = 1 / window->rate_per_s / window->burstiness;
            double at_s = now_s + random_gamma(random, window->burstiness, scale_s);
            if (at_s < end_s) {
                return at_s;
            }
        }
        now_s = end_s > now_s ? end_s : nextafter(now_s, INFINITY);
        if (now_s > MAX_TIME_S) {
            return now_s; /* later than there can be: whoever asks refuses it */
        }
    }
}

static double draw_gap_s(const struct arrival_process *arrivals, struct random_stream *random)
{
    const struct arrival_settings *settings = &arrivals->settings;
    double mean_s = 1 / (settings->rate_per_s * arrivals->share);
    double shape = settings->burstiness;
    switch (settings->process) {
    case ARRIVAL_WEIBULL:
        return mean_s / tgamma(1 + 1 / shape) * pow(-log(random_uniform(random)), 1 / shape);
    case ARRIVAL_WINDOWS:
        return next_in_windows_s(arrivals, random, arrivals->now_s) - arrivals->now_s;
    case ARRIVAL_GAMMA:
        return random_gamma(random, shape, mean_s / shape);
    case ARRIVAL_POISSON:
        return random_exponential(random, mean_s);
    case ARRIVAL_CONSTANT:
        return mean_s;
    case ARRIVAL_ALL_AT_ONCE:
        return 0;
    }
    return 0;
}

bool arrival_process_init(struct arrival_process *arrivals, const struct arrival_settings *settings,
                          uint32_t group, struct error *error)
{
    assert(group >= 1);
    memset(arrivals, 0, sizeof *arrivals);
    arrivals->settings = *settings;
    arrivals->share = 1.0 / group;
    if (settings->process == ARRIVAL_WEIBULL && settings->burstiness < MIN_WEIBULL_SHAPE) {
        return error_set(error,
                         "workload.burstiness: with 'weibull' expected at least %g (gaps that vary "
                         "%.0f times as much as their mean), got %g",
                         MIN_WEIBULL_SHAPE, 429.0, settings->burstiness);
    }
    return settings->process != ARRIVAL_WINDOWS ||
           parse_windows(arrivals, settings->windows, error);
}

double arrival_process_next_s(struct arrival_process *arrivals, struct random_stream *random)
{
    double gap_s = draw_gap_s(arrivals, random);
    assert(gap_s >= 0);
    arrivals->now_s += gap_s;
    return arrivals->now_s;
}
