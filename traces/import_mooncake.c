/* Mooncake's JSON Lines, and what others made of the format: Qwen's Bailian traces, AIPerf's and
 * Dynamo's sessions. Prompts are described by hashes of blocks, each standing for all before it
 * too; the file is read twice, first to learn which block follows which. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json_lines.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "traces/id_map.h"
#include "traces/import.h"

enum { MAX_BLOCKS = 1 << 20, MAX_TOKENS = 1 << 30, BLOCK_SIZES = 9 };

static const uint32_t block_sizes[BLOCK_SIZES] = {512, 16, 64, 128, 256, 32, 1024, 48, 8};

/* A block of prompt. */
struct block {
    uint32_t parent;    /* or NONE */
    uint32_t followers; /* different blocks seen right behind it */
};

#define NONE UINT32_MAX

struct mooncake {
    const struct import_settings *settings;
    struct id_map ids; /* of hashes and sessions */
    struct block *blocks;
    uint32_t count;
    size_t capacity;
    uint32_t *chain; /* the blocks of the row at hand */
    uint32_t chain_length;
    size_t chain_capacity;
    enum time_unit unit;
    uint32_t block_tokens;
    uint64_t chains;               /* rows with hashes */
    uint64_t misfits[BLOCK_SIZES]; /* of them, those that the size does not fit */
    double *session_starts_s;      /* by number in 'ids' */
    size_t session_capacity;
};

/* A row as it stands. */
struct row {
    double at; /* in the file's unit; NAN: none */
    double delay;
    double input;
    double output;
    const char *session; /* or NULL */
};

static struct block *block_of(struct mooncake *reader, uint32_t id)
{
    if (id >= reader->count) {
        reader->blocks = memory_grow(reader->blocks, &reader->capacity, (size_t)id + 1,
                                     sizeof reader->blocks[0]);
        for (uint32_t i = reader->count; i <= id; i++) {
            reader->blocks[i] = (struct block){.parent = NONE};
        }
        reader->count = id + 1;
    }
    return &reader->blocks[id];
}

static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        at += *at == '\\' && at[1] != '\0';
    }
    return *at == '"' ? at + 1 : at;
}

/* Where the value of a member of the outermost object begins in the text; NULL without it. */
static const char *find_member(const char *text, const char *name)
{
    size_t length = strlen(name);
    int depth = 0;
    for (const char *at = text; *at != '\0';) {
        if (*at == '"') {
            const char *end = skip_string(at);
            bool same = depth == 1 && (size_t)(end - at) == length + 2 &&
                        strncmp(at + 1, name, length) == 0;
            at = end + strspn(end, " \t\r\n");
            if (same && *at == ':') {
                at++;
                return at + strspn(at, " \t\r\n");
            }
            continue;
        }
        depth += *at == '{' || *at == '[';
        depth -= *at == '}' || *at == ']';
        at++;
    }
    return NULL;
}

/* One hash: a whole number of 64 bits, or a text. Read from the line itself, as numbers of JSON
 * libraries hold 53 bits only. */
static bool read_hash(const char **at, uint64_t *ret_hash)
{
    if (**at == '"') {
        const char *end = skip_string(*at);
        char *text = strndup(*at, (size_t)(end - *at));
        *ret_hash = id_map_hash(text);
        free(text);
        *at = end;
        return true;
    }
    char *end = NULL;
    errno = 0;
    if (**at == '-') {
        *ret_hash = (uint64_t)strtoll(*at, &end, 10);
    } else {
        *ret_hash = strtoull(*at, &end, 10);
    }
    bool ok =
        end != *at && errno == 0 && (*end == ',' || *end == ']' || isspace((unsigned char)*end));
    *at = end;
    return ok;
}

/* The row's blocks, numbered by appearance. */
static bool read_chain(struct mooncake *reader, const struct json_lines *lines,
                       const struct json *object, struct error *error)
{
    const struct json *item = json_find(object, "hash_ids");
    const char *at = item != NULL ? find_member(lines->text, "hash_ids") : NULL;
    reader->chain_length = 0;
    if (item == NULL || text_equal(json_type(item), "null")) {
        return true;
    }
    bool ok = json_is_array(item) && at != NULL && *at == '[';
    for (at += ok; ok;) {
        uint64_t hash = 0;
        at += strspn(at, " \t\r\n,");
        if (*at == ']') {
            return true;
        }
        ok = reader->chain_length < MAX_BLOCKS && read_hash(&at, &hash);
        if (ok) {
            reader->chain = memory_grow(reader->chain, &reader->chain_capacity,
                                        (size_t)reader->chain_length + 1, sizeof reader->chain[0]);
            reader->chain[reader->chain_length++] = id_map_number(&reader->ids, hash);
        }
    }
    return error_set(error,
                     "%s:%llu: 'hash_ids' must be an array of whole numbers of 64 bits or of texts",
                     lines->path, (unsigned long long)lines->line);
}

/* A number under either of two names; '*ret_value' stays as it is when there is none. */
static bool optional_number(const struct json_lines *lines, const struct json *object,
                            const char *name, const char *other, double maximum, double *ret_value,
                            struct error *error)
{
    const char *found = json_find(object, name) != NULL ? name : other;
    return json_find(object, found) == NULL ||
           json_lines_number(lines, object, found, maximum, ret_value, error);
}

static bool required(const struct json_lines *lines, double value, const char *name,
                     struct error *error)
{
    return !isnan(value) || error_set(error, "%s:%llu: '%s' is missing", lines->path,
                                      (unsigned long long)lines->line, name);
}

static bool read_row(const struct json_lines *lines, const struct json *object, struct row *row,
                     struct error *error)
{
    const struct json *session = json_find(object, "session_id");
    *row = (struct row){.at = NAN, .delay = NAN, .input = NAN, .output = NAN};
    row->session = session != NULL ? json_text(session) : NULL;
    if (!optional_number(lines, object, "timestamp", "created_time", 1e19, &row->at, error) ||
        !optional_number(lines, object, "delay", "delay_ms", 1e19, &row->delay, error) ||
        !optional_number(lines, object, "input_length", "input_tokens", MAX_TOKENS, &row->input,
                         error) ||
        !optional_number(lines, object, "output_length", "output_tokens", MAX_TOKENS, &row->output,
                         error)) {
        return false;
    }
    if (row->session == NULL) {
        row->delay = NAN; /* after whose answer? */
    }
    return (!isnan(row->delay) || required(lines, row->at, "timestamp", error)) &&
           required(lines, row->input, "input_length", error) &&
           required(lines, row->output, "output_length", error);
}

/* The block sizes tried: the one said, or all that are usual. */
static uint32_t candidate(const struct mooncake *reader, int index)
{
    uint32_t said = reader->settings->block_tokens;
    return said != 0 ? said : block_sizes[index];
}

/* First reading: which block follows which, which block sizes fit, in which unit times are. */
static bool learn(struct mooncake *reader, const struct json_lines *lines,
                  const struct json *object, const struct row *row, struct error *error)
{
    for (uint32_t i = 0; i < reader->chain_length; i++) {
        struct block *block = block_of(reader, reader->chain[i]);
        if (block->parent == NONE && i > 0 && block->followers == 0) {
            block->parent = reader->chain[i - 1];
            block_of(reader, reader->chain[i - 1])->followers++;
        }
    }
    reader->chains += reader->chain_length > 0;
    for (int i = 0; reader->chain_length > 0 && i < BLOCK_SIZES; i++) {
        double blocks = row->input / candidate(reader, i);
        reader->misfits[i] +=
            reader->chain_length != ceil(blocks) && reader->chain_length != floor(blocks);
    }
    if (reader->unit == TIME_UNIT_UNKNOWN && json_find(object, "chat_id") != NULL) {
        reader->unit = TIME_UNIT_S; /* as Qwen's traces have it */
    }
    bool is_fraction = !isnan(row->at) && row->at != floor(row->at);
    return reader->unit != TIME_UNIT_UNKNOWN || !is_fraction ||
           error_set(error,
                     "%s:%llu: in which unit is 'timestamp' %g? Mooncake's are whole milliseconds; "
                     "say --time-unit s or ms",
                     lines->path, (unsigned long long)lines->line, row->at);
}

/* The block size said, or the first that fits all rows but one in a hundred. */
static bool choose_block_size(struct mooncake *reader, struct error *error)
{
    uint32_t said = reader->settings->block_tokens;
    for (int i = 0; i < BLOCK_SIZES; i++) {
        if (100 * reader->misfits[i] <= reader->chains) {
            reader->block_tokens = candidate(reader, i);
            return true;
        }
    }
    if (said != 0) {
        return error_set(error,
                         "%s: blocks of %u tokens do not fit 'input_length' in %llu of %llu rows",
                         reader->settings->path, said, (unsigned long long)reader->misfits[0],
                         (unsigned long long)reader->chains);
    }
    return error_set(error,
                     "%s: no size of a block fits the numbers of 'hash_ids' to 'input_length'; say "
                     "it with --block-tokens",
                     reader->settings->path);
}

/* Second reading. Our traces know one common beginning and then a conversation: the beginning goes
 * up to the first block behind which prompts part, the conversation is named by the block after it.
 */
static void share(struct mooncake *reader, struct trace_request *request)
{
    const uint32_t *chain = reader->chain;
    uint32_t count = reader->chain_length;
    uint32_t common = 0;
    while (common < count && block_of(reader, chain[common])->followers <= 1) {
        common++;
    }
    if (common < count) { /* prompts part behind this block */
        request->prefix_id = 1 + chain[common];
        request->prefix_tokens = (common + 1) * reader->block_tokens;
        request->conversation_id = common + 1 < count ? 1 + chain[common + 1] : 0;
    } else if (count > 0) { /* nobody parts from it: it may go on */
        request->conversation_id = 1 + chain[0];
    }
    if (request->prefix_tokens > request->prompt_tokens) {
        request->prefix_tokens = request->prompt_tokens;
    }
}

/* A turn of a session: it goes on its conversation, and with a delay waits for the answer before.
 */
static bool continue_session(struct mooncake *reader, const struct json_lines *lines,
                             const struct row *row, struct trace_request *request,
                             struct error *error)
{
    uint32_t session = id_map_number(&reader->ids, ~id_map_hash(row->session));
    size_t known = reader->session_capacity;
    reader->session_starts_s = memory_grow(reader->session_starts_s, &reader->session_capacity,
                                           (size_t)session + 1, sizeof reader->session_starts_s[0]);
    for (size_t i = known; i < reader->session_capacity; i++) {
        reader->session_starts_s[i] = NAN;
    }
    request->conversation_id = 1 + session;
    if (isnan(row->delay) || isnan(reader->session_starts_s[session])) {
        reader->session_starts_s[session] = request->arrival_s;
        return required(lines, row->at, "timestamp", error);
    }
    request->arrival_s = reader->session_starts_s[session];
    request->follows_answer = true;
    request->delay_s = row->delay * time_unit_seconds(reader->unit);
    return true;
}

static bool add(struct mooncake *reader, const struct json_lines *lines, const struct row *row,
                struct import_requests *requests, struct error *error)
{
    struct trace_request request = {.arrival_s = row->at * time_unit_seconds(reader->unit),
                                    .prompt_tokens = (uint32_t)row->input,
                                    .output_tokens = (uint32_t)row->output};
    share(reader, &request);
    return (row->session == NULL || continue_session(reader, lines, row, &request, error)) &&
           import_add(requests, reader->settings, &request, lines->path, lines->line, error);
}

static bool read_once(struct mooncake *reader, struct import_requests *requests,
                      struct error *error)
{
    struct json_lines lines;
    struct json *object = NULL;
    bool ok = json_lines_open(&lines, reader->settings->path, error);
    while (ok && (ok = json_lines_next(&lines, &object, error)) && object != NULL) {
        struct row row;
        ok = read_chain(reader, &lines, object, error) && read_row(&lines, object, &row, error) &&
             (requests == NULL ? learn(reader, &lines, object, &row, error)
                               : add(reader, &lines, &row, requests, error));
        json_destroy(object);
    }
    json_lines_close(&lines);
    return ok;
}

bool import_mooncake(const struct import_settings *settings, struct import_requests *requests,
                     struct error *error)
{
    struct mooncake reader = {.settings = settings, .unit = settings->time_unit};
    uint32_t name = 0;
    bool ok = trace_names_add(&requests->names, "mooncake", &name, error) &&
              read_once(&reader, NULL, error) && choose_block_size(&reader, error);
    if (ok) {
        bool is_assumed = reader.unit == TIME_UNIT_UNKNOWN;
        reader.unit = is_assumed ? TIME_UNIT_MS : reader.unit;
        snprintf(requests->note, sizeof requests->note, "timestamps in %s%s, blocks of %u tokens",
                 time_unit_name(reader.unit),
                 is_assumed ? " (as Mooncake's; else --time-unit)" : "", reader.block_tokens);
        ok = read_once(&reader, requests, error);
    }
    free(reader.blocks);
    free(reader.chain);
    free(reader.session_starts_s);
    id_map_clear(&reader.ids);
    return ok;
}
