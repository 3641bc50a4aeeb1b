/* Seeded random streams. Each use of randomness has a stream of its own, named after the use, so
 * that drawing more in one place changes nothing in another. Variates are GSL's. */
#ifndef SIM_BASE_RANDOM_H
#define SIM_BASE_RANDOM_H

#include <stdint.h>

struct random_stream;

/* The stream 'name' of the run's seed; equal arguments give equal numbers. */
struct random_stream *random_create(uint64_t seed, const char *name);
void random_destroy(struct random_stream *stream);

double random_uniform(struct random_stream *stream); /* in (0, 1) */
double random_gamma(struct random_stream *stream, double shape, double scale);
double random_exponential(struct random_stream *stream, double mean);
uint32_t random_below(struct random_stream *stream, uint32_t limit); /* in [0, limit) */

/* Counter-based numbers: number 'counter' of the stream 'name', whatever was drawn before. */
uint64_t random_key(uint64_t seed, const char *name);
uint64_t random_bits_at(uint64_t key, uint64_t counter);
double random_uniform_at(uint64_t key, uint64_t counter); /* in (0, 1) */
double random_normal_at(uint64_t key, uint64_t counter);

#endif
