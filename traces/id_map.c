#include "traces/id_map.h"

#include <assert.h>
#include <stdlib.h>

#include "sim/base/memory.h"

struct id_map_slot {
    uint64_t key;
    uint32_t number; /* plus one; 0: the slot is empty */
};

/* Spreads keys that count up or share their low bits (the finalizer of MurmurHash3). */
static uint64_t mix(uint64_t key)
{
    key = (key ^ (key >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ (key >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ (key >> 33);
}

/* The slot that holds the key, or the empty one where it belongs. */
static struct id_map_slot *find(const struct id_map *map, uint64_t key)
{
    size_t at = (size_t)mix(key) & (map->capacity - 1);
    while (map->slots[at].number != 0 && map->slots[at].key != key) {
        at = (at + 1) & (map->capacity - 1);
    }
    return &map->slots[at];
}

static void grow(struct id_map *map)
{
    struct id_map old = *map;
    map->capacity = old.capacity > 0 ? 2 * old.capacity : 64;
    map->slots = memory_zeroed(map->capacity, sizeof map->slots[0]);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].number != 0) {
            *find(map, old.slots[i].key) = old.slots[i];
        }
    }
    free(old.slots);
}

uint32_t id_map_number(struct id_map *map, uint64_t key)
{
    assert(map->count < UINT32_MAX - 1);
    if (3 * ((size_t)map->count + 1) > 2 * map->capacity) {
        grow(map);
    }
    struct id_map_slot *slot = find(map, key);
    if (slot->number == 0) {
        *slot = (struct id_map_slot){.key = key, .number = ++map->count};
    }
    return slot->number - 1;
}

uint64_t id_map_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

uint32_t id_map_number_text(struct id_map *map, const char *text)
{
    return id_map_number(map, id_map_hash(text));
}

void id_map_clear(struct id_map *map)
{
    free(map->slots);
    *map = (struct id_map){.slots = NULL};
}
