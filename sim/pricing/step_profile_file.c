/* The rows of a profile are arrays of numbers, whose order is that of profiler/PROFILE_FORMAT.md.
 */
#include "sim/pricing/step_profile_file.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"

static bool read_text(const struct json *object, const char *place, const char *key, char *buffer,
                      size_t size, struct error *error)
{
    const struct json *item = json_find(object, key);
    const char *text = item != NULL ? json_text(item) : NULL;
    return (text != NULL && text_copy(buffer, size, text)) ||
           error_set(error, "%s: key '%s' must be a text of at most %zu characters", place, key,
                     size - 1);
}

#define MOST 2147483647.0 /* any count or size */

static bool read_number(const struct json *object, const char *place, const char *key,
                        double *ret_value, struct error *error)
{
    const struct json *item = json_find(object, key);
    return (item != NULL && json_number(item, ret_value) && *ret_value > 0) ||
           error_set(error, "%s: key '%s' must be a number above 0", place, key);
}

static bool read_whole(const struct json *object, const char *place, const char *key,
                       uint32_t *ret_value, struct error *error)
{
    double value = 0;
    if (!read_number(object, place, key, &value, error)) {
        return false;
    }
    if (value < 1 || value > MOST) {
        return error_set(error, "%s: key '%s' must be from 1 to 2^31 - 1", place, key);
    }
    *ret_value = (uint32_t)value;
    return true;
}

/* A member of the file and where it goes. */
struct place_of_text {
    const struct json *object;
    const char *key;
    char *text;
    size_t size;
};

struct place_of_whole {
    const struct json *object;
    const char *key;
    uint32_t *value;
};

static bool read_members(struct step_profile *profile, const struct json *document,
                         const char *place, struct error *error)
{
    const struct json *gpu = json_find(document, "gpu");
    const struct json *model = json_find(document, "model");
    const struct place_of_text texts[] = {
        {model, "name", profile->model, sizeof profile->model},
        {gpu, "name", profile->gpu, sizeof profile->gpu},
        {document, "weights", profile->weights, sizeof profile->weights},
        {document, "kv_cache", profile->kv_cache, sizeof profile->kv_cache},
        {document, "date", profile->date, sizeof profile->date}};
    const struct place_of_whole wholes[] = {
        {document, "tensor_parallel", &profile->tensor_parallel},
        {gpu, "multiprocessors", &profile->multiprocessors},
        {model, "num_hidden_layers", &profile->shape.layers},
        {model, "hidden_size", &profile->shape.hidden_size},
        {model, "intermediate_size", &profile->shape.intermediate_size},
        {model, "num_attention_heads", &profile->shape.heads},
        {model, "num_key_value_heads", &profile->shape.kv_heads},
        {model, "head_dim", &profile->shape.head_dim},
        {model, "vocab_size", &profile->shape.vocab_size}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!read_text(texts[i].object, place, texts[i].key, texts[i].text, texts[i].size, error)) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        if (!read_whole(wholes[i].object, place, wholes[i].key, wholes[i].value, error)) {
            return false;
        }
    }
    return read_number(document, place, "weight_bytes", &profile->weight_bytes, error) &&
           read_number(document, place, "kv_bytes_per_token", &profile->kv_bytes_per_token, error);
}

/* From the profiler's name of a format to the simulator's. */
static void rename_weights(struct step_profile *profile)
{
    static const char *const names[][2] = {{"int4-g128", "gptq-int4-g128"}, {"nf4", "bnb-nf4"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_equal(profile->weights, names[i][0])) {
            snprintf(profile->weights, sizeof profile->weights, "%s", names[i][1]);
        }
    }
}

static bool read_identity(struct step_profile *profile, const struct json *document,
                          const char *place, struct error *error)
{
    double version = 0;
    const struct json *version_item = json_find(document, "format_version");
    if (version_item == NULL || !json_number(version_item, &version) || (int)version != 1) {
        return error_set(error, "%s: 'format_version' must be 1", place);
    }
    for (const char *const *key = (const char *const[]){"gpu", "model", NULL}; *key != NULL;
         key++) {
        if (json_find(document, *key) == NULL) {
            return error_set(error, "%s: key '%s' is missing", place, *key);
        }
    }
    if (!read_members(profile, document, place, error)) {
        return false;
    }
    rename_weights(profile);
    assert(profile->tensor_parallel > 0);
    profile->shape.intermediate_size /= profile->tensor_parallel;
    profile->shape.heads /= profile->tensor_parallel;
    profile->shape.kv_heads /= profile->tensor_parallel;
    profile->shape.vocab_size /= profile->tensor_parallel;
    return profile->shape.kv_heads > 0 ||
           error_set(error, "%s: key 'tensor_parallel' exceeds the KV heads", place);
}

static bool are_counts(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(values[i] >= 0 && values[i] <= MOST)) {
            return false;
        }
    }
    return true;
}

/* The numbers of a row from its 'skip'-th member on; how many there are. */
static size_t row_numbers(const struct json *row, size_t skip, double *values, size_t most)
{
    size_t count = 0;
    for (const struct json *item = json_first(row); item != NULL; item = json_next(item)) {
        if (skip > 0) {
            skip--;
        } else if (count == most || !json_number(item, &values[count])) {
            break; /* a member that is no number does not let those behind it move up */
        } else {
            count++;
        }
    }
    return count;
}

static bool read_steps(struct step_profile *profile, const struct json *document, const char *place,
                       struct error *error)
{
    const struct json *row = json_first(json_find(document, "steps"));
    for (; row != NULL; row = json_next(row)) {
        double values[9];
        if (profile->step_count == STEP_PROFILE_MAX_ROWS || row_numbers(row, 0, values, 9) != 9 ||
            !are_counts(values, 5) || !(values[5] > 0 && values[5] < MOST)) {
            return error_set(error,
                             "%s: row %u of 'steps' must hold nine numbers, the time above 0",
                             place, profile->step_count + 1);
        }
        profile->steps[profile->step_count++] =
            (struct profile_step){.prompt_tokens = (uint32_t)values[0],
                                  .prompt_context = (uint32_t)values[1],
                                  .requests = (uint32_t)values[2],
                                  .context = (uint32_t)values[3],
                                  .query_tokens = (uint32_t)values[4],
                                  .median_ms = values[5],
                                  .noisy = values[7] - values[6] > 0.04 * values[5]};
    }
    return true;
}

static bool read_operations(struct step_profile *profile, const struct json *document,
                            const char *place, struct error *error)
{
    const struct json *row = json_first(json_find(document, "operations"));
    for (; row != NULL; row = json_next(row)) {
        double values[3];
        struct profile_operation *operation = &profile->operations[profile->operation_count];
        const char *name = json_first(row) != NULL ? json_text(json_first(row)) : NULL;
        if (profile->operation_count == STEP_PROFILE_MAX_ROWS || name == NULL ||
            row_numbers(row, 1, values, 3) != 3 || !are_counts(values, 2) ||
            !(values[2] > 0 && values[2] < MOST) ||
            !text_copy(operation->name, sizeof operation->name, name)) {
            return error_set(error, "%s: row %u of 'operations' must hold a name and numbers",
                             place, profile->operation_count + 1);
        }
        operation->tokens = (uint32_t)values[0];
        operation->context = (uint32_t)values[1];
        operation->median_ms = values[2];
        profile->operation_count++;
    }
    return true;
}

bool step_profile_parse(struct step_profile *profile, const struct json *document,
                        const char *place, struct error *error)
{
    memset(profile, 0, sizeof *profile);
    return read_identity(profile, document, place, error) &&
           read_steps(profile, document, place, error) &&
           read_operations(profile, document, place, error);
}

bool step_profile_read(struct step_profile *profile, const char *path, struct error *error)
{
    struct json *document = NULL;
    bool ok = embedded_read_json(path, &document, error) &&
              step_profile_parse(profile, document, path, error);
    json_destroy(document);
    return ok;
}
