#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json_lines.h"
#include "sim/base/memory.h"
#include "sim/base/units.h"
#include "traces/import.h"

enum { BLOCK_TOKENS = 512, MAX_BLOCKS = 4096, MAX_TOKENS = 1 << 30 };

/* A block of prompt, known by its number in the trace, which stands for all before it too. */
struct block {
    uint32_t parent;    /* or NONE */
    uint32_t followers; /* different blocks seen right behind it */
};

#define NONE UINT32_MAX

struct blocks {
    struct block *blocks;
    uint32_t count;
    size_t capacity;
};

static struct block *block_of(struct blocks *blocks, uint32_t id)
{
    if (id >= blocks->count) {
        blocks->blocks = memory_grow(blocks->blocks, &blocks->capacity, (size_t)id + 1,
                                     sizeof blocks->blocks[0]);
        for (uint32_t i = blocks->count; i <= id; i++) {
            blocks->blocks[i] = (struct block){.parent = NONE};
        }
        blocks->count = id + 1;
    }
    return &blocks->blocks[id];
}

/* The numbers of a request's blocks. */
static bool read_chain(const struct json_lines *lines, const struct json *object, uint32_t *ids,
                       uint32_t *ret_count, struct error *error)
{
    const struct json *item = json_first(json_find(object, "hash_ids"));
    *ret_count = 0;
    for (; item != NULL; item = json_next(item)) {
        double id = 0;
        if (*ret_count == MAX_BLOCKS) {
            return error_set(error, "%s:%llu: 'hash_ids' must be at most %d numbers", lines->path,
                             (unsigned long long)lines->line, MAX_BLOCKS);
        }
        if (!json_number(item, &id) || id < 0 || id >= MAX_TOKENS || id != floor(id)) {
            return error_set(error, "%s:%llu: 'hash_ids' must be whole numbers", lines->path,
                             (unsigned long long)lines->line);
        }
        ids[(*ret_count)++] = (uint32_t)id;
    }
    return true;
}

/* First reading: which block follows which. */
static void learn(struct blocks *blocks, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct block *block = block_of(blocks, ids[i]);
        if (block->parent == NONE && i > 0 && block->followers == 0) {
            block->parent = ids[i - 1];
            block_of(blocks, ids[i - 1])->followers++;
        }
    }
}

/* Second reading. Our traces know one common beginning and then a conversation: the beginning goes
 * up to the first block behind which prompts part, the conversation is named by the block after it.
 */
static void share(struct blocks *blocks, const uint32_t *ids, uint32_t count,
                  struct trace_request *request)
{
    uint32_t common = 0;
    while (common < count && block_of(blocks, ids[common])->followers <= 1) {
        common++;
    }
    if (common < count) { /* prompts part behind this block */
        request->prefix_id = 1 + ids[common];
        request->prefix_tokens = (common + 1) * BLOCK_TOKENS;
        request->conversation_id = common + 1 < count ? 1 + ids[common + 1] : 0;
    } else if (count > 0) { /* nobody parts from it: it may go on */
        request->conversation_id = 1 + ids[0];
    }
    if (request->prefix_tokens > request->prompt_tokens) {
        request->prefix_tokens = request->prompt_tokens;
    }
    assert((request->prefix_id == 0) == (common == count));
}

static bool read_request(const struct json_lines *lines, const struct json *object,
                         struct trace_request *request, struct error *error)
{
    double at_ms = 0;
    double input = 0;
    double output = 0;
    if (!json_lines_number(lines, object, "timestamp", 1000 * MAX_TIME_S, &at_ms, error) ||
        !json_lines_number(lines, object, "input_length", MAX_TOKENS, &input, error) ||
        !json_lines_number(lines, object, "output_length", MAX_TOKENS, &output, error)) {
        return false;
    }
    request->arrival_s = at_ms / 1000;
    request->prompt_tokens = (uint32_t)input;
    request->output_tokens = (uint32_t)output;
    return true;
}

static bool read_once(const struct import_settings *settings, struct blocks *blocks,
                      struct import_requests *requests, struct error *error)
{
    struct json_lines lines;
    struct json *object = NULL;
    uint32_t *ids = memory_zeroed(MAX_BLOCKS, sizeof ids[0]);
    bool ok = json_lines_open(&lines, settings->path, error);
    while (ok && (ok = json_lines_next(&lines, &object, error)) && object != NULL) {
        struct trace_request request = {0};
        uint32_t count = 0;
        ok = read_chain(&lines, object, ids, &count, error) &&
             read_request(&lines, object, &request, error);
        json_destroy(object);
        if (ok && requests == NULL) {
            learn(blocks, ids, count);
        } else if (ok) {
            share(blocks, ids, count, &request);
            import_add(requests, settings, &request);
        }
    }
    json_lines_close(&lines);
    free(ids);
    return ok;
}

bool import_mooncake(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error)
{
    struct blocks blocks = {NULL, 0, 0};
    uint32_t name = 0;
    bool ok = trace_names_add(&requests->names, "mooncake", &name, error) &&
              read_once(settings, &blocks, NULL, error) &&
              read_once(settings, &blocks, requests, error);
    free(blocks.blocks);
    return ok;
}
