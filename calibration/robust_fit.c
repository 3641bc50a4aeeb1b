#include "calibration/robust_fit.h"

#include <gsl/gsl_multifit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "sim/base/memory.h"

#define HUBER_LIMIT 1.345 /* in robust standard deviations: 95 % efficient on normal errors */
enum { REWEIGHTINGS = 12 };

struct problem {
    const double *rows;
    const double *targets;
    size_t count;
    size_t columns;
    double *weights;
    double *coefficients;
    bool *is_free; /* columns that may be above zero */
};

/* Weighted least squares over the free columns, by GSL's singular value decomposition; the others
 * are zero. */
static void solve_free(struct problem *problem)
{
    size_t free_count = 0;
    for (size_t j = 0; j < problem->columns; j++) {
        free_count += problem->is_free[j];
        problem->coefficients[j] = 0;
    }
    if (free_count == 0) {
        return;
    }
    gsl_matrix *matrix = gsl_matrix_alloc(problem->count, free_count);
    gsl_vector *target = gsl_vector_alloc(problem->count);
    gsl_vector *weight = gsl_vector_alloc(problem->count);
    gsl_vector *solution = gsl_vector_alloc(free_count);
    gsl_matrix *covariance = gsl_matrix_alloc(free_count, free_count);
    gsl_multifit_linear_workspace *work = gsl_multifit_linear_alloc(problem->count, free_count);
    for (size_t i = 0; i < problem->count; i++) {
        size_t column = 0;
        for (size_t j = 0; j < problem->columns; j++) {
            if (problem->is_free[j]) {
                gsl_matrix_set(matrix, i, column++, problem->rows[i * problem->columns + j]);
            }
        }
        gsl_vector_set(target, i, problem->targets[i]);
        gsl_vector_set(weight, i, problem->weights[i]);
    }
    double chi_squared = 0;
    size_t rank = 0;
    gsl_multifit_wlinear_tsvd(matrix, weight, target, 1e-10, solution, covariance, &chi_squared,
                              &rank, work);
    size_t column = 0;
    for (size_t j = 0; j < problem->columns; j++) {
        if (problem->is_free[j]) {
            problem->coefficients[j] = gsl_vector_get(solution, column++);
        }
    }
    gsl_multifit_linear_free(work);
    gsl_matrix_free(covariance);
    gsl_vector_free(solution);
    gsl_vector_free(weight);
    gsl_vector_free(target);
    gsl_matrix_free(matrix);
}

static double residual(const struct problem *problem, size_t i)
{
    double sum = -problem->targets[i];
    for (size_t j = 0; j < problem->columns; j++) {
        sum += problem->rows[i * problem->columns + j] * problem->coefficients[j];
    }
    return sum;
}

/* Active set after Lawson and Hanson (Solving Least Squares Problems, 1974, chapter 23), begun
 * from the unconstrained solution: the most negative column leaves until none is negative. */
static void solve_nonnegative(struct problem *problem)
{
    for (size_t j = 0; j < problem->columns; j++) {
        problem->is_free[j] = true;
    }
    for (size_t round = 0; round <= problem->columns; round++) {
        solve_free(problem);
        size_t worst = problem->columns;
        for (size_t j = 0; j < problem->columns; j++) {
            if (problem->coefficients[j] < 0 &&
                (worst == problem->columns ||
                 problem->coefficients[j] < problem->coefficients[worst])) {
                worst = j;
            }
        }
        if (worst == problem->columns) {
            return;
        }
        problem->is_free[worst] = false;
    }
}

static void reweight(struct problem *problem, double *relative, double *sorted)
{
    for (size_t i = 0; i < problem->count; i++) {
        double difference = residual(problem, i);
        double scale = fmax(problem->targets[i], problem->targets[i] + difference);
        relative[i] = fabs(difference) / scale;
        sorted[i] = relative[i];
    }
    double deviation = 1.4826 * gsl_stats_median(sorted, 1, problem->count);
    double limit = HUBER_LIMIT * fmax(deviation, 1e-5);
    for (size_t i = 0; i < problem->count; i++) {
        double scale = fmax(problem->targets[i], problem->targets[i] + residual(problem, i));
        double weight = relative[i] <= limit ? 1 : limit / relative[i];
        problem->weights[i] = weight / (scale * scale);
    }
}

void robust_fit(const double *rows, const double *targets, size_t count, size_t columns,
                double *ret_coefficients)
{
    struct problem problem = {.rows = rows,
                              .targets = targets,
                              .count = count,
                              .columns = columns,
                              .coefficients = ret_coefficients};
    problem.weights = memory_zeroed(count, sizeof problem.weights[0]);
    problem.is_free = memory_zeroed(columns, sizeof problem.is_free[0]);
    double *relative = memory_zeroed(2 * count, sizeof relative[0]);
    for (size_t i = 0; i < count; i++) {
        problem.weights[i] = 1 / (targets[i] * targets[i]);
    }
    for (int round = 0; round < REWEIGHTINGS; round++) {
        solve_nonnegative(&problem);
        reweight(&problem, relative, relative + count);
    }
    free(relative);
    free(problem.is_free);
    free(problem.weights);
}

double robust_median(double *values, size_t count)
{
    gsl_sort(values, 1, count);
    return count > 0 ? gsl_stats_median_from_sorted_data(values, 1, count) : NAN;
}

double robust_deviation(double *values, size_t count)
{
    const double median_to_deviation =
        1.4826; /* of a normal distribution: 1 / its 75th percentile */
    for (size_t i = 0; i < count; i++) {
        values[i] = fabs(values[i]);
    }
    return count > 0 ? median_to_deviation * robust_median(values, count) : 0;
}
