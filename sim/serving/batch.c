#include "sim/serving/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void batch_init(struct batch *batch)
{
    memset(batch, 0, sizeof *batch);
}

void batch_clear(struct batch *batch)
{
    free(batch->entries);
    free(batch->preempted);
    memset(batch, 0, sizeof *batch);
}

void batch_reset(struct batch *batch)
{
    batch->count = 0;
    batch->preempted_count = 0;
    batch->is_taken = false;
    batch->late_slots = 0;
    memset(&batch->summary, 0, sizeof batch->summary);
    memset(&batch->drafts, 0, sizeof batch->drafts);
}

void batch_reserve(struct batch *batch, uint32_t count)
{
    batch->entries = memory_grow(batch->entries, &batch->capacity, count, sizeof batch->entries[0]);
}

void batch_add_preempted(struct batch *batch, uint32_t request)
{
    batch->preempted = memory_grow(batch->preempted, &batch->preempted_capacity,
                                   batch->preempted_count + 1, sizeof batch->preempted[0]);
    batch->preempted[batch->preempted_count++] = request;
}

uint32_t batch_drop(struct batch *batch, uint32_t request)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (batch->entries[i].request == request) {
            uint32_t tokens = batch->entries[i].tokens;
            memmove(&batch->entries[i], &batch->entries[i + 1],
                    (batch->count - i - 1) * sizeof batch->entries[0]);
            batch->count--;
            return tokens;
        }
    }
    return 0;
}

void batch_summarize(struct batch *batch)
{
    struct batch_summary *sum = &batch->summary;
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        assert(entry->accepted == 0 || entry->drafts == 0 || entry->accepted <= entry->drafts);
        if (entry->drafts > 0) {
            batch->drafts.verifications++;
            batch->drafts.accepted += entry->accepted;
            batch->drafts.context_tokens += entry->computed_before;
        }
        if (entry->tokens == 1 + entry->drafts) {
            sum->decode_requests++;
            sum->draft_tokens += entry->drafts;
            sum->decode_context_tokens += entry->computed_before;
            sum->decode_context_squares +=
                (uint64_t)entry->computed_before * entry->computed_before;
        } else {
            uint64_t tokens = entry->tokens - entry->cached;
            uint64_t before = (uint64_t)entry->computed_before + entry->cached;
            sum->prefill_requests++;
            sum->prefill_tokens += (uint32_t)tokens;
            sum->prefill_context_tokens += before;
            sum->prefill_attention_pairs_x2 += tokens * (2 * before + tokens);
        }
    }
}
