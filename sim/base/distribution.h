/* Distribution families by their quantile functions, so that one uniform number makes one draw and
 * truncation is exact. GSL computes them. */
#ifndef SIM_BASE_DISTRIBUTION_H
#define SIM_BASE_DISTRIBUTION_H

enum distribution_family {
    DISTRIBUTION_LOGNORMAL, /* a = mu, b = sigma, of the logarithm */
    DISTRIBUTION_GAMMA,     /* a = shape, b = scale */
    DISTRIBUTION_WEIBULL,   /* a = shape, b = scale */
};

/* The value that a share 'probability' (0 to 1, exclusive) does not exceed. */
double distribution_quantile(enum distribution_family family, double a, double b,
                             double probability);
/* The share of values that do not exceed 'value'. */
double distribution_cumulative(enum distribution_family family, double a, double b, double value);

/* The standard normal's quantile and share. */
double distribution_normal_quantile(double probability);
double distribution_normal_cumulative(double value);

#endif
