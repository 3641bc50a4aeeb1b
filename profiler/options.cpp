#include "profiler/options.h"

#include <cstdio>
#include <cstdlib>
#include <map>

static void print_usage(void)
{
    puts(
        "usage: kvcast-profile --model NAME|config.json --out FILE [options]\n"
        "       kvcast-profile --links --out FILE [--tensor-parallel 2]\n"
        "       kvcast-profile --check [--tensor-parallel 2]\n"
        "\n"
        "Measures what prefill and decode steps of a model cost on this GPU and writes a profile\n"
        "for 'kvcast run --cost profiled:FILE'. An existing FILE of the same model, precision and\n"
        "GPU is resumed; Ctrl-C keeps what was measured.\n"
        "\n"
        "  --model NAME          a shape of the catalog, or a Hugging Face config.json\n"
        "  --models FILE         the catalog (default sim/hardware/data/models.json)\n"
        "  --weights FORMAT      bf16, fp8, int8, int4-g128, nf4 (default bf16)\n"
        "  --kv-cache FORMAT     bf16, fp8 (default bf16)\n"
        "  --tensor-parallel N   1, or 2: GPUs 0 and 1 each hold a half (default 1)\n"
        "  --out FILE            the profile\n"
        "  --grid full|small     points to measure (default full)\n"
        "  --time-limit SECONDS  of the whole command; what was measured by then is kept (default "
        "180)\n"
        "  --most-kv-tokens N    largest batch times context (default 600000)\n"
        "  --busy-ok             measure although others use the GPU\n"
        "  --links               measure copies between host and GPU, and, of two GPUs, copies "
        "and\n"
        "                        all-reduces between them\n"
        "  --check               only check each operation against the CPU");
}

static const std::map<std::string, std::string options::*> texts = {
    {"--model", &options::model}, {"--models", &options::models}, {"--out", &options::out}};

static bool is_one_of(const std::string &value, const char *one, const char *other)
{
    return value == one || value == other;
}

static bool take_option(struct options *options, const std::string &name, const std::string &value)
{
    auto text = texts.find(name);
    if (text != texts.end()) {
        options->*text->second = value;
    } else if (name == "--weights" && weight_type_find(value, &options->weights_type)) {
        options->weights = value;
    } else if (name == "--kv-cache" && is_one_of(value, "bf16", "fp8")) {
        options->kv_cache = value;
    } else if (name == "--tensor-parallel" && is_one_of(value, "1", "2")) {
        options->tensor_parallel = atoi(value.c_str());
    } else if (name == "--grid" && is_one_of(value, "full", "small")) {
        options->small_grid = value == "small";
    } else if (name == "--time-limit" && atof(value.c_str()) > 0) {
        options->limit_s = atof(value.c_str());
    } else if (name == "--most-kv-tokens" && atoi(value.c_str()) >= 1024) {
        options->most_kv_tokens = atoi(value.c_str());
    } else {
        fprintf(stderr, "kvcast-profile: bad option or value: '%s %s' (--help lists them)\n",
                name.c_str(), value.c_str());
        return false;
    }
    return true;
}

static bool take_flag(struct options *options, const std::string &name)
{
    if (name == "--check") {
        options->only_check = true;
    } else if (name == "--links") {
        options->links = true;
    } else if (name == "--busy-ok") {
        options->may_be_busy = true;
    } else {
        return false;
    }
    return true;
}

int options_parse(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        std::string name = argv[i];
        if (name == "--help" || name == "-h") {
            print_usage();
            return 0;
        }
        if (take_flag(options, name)) {
            continue;
        }
        if (i + 1 == argc) {
            fprintf(stderr, "kvcast-profile: '%s' needs a value, or is unknown (--help)\n",
                    argv[i]);
            return EXIT_USAGE;
        }
        if (!take_option(options, name, argv[++i])) {
            return EXIT_USAGE;
        }
    }
    bool needs_model = !options->only_check && !options->links;
    if ((needs_model && options->model.empty()) || (!options->only_check && options->out.empty())) {
        fprintf(stderr, "kvcast-profile: --model and --out are needed (--help)\n");
        return EXIT_USAGE;
    }
    return -1;
}
