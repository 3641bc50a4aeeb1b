#include "workloads/length_distribution.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/distribution.h"
#include "sim/base/text.h"

#define MAX_TOKENS 1e6
/* Mixtures are tabulated at equal steps of the normal score, from -MAX_SCORE to MAX_SCORE. */
#define MAX_SCORE 4.5

static bool number_in(const struct json *object, const char *place, const char *name,
                      double minimum, double *value, struct error *error)
{
    double number = 0;
    const struct json *item = json_find(object, name);
    if (item == NULL || !json_number(item, &number) || number < minimum || number > MAX_TOKENS) {
        return error_set(error, "%s: '%s' must be a number from %g to %g", place, name, minimum,
                         MAX_TOKENS);
    }
    *value = number;
    return true;
}

static bool read_quantiles(struct length_distribution *length, const struct json *object,
                           const char *place, struct error *error)
{
    const struct json *item = json_first(json_find(object, "tokens"));
    for (; item != NULL; item = json_next(item)) {
        length->points++;
    }
    if (length->points < 2 || length->points > LENGTH_MAX_POINTS) {
        return error_set(error, "%s: 'tokens' must be an array of 2 to %d numbers", place,
                         LENGTH_MAX_POINTS);
    }
    if (!json_numbers(object, place, "tokens", length->tokens, length->points, error) ||
        !json_numbers(object, place, "probabilities", length->probabilities, length->points,
                      error)) {
        return false;
    }
    for (uint32_t i = 0; i < length->points; i++) {
        bool rises = i == 0 || (length->probabilities[i] > length->probabilities[i - 1] &&
                                length->tokens[i] >= length->tokens[i - 1]);
        if (!rises || length->tokens[i] < 1 || length->tokens[i] > MAX_TOKENS) {
            return error_set(error, "%s: 'probabilities' and 'tokens' must rise, tokens from 1 on",
                             place);
        }
    }
    if (length->probabilities[0] != 0 || length->probabilities[length->points - 1] != 1) {
        return error_set(error, "%s: 'probabilities' must go from 0 to 1", place);
    }
    return true;
}

struct lognormal_part {
    double share;
    double mu;
    double sigma;
};

struct lognormal_mixture {
    struct lognormal_part parts[LENGTH_MAX_PARTS];
    uint32_t count;
};

/* The share of lengths up to a logarithm of tokens, and its slope. */
static double mixture_share(const struct lognormal_mixture *mixture, double at, double *ret_slope)
{
    double share = 0;
    *ret_slope = 0;
    for (uint32_t i = 0; i < mixture->count; i++) {
        const struct lognormal_part *part = &mixture->parts[i];
        double z = (at - part->mu) / part->sigma;
        share += part->share * distribution_normal_cumulative(z);
        *ret_slope += part->share * exp(-z * z / 2) / (part->sigma * sqrt(2 * M_PI));
    }
    return share;
}

/* The logarithm at which the mixture's share is 'wanted', no lower than 'low': Newton's steps, kept
 * within a shrinking bracket. */
static double mixture_quantile(const struct lognormal_mixture *mixture, double low, double wanted)
{
    double high = log(MAX_TOKENS) + 1;
    double at = low;
    for (int i = 0; i < 60; i++) {
        double slope = 0;
        double off = mixture_share(mixture, at, &slope) - wanted;
        if (fabs(off) < 1e-12) {
            break;
        }
        if (off > 0) {
            high = at;
        } else {
            low = at;
        }
        double next = slope > 0 ? at - off / slope : high;
        if (next <= low || next >= high) {
            next = (low + high) / 2;
        }
        if (fabs(next - at) < 1e-9) {
            break;
        }
        at = next;
    }
    return at;
}

static double score_at(uint32_t point)
{
    return MAX_SCORE * (2.0 * point / (LENGTH_MAX_POINTS - 1) - 1);
}

/* Logarithms of tokens at equal steps of the normal score, and their slopes a step, no steeper than
 * keeps the curve between two points from falling. The mixture is truncated before. */
static void tabulate(struct length_distribution *length, const struct lognormal_mixture *mixture)
{
    assert(mixture->count > 0 && length->lower >= 1 && length->lower <= length->upper);
    const double step = 2 * MAX_SCORE / (LENGTH_MAX_POINTS - 1);
    double slope = 0;
    double low = log(length->lower - 0.5);
    double below = mixture_share(mixture, low, &slope);
    double above = mixture_share(mixture, log(length->upper + 0.5), &slope);
    length->points = LENGTH_MAX_POINTS;
    for (uint32_t i = 0; i < length->points; i++) {
        double score = score_at(i);
        double share = below + distribution_normal_cumulative(score) * (above - below);
        low = mixture_quantile(mixture, low, share);
        mixture_share(mixture, low, &slope);
        length->tokens[i] = low;
        length->probabilities[i] =
            step * (above - below) * exp(-score * score / 2) / sqrt(2 * M_PI) / slope;
    }
    for (uint32_t i = 0; i < length->points; i++) {
        double before = i > 0 ? length->tokens[i] - length->tokens[i - 1] : INFINITY;
        double after =
            i + 1 < length->points ? length->tokens[i + 1] - length->tokens[i] : INFINITY;
        length->probabilities[i] = fmin(length->probabilities[i], 3 * fmin(before, after));
    }
}

static bool read_lognormals(struct length_distribution *length, const struct json *object,
                            const char *place, struct error *error)
{
    struct lognormal_mixture mixture = {.count = 0};
    double shares[LENGTH_MAX_PARTS];
    double medians[LENGTH_MAX_PARTS];
    double sigmas[LENGTH_MAX_PARTS];
    double total = 0;
    const struct json *item = json_first(json_find(object, "shares"));
    for (; item != NULL; item = json_next(item)) {
        mixture.count++;
    }
    if (mixture.count == 0 || mixture.count > LENGTH_MAX_PARTS) {
        return error_set(error, "%s: 'shares' must be an array of 1 to %d numbers", place,
                         LENGTH_MAX_PARTS);
    }
    if (!json_numbers(object, place, "shares", shares, mixture.count, error) ||
        !json_numbers(object, place, "medians", medians, mixture.count, error) ||
        !json_numbers(object, place, "sigmas", sigmas, mixture.count, error)) {
        return false;
    }
    for (uint32_t i = 0; i < mixture.count; i++) {
        bool holds = shares[i] > 0 && medians[i] >= 1 && medians[i] <= MAX_TOKENS &&
                     sigmas[i] >= 0.01 && sigmas[i] <= 10;
        if (!holds) {
            return error_set(error,
                             "%s: 'shares' must be above 0, 'medians' from 1 to %g, 'sigmas' from "
                             "0.01 to 10",
                             place, MAX_TOKENS);
        }
        total += shares[i];
        mixture.parts[i] = (struct lognormal_part){shares[i], log(medians[i]), sigmas[i]};
    }
    for (uint32_t i = 0; i < mixture.count; i++) {
        mixture.parts[i].share /= total;
    }
    if (fabs(total - 1) > 1e-3) {
        return error_set(error, "%s: 'shares' must add up to 1, got %g", place, total);
    }
    tabulate(length, &mixture);
    return true;
}

static bool read_parameters(struct length_distribution *length, const char *a, const char *b,
                            const struct json *object, const char *place, struct error *error)
{
    if (!number_in(object, place, a, 1e-6, &length->a, error) ||
        (b != NULL && !number_in(object, place, b, 1e-6, &length->b, error))) {
        return false;
    }
    if (length->family == LENGTH_LOGNORMAL) {
        length->a = log(length->a);
    }
    return true;
}

static bool read_family(struct length_distribution *length, const char *family,
                        const struct json *object, const char *place, struct error *error)
{
    static const struct {
        const char *name;
        enum length_family family;
        const char *a;
        const char *b;
    } families[] = {{"constant", LENGTH_CONSTANT, "tokens", NULL},
                    {"lognormal", LENGTH_LOGNORMAL, "median", "sigma"},
                    {"gamma", LENGTH_GAMMA, "shape", "scale"},
                    {"weibull", LENGTH_WEIBULL, "shape", "scale"},
                    {"quantiles", LENGTH_QUANTILES, NULL, NULL},
                    {"lognormals", LENGTH_LOGNORMALS, NULL, NULL}};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (!text_equal(families[i].name, family)) {
            continue;
        }
        length->family = families[i].family;
        if (length->family == LENGTH_QUANTILES) {
            return read_quantiles(length, object, place, error);
        }
        if (length->family == LENGTH_LOGNORMALS) {
            return read_lognormals(length, object, place, error);
        }
        return read_parameters(length, families[i].a, families[i].b, object, place, error);
    }
    return error_set(error,
                     "%s: 'distribution' must be one of constant, lognormal, lognormals, gamma, "
                     "weibull, quantiles, got '%s'",
                     place, family);
}

bool length_distribution_read(struct length_distribution *length, const struct json *object,
                              const char *place, struct error *error)
{
    static const char *const known[] = {
        "distribution", "tokens", "median",        "sigma",  "shape",   "scale",  "lower",
        "upper",        "source", "probabilities", "shares", "medians", "sigmas", NULL};
    struct length_distribution read = {.lower = 1, .upper = MAX_TOKENS};
    const struct json *name = json_find(object, "distribution");
    if (name == NULL || json_text(name) == NULL) {
        return error_set(error, "%s: 'distribution' must be a text", place);
    }
    if (!json_check_keys(object, place, known, error) ||
        (json_find(object, "lower") != NULL &&
         !number_in(object, place, "lower", 1, &read.lower, error)) ||
        (json_find(object, "upper") != NULL &&
         !number_in(object, place, "upper", read.lower, &read.upper, error)) ||
        !read_family(&read, json_text(name), object, place, error)) {
        return false;
    }
    *length = read;
    return true;
}

static double interpolate(const struct length_distribution *length, double probability)
{
    assert(length->points >= 2);
    uint32_t right = 1;
    while (right + 1 < length->points && probability > length->probabilities[right]) {
        right++;
    }
    double span = length->probabilities[right] - length->probabilities[right - 1];
    double share = (probability - length->probabilities[right - 1]) / span;
    return length->tokens[right - 1] + share * (length->tokens[right] - length->tokens[right - 1]);
}

/* Between two points a cubic with their slopes. */
static double look_up(const struct length_distribution *length, double score)
{
    assert(length->points == LENGTH_MAX_POINTS);
    uint32_t last = length->points - 1;
    double position = fmin(fmax((score / MAX_SCORE + 1) / 2, 0), 1) * last;
    uint32_t left = (uint32_t)fmin(floor(position), last - 1);
    double t = position - left;
    double rise = length->tokens[left + 1] - length->tokens[left];
    double from = length->probabilities[left];
    double to = length->probabilities[left + 1];
    return exp(length->tokens[left] +
               t * (from + t * (3 * rise - 2 * from - to + t * (from + to - 2 * rise))));
}

static double draw(const struct length_distribution *length, double uniform)
{
    static const enum distribution_family families[] = {
        [LENGTH_LOGNORMAL] = DISTRIBUTION_LOGNORMAL,
        [LENGTH_GAMMA] = DISTRIBUTION_GAMMA,
        [LENGTH_WEIBULL] = DISTRIBUTION_WEIBULL,
    };
    if (length->family == LENGTH_CONSTANT) {
        return length->a;
    }
    if (length->family == LENGTH_QUANTILES) {
        return interpolate(length, uniform);
    }
    if (length->family == LENGTH_LOGNORMALS) {
        return look_up(length, distribution_normal_quantile(uniform));
    }
    enum distribution_family family = families[length->family];
    double below = distribution_cumulative(family, length->a, length->b, length->lower - 0.5);
    double above = distribution_cumulative(family, length->a, length->b, length->upper + 0.5);
    return distribution_quantile(family, length->a, length->b, below + uniform * (above - below));
}

uint32_t length_distribution_at(const struct length_distribution *length, double uniform)
{
    assert(uniform >= 0 && uniform <= 1);
    double tokens = round(draw(length, uniform));
    return (uint32_t)fmax(fmax(1, length->lower), fmin(tokens, length->upper));
}

/* By bisection: quantiles rise. */
double length_distribution_share(const struct length_distribution *length, double tokens)
{
    double low = 0;
    double high = 1;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (length_distribution_at(length, middle) <= tokens) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (low + high) / 2;
}

uint32_t length_distribution_draw(const struct length_distribution *length,
                                  struct random_stream *random)
{
    return length_distribution_at(length, random_uniform(random));
}
