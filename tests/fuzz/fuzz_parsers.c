/* Every parser on damaged input: none may crash, hang or leak, whatever the bytes. The first byte
 * of an input chooses the parser, the rest is the file. Built with -Dfuzz=true by clang this is a
 * libFuzzer target; otherwise it runs the saved inputs and a fixed number of mutations of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calibration/measured_run.h"
#include "sim/base/random.h"
#include "sim/base/settings.h"
#include "sim/engines/vllm_graphs.h"
#include "sim/hardware/model_catalog.h"
#include "sim/pricing/step_cost.h"
#include "sim/pricing/step_cost_file.h"
#include "sim/pricing/step_profile.h"
#include "sim/pricing/step_profile_file.h"
#include "sim/scenario/scenario_file.h"
#include "traces/import.h"
#include "traces/trace.h"
#include "workloads/accuracy_model.h"
#include "workloads/length_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_trace(const char *path)
{
    struct trace_reader reader;
    struct trace_names names = {.count = 0};
    struct trace_request request;
    struct error error;
    bool more = true;
    if (trace_reader_open(&reader, path, &error)) {
        while (more && trace_reader_next(&reader, &names, &request, &more, &error)) {
        }
        trace_reader_close(&reader);
    }
}

static void parse_scenario(const char *path)
{
    struct scenario scenario;
    struct option_list none = {.count = 0};
    struct error error;
    if (!scenario_file_read(&scenario, path, &none, NULL, &error) && error.message[0] == '\0') {
        abort();
    }
}

static void parse_cost(const char *path)
{
    struct step_cost cost;
    struct error error;
    if (step_cost_read(&cost, path, &error)) {
        struct batch_summary summary = {.decode_requests = 3, .decode_context_tokens = 300};
        batch_summary_choose_graph(&summary, 128, 2048, 0);
        step_cost_price(&cost, &summary, step_cost_attention(&cost, &summary, NULL),
                        (struct step_noise){1, 1});
    }
}

static void parse_profile(const char *path)
{
    static struct step_profile profile;
    struct step_cost cost;
    struct error error;
    if (step_profile_read(&profile, path, &error) &&
        step_profile_compose(&profile, path, &cost, &error)) {
        struct batch_summary summary = {.decode_requests = 3, .decode_context_tokens = 300};
        batch_summary_choose_graph(&summary, 128, 2048, 0);
        step_cost_attention(&cost, &summary, NULL);
    }
}

static void parse_lengths(const char *path)
{
    struct length_catalog catalog;
    struct error error;
    if (length_catalog_read(&catalog, path, &error)) {
        struct random_stream *random = random_create(1, "fuzz");
        for (uint32_t i = 0; i < catalog.count; i++) {
            length_distribution_draw(&catalog.models[i].output, random);
        }
        random_destroy(random);
        length_catalog_clear(&catalog);
    }
}

static void parse_config(const char *path)
{
    struct model_catalog none = {0};
    struct model_shape shape;
    struct error error;
    if (model_catalog_find(&none, path, &shape, &error)) {
        model_shape_weights(&shape);
    }
}

/* One file of a measured run is the input, the others are sound. */
static void parse_run(const char *folder, const char *name, const uint8_t *data, size_t size)
{
    static const struct {
        const char *name;
        const char *content;
    } files[] = {
        {"engine.json",
         "{\"engine\": \"vllm\", \"engine_version\": \"0.24.0\", \"gpu\": \"H200\","
         "\"tensor_parallel\": 1, \"weights\": \"bf16\", \"kv_cache\": \"bf16\","
         "\"model\": \"qwen2.5-7b\", \"block_tokens\": 16, \"num_blocks\": 100,"
         "\"max_batch_requests\": 8, \"max_batch_tokens\": 64, \"max_model_len\": 100}"},
        {"jobs.csv", "job,start_s,end_s\nj,1,2\n"},
        {"requests.csv", "job,request_id,prompt_tokens,output_tokens,sent_s,first_token_s,"
                         "last_token_s,max_itl_s\nj,0,5,5,1,1.1,1.2,0.1\n"},
        {"steps.csv",
         "schedule_s,prefill_tokens,prefill_requests,prefill_context_tokens,decode_requests,"
         "decode_context_tokens,running_requests,waiting_requests,kv_utilization,"
         "preempted_requests\n1.01,5,1,0,0,0,1,0,0.01,0\n"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[1200];
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *stream = fopen(path, "w");
        if (strcmp(files[i].name, name) == 0) {
            fwrite(data, 1, size, stream);
        } else {
            fputs(files[i].content, stream);
        }
        fclose(stream);
    }
    struct measured_run run;
    struct error error;
    if (measured_run_read(&run, folder, &error)) {
        measured_run_clear(&run);
    }
}

static void import_file(const char *path, const char *lengths, const char *format)
{
    struct import_settings settings = {.path = path, .lengths = lengths, .until_s = 100, .seed = 1};
    for (size_t i = 0; import_formats[i].name != NULL; i++) {
        struct import_requests requests;
        struct error error;
        if (strcmp(import_formats[i].name, format) == 0 &&
            import_read(&import_formats[i], &settings, &requests, &error)) {
            import_clear(&requests);
        }
    }
}

static void parse_azure(const char *path)
{
    import_file(path, NULL, "azure");
}

static void parse_mooncake(const char *path)
{
    import_file(path, NULL, "mooncake");
}

static void parse_table(const char *path)
{
    import_file(path, NULL, "csv");
}

static void parse_results(const char *path)
{
    import_file(path, NULL, "vllm-bench");
    import_file(path, NULL, "sglang-bench");
    import_file(path, NULL, "guidellm");
    import_file(path, NULL, "aiperf");
}

/* The damaged file holds the clients; one whole rate is beside it. */
static void parse_servegen(const char *path)
{
    char rates[160];
    snprintf(rates, sizeof rates, "%s.rates", path);
    FILE *stream = fopen(rates, "w");
    fputs("client,t_s,iat_family,shape,scale\n0,0,Gamma,1,5\n", stream);
    fclose(stream);
    import_file(rates, path, "servegen");
    unlink(rates);
}

static void parse_accuracy(const char *path)
{
    struct accuracy_catalog catalog;
    struct error error;
    if (accuracy_catalog_read(&catalog, path, &error)) {
        accuracy_catalog_clear(&catalog);
    }
}

static const struct {
    char letter;
    const char *file;
    void (*parse)(const char *path);
} parsers[] = {{'t', "x.csv", parse_trace},      {'s', "x.json", parse_scenario},
               {'c', "x.json", parse_cost},      {'l', "x.json", parse_lengths},
               {'A', "x.csv", parse_azure},      {'T', "x.csv", parse_table},
               {'B', "x.json", parse_results},   {'M', "x.jsonl", parse_mooncake},
               {'G', "x.jsonl", parse_servegen}, {'a', "x.json", parse_accuracy},
               {'m', "x.json", parse_config},    {'P', "x.json", parse_profile},
               {'E', "engine.json", NULL},       {'J', "jobs.csv", NULL},
               {'R', "requests.csv", NULL},      {'S', "steps.csv", NULL}};

static const char *folder(void)
{
    static char path[64];
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "/tmp/kvcast-fuzz-%ld", (long)getpid());
        mkdir(path, 0700);
    }
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; size > 0 && i < sizeof parsers / sizeof parsers[0]; i++) {
        if (parsers[i].letter != (char)data[0]) {
            continue;
        }
        if (parsers[i].parse == NULL) {
            parse_run(folder(), parsers[i].file, data + 1, size - 1);
            continue;
        }
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder(), parsers[i].file);
        FILE *stream = fopen(path, "w");
        fwrite(data + 1, 1, size - 1, stream);
        fclose(stream);
        parsers[i].parse(path);
        unlink(path);
    }
    return 0;
}

#ifndef FUZZ_WITH_LIBFUZZER

enum { LARGEST = 1 << 16, MUTATIONS = 400 };

/* A few bytes changed, dropped or doubled. */
static size_t mutate(uint8_t *data, size_t size, struct random_stream *random)
{
    static const char interesting[] = "0-9.eE,\"{}[]:\n nan1e999";
    for (uint32_t n = 1 + random_below(random, 4); n > 0 && size > 2; n--) {
        size_t at = 1 + random_below(random, (uint32_t)size - 1);
        switch (random_below(random, 3)) {
        case 0:
            data[at] = (uint8_t)interesting[random_below(random, sizeof interesting - 1)];
            break;
        case 1:
            memmove(data + at, data + at + 1, size - at - 1);
            size--;
            break;
        default:
            if (size < LARGEST) {
                memmove(data + at + 1, data + at, size - at);
                size++;
            }
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    static uint8_t input[LARGEST];
    static uint8_t changed[LARGEST + 16];
    struct random_stream *random = random_create(7, "mutations");
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        FILE *stream = fopen(argv[i], "rb");
        size_t size = stream != NULL ? fread(input, 1, sizeof input, stream) : 0;
        if (stream != NULL) {
            fclose(stream);
        }
        LLVMFuzzerTestOneInput(input, size);
        for (int m = 0; m < MUTATIONS; m++) {
            memcpy(changed, input, size);
            LLVMFuzzerTestOneInput(changed, mutate(changed, size, random));
        }
        printf("ok %d - %s\n", i,
               strrchr(argv[i], '/') != NULL ? strrchr(argv[i], '/') + 1 : argv[i]);
    }
    random_destroy(random);
    return 0;
}

#endif
