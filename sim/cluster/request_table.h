/* The requests alive. The others are forgotten and their places used again, so that a run needs
 * memory for those in the system only. */
#ifndef SIM_CLUSTER_REQUEST_TABLE_H
#define SIM_CLUSTER_REQUEST_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct request;

/* All zero: empty. */
struct request_table {
    struct request *requests;
    size_t capacity;
    uint32_t count; /* places so far, in use or vacant */
    uint32_t *vacant;
    uint32_t vacant_count;
    size_t vacant_capacity;
};

void request_table_clear(struct request_table *table);

/* A place to use; the requests may have moved if 'count' has grown. */
uint32_t request_table_take(struct request_table *table);
void request_table_give_back(struct request_table *table, uint32_t place);

#endif
