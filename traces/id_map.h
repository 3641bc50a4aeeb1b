/* Numbers 64-bit keys from 0 on in order of appearance, so that ids of any size take memory by how
 * many there are. */
#ifndef TRACES_ID_MAP_H
#define TRACES_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

struct id_map {
    struct id_map_slot *slots; /* a power of two; a third stays empty */
    size_t capacity;
    uint32_t count;
};

/* The number of a key, new ones at the end. A zeroed map is empty; at most 2^32 - 2 keys. */
uint32_t id_map_number(struct id_map *map, uint64_t key);
/* The same for a text, by a 64-bit hash of it. */
uint32_t id_map_number_text(struct id_map *map, const char *text);
uint64_t id_map_hash(const char *text);
void id_map_clear(struct id_map *map);

#endif
