#include "profiler/profile.h"

#include <cjson/cJSON.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

const char *const operation_names[OPERATIONS] = {"qkv",     "o",         "gate_up", "down",
                                                 "lm_head", "attention", "sample",  "sample_top_p"};

static const char *const step_columns[] = {"prompt_tokens", "prompt_context", "requests", "context",
                                           "query_tokens"};

static void add_gpu(cJSON *document, const struct profile_identity &identity)
{
    char date[32];
    time_t now = time(nullptr);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    cJSON_AddNumberToObject(document, "format_version", 1);
    cJSON_AddStringToObject(document, "date", date);
    cJSON *gpu = cJSON_AddObjectToObject(document, "gpu");
    cJSON_AddStringToObject(gpu, "name", identity.gpu.c_str());
    cJSON_AddNumberToObject(gpu, "memory_mib", identity.memory_mib);
    cJSON_AddNumberToObject(gpu, "multiprocessors", identity.multiprocessors);
    cJSON_AddStringToObject(gpu, "driver", identity.driver.c_str());
    cJSON_AddStringToObject(gpu, "cuda", identity.cuda.c_str());
}

static void add_model(cJSON *document, const struct profile_identity &identity)
{
    const struct shape &shape = identity.shape;
    cJSON *model = cJSON_AddObjectToObject(document, "model");
    cJSON_AddStringToObject(model, "name", shape.name.c_str());
    cJSON_AddNumberToObject(model, "hidden_size", shape.hidden_size);
    cJSON_AddNumberToObject(model, "num_hidden_layers", shape.layers);
    cJSON_AddNumberToObject(model, "num_attention_heads", shape.heads);
    cJSON_AddNumberToObject(model, "num_key_value_heads", shape.kv_heads);
    cJSON_AddNumberToObject(model, "head_dim", shape.head_dim);
    cJSON_AddNumberToObject(model, "intermediate_size", shape.intermediate_size);
    cJSON_AddNumberToObject(model, "vocab_size", shape.vocab_size);
    cJSON_AddBoolToObject(model, "attention_bias", shape.has_bias);
    cJSON_AddStringToObject(document, "weights", identity.weights.c_str());
    cJSON_AddStringToObject(document, "kv_cache", identity.kv_cache.c_str());
    cJSON_AddNumberToObject(document, "tensor_parallel", identity.tensor_parallel);
    cJSON_AddNumberToObject(document, "weight_bytes", identity.weight_bytes);
    cJSON_AddNumberToObject(document, "kv_bytes_per_token", identity.kv_bytes_per_token);
    cJSON_AddNumberToObject(document, "distinct_layers", identity.distinct_layers);
    cJSON_AddNumberToObject(document, "distinct_kv_layers", identity.distinct_kv_layers);
    cJSON_AddNumberToObject(document, "second_way_from", identity.second_way_from);
    cJSON_AddStringToObject(document, "prefill_attention", identity.prefill_attention.c_str());
}

static double rounded(double ms)
{
    return std::round(ms * 1e5) / 1e5;
}

static void append_timing(std::string &text, const struct timing &timing)
{
    char buffer[128];
    snprintf(buffer, sizeof buffer, "%.10g, %.10g, %.10g, %d, %s, %d]", rounded(timing.median_ms),
             rounded(timing.p10_ms), rounded(timing.p90_ms), timing.samples,
             timing.noisy ? "true" : "false", timing.sm_mhz);
    text += buffer;
}

#define TIMING_COLUMNS "\"median_ms\", \"p10_ms\", \"p90_ms\", \"samples\", \"noisy\", \"sm_mhz\"]"

/* The two tables, a row a line. */
static std::string tables(const struct profile *profile)
{
    std::string steps, operations;
    for (const auto &entry : profile->points) {
        const point_key &key = entry.first;
        bool is_operation = key[KEY_IS_OPERATION] != 0;
        std::string &text = is_operation ? operations : steps;
        text += text.empty() ? "\n  [" : ",\n  [";
        if (is_operation) {
            text += std::string("\"") + operation_names[key[0]] + "\", " + std::to_string(key[1]) +
                    ", " + std::to_string(key[2]) + ", ";
        } else {
            for (int i = 0; i < KEY_IS_OPERATION; i++) {
                text += std::to_string(key[i]) + ", ";
            }
        }
        append_timing(text, entry.second);
    }
    std::string step_names;
    for (const char *name : step_columns) {
        step_names += std::string("\"") + name + "\", ";
    }
    return "\"step_columns\": [" + step_names + TIMING_COLUMNS + ",\n \"steps\": [" + steps +
           "],\n \"operation_columns\": [\"operation\", \"tokens\", \"context\", " TIMING_COLUMNS
           ",\n \"operations\": [" +
           operations + "]";
}

static std::string temporary_name(const std::string &path)
{
    return path + ".tmp." + std::to_string(getpid());
}

bool profile_can_write(const std::string &path)
{
    std::string temporary = temporary_name(path);
    FILE *file = fopen(temporary.c_str(), "w");
    if (file == nullptr) {
        perror(("kvcast-profile: " + path + ": cannot write").c_str());
        return false;
    }
    fclose(file);
    unlink(temporary.c_str());
    return true;
}

/* The document with tables put in before its closing brace; under a temporary name, then renamed.
 */
static bool write_file(cJSON *document, const std::string &tables, const std::string &path)
{
    char *text = cJSON_Print(document);
    std::string whole = text;
    free(text);
    cJSON_Delete(document);
    size_t brace = whole.rfind('}');
    while (brace > 0 && (whole[brace - 1] == '\n' || whole[brace - 1] == '\t')) {
        brace--;
    }
    whole = whole.substr(0, brace) + ",\n " + tables + "\n}\n";
    std::string temporary = temporary_name(path);
    FILE *file = fopen(temporary.c_str(), "w");
    bool ok = file != nullptr && fwrite(whole.data(), 1, whole.size(), file) == whole.size();
    ok = file != nullptr && fclose(file) == 0 && ok;
    ok = ok && rename(temporary.c_str(), path.c_str()) == 0;
    if (!ok) {
        perror(("kvcast-profile: " + path).c_str());
        unlink(temporary.c_str());
    }
    return ok;
}

bool profile_write(const struct profile *profile, const std::string &path)
{
    cJSON *document = cJSON_CreateObject();
    add_gpu(document, profile->identity);
    add_model(document, profile->identity);
    return write_file(document, tables(profile), path);
}

bool profile_write_links(const struct profile_identity &identity, int gpus,
                         const std::vector<struct link_point> &points, const std::string &path)
{
    cJSON *document = cJSON_CreateObject();
    std::string rows;
    add_gpu(document, identity);
    cJSON_AddNumberToObject(document, "gpus", gpus);
    for (const struct link_point &point : points) {
        rows += rows.empty() ? "\n  [" : ",\n  [";
        rows += "\"" + point.operation + "\", " + std::to_string(point.bytes) + ", ";
        append_timing(rows, point.timing);
    }
    return write_file(document,
                      "\"link_columns\": [\"operation\", \"bytes\", " TIMING_COLUMNS
                      ",\n \"links\": [" +
                          rows + "]",
                      path);
}

static std::string text_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static int number_of(const cJSON *object, const char *key, int otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valueint : otherwise;
}

static bool same_identity(const cJSON *document, const struct profile_identity &identity)
{
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(document, "model");
    const cJSON *gpu = cJSON_GetObjectItemCaseSensitive(document, "gpu");
    return text_of(model, "name") == identity.shape.name && text_of(gpu, "name") == identity.gpu &&
           text_of(document, "weights") == identity.weights &&
           text_of(document, "kv_cache") == identity.kv_cache &&
           number_of(document, "tensor_parallel", 1) == identity.tensor_parallel;
}

static void take_row(struct profile *profile, const cJSON *row, bool is_operation)
{
    point_key key(KEY_PARTS, 0);
    const cJSON *item = row->child;
    int parts = is_operation ? 3 : KEY_IS_OPERATION;
    for (int i = 0; i < parts && item != nullptr; i++, item = item->next) {
        key[i] = item->valueint;
        for (int name = 0; cJSON_IsString(item) && name < OPERATIONS; name++) {
            key[i] = std::string(item->valuestring) == operation_names[name] ? name : key[i];
        }
    }
    key[KEY_IS_OPERATION] = is_operation ? 1 : 0;
    double numbers[4] = {0, 0, 0, 0};
    for (int i = 0; i < 4 && item != nullptr; i++, item = item->next) {
        numbers[i] = item->valuedouble;
    }
    struct timing timing;
    timing.median_ms = numbers[0];
    timing.p10_ms = numbers[1];
    timing.p90_ms = numbers[2];
    timing.samples = (int)numbers[3];
    timing.noisy = cJSON_IsTrue(item) != 0;
    timing.sm_mhz = item != nullptr && item->next != nullptr ? item->next->valueint : 0;
    if (timing.samples > 0) {
        profile->points[key] = timing;
    }
}

bool profile_resume(struct profile *profile, const std::string &path)
{
    std::ifstream file(path);
    if (!file) {
        return true;
    }
    std::stringstream text;
    text << file.rdbuf();
    cJSON *document = cJSON_Parse(text.str().c_str());
    bool ok = document != nullptr && same_identity(document, profile->identity);
    if (!ok) {
        fprintf(
            stderr,
            "kvcast-profile: %s is not a profile of this model, precision and GPU: choose another "
            "name with --out\n",
            path.c_str());
    } else {
        const cJSON *row = nullptr;
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(document, "steps"))
        {
            take_row(profile, row, false);
        }
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(document, "operations"))
        {
            take_row(profile, row, true);
        }
    }
    cJSON_Delete(document);
    return ok;
}
