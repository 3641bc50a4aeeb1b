#include "sim/pricing/launched_sizes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

enum { STEP_TOKENS = 16, WORD_BITS = 64 };

static void grow(struct launched_sizes *sizes, size_t word_count)
{
    size_t before = sizes->word_count;
    if (word_count > before) {
        sizes->words =
            memory_grow(sizes->words, &sizes->word_count, word_count, sizeof sizes->words[0]);
        memset(&sizes->words[before], 0, (sizes->word_count - before) * sizeof sizes->words[0]);
    }
}

bool launched_sizes_add(struct launched_sizes *sizes, uint32_t tokens)
{
    uint32_t size = (tokens + STEP_TOKENS - 1) / STEP_TOKENS;
    size_t word = size / WORD_BITS;
    uint64_t bit = (uint64_t)1 << size % WORD_BITS;
    grow(sizes, word + 1);
    assert(word < sizes->word_count);
    bool is_new = (sizes->words[word] & bit) == 0;
    sizes->words[word] |= bit;
    return is_new;
}

void launched_sizes_add_all(struct launched_sizes *sizes, const struct launched_sizes *others)
{
    grow(sizes, others->word_count);
    assert(sizes->word_count >= others->word_count);
    for (size_t i = 0; i < others->word_count; i++) {
        sizes->words[i] |= others->words[i];
    }
}

void launched_sizes_clear(struct launched_sizes *sizes)
{
    free(sizes->words);
    *sizes = (struct launched_sizes){NULL, 0};
}
