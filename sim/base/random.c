#include "sim/base/random.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <stdlib.h>

#include "sim/base/memory.h"

struct random_stream {
    gsl_rng *rng;
};

/* The finalizer of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014). */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

/* FNV-1a over the name, mixed with the seed. */
uint64_t random_key(uint64_t seed, const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    }
    return mix(seed + hash * UINT64_C(0x9E3779B97F4A7C15));
}

uint64_t random_bits_at(uint64_t key, uint64_t counter)
{
    return mix(key + (counter + 1) * UINT64_C(0x9E3779B97F4A7C15));
}

double random_uniform_at(uint64_t key, uint64_t counter)
{
    return ((double)(random_bits_at(key, counter) >> 11) + 0.5) * 0x1p-53;
}

double random_normal_at(uint64_t key, uint64_t counter)
{
    return gsl_cdf_ugaussian_Pinv(random_uniform_at(key, counter));
}

struct random_stream *random_create(uint64_t seed, const char *name)
{
    struct random_stream *stream = memory_zeroed(1, sizeof *stream);
    stream->rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(stream->rng, (unsigned long)random_key(seed, name));
    return stream;
}

void random_destroy(struct random_stream *stream)
{
    if (stream != NULL) {
        gsl_rng_free(stream->rng);
        free(stream);
    }
}

double random_uniform(struct random_stream *stream)
{
    return gsl_rng_uniform_pos(stream->rng);
}

double random_gamma(struct random_stream *stream, double shape, double scale)
{
    return gsl_ran_gamma(stream->rng, shape, scale);
}

double random_exponential(struct random_stream *stream, double mean)
{
    return gsl_ran_exponential(stream->rng, mean);
}

uint32_t random_below(struct random_stream *stream, uint32_t limit)
{
    return (uint32_t)gsl_rng_uniform_int(stream->rng, limit);
}
