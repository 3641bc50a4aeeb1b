#include "sim/serving/member_heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"

void member_heap_clear(struct member_heap *heap)
{
    free(heap->members);
    memset(heap, 0, sizeof *heap);
}

/* Fills the hole at 'slot' with the member, moving what stands in its way. */
static void fill(struct member_heap *heap, uint32_t slot, struct decode_group_member member)
{
    struct decode_group_member *members = heap->members;
    assert(slot < heap->count);
    while (slot > 0 && member.due < members[(slot - 1) / 2].due) {
        members[slot] = members[(slot - 1) / 2];
        slot = (slot - 1) / 2;
    }
    for (uint32_t child = 2 * slot + 1; child < heap->count; child = 2 * slot + 1) {
        if (child + 1 < heap->count && members[child + 1].due < members[child].due) {
            child++;
        }
        if (member.due <= members[child].due) {
            break;
        }
        members[slot] = members[child];
        slot = child;
    }
    members[slot] = member;
}

void member_heap_push(struct member_heap *heap, struct decode_group_member member)
{
    if (heap->count == heap->capacity) {
        heap->members = memory_grow(heap->members, &heap->capacity, (size_t)heap->count + 1,
                                    sizeof heap->members[0]);
    }
    heap->count++;
    fill(heap, heap->count - 1, member);
}

struct decode_group_member member_heap_pop(struct member_heap *heap)
{
    assert(heap->count > 0);
    struct decode_group_member first = heap->members[0];
    struct decode_group_member last = heap->members[--heap->count];
    if (heap->count > 0) {
        fill(heap, 0, last);
    }
    return first;
}

bool member_heap_remove(struct member_heap *heap, uint32_t request,
                        struct decode_group_member *ret_member)
{
    uint32_t slot = 0;
    while (slot < heap->count && heap->members[slot].request != request) {
        slot++;
    }
    if (slot == heap->count) {
        return false;
    }
    *ret_member = heap->members[slot];
    struct decode_group_member last = heap->members[--heap->count];
    if (slot < heap->count) {
        fill(heap, slot, last);
    }
    return true;
}
