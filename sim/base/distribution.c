#include "sim/base/distribution.h"

#include <gsl/gsl_cdf.h>

double distribution_quantile(enum distribution_family family, double a, double b,
                             double probability)
{
    switch (family) {
    case DISTRIBUTION_LOGNORMAL:
        return gsl_cdf_lognormal_Pinv(probability, a, b);
    case DISTRIBUTION_GAMMA:
        return gsl_cdf_gamma_Pinv(probability, a, b);
    case DISTRIBUTION_WEIBULL:
        return gsl_cdf_weibull_Pinv(probability, b, a);
    }
    return 0;
}

double distribution_cumulative(enum distribution_family family, double a, double b, double value)
{
    if (value <= 0) {
        return 0;
    }
    switch (family) {
    case DISTRIBUTION_LOGNORMAL:
        return gsl_cdf_lognormal_P(value, a, b);
    case DISTRIBUTION_GAMMA:
        return gsl_cdf_gamma_P(value, a, b);
    case DISTRIBUTION_WEIBULL:
        return gsl_cdf_weibull_P(value, b, a);
    }
    return 0;
}

double distribution_normal_quantile(double probability)
{
    return gsl_cdf_ugaussian_Pinv(probability);
}

double distribution_normal_cumulative(double value)
{
    return gsl_cdf_ugaussian_P(value);
}
