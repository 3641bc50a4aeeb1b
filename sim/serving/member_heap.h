/* Members of a decode group by when something happens to them. */
#ifndef SIM_SERVING_MEMBER_HEAP_H
#define SIM_SERVING_MEMBER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a member stands: a verification is under way, and no earlier one. */
struct draft_progress {
    uint32_t known_tokens;
    uint32_t held_blocks;
    uint32_t verification;
    uint32_t
        room_tokens; /* known tokens up to which it goes on without more blocks; 0: not known */
};

/* A member and the step count of the decode group at which something happens to it. */
struct decode_group_member {
    uint64_t due;
    uint64_t joined; /* step count when it joined */
    uint32_t request;
    bool goes_on;                 /* when due it is planned further and stays (speculation) */
    struct draft_progress at_due; /* speculation: where it stands then */
};

/* All zero: empty. */
struct member_heap {
    struct decode_group_member *members; /* the one due first on top */
    uint32_t count;
    size_t capacity;
};

void member_heap_clear(struct member_heap *heap);
void member_heap_push(struct member_heap *heap, struct decode_group_member member);
/* Takes out the one due first; there must be one. */
struct decode_group_member member_heap_pop(struct member_heap *heap);
/* Takes out the member of a request; false when it is not there. */
bool member_heap_remove(struct member_heap *heap, uint32_t request,
                        struct decode_group_member *ret_member);

#endif
