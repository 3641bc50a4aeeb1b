#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/cli/catalog_page.h"
#include "sim/cli/options.h"
#include "sim/cli/settings_page.h"
#include "sim/engines/engine_presets.h"
#include "sim/hardware/precision.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/pricing/cost_catalog.h"
#include "sim/pricing/step_profile.h"
#include "sim/pricing/step_profile_file.h"
#include "sim/report/figure_report.h"
#include "workloads/length_model.h"

static bool list_models(struct error *error)
{
    return catalog_page_models(false, error);
}

static bool list_gpus(struct error *error)
{
    return catalog_page_gpus(false, error);
}

static bool list_models_json(struct error *error)
{
    return catalog_page_models(true, error);
}

static bool list_gpus_json(struct error *error)
{
    return catalog_page_gpus(true, error);
}

static bool list_engines(struct error *error)
{
    (void)error;
    for (size_t i = 0; engine_presets[i] != NULL; i++) {
        printf("%-18s %s\n", engine_presets[i]->name, engine_presets[i]->summary);
    }
    return true;
}

static bool list_policies(struct error *error)
{
    (void)error;
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        const struct policy_parameter *parameter = scheduling_policies[i]->parameters;
        printf("%-18s %s\n", scheduling_policies[i]->name, scheduling_policies[i]->summary);
        for (; parameter != NULL && parameter->key != NULL; parameter++) {
            printf("    %s=%g%s%s: %s\n", parameter->key, parameter->value,
                   parameter->unit != NULL ? " " : "",
                   parameter->unit != NULL ? parameter->unit : "", parameter->help);
        }
    }
    return true;
}

static bool list_precisions(struct error *error)
{
    (void)error;
    for (size_t i = 0; weight_precisions[i].name != NULL; i++) {
        printf("weights  %-18s %s\n", weight_precisions[i].name, weight_precisions[i].summary);
    }
    for (size_t i = 0; kv_precisions[i].name != NULL; i++) {
        printf("KV cache %-18s %s\n", kv_precisions[i].name, kv_precisions[i].summary);
    }
    return true;
}

static bool list_datasets(struct error *error)
{
    struct length_catalog catalog;
    if (!length_catalog_read(&catalog, "workloads/data/lengths.json", error)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog.count; i++) {
        const struct length_model *model = &catalog.models[i];
        printf("%-14s %-32s %s%s%s, lengths %s\n", model->dataset, model->model,
               model->is_reasoning ? "reasoning" : "traditional",
               model->kv_cache[0] != '\0' ? ", KV " : "", model->kv_cache,
               length_knowledge_name(model->known));
    }
    length_catalog_clear(&catalog);
    return true;
}

static void print_length_model(const struct length_model *model)
{
    const struct length_data *data = &model->data;
    char name[96];
    snprintf(name, sizeof name, "%s%s%s", model->model, model->kv_cache[0] != '\0' ? ", KV " : "",
             model->kv_cache);
    printf("%-13s %-42s %-8s %6u %7u %7u %7u %6.1f %%\n", model->dataset, name,
           length_knowledge_name(model->known), model->responses,
           length_distribution_at(&model->output, 0.5), length_distribution_at(&model->output, 0.9),
           length_distribution_at(&model->output, 0.99),
           100 * (1 - length_distribution_share(&model->output, 16384)));
    if (data->n > 0) {
        printf("%-13s %-42s %-8s %6u %7.0f %7.0f %7.0f %6.1f %%\n", "",
               "  the responses themselves", "", data->n, data->p50, data->p90, data->p99,
               data->over_16k_pct);
    }
    printf("%-13s   %s\n", "", model->source);
}

/* Output tokens that no budget cut, by dataset and model, and what is known of them. */
static bool list_lengths(struct error *error)
{
    struct length_catalog catalog;
    if (!length_catalog_read(&catalog, "workloads/data/lengths.json", error)) {
        return false;
    }
    printf("%-13s %-42s %-8s %6s %7s %7s %7s %8s\n", "dataset", "model", "known", "n", "p50", "p90",
           "p99", "over 16k");
    for (uint32_t i = 0; i < catalog.count; i++) {
        print_length_model(&catalog.models[i]);
    }
    printf(
        "\nknown: measured = single responses of this very model; family = single responses of a "
        "sibling and this\nmodel's means; means = only this model's means; assumed = taken from "
        "another task or model.\n");
    length_catalog_clear(&catalog);
    return true;
}

static bool list_calibrations(struct error *error)
{
    const struct cost_catalog *catalog = NULL;
    if (!cost_catalog_calibrations(&catalog, error)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct step_cost_identity *identity = &catalog->costs[i].cost.identity;
        printf("%-20s %s on %u x %s, %s weights, %s KV, %s\n", identity->name, identity->model,
               identity->tensor_parallel, identity->gpu, identity->weights, identity->kv_cache,
               identity->engine);
    }
    return true;
}

static bool list_profiles(struct error *error)
{
    struct step_profile *profile = memory_zeroed(1, sizeof *profile);
    const struct embedded_file *file = NULL;
    bool ok = true;
    while (ok && (file = embedded_next("profiler/profiles/", file)) != NULL) {
        const char *name = strrchr(file->path, '/');
        ok = step_profile_read(profile, file->path, error);
        if (ok) {
            printf("%-44.*s %s on %u x %s, %s weights, %s KV, %s\n",
                   (int)(strlen(name + 1) - strlen(".json")), name + 1, profile->model,
                   profile->tensor_parallel, profile->gpu, profile->weights, profile->kv_cache,
                   profile->date);
        }
    }
    free(profile);
    return ok;
}

static bool list_settings(struct error *error)
{
    (void)error;
    settings_page_print(false);
    return true;
}

static bool list_figures(struct error *error)
{
    (void)error;
    figure_report_list(stdout);
    return true;
}

static bool list_settings_json(struct error *error)
{
    (void)error;
    settings_page_print(true);
    return true;
}

static const struct {
    const char *name;
    bool (*list)(struct error *error);
    bool (*list_json)(struct error *error); /* NULL: catalog_page_json() has it */
} topics[] = {{"models", list_models, list_models_json},
              {"gpus", list_gpus, list_gpus_json},
              {"engines", list_engines, NULL},
              {"policies", list_policies, NULL},
              {"precisions", list_precisions, NULL},
              {"datasets", list_datasets, NULL},
              {"lengths", list_lengths, NULL},
              {"calibrations", list_calibrations, NULL},
              {"profiles", list_profiles, NULL},
              {"settings", list_settings, list_settings_json},
              {"figures", list_figures, NULL}};

static int list_topic(size_t i, bool as_json)
{
    struct error error;
    bool ok = !as_json                      ? topics[i].list(&error)
              : topics[i].list_json != NULL ? topics[i].list_json(&error)
                                            : catalog_page_json(topics[i].name, &error);
    return ok ? EXIT_DONE : options_fail(error.message);
}

static int run(const struct command *command, int argc, char **argv)
{
    bool as_json = false;
    const struct option options[] = {
        {"--json", NULL, "as JSON", OPTION_FLAG, &as_json},
        {.name = NULL},
    };
    struct option_list positionals = {.count = 0};
    const char *names[sizeof topics / sizeof topics[0] + 1] = {NULL};
    int status = 0;
    if (!options_parse(command, options, argc, argv, &positionals, &status)) {
        return status;
    }
    const char *topic = positionals.count == 1 ? positionals.values[0] : "";
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        names[i] = topics[i].name;
        if (text_equal(topic, topics[i].name)) {
            return list_topic(i, as_json);
        }
    }
    const char *nearest = text_nearest(topic, names);
    fprintf(stderr, "kvcast list: expected one topic of");
    for (size_t i = 0; names[i] != NULL; i++) {
        fprintf(stderr, " %s", names[i]);
    }
    fprintf(stderr, "%s%s%s\n", nearest != NULL && *topic != '\0' ? "; did you mean '" : "",
            nearest != NULL && *topic != '\0' ? nearest : "",
            nearest != NULL && *topic != '\0' ? "'?" : "");
    return EXIT_BAD_USAGE;
}

const struct command command_list = {
    .name = "list",
    .arguments = "TOPIC",
    .summary = "show models, GPUs, engines, policies, precisions, datasets, lengths, costs, "
               "settings, figures",
    .details = "topics: models gpus engines policies precisions datasets lengths calibrations "
               "profiles settings figures\n",
    .run = run,
};
