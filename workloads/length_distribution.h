/* One distribution of token counts: read from JSON, asked for quantiles and shares, drawn from. */
#ifndef WORKLOADS_LENGTH_DISTRIBUTION_H
#define WORKLOADS_LENGTH_DISTRIBUTION_H

#include <stdint.h>

#include "sim/base/error.h"
#include "sim/base/json.h"
#include "sim/base/random.h"

enum { LENGTH_MAX_POINTS = 64, LENGTH_MAX_PARTS = 4 };

enum length_family {
    LENGTH_CONSTANT,
    LENGTH_LOGNORMAL,
    LENGTH_GAMMA,
    LENGTH_WEIBULL,
    LENGTH_QUANTILES,  /* linear between given quantiles */
    LENGTH_LOGNORMALS, /* several lognormals, each with a share */
};

struct length_distribution {
    enum length_family family;
    double a;     /* constant: tokens; lognormal: mu; gamma, Weibull: shape */
    double b;     /* lognormal: sigma; gamma, Weibull: scale */
    double lower; /* truncated to [lower, upper] */
    double upper;
    uint32_t points;
    double probabilities[LENGTH_MAX_POINTS]; /* lognormals: slopes of the next */
    double tokens[LENGTH_MAX_POINTS];        /* lognormals: logarithms at scores */
};

/* Reads {"distribution": "lognormal", "median": ..., "sigma": ...} and its like; see
 * workloads/README.md. */
MUST_CHECK bool length_distribution_read(struct length_distribution *length,
                                         const struct json *object, const char *place,
                                         struct error *error);

/* The quantile at 'uniform', as a whole number of tokens, at least 1. */
uint32_t length_distribution_at(const struct length_distribution *length, double uniform);
/* The share of lengths up to 'tokens'. */
double length_distribution_share(const struct length_distribution *length, double tokens);
/* Drawn by one uniform number. */
uint32_t length_distribution_draw(const struct length_distribution *length,
                                  struct random_stream *random);

#endif
