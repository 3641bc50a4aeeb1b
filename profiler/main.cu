/* kvcast-profile: what prefill and decode steps of a model cost on the GPU at hand. */
#include <signal.h>
#include <strings.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "profiler/model.h"
#include "profiler/profile.h"
#include "profiler/timer.h"

enum { EXIT_USAGE = 2, EXIT_NO_GPU = 77, BUSY_BYTES = 1 << 30, MOST_REQUESTS = 256 };

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal)
{
    (void)signal;
    stop_asked = 1;
}

struct options {
    std::string model;
    std::string models = "sim/hardware/data/models.json";
    std::string weights = "bf16";
    std::string kv_cache = "bf16";
    std::string out;
    bool small_grid = false;
    bool only_check = false;
    bool may_be_busy = false;
    double limit_s = 180;
    int most_kv_tokens = 600000;
};

static void print_usage(void)
{
    puts(
        "usage: kvcast-profile --model NAME|config.json --out FILE [options]\n"
        "\n"
        "Measures what prefill and decode steps of a model cost on this GPU and writes a profile\n"
        "for 'kvcast run --cost profiled:FILE'. An existing FILE of the same model, precision and\n"
        "GPU is resumed; Ctrl-C keeps what was measured.\n"
        "\n"
        "  --model NAME          a shape of the catalog, or a Hugging Face config.json\n"
        "  --models FILE         the catalog (default sim/hardware/data/models.json)\n"
        "  --weights FORMAT      bf16, fp8, int4-g128 (default bf16)\n"
        "  --kv-cache FORMAT     bf16, fp8 (default bf16)\n"
        "  --out FILE            the profile\n"
        "  --grid full|small     points to measure (default full)\n"
        "  --time-limit SECONDS  stop there, keeping what was measured (default 180)\n"
        "  --most-kv-tokens N    largest batch times context (default 600000)\n"
        "  --busy-ok             measure although others use the GPU\n"
        "  --check               only check each operation against the CPU");
}

static bool take_option(struct options *options, const std::string &name, const std::string &value)
{
    if (name == "--model") {
        options->model = value;
    } else if (name == "--models") {
        options->models = value;
    } else if (name == "--weights" && (value == "bf16" || value == "fp8" || value == "int4-g128")) {
        options->weights = value;
    } else if (name == "--kv-cache" && (value == "bf16" || value == "fp8")) {
        options->kv_cache = value;
    } else if (name == "--out") {
        options->out = value;
    } else if (name == "--grid" && (value == "full" || value == "small")) {
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

static int parse(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        std::string name = argv[i];
        if (name == "--help" || name == "-h") {
            print_usage();
            return 0;
        }
        if (name == "--check") {
            options->only_check = true;
        } else if (name == "--busy-ok") {
            options->may_be_busy = true;
        } else if (i + 1 == argc || !take_option(options, name, argv[i + 1])) {
            return i + 1 == argc
                       ? (fprintf(stderr,
                                  "kvcast-profile: '%s' needs a value, or is unknown (--help)\n",
                                  argv[i]),
                          EXIT_USAGE)
                       : EXIT_USAGE;
        } else {
            i++;
        }
    }
    if (!options->only_check && (options->model.empty() || options->out.empty())) {
        fprintf(stderr, "kvcast-profile: --model and --out are needed (--help)\n");
        return EXIT_USAGE;
    }
    return -1;
}

/* 0 when there is a GPU that can be measured; else the exit status, after a message. */
static int find_gpu(const struct options *options, struct profile_identity *identity)
{
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        fprintf(stderr, "kvcast-profile: no CUDA GPU here\n");
        return EXIT_NO_GPU;
    }
    cudaDeviceProp properties = {};
    cuda_check(cudaGetDeviceProperties(&properties, 0));
    if (properties.major < 9) {
        fprintf(stderr,
                "kvcast-profile: %s has compute capability %d.%d; the kernels are built for 9.0\n",
                properties.name, properties.major, properties.minor);
        return 1;
    }
    size_t free = 0;
    size_t total = 0;
    cuda_check(cudaMemGetInfo(&free, &total));
    if (total - free > BUSY_BYTES && !options->may_be_busy) {
        fprintf(stderr,
                "kvcast-profile: %.1f GiB of %s are in use: others run on it (--busy-ok measures "
                "all the same)\n",
                (double)(total - free) / (1 << 30), properties.name);
        return 1;
    }
    int driver = 0;
    int runtime = 0;
    cuda_check(cudaDriverGetVersion(&driver));
    cuda_check(cudaRuntimeGetVersion(&runtime));
    identity->gpu = properties.name;
    identity->memory_mib = (double)total / (1 << 20);
    identity->multiprocessors = properties.multiProcessorCount;
    identity->driver = std::to_string(driver / 1000) + "." + std::to_string(driver % 1000 / 10);
    identity->cuda = std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10);
    return 0;
}

static bool check_operations(void)
{
    struct linear_context *context = linear_context_create();
    bool ok = elementwise_check() && linear_check(context) && attention_check();
    linear_context_destroy(context);
    if (ok) {
        fprintf(stderr, "every operation agrees with the CPU\n");
    }
    return ok;
}

static void add_step(std::vector<point_key> &keys, int prompt, int prompt_context, int requests,
                     int context, int query_tokens)
{
    keys.push_back({prompt, prompt_context, requests, context, query_tokens, 0});
}

static std::vector<point_key> make_grid(const struct options *options)
{
    std::vector<point_key> keys;
    std::vector<int> batches = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256};
    std::vector<int> contexts = {64, 512, 2048, 8192, 30720};
    std::vector<int> prompts = {16, 32, 64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192};
    if (options->small_grid) {
        batches = {1, 32};
        contexts = {64, 2048};
        prompts = {64, 2048};
    }
    for (int batch : batches) {
        for (int context : contexts) {
            if ((int64_t)batch * (context + 32) <= options->most_kv_tokens) {
                add_step(keys, 0, 0, batch, context, 1);
            }
        }
    }
    for (int prompt : prompts) {
        for (int context : {0, 2048, 8192, 24576}) {
            if (context <= 8192 || prompt >= 256) {
                add_step(keys, prompt, context, 0, 0, 1);
            }
        }
    }
    for (int prompt : {64, 256, 1024, 1920}) {
        for (int batch : {8, 32, 128}) {
            add_step(keys, prompt, 0, batch, 512, 1);
            add_step(keys, prompt, 0, batch, 2048, 1);
        }
    }
    for (int query_tokens : {2, 4, 8}) {
        for (int batch : {1, 8, 32, 64}) {
            add_step(keys, 0, 0, batch, 512, query_tokens);
            add_step(keys, 0, 0, batch, 4096, query_tokens);
        }
    }
    for (int operation = 0; operation < 5; operation++) {
        for (int tokens : {1, 8, 16, 32, 64, 128, 256, 2048}) {
            if (operation != 4 || tokens <= 256) {
                keys.push_back({operation, tokens, 0, 0, 0, 1});
            }
        }
    }
    for (int batch : {1, 8, 32, 128}) {
        keys.push_back({5, batch, 4096, 0, 0, 1});
    }
    return keys;
}

static struct step step_of(const point_key &key)
{
    struct step step;
    if (key[KEY_IS_OPERATION] != 0) {
        step.requests = key[1];
        step.context = key[2];
    } else {
        step.prompt_tokens = key[0];
        step.prompt_context = key[1];
        step.requests = key[2];
        step.context = key[3];
        step.query_tokens = key[4];
    }
    return step;
}

static struct timing measure(model *model, const point_key &key, cudaStream_t stream)
{
    struct step step = step_of(key);
    if (key[KEY_IS_OPERATION] != 0) {
        auto operation = (model::operation)key[0];
        if (operation == model::operation::attention) {
            model->prepare(step);
        }
        return time_launches([&] { model->run_operation(operation, step); }, stream, 0.1);
    }
    model->prepare(step);
    return time_launches([&] { model->run(step); }, stream, 0.2);
}

static double now_s(void)
{
    using clock = std::chrono::steady_clock;
    return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

/* Measures what is missing, in an order without trend; true when all is there. */
static bool measure_all(model *model, struct profile *profile, std::vector<point_key> keys,
                        const struct options *options, cudaStream_t stream)
{
    double began_s = now_s();
    size_t done = 0;
    keys.erase(std::remove_if(keys.begin(), keys.end(),
                              [&](const point_key &key) { return profile->points.count(key) > 0; }),
               keys.end());
    for (size_t i = 0; i < keys.size(); i++) {
        std::swap(keys[i], keys[(i * 48271 + 11) % keys.size()]);
    }
    for (const point_key &key : keys) {
        double spent_s = now_s() - began_s;
        if (stop_asked || spent_s > options->limit_s) {
            fprintf(stderr, "\nstopped after %zu of %zu points; the same command resumes\n", done,
                    keys.size());
            return false;
        }
        profile->points[key] = measure(model, key, stream);
        done++;
        if (done % 8 == 0 || done == keys.size()) {
            spent_s = now_s() - began_s;
            fprintf(stderr, "\r%zu of %zu points, %.0f s, about %.0f s left ", done, keys.size(),
                    spent_s, spent_s / (double)done * (double)(keys.size() - done));
        }
    }
    fprintf(stderr, "\n");
    return true;
}

int main(int argc, char **argv)
{
    struct options options;
    struct profile profile;
    int status = parse(&options, argc, argv);
    if (status >= 0) {
        return status;
    }
    if (!options.only_check) {
        profile.identity.shape = shape_read(options.model, options.models);
    }
    status = find_gpu(&options, &profile.identity);
    if (status != 0) {
        return status;
    }
    profile.identity.weights = options.weights;
    profile.identity.kv_cache = options.kv_cache;
    if ((!options.only_check && !profile_resume(&profile, options.out)) || !check_operations()) {
        return 1;
    }
    if (options.only_check) {
        return 0;
    }
    signal(SIGINT, ask_to_stop);
    signal(SIGTERM, ask_to_stop);
    cudaStream_t stream = nullptr;
    cuda_check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    weight_type weights = options.weights == "bf16"  ? weight_type::bf16
                          : options.weights == "fp8" ? weight_type::fp8
                                                     : weight_type::int4_g128;
    kv_type kv = options.kv_cache == "fp8" ? kv_type::fp8 : kv_type::bf16;
    double began_s = now_s();
    {
        model model(profile.identity.shape, weights, kv, 8192 + MOST_REQUESTS, MOST_REQUESTS,
                    options.most_kv_tokens, stream);
        model.choose_int4(stream);
        profile.identity.weight_bytes = model.weight_bytes();
        profile.identity.kv_bytes_per_token = model.kv_bytes_per_token();
        profile.identity.distinct_layers = model.distinct_layers();
        profile.identity.distinct_kv_layers = model.distinct_kv_layers();
        profile.identity.int4_dequantize_from =
            weights == weight_type::int4_g128 ? model.dequantize_from() : 0;
        fprintf(stderr, "%s, %s weights, %s KV on %s: set up in %.0f s\n",
                profile.identity.shape.name.c_str(), options.weights.c_str(),
                options.kv_cache.c_str(), profile.identity.gpu.c_str(), now_s() - began_s);
        measure_all(&model, &profile, make_grid(&options), &options, stream);
    }
    cudaStreamDestroy(stream);
    if (!profile_write(&profile, options.out)) {
        return 1;
    }
    printf("%s: %zu points\n", options.out.c_str(), profile.points.size());
    return stop_asked ? 130 : 0;
}
