/* SGLang's PrefillAdder (schedule_policy.py): which prompts a step takes, how much of the last. */
#ifndef SIM_ENGINES_SGLANG_ADDER_H
#define SIM_ENGINES_SGLANG_ADDER_H

#include "sim/engines/sglang_state.h"

/* Tokens a request will still produce and tokens it holds. */
struct ending {
    double left;
    uint32_t held;
};

/* What is left while prompts are added to a step. */
struct sglang_adder {
    struct instance *instance;
    struct batch *batch;
    double reserved; /* for what runs */
    double charged;  /* for what was added */
    int64_t current_charged;
    int64_t input_left;
    int64_t chunk_left;
    uint32_t mixed_decodes;
    uint32_t added;
    struct ending *endings; /* soonest first, where outputs are as long as asked */
    uint32_t ending_count;
    size_t ending_capacity;
};

enum sglang_verdict { SGLANG_CONTINUE, SGLANG_NO_TOKEN, SGLANG_OTHER };

/* For a step that is formed now, beside what runs; to be cleared. */
struct sglang_adder sglang_adder_make(struct instance *instance, struct batch *batch);
void sglang_adder_clear(struct sglang_adder *adder);

/* add_chunked_req: the rest of a prompt, with no look at memory. */
void sglang_adder_continue(struct sglang_adder *adder);

/* add_one_req. */
enum sglang_verdict sglang_adder_add(struct sglang_adder *adder, uint32_t request);

#endif
