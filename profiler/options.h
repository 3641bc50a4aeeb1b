/* kvcast-profile's command line. */
#ifndef PROFILER_OPTIONS_H
#define PROFILER_OPTIONS_H

#include <string>

#include "profiler/linear.h"

enum { EXIT_USAGE = 2 };

struct options {
    std::string model;
    std::string models = "sim/hardware/data/models.json";
    std::string weights = "bf16";
    weight_type weights_type = weight_type::bf16;
    std::string kv_cache = "bf16";
    std::string out;
    int tensor_parallel = 1;
    bool small_grid = false;
    bool only_check = false;
    bool links = false;
    bool may_be_busy = false;
    double limit_s = 180;
    int most_kv_tokens = 600000;
};

/* -1, or the exit status when the program is to end at once (after help or a message). */
int options_parse(struct options *options, int argc, char **argv);

#endif
