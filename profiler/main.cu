/* kvcast-profile: what prefill and decode steps of a model cost on the GPU at hand. */
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "profiler/grid.h"
#include "profiler/model.h"
#include "profiler/nvml.h"
#include "profiler/options.h"
#include "profiler/profile.h"
#include "profiler/quantize.h"
#include "profiler/timer.h"

enum { EXIT_NO_GPU = 77, EXIT_INTERRUPTED = 130, BUSY_BYTES = 1 << 30 };

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal)
{
    (void)signal;
    stop_asked = 1;
}

static void identify(struct profile_identity *identity, const cudaDeviceProp &properties,
                     size_t total)
{
    int driver = 0;
    int runtime = 0;
    cuda_check(cudaDriverGetVersion(&driver));
    cuda_check(cudaRuntimeGetVersion(&runtime));
    identity->gpu = properties.name;
    identity->memory_mib = (double)total / (1 << 20);
    identity->multiprocessors = properties.multiProcessorCount;
    identity->driver = gpu_driver_version();
    if (identity->driver.empty()) {
        identity->driver =
            "CUDA " + std::to_string(driver / 1000) + "." + std::to_string(driver % 1000 / 10);
    }
    identity->cuda = std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10);
}

/* 0 when there are GPUs that can be measured; else the exit status, after a message. */
static int find_gpus(const struct options *options, struct profile_identity *identity)
{
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        fprintf(stderr, "kvcast-profile: no CUDA GPU here\n");
        return EXIT_NO_GPU;
    }
    if (count < options->tensor_parallel) {
        fprintf(stderr, "kvcast-profile: %d GPUs asked for, %d here\n", options->tensor_parallel,
                count);
        return EXIT_NO_GPU;
    }
    for (int device = options->tensor_parallel - 1; device >= 0; device--) {
        cudaDeviceProp properties = {};
        size_t free = 0;
        size_t total = 0;
        cuda_check(cudaSetDevice(device));
        cuda_check(cudaGetDeviceProperties(&properties, device));
        if (properties.major < 9) {
            fprintf(
                stderr,
                "kvcast-profile: %s has compute capability %d.%d; the kernels are built for 9.0\n",
                properties.name, properties.major, properties.minor);
            return 1;
        }
        cuda_check(cudaMemGetInfo(&free, &total));
        if (total - free > BUSY_BYTES && !options->may_be_busy) {
            fprintf(stderr,
                    "kvcast-profile: %.1f GiB of %s are in use: others run on it (--busy-ok "
                    "measures all the same)\n",
                    (double)(total - free) / (1 << 30), properties.name);
            return 1;
        }
        identify(identity, properties, total);
    }
    return 0;
}

static bool check_operations(const struct options *options)
{
    struct linear_context *context = linear_context_create();
    struct attention_cudnn *cudnn = attention_cudnn_create();
    bool ok = elementwise_check() && quantize_check() && sampling_check() &&
              linear_check(context) && attention_check(cudnn) &&
              (options->tensor_parallel == 1 || all_reduce_check());
    attention_cudnn_destroy(cudnn);
    linear_context_destroy(context);
    if (ok) {
        fprintf(stderr, "every operation agrees with the CPU\n");
    }
    return ok;
}

/* The model's part on each GPU. */
struct placed_model {
    std::vector<std::unique_ptr<model>> parts;
    std::vector<cudaStream_t> streams;

    placed_model(const struct shape &shape, const struct options *options)
    {
        kv_type kv = options->kv_cache == "fp8" ? kv_type::fp8 : kv_type::bf16;
        struct step_limits limits = {GRID_MOST_TOKENS, GRID_MOST_REQUESTS, options->most_kv_tokens};
        for (int rank = 0; rank < options->tensor_parallel; rank++) {
            struct shard shard = {rank, options->tensor_parallel};
            cuda_check(cudaSetDevice(rank));
            streams.emplace_back();
            cuda_check(cudaStreamCreateWithFlags(&streams.back(), cudaStreamNonBlocking));
            parts.push_back(std::make_unique<model>(shape, options->weights_type, kv, limits, shard,
                                                    streams.back()));
            parts.back()->choose_ways();
        }
        for (int rank = 0; rank < (int)parts.size() && parts.size() > 1; rank++) {
            cuda_check(cudaSetDevice(rank));
            peer_enable(1 - rank);
            parts[rank]->connect(parts[1 - rank].get());
        }
        cuda_check(cudaSetDevice(0));
    }

    ~placed_model()
    {
        for (size_t rank = 0; rank < parts.size(); rank++) {
            cudaSetDevice((int)rank);
            parts[rank].reset();
            cudaStreamDestroy(streams[rank]);
        }
    }

    placed_model(const placed_model &) = delete;
    placed_model &operator=(const placed_model &) = delete;
};

static struct timing measure(const struct placed_model &placed, const point_key &key)
{
    struct step step = grid_step(key);
    if (key[KEY_IS_OPERATION] != 0) {
        auto operation = (model::operation)key[0];
        model *part = placed.parts[0].get();
        if (operation == model::operation::attention) {
            part->prepare(step);
        }
        return time_launches([&] { part->run_operation(operation, step); }, placed.streams[0], 0.1);
    }
    std::vector<gpu_work> works;
    for (size_t rank = 0; rank < placed.parts.size(); rank++) {
        model *part = placed.parts[rank].get();
        cuda_check(cudaSetDevice((int)rank));
        part->prepare(step);
        works.push_back({(int)rank, placed.streams[rank], [=] { part->run(step, true); },
                         [=] { part->run(step); }});
    }
    return time_works(works, 0.2);
}

static double now_s(void)
{
    using clock = std::chrono::steady_clock;
    return std::chrono::duration<double>(clock::now().time_since_epoch()).count();
}

static const double program_began_s = now_s();

/* A prompt between two powers of 2, which interpolation does without best. */
static bool is_between(const point_key &key)
{
    struct step step = grid_step(key);
    return step.requests == 0 && (step.prompt_tokens & (step.prompt_tokens - 1)) != 0;
}

/* Measures what is missing, in an order without trend; last what is missed least where time runs
 * out. What is there is written from time to time, the last of it by the caller; false where that
 * fails. */
static bool measure_all(const struct placed_model &placed, struct profile *profile,
                        std::vector<point_key> keys, const struct options *options)
{
    double began_s = now_s();
    size_t done = 0;
    keys.erase(std::remove_if(keys.begin(), keys.end(),
                              [&](const point_key &key) { return profile->points.count(key) > 0; }),
               keys.end());
    for (size_t i = 0; i < keys.size(); i++) {
        std::swap(keys[i], keys[(i * 48271 + 11) % keys.size()]);
    }
    std::stable_partition(keys.begin(), keys.end(),
                          [](const point_key &key) { return !is_between(key); });
    for (const point_key &key : keys) {
        if (stop_asked || now_s() - program_began_s > options->limit_s) {
            fprintf(stderr, "\nstopped after %zu of %zu points; the same command resumes\n", done,
                    keys.size());
            return true;
        }
        profile->points[key] = measure(placed, key);
        done++;
        if (done % 8 == 0 || done == keys.size()) {
            double spent_s = now_s() - began_s;
            fprintf(stderr, "\r%zu of %zu points, %.0f s, about %.0f s left ", done, keys.size(),
                    spent_s, spent_s / (double)done * (double)(keys.size() - done));
            if (done < keys.size() && !profile_write(profile, options->out)) {
                return false;
            }
        }
    }
    fprintf(stderr, "\n");
    return true;
}

static int profile_links(const struct options *options, const struct profile_identity &identity)
{
    auto points = links_measure(options->tensor_parallel);
    if (!profile_write_links(identity, options->tensor_parallel, points, options->out)) {
        return 1;
    }
    printf("%s: %zu points\n", options->out.c_str(), points.size());
    return 0;
}

static int profile_model(const struct options *options, struct profile *profile)
{
    double began_s = now_s();
    struct placed_model placed(profile->identity.shape, options);
    const model &part = *placed.parts[0];
    profile->identity.weight_bytes = part.weight_bytes();
    profile->identity.kv_bytes_per_token = part.kv_bytes_per_token();
    profile->identity.distinct_layers = part.distinct_layers();
    profile->identity.distinct_kv_layers = part.distinct_kv_layers();
    profile->identity.prefill_attention = part.prefill_attention();
    profile->identity.second_way_from = part.second_way_from();
    fprintf(stderr, "%s, %s weights, %s KV on %d x %s: set up in %.0f s\n",
            profile->identity.shape.name.c_str(), options->weights.c_str(),
            options->kv_cache.c_str(), options->tensor_parallel, profile->identity.gpu.c_str(),
            now_s() - began_s);
    if (!measure_all(placed, profile, grid_make(options->small_grid, options->most_kv_tokens),
                     options) ||
        !profile_write(profile, options->out)) {
        return 1;
    }
    printf("%s: %zu points\n", options->out.c_str(), profile->points.size());
    return stop_asked ? EXIT_INTERRUPTED : 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct profile profile;
    int status = options_parse(&options, argc, argv);
    if (status >= 0) {
        return status;
    }
    /* kernels that wait for another GPU must not have to wait for code to be loaded */
    setenv("CUDA_MODULE_LOADING", "EAGER", 0);
    if (!options.model.empty()) {
        profile.identity.shape = shape_read(options.model, options.models);
    }
    if (!options.out.empty() && !profile_can_write(options.out)) {
        return 1;
    }
    status = find_gpus(&options, &profile.identity);
    if (status != 0) {
        return status;
    }
    profile.identity.weights = options.weights;
    profile.identity.kv_cache = options.kv_cache;
    profile.identity.tensor_parallel = options.tensor_parallel;
    if ((!options.model.empty() && !profile_resume(&profile, options.out)) ||
        !check_operations(&options)) {
        return 1;
    }
    signal(SIGINT, ask_to_stop);
    signal(SIGTERM, ask_to_stop);
    if (options.only_check) {
        return 0;
    }
    return options.links ? profile_links(&options, profile.identity)
                         : profile_model(&options, &profile);
}
