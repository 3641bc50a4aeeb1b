#include "profiler/shape.h"

#include <cjson/cJSON.h>
#include <strings.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

static void fail(const std::string &message)
{
    fprintf(stderr, "kvcast-profile: %s\n", message.c_str());
    exit(1);
}

static cJSON *parse_file(const std::string &path)
{
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) {
        fail(path + ": cannot read");
    }
    std::string whole = text.str();
    const char *end = nullptr;
    cJSON *document = cJSON_ParseWithOpts(whole.c_str(), &end, 0);
    if (document == nullptr) {
        auto line = 1 + std::count(whole.c_str(), end, '\n');
        fail(path + ":" + std::to_string(line) + ": not JSON");
    }
    return document;
}

static int whole(const cJSON *object, const char *key, const std::string &place, int otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (item == nullptr && otherwise >= 0) {
        return otherwise;
    }
    if (!cJSON_IsNumber(item) || item->valueint < 1) {
        fail(place + ": key '" + key + "' must be a whole number of at least 1");
    }
    return item->valueint;
}

static struct shape shape_of(const cJSON *object, const std::string &name, const std::string &place)
{
    struct shape shape;
    const cJSON *bias = cJSON_GetObjectItemCaseSensitive(object, "attention_bias");
    shape.name = name;
    shape.hidden_size = whole(object, "hidden_size", place, -1);
    shape.layers = whole(object, "num_hidden_layers", place, -1);
    shape.heads = whole(object, "num_attention_heads", place, -1);
    shape.kv_heads = whole(object, "num_key_value_heads", place, shape.heads);
    shape.head_dim = whole(object, "head_dim", place, shape.hidden_size / shape.heads);
    shape.intermediate_size = whole(object, "intermediate_size", place, -1);
    shape.vocab_size = whole(object, "vocab_size", place, -1);
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(object, "model_type");
    shape.has_bias = bias != nullptr
                         ? cJSON_IsTrue(bias) != 0
                         : cJSON_IsString(type) && std::string(type->valuestring) == "qwen2";
    if (shape.head_dim != 128 || shape.heads % shape.kv_heads != 0 ||
        shape.heads / shape.kv_heads > 16 || shape.hidden_size % 128 != 0 ||
        shape.intermediate_size % 128 != 0 || shape.hidden_size < 1024 ||
        shape.intermediate_size < 1024) {
        fail(place + ": needs heads of 128 dimensions, at most 16 to a KV head, and sizes that are "
                     "multiples of 128 from 1024 on");
    }
    return shape;
}

struct shape shape_read(const std::string &name, const std::string &catalog)
{
    bool is_file = name.size() > 5 && name.substr(name.size() - 5) == ".json";
    cJSON *document = parse_file(is_file ? name : catalog);
    struct shape shape;
    if (is_file) {
        shape = shape_of(document, name, name);
    } else {
        std::string known;
        const cJSON *item = nullptr;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(document, "models"))
        {
            const cJSON *its = cJSON_GetObjectItemCaseSensitive(item, "name");
            known += cJSON_IsString(its) ? std::string("\n  ") + its->valuestring : "";
            if (cJSON_IsString(its) && strcasecmp(its->valuestring, name.c_str()) == 0) {
                shape = shape_of(item, its->valuestring, catalog);
            }
        }
        if (shape.layers == 0) {
            fail("unknown model '" + name + "'; there are" + known);
        }
    }
    cJSON_Delete(document);
    return shape;
}
