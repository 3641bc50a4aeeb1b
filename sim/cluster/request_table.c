#include "sim/cluster/request_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/serving/request.h"

void request_table_clear(struct request_table *table)
{
    free(table->requests);
    free(table->vacant);
    memset(table, 0, sizeof *table);
}

uint32_t request_table_take(struct request_table *table)
{
    if (table->vacant_count > 0) {
        return table->vacant[--table->vacant_count];
    }
    uint32_t place = table->count++;
    table->requests =
        memory_grow(table->requests, &table->capacity, table->count, sizeof table->requests[0]);
    return place;
}

void request_table_give_back(struct request_table *table, uint32_t place)
{
    assert(place < table->count && table->vacant_count < table->count);
    table->vacant = memory_grow(table->vacant, &table->vacant_capacity, table->vacant_count + 1,
                                sizeof table->vacant[0]);
    table->vacant[table->vacant_count++] = place;
}
