/* Which sizes of a step without a graph have been launched.
 *
 * cuBLAS picks a kernel by the number of tokens, and what it does at the first use of one waits for
 * the GPU. Sizes are taken in steps of 16 tokens: a new step of 16 is what tells launches that are
 * held up from others best, in both traces of 7B (tests/accuracy/new_sizes.py). */
#ifndef SIM_PRICING_LAUNCHED_SIZES_H
#define SIM_PRICING_LAUNCHED_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero: none. */
struct launched_sizes {
    uint64_t *words;
    size_t word_count;
};

/* True when no step of about so many tokens had been added. */
bool launched_sizes_add(struct launched_sizes *sizes, uint32_t tokens);
void launched_sizes_add_all(struct launched_sizes *sizes, const struct launched_sizes *others);
void launched_sizes_clear(struct launched_sizes *sizes);

#endif
