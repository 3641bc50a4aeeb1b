/* The requests of one step. */
#ifndef SIM_SERVING_BATCH_H
#define SIM_SERVING_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/pricing/batch_summary.h"

struct batch_entry {
    uint32_t request;
    uint32_t tokens;
    uint32_t cached; /* of 'tokens', found in the cache: no work */
    uint32_t computed_before;
    uint32_t drafts;   /* of 'tokens' */
    uint32_t accepted; /* of 'drafts' */
    bool is_prompt;    /* where an engine tells prompts of one token from decodes */
    bool samples;      /* an output token comes out, and one for each accepted draft */
};

/* Sums over the requests of a step that verify drafts, members of the decode group included. */
struct draft_sums {
    uint32_t verifications;
    uint32_t accepted;
    uint64_t context_tokens; /* computed before */
};

/* Members of the decode group are in the summary, not among the entries (decode_group.h). */
struct batch {
    struct batch_entry *entries;
    uint32_t count;
    size_t capacity;
    uint32_t *preempted; /* by the scheduling pass of this step */
    uint32_t preempted_count;
    size_t preempted_capacity;
    uint32_t late_slots; /* of requests that have ended meanwhile, freed with its output */
    bool is_taken;       /* its tokens are known, though its ends were not looked at */
    struct batch_summary summary;
    struct draft_sums drafts;
    int64_t end_ps; /* when its output is at hand */
};

void batch_init(struct batch *batch);
void batch_clear(struct batch *batch);
void batch_reset(struct batch *batch);                   /* empties it, keeping its memory */
void batch_reserve(struct batch *batch, uint32_t count); /* room for so many entries */
static inline void batch_add(struct batch *batch, struct batch_entry entry)
{
    if (batch->count == batch->capacity) {
        batch_reserve(batch, batch->count + 1);
    }
    batch->entries[batch->count++] = entry;
}
void batch_add_preempted(struct batch *batch, uint32_t request);
/* Takes the request out again; returns the tokens it was to run, 0 when it was not in. */
uint32_t batch_drop(struct batch *batch, uint32_t request);
/* Adds the entries to the summary. */
void batch_summarize(struct batch *batch);

static inline bool batch_is_empty(const struct batch *batch)
{
    return batch_summary_tokens(&batch->summary) == 0;
}

#endif
