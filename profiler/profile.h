/* A profile file (PROFILE_FORMAT.md): what was measured of one model, precision and GPU. */
#ifndef PROFILER_PROFILE_H
#define PROFILER_PROFILE_H

#include <map>
#include <string>
#include <vector>

#include "profiler/links.h"
#include "profiler/shape.h"

/* What a profile was measured on and of. */
struct profile_identity {
    struct shape shape;
    std::string weights;
    std::string kv_cache;
    std::string gpu;
    double memory_mib = 0;
    int multiprocessors = 0;
    std::string driver;
    std::string cuda;
    double weight_bytes = 0;
    double kv_bytes_per_token = 0;
    int distinct_layers = 0;
    int distinct_kv_layers = 0;
    int tensor_parallel = 1;
    int second_way_from = 0;
    std::string prefill_attention;
};

/* Six whole numbers name a step: prompt_tokens, prompt_context, requests, context, query_tokens,
 * and 0; an operation: its number, tokens, context, 0, 0, and 1. */
using point_key = std::vector<int>;

struct profile {
    struct profile_identity identity;
    std::map<point_key, struct timing> points;
};

enum { KEY_PARTS = 6, KEY_IS_OPERATION = 5 };

enum { OPERATIONS = 8 };

extern const char *const operation_names[OPERATIONS];

/* Takes over the points of the file at 'path', if it is there and of the same identity; false with
 * a message when it is of another. */
bool profile_resume(struct profile *profile, const std::string &path);

/* Whether a file can be made beside 'path', before time is spent on what is to go there; false with
 * a message. */
bool profile_can_write(const std::string &path);

/* Under a temporary name, then renamed; false with a message. */
bool profile_write(const struct profile *profile, const std::string &path);

/* The file of links (PROFILE_FORMAT.md), in the same way. */
bool profile_write_links(const struct profile_identity &identity, int gpus,
                         const std::vector<struct link_point> &points, const std::string &path);

#endif
