#include "sim/metrics/rate_window.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/units.h"

enum { FIRST_BIN_PS = 1000000000 /* 1 ms */ };

void rate_window_init(struct rate_window *window)
{
    *window = (struct rate_window){.bin_ps = FIRST_BIN_PS};
    window->bins = memory_zeroed(RATE_WINDOW_BINS, sizeof window->bins[0]);
}

void rate_window_clear(struct rate_window *window)
{
    free(window->bins);
    *window = (struct rate_window){.bin_ps = FIRST_BIN_PS};
}

static void add_bin(struct rate_bin *to, const struct rate_bin *from)
{
    to->sent += from->sent;
    to->rejected += from->rejected;
    to->started += from->started;
    to->finished += from->finished;
    to->good += from->good;
    to->output_tokens += from->output_tokens;
}

static void double_bins(struct rate_window *window)
{
    for (uint32_t i = 0; i < RATE_WINDOW_BINS / 2; i++) {
        struct rate_bin sum = window->bins[2 * i];
        add_bin(&sum, &window->bins[2 * i + 1]);
        window->bins[i] = sum;
    }
    memset(&window->bins[RATE_WINDOW_BINS / 2], 0, RATE_WINDOW_BINS / 2 * sizeof window->bins[0]);
    window->bin_ps *= 2;
    window->used = (window->used + 1) / 2;
}

static struct rate_bin *bin_at(struct rate_window *window, int64_t at_ps)
{
    assert(at_ps >= 0 && window->bins != NULL);
    while (at_ps / window->bin_ps >= RATE_WINDOW_BINS) {
        double_bins(window);
    }
    uint32_t index = (uint32_t)(at_ps / window->bin_ps);
    window->used = index >= window->used ? index + 1 : window->used;
    return &window->bins[index];
}

void rate_window_add_sent(struct rate_window *window, int64_t at_ps, bool is_rejected)
{
    struct rate_bin *bin = bin_at(window, at_ps);
    bin->sent++;
    bin->rejected += is_rejected;
    window->last_sent_ps = ps_max(window->last_sent_ps, at_ps);
}

void rate_window_add_started(struct rate_window *window, int64_t at_ps)
{
    bin_at(window, at_ps)->started++;
}

void rate_window_add_finished(struct rate_window *window, int64_t at_ps, uint32_t output_tokens,
                              bool is_good)
{
    struct rate_bin *bin = bin_at(window, at_ps);
    bin->finished++;
    bin->good += is_good;
    bin->output_tokens += output_tokens;
}

/* The share of bin 'index' before a moment. */
static double share_before(const struct rate_window *window, uint32_t index, int64_t at_ps)
{
    int64_t begin_ps = (int64_t)index * window->bin_ps;
    double share = (double)(at_ps - begin_ps) / (double)window->bin_ps;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

struct window_rates rate_window_between(const struct rate_window *window, int64_t from_ps,
                                        int64_t until_ps)
{
    double length_s = s_from_ps(until_ps - from_ps);
    struct window_rates rates = {.from_s = s_from_ps(from_ps), .until_s = s_from_ps(until_ps)};
    for (uint32_t i = 0; i < window->used; i++) {
        const struct rate_bin *bin = &window->bins[i];
        double before = share_before(window, i, from_ps);
        double inside = share_before(window, i, until_ps) - before;
        double waiting = (double)bin->sent - (double)bin->rejected - (double)bin->started;
        rates.waiting_until += (before + inside) * waiting;
        rates.offered_per_s += inside * (double)bin->sent;
        rates.started_per_s += inside * (double)bin->started;
        rates.served_per_s += inside * (double)bin->finished;
        rates.good_per_s += inside * (double)bin->good;
        rates.output_tokens_per_s += inside * (double)bin->output_tokens;
    }
    double divisor_s = length_s > 0 ? length_s : (double)NAN;
    rates.offered_per_s /= divisor_s;
    rates.started_per_s /= divisor_s;
    rates.served_per_s /= divisor_s;
    rates.good_per_s /= divisor_s;
    rates.output_tokens_per_s /= divisor_s;
    return rates;
}
