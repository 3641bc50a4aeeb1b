#include "sim/pricing/all_reduce.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"

#define TABLES_FILE "sim/pricing/data/all-reduces.json"

static bool rises(const double *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!(values[i] > 0) || (i > 0 && values[i] <= values[i - 1])) {
            return false;
        }
    }
    return true;
}

static bool read_table(struct all_reduce_table *table, const struct json *item, const char *place,
                       struct error *error)
{
    const struct json *peer = json_find(item, "peer_access");
    const struct json *gpus = json_find(item, "gpus");
    const struct json *link_item = json_find(item, "link");
    const char *link = link_item != NULL ? json_text(link_item) : NULL;
    const char *access = peer != NULL ? json_text(peer) : NULL;
    double degree = 0;
    table->points = json_child_count(json_find(item, "bytes"));
    if (access == NULL || !text_copy(table->peer_access, sizeof table->peer_access, access) ||
        link == NULL || !text_copy(table->link, sizeof table->link, link) || gpus == NULL ||
        !json_number(gpus, &degree) || degree < 2 || degree > 1024) {
        return error_set(error, "%s: expected 'peer_access', 'link' and 'gpus' of at least 2",
                         place);
    }
    if (table->points < 2 || table->points > ALL_REDUCE_MAX_POINTS) {
        return error_set(error, "%s: 'bytes' must hold 2 to %d numbers, found %u", place,
                         ALL_REDUCE_MAX_POINTS, table->points);
    }
    table->gpus = (uint32_t)degree;
    if (!json_numbers(item, place, "bytes", table->bytes, table->points, error) ||
        !json_numbers(item, place, "us", table->us, table->points, error)) {
        return false;
    }
    bool positive = true;
    for (uint32_t i = 0; i < table->points; i++) {
        positive = positive && table->us[i] > 0;
    }
    return (positive && rises(table->bytes, table->points)) ||
           error_set(error, "%s: 'bytes' must rise and 'us' be above 0", place);
}

bool all_reduce_tables_read(struct all_reduce_tables *tables, struct error *error)
{
    struct json *document = NULL;
    *tables = (struct all_reduce_tables){NULL, 0, 0};
    if (!embedded_read_json(TABLES_FILE, &document, error)) {
        return false;
    }
    const struct json *array = json_find(document, "tables");
    const struct json *share = json_find(document, "wire_share");
    uint32_t count = json_child_count(array);
    bool ok =
        (share != NULL && json_number(share, &tables->wire_share) && tables->wire_share > 0) ||
        error_set(error, "%s: 'wire_share' must be a number above 0", TABLES_FILE);
    ok = ok && (count > 0 || error_set(error, "%s: 'tables' must not be empty", TABLES_FILE));
    tables->tables = memory_zeroed(count > 0 ? count : 1, sizeof tables->tables[0]);
    for (const struct json *item = json_first(array); ok && item != NULL; item = json_next(item)) {
        char place[96];
        snprintf(place, sizeof place, "%s: 'tables[%u]'", TABLES_FILE, tables->count);
        ok = read_table(&tables->tables[tables->count++], item, place, error);
    }
    json_destroy(document);
    if (!ok) {
        all_reduce_tables_clear(tables);
    }
    assert(!ok || tables->count == count);
    return ok;
}

void all_reduce_tables_clear(struct all_reduce_tables *tables)
{
    free(tables->tables);
    *tables = (struct all_reduce_tables){NULL, 0, 0};
}

/* Straight lines between the logarithms, extended beyond the last; level below the first. */
static double look_up(const struct all_reduce_table *table, double bytes)
{
    assert(table->points >= 2);
    uint32_t right = 1;
    if (bytes <= table->bytes[0]) {
        return table->us[0];
    }
    while (right + 1 < table->points && bytes > table->bytes[right]) {
        right++;
    }
    double slope = log(table->us[right] / table->us[right - 1]) /
                   log(table->bytes[right] / table->bytes[right - 1]);
    return table->us[right] * pow(bytes / table->bytes[right], slope);
}

/* NULL where no table reaches peers in that way. */
static const struct all_reduce_table *find(const struct all_reduce_tables *tables,
                                           const char *peer_access, const char *link, uint32_t gpus)
{
    const struct all_reduce_table *found = NULL;
    for (uint32_t i = 0; i < tables->count; i++) {
        const struct all_reduce_table *table = &tables->tables[i];
        bool is_like =
            text_equal(table->peer_access, peer_access) && text_starts_with(link, table->link);
        if (is_like && (found == NULL || found->gpus < gpus)) {
            found = table;
        }
    }
    return found;
}

static const struct all_reduce_table *choose(const struct all_reduce_tables *tables,
                                             const struct gpu *gpu, uint32_t gpus)
{
    const struct all_reduce_table *table = find(tables, gpu->peer_access, gpu->link, gpus);
    for (uint32_t i = 0; i < tables->count && table == NULL; i++) {
        if (text_equal(tables->tables[i].peer_access, gpu->peer_access)) {
            table = find(tables, gpu->peer_access, tables->tables[i].link, gpus);
        }
    }
    table = table != NULL ? table : find(tables, GPU_PEER_NONE, "", gpus);
    return table != NULL ? table : &tables->tables[0];
}

double all_reduce_us(const struct all_reduce_tables *tables, const struct gpu *gpu, uint32_t gpus,
                     double bytes)
{
    assert(bytes >= 0);
    assert(tables->count > 0);
    if (gpus <= 1) {
        return 0;
    }
    double us = look_up(choose(tables, gpu, gpus), bytes);
    if (text_equal(gpu->peer_access, GPU_PEER_PCIE) && gpu->pcie_gb_per_s > 0) {
        double wire_bytes = 2.0 * (gpus - 1) / gpus * bytes;
        us = fmax(us, wire_bytes / (tables->wire_share * gpu->pcie_gb_per_s) / 1000);
    }
    assert(us > 0);
    return us;
}
