#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/csv.h"
#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/output_set.h"
#include "sim/base/text.h"
#include "sim/cli/options.h"
#include "sim/hardware/model_shape.h"
#include "sim/hardware/precision.h"
#include "sim/pricing/cost_choice.h"
#include "sim/pricing/step_profile.h"
#include "sim/pricing/step_profile_file.h"
#include "sim/report/link_table.h"
#include "sim/report/plotting.h"

enum { MAX_VALUES = 64 };

/* Distinct numbers in rising order. */
struct values {
    uint32_t numbers[MAX_VALUES];
    uint32_t count;
};

static void note(struct values *values, uint32_t number)
{
    uint32_t at = 0;
    while (at < values->count && values->numbers[at] < number) {
        at++;
    }
    if (values->count == MAX_VALUES || (at < values->count && values->numbers[at] == number)) {
        return;
    }
    memmove(&values->numbers[at + 1], &values->numbers[at],
            (values->count - at) * sizeof values->numbers[0]);
    values->numbers[at] = number;
    values->count++;
}

static bool is_decode(const struct profile_step *step)
{
    return step->prompt_tokens == 0 && step->query_tokens == 1;
}

static bool is_prefill(const struct profile_step *step)
{
    return step->requests == 0;
}

/* The step of a table: decodes by requests and context, prefills by tokens and context. */
static struct profile_step cell(bool decode, uint32_t row, uint32_t column)
{
    return decode ? (struct profile_step){.requests = row, .context = column, .query_tokens = 1}
                  : (struct profile_step){
                        .prompt_tokens = row, .prompt_context = column, .query_tokens = 1};
}

static void print_row(const struct step_profile *profile, bool decode, uint32_t size,
                      const struct values *contexts)
{
    printf("%10u %-20s", size, decode ? "requests" : "tokens");
    for (uint32_t c = 0; c < contexts->count; c++) {
        struct profile_step like = cell(decode, size, contexts->numbers[c]);
        const struct profile_step *step = step_profile_find(profile, &like);
        if (step != NULL) {
            printf("%9.3f%s", step->median_ms, step->noisy ? "~" : " ");
        } else {
            printf("%9s ", "");
        }
    }
    printf("\n");
}

/* Milliseconds by size and context. */
static void print_steps(const struct step_profile *profile, bool decode)
{
    struct values sizes = {.count = 0};
    struct values contexts = {.count = 0};
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (decode ? is_decode(step) : is_prefill(step)) {
            note(&sizes, decode ? step->requests : step->prompt_tokens);
            note(&contexts, decode ? step->context : step->prompt_context);
        }
    }
    printf("\n%-10s ms, at a context of", decode ? "decode" : "prefill");
    for (uint32_t c = 0; c < contexts.count; c++) {
        printf(" %9u", contexts.numbers[c]);
    }
    printf("\n");
    for (uint32_t r = 0; r < sizes.count; r++) {
        print_row(profile, decode, sizes.numbers[r], &contexts);
    }
}

/* What an operation of one layer moves and computes. */
struct work {
    double bytes;
    double flops;
};

static struct work work_of(const struct step_profile *profile,
                           const struct profile_operation *operation, double weight_bytes)
{
    double hidden = profile->shape.hidden_size;
    double heads = (double)profile->shape.heads * profile->shape.head_dim;
    double kv = 2.0 * profile->shape.kv_heads * profile->shape.head_dim;
    double weights = 0;
    if (text_equal(operation->name, "attention")) {
        double tokens = (double)operation->tokens * operation->context;
        return (struct work){tokens * profile->kv_bytes_per_token / profile->shape.layers,
                             4 * tokens * heads};
    }
    if (text_equal(operation->name, "qkv")) {
        weights = hidden * (heads + kv);
    } else if (text_equal(operation->name, "o")) {
        weights = hidden * heads;
    } else if (text_equal(operation->name, "gate_up")) {
        weights = 2 * hidden * profile->shape.intermediate_size;
    } else if (text_equal(operation->name, "down")) {
        weights = hidden * profile->shape.intermediate_size;
    } else if (text_equal(operation->name, "lm_head")) {
        weights = hidden * profile->shape.vocab_size;
        weight_bytes = 2;
    }
    if (text_starts_with(operation->name, "sample")) {
        return (struct work){2.0 * operation->tokens * profile->shape.vocab_size, 0};
    }
    return (struct work){weights * weight_bytes, 2 * weights * operation->tokens};
}

static double layer_us(const struct step_profile *profile,
                       const struct profile_operation *operation)
{
    return 1000 * operation->median_ms / profile->shape.layers;
}

static void print_rates(const char *name, const struct profile_operation *operation, double us,
                        struct work work)
{
    printf("%-10s %7u %8u %10.1f %10.2f %10.1f\n", name, operation->tokens, operation->context, us,
           work.bytes / us / 1e6, work.flops / us / 1e6);
}

static bool is_layer_product(const char *name)
{
    return text_equal(name, "qkv") || text_equal(name, "o") || text_equal(name, "gate_up") ||
           text_equal(name, "down");
}

/* The four products of a layer together, for as many tokens as 'qkv' has: what a step makes of its
 * weights. Nothing where one was not measured. */
static void print_layer(const struct step_profile *profile, const struct profile_operation *qkv,
                        double weight_bytes)
{
    struct work sum = {0};
    double us = 0;
    uint32_t products = 0;
    for (uint32_t i = 0; i < profile->operation_count; i++) {
        const struct profile_operation *operation = &profile->operations[i];
        if (operation->tokens == qkv->tokens && is_layer_product(operation->name)) {
            struct work work = work_of(profile, operation, weight_bytes);
            sum.bytes += work.bytes;
            sum.flops += work.flops;
            us += layer_us(profile, operation);
            products++;
        }
    }
    if (products == MODEL_LAYER_PRODUCTS) {
        print_rates("all four", qkv, us, sum);
    }
}

/* Achieved rates, to the screen and to profile_operations.csv for the roofline figure. */
static bool report_operations(const struct step_profile *profile, const char *directory,
                              struct error *error)
{
    const struct weight_precision *weights = NULL;
    struct output_file file = {0};
    if (!weight_precision_find(profile->weights, &weights, error) ||
        !output_file_open(&file, directory, "profile_operations.csv", error)) {
        return false;
    }
    struct csv_writer *writer = memory_zeroed(1, sizeof *writer);
    csv_writer_init(writer, file.stream);
    fputs("operation,tokens,context,us,tb_per_s,tflops,flop_per_byte\n", file.stream);
    printf("\n%-10s %7s %8s %10s %10s %10s\n", "a layer's", "tokens", "context", "us", "TB/s",
           "TFLOP/s");
    for (uint32_t i = 0; i < profile->operation_count; i++) {
        const struct profile_operation *operation = &profile->operations[i];
        struct work work = work_of(profile, operation, weights->linear_bytes);
        double us = layer_us(profile, operation);
        print_rates(operation->name, operation, us, work);
        csv_write_text(writer, operation->name);
        csv_write_whole(writer, operation->tokens);
        csv_write_whole(writer, operation->context);
        csv_write_decimal(writer, us, 3);
        csv_write_decimal(writer, work.bytes / us / 1e6, 5);
        csv_write_decimal(writer, work.flops / us / 1e6, 5);
        csv_write_decimal(writer, work.flops / work.bytes, 5);
        csv_end_row(writer);
    }
    for (uint32_t i = 0; i < profile->operation_count; i++) {
        if (text_equal(profile->operations[i].name, "qkv")) {
            print_layer(profile, &profile->operations[i], weights->linear_bytes);
        }
    }
    csv_writer_flush(writer);
    free(writer);
    return output_file_commit(&file, error);
}

static bool write_steps(const struct step_profile *profile, const char *directory,
                        struct error *error)
{
    struct output_file file = {0};
    if (!output_file_open(&file, directory, "profile_steps.csv", error)) {
        return false;
    }
    fputs("kind,size,context,ms\n", file.stream);
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        if (is_decode(step)) {
            fprintf(file.stream, "decode,%u,%u,%.6f\n", step->requests, step->context,
                    step->median_ms);
        } else if (is_prefill(step)) {
            fprintf(file.stream, "prefill,%u,%u,%.6f\n", step->prompt_tokens, step->prompt_context,
                    step->median_ms);
        }
    }
    return output_file_commit(&file, error);
}

static bool inform_of_steps(const struct json *document, const char *place, const char *directory,
                            bool no_plots, struct error *error)
{
    struct step_profile *profile = memory_zeroed(1, sizeof *profile);
    struct output_set set = {.stage = ""};
    unsigned figures = 0;
    bool ok = step_profile_parse(profile, document, place, error) &&
              output_set_open(&set, directory, plotting_profile_names, error);
    if (ok) {
        uint32_t noisy = 0;
        for (uint32_t i = 0; i < profile->step_count; i++) {
            noisy += profile->steps[i].noisy;
        }
        printf("%s, %s weights, %s KV on %u x %s, %s\n", profile->model, profile->weights,
               profile->kv_cache, profile->tensor_parallel, profile->gpu, profile->date);
        printf(
            "a step%s reads %.2f GB of weights and %.0f bytes a token of context; %u steps and %u "
            "operations measured, %u steps noisy (~)\n",
            profile->tensor_parallel > 1 ? " of each GPU" : "", profile->weight_bytes / 1e9,
            profile->kv_bytes_per_token, profile->step_count, profile->operation_count, noisy);
        print_steps(profile, true);
        print_steps(profile, false);
    }
    ok = ok && report_operations(profile, set.stage, error) &&
         write_steps(profile, set.stage, error) &&
         plotting_finish(&set, !no_plots, &figures, error);
    output_set_discard(&set);
    if (ok) {
        printf("\nresults       %s/ (%u figures)\n", directory, figures);
    }
    free(profile);
    return ok;
}

static void add_operations(struct json *document, const struct step_profile *profile)
{
    struct json *operations = json_add_array(document, "operations");
    for (uint32_t i = 0; i < profile->operation_count; i++) {
        const struct profile_operation *operation = &profile->operations[i];
        struct json *object = json_add_object(operations, NULL);
        json_add_text(object, "name", operation->name);
        json_add_whole(object, "tokens", operation->tokens);
        json_add_whole(object, "context", operation->context);
        json_add_number(object, "ms", operation->median_ms);
        json_add_number(object, "layer_us", layer_us(profile, operation));
    }
}

static void add_steps(struct json *document, const struct step_profile *profile)
{
    struct json *steps = json_add_array(document, "steps");
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        struct json *object = json_add_object(steps, NULL);
        json_add_whole(object, "prompt_tokens", step->prompt_tokens);
        json_add_whole(object, "prompt_context", step->prompt_context);
        json_add_whole(object, "requests", step->requests);
        json_add_whole(object, "context", step->context);
        json_add_number(object, "ms", step->median_ms);
        json_add_bool(object, "noisy", step->noisy);
    }
}

/* The profile as JSON on standard output; a file of links as it is. */
static bool print_json(const struct json *document, const char *place, struct error *error)
{
    if (link_table_is(document)) {
        return json_write_file(document, NULL, "-", error);
    }
    struct step_profile *profile = memory_zeroed(1, sizeof *profile);
    struct json *object = json_create_object();
    bool ok = step_profile_parse(profile, document, place, error);
    if (ok) {
        json_add_text(object, "model", profile->model);
        json_add_text(object, "gpu", profile->gpu);
        json_add_whole(object, "tensor_parallel", profile->tensor_parallel);
        json_add_text(object, "weights", profile->weights);
        json_add_text(object, "kv_cache", profile->kv_cache);
        json_add_text(object, "date", profile->date);
        json_add_number(object, "weight_bytes", profile->weight_bytes);
        json_add_number(object, "kv_bytes_per_token", profile->kv_bytes_per_token);
        add_steps(object, profile);
        add_operations(object, profile);
        ok = json_write_file(object, NULL, "-", error);
    }
    json_destroy(object);
    free(profile);
    return ok;
}

/* How the profile is shown. */
struct presentation {
    const char *directory;
    bool no_plots;
    bool json;
};

static bool inform(const char *name, const struct presentation *chosen, struct error *error)
{
    struct json *document = NULL;
    char buffer[1024];
    const char *path = cost_choice_profile_path(name, buffer, sizeof buffer);
    if (!embedded_read_json(path, &document, error)) {
        return false;
    }
    bool ok = chosen->json ? print_json(document, path, error)
              : link_table_is(document)
                  ? link_table_print(document, path, error)
                  : inform_of_steps(document, path, chosen->directory, chosen->no_plots, error);
    json_destroy(document);
    return ok;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct presentation chosen = {.directory = "results/profile"};
    struct option_list positionals = {.count = 0};
    const struct option options[] = {
        {"--out", "DIR", "folder for tables and figures (default results/profile)", OPTION_TEXT,
         &chosen.directory},
        {"--no-plots", NULL, "no figures", OPTION_FLAG, &chosen.no_plots},
        {"--json", NULL, "print the profile as JSON, and write nothing", OPTION_FLAG, &chosen.json},
        {.name = NULL},
    };
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    if (positionals.count != 1) {
        fprintf(stderr, "kvcast profile-info: expected one profile, a file or a name of "
                        "'kvcast list profiles'\n");
        return EXIT_BAD_USAGE;
    }
    struct error error;
    return inform(positionals.values[0], &chosen, &error) ? EXIT_DONE : options_fail(error.message);
}

const struct command command_profile_info = {
    .name = "profile-info",
    .arguments = "FILE",
    .summary = "what a profile of a GPU holds: step times, achieved rates, figures",
    .details =
        "FILE is written by kvcast-profile (profiler/README.md), or a shipped profile's name.\n\n"
        "  kvcast list profiles\n"
        "  kvcast profile-info h200-r1-distill-qwen-7b-bf16\n"
        "  kvcast profile-info profiler/links/h200-x2.json\n",
    .run = run,
};
