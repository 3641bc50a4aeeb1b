#include "sim/cli/catalog_page.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/json.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/engines/engine_presets.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_catalog.h"
#include "sim/hardware/precision.h"
#include "sim/metrics/figure_table.h"
#include "sim/policy/scheduling_policies.h"
#include "sim/pricing/cost_catalog.h"
#include "sim/pricing/step_profile_file.h"
#include "workloads/length_model.h"

static void print_json(struct json *document)
{
    char *text = json_print(document);
    printf("%s\n", text);
    free(text);
    json_destroy(document);
}

static void add_ids(const char *ids, struct json *list)
{
    char copy[sizeof((struct model_entry *)NULL)->ids];
    char *rest = NULL;
    snprintf(copy, sizeof copy, "%s", ids);
    for (char *id = strtok_r(copy, "|", &rest); id != NULL; id = strtok_r(NULL, "|", &rest)) {
        json_add_text(list, NULL, id);
    }
}

static void add_model(const struct model_entry *entry, struct json *object)
{
    const struct model_shape *shape = &entry->shape;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"parameters", (double)model_shape_weights(shape)},
                   {"hidden_size", shape->hidden_size},
                   {"num_hidden_layers", shape->num_hidden_layers},
                   {"num_attention_heads", shape->num_attention_heads},
                   {"num_key_value_heads", shape->num_key_value_heads},
                   {"head_dim", shape->head_dim},
                   {"intermediate_size", shape->intermediate_size},
                   {"vocab_size", shape->vocab_size},
                   {"max_position_embeddings", shape->max_position_embeddings},
                   {"sliding_window", shape->window.tokens},
                   {"sliding_window_layers", shape->window.count}};
    json_add_text(object, "name", shape->name);
    add_ids(entry->ids, json_add_array(object, "hugging_face"));
    json_add_text(object, "model_type", shape->model_type);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_add_number(object, numbers[i].name, numbers[i].value);
    }
    json_add_bool(object, "tie_word_embeddings", shape->tie_word_embeddings);
}

static void print_models_json(const struct model_catalog *catalog)
{
    struct json *document = json_create_object();
    struct json *models = json_add_array(document, "models");
    struct json *refusals = json_add_array(document, "not_modelled");
    for (uint32_t i = 0; i < catalog->count; i++) {
        add_model(&catalog->models[i], json_add_object(models, NULL));
    }
    for (uint32_t i = 0; i < catalog->refusal_count; i++) {
        struct json *object = json_add_object(refusals, NULL);
        json_add_text(object, "name", catalog->refusals[i].name);
        add_ids(catalog->refusals[i].ids, json_add_array(object, "hugging_face"));
        json_add_text(object, "reason", catalog->refusals[i].reason);
    }
    print_json(document);
}

bool catalog_page_models(bool as_json, struct error *error)
{
    struct model_catalog catalog;
    if (!model_catalog_read(&catalog, error)) {
        return false;
    }
    if (as_json) {
        print_models_json(&catalog);
    } else {
        printf("%-32s %8s %7s %6s %9s\n", "model", "weights", "layers", "KV", "positions");
    }
    for (uint32_t i = 0; !as_json && i < catalog.count; i++) {
        const struct model_shape *shape = &catalog.models[i].shape;
        printf("%-32s %6.2f B %7u %6u %9u\n", shape->name, (double)model_shape_weights(shape) / 1e9,
               shape->num_hidden_layers, shape->num_key_value_heads,
               shape->max_position_embeddings);
    }
    model_catalog_clear(&catalog);
    return true;
}

bool catalog_page_gpus(bool as_json, struct error *error)
{
    struct gpu_catalog catalog;
    struct json *document = json_create_object();
    struct json *list = json_add_array(document, "gpus");
    if (!gpu_catalog_read(&catalog, error)) {
        json_destroy(document);
        return false;
    }
    if (!as_json) {
        printf("%-18s %10s %12s %14s\n", "GPU", "memory", "bandwidth", "bf16");
    }
    for (uint32_t i = 0; i < catalog.count; i++) {
        const struct gpu *gpu = &catalog.gpus[i];
        if (as_json) {
            gpu_echo(gpu, json_add_object(list, NULL));
        } else {
            printf("%-18s %6.1f GiB %7.0f GB/s %7.0f TFLOP/s\n", gpu->name, gpu->memory_mib / 1024,
                   gpu->memory_gb_per_s, gpu->bf16_tflops);
        }
    }
    gpu_catalog_clear(&catalog);
    if (as_json) {
        print_json(document);
    } else {
        json_destroy(document);
    }
    return true;
}

static struct json *add_named(struct json *array, const char *name)
{
    struct json *object = json_add_object(array, NULL);
    json_add_text(object, "name", name);
    return object;
}

static bool add_engines(struct json *array, struct error *error)
{
    (void)error;
    for (size_t i = 0; engine_presets[i] != NULL; i++) {
        json_add_text(add_named(array, engine_presets[i]->name), "summary",
                      engine_presets[i]->summary);
    }
    return true;
}

static void add_parameters(struct json *policy, const struct policy_parameter *parameter)
{
    struct json *list = json_add_array(policy, "parameters");
    for (; parameter != NULL && parameter->key != NULL; parameter++) {
        struct json *object = json_add_object(list, NULL);
        json_add_text(object, "key", parameter->key);
        json_add_number(object, "default", parameter->value);
        json_add_number(object, "minimum", parameter->minimum);
        json_add_number(object, "maximum", parameter->maximum);
        json_add_text(object, "unit", parameter->unit != NULL ? parameter->unit : "");
        json_add_text(object, "help", parameter->help);
    }
}

static bool add_policies(struct json *array, struct error *error)
{
    (void)error;
    for (size_t i = 0; scheduling_policies[i] != NULL; i++) {
        struct json *object = add_named(array, scheduling_policies[i]->name);
        json_add_text(object, "summary", scheduling_policies[i]->summary);
        add_parameters(object, scheduling_policies[i]->parameters);
    }
    return true;
}

static void add_precision(struct json *array, const char *what, const char *name,
                          const char *summary)
{
    struct json *object = add_named(array, name);
    json_add_text(object, "of", what);
    json_add_text(object, "summary", summary);
}

static bool add_precisions(struct json *array, struct error *error)
{
    (void)error;
    for (size_t i = 0; weight_precisions[i].name != NULL; i++) {
        add_precision(array, "weights", weight_precisions[i].name, weight_precisions[i].summary);
    }
    for (size_t i = 0; kv_precisions[i].name != NULL; i++) {
        add_precision(array, "kv_cache", kv_precisions[i].name, kv_precisions[i].summary);
    }
    return true;
}

/* Datasets and their lengths: the same length models. */
static bool add_lengths(struct json *array, struct error *error)
{
    static const double parts[] = {0.5, 0.9, 0.99};
    static const char *const names[] = {"output_p50", "output_p90", "output_p99"};
    struct length_catalog catalog;
    if (!length_catalog_read(&catalog, "workloads/data/lengths.json", error)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog.count; i++) {
        const struct length_model *model = &catalog.models[i];
        struct json *object = json_add_object(array, NULL);
        json_add_text(object, "dataset", model->dataset);
        json_add_text(object, "model", model->model);
        json_add_text(object, "kv_cache", model->kv_cache);
        json_add_bool(object, "is_reasoning", model->is_reasoning);
        json_add_text(object, "known", length_knowledge_name(model->known));
        json_add_text(object, "source", model->source);
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
            json_add_whole(object, names[k], length_distribution_at(&model->output, parts[k]));
        }
    }
    length_catalog_clear(&catalog);
    return true;
}

static void add_identity(struct json *object, const char *model, const char *gpu,
                         uint32_t tensor_parallel, const char *weights, const char *kv_cache)
{
    json_add_text(object, "model", model);
    json_add_text(object, "gpu", gpu);
    json_add_whole(object, "tensor_parallel", tensor_parallel);
    json_add_text(object, "weights", weights);
    json_add_text(object, "kv_cache", kv_cache);
}

static bool add_calibrations(struct json *array, struct error *error)
{
    const struct cost_catalog *catalog = NULL;
    if (!cost_catalog_calibrations(&catalog, error)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct step_cost_identity *identity = &catalog->costs[i].cost.identity;
        struct json *object = add_named(array, identity->name);
        json_add_text(object, "engine", identity->engine);
        add_identity(object, identity->model, identity->gpu, identity->tensor_parallel,
                     identity->weights, identity->kv_cache);
    }
    return true;
}

static bool add_profiles(struct json *array, struct error *error)
{
    struct step_profile *profile = memory_zeroed(1, sizeof *profile);
    const struct embedded_file *file = NULL;
    bool ok = true;
    while (ok && (file = embedded_next("profiler/profiles/", file)) != NULL) {
        char name[128];
        const char *slash = strrchr(file->path, '/');
        ok = step_profile_read(profile, file->path, error);
        if (ok) {
            snprintf(name, sizeof name, "%.*s", (int)(strlen(slash + 1) - strlen(".json")),
                     slash + 1);
            struct json *object = add_named(array, name);
            json_add_text(object, "date", profile->date);
            add_identity(object, profile->model, profile->gpu, profile->tensor_parallel,
                         profile->weights, profile->kv_cache);
        }
    }
    free(profile);
    return ok;
}

static bool add_figures(struct json *array, struct error *error)
{
    (void)error;
    for (const struct figure *figure = figure_table; figure->key != NULL; figure++) {
        struct json *object = add_named(array, figure->key);
        json_add_text(object, "unit", figure->unit != NULL ? figure->unit : "");
        json_add_text(object, "help", figure->help);
    }
    return true;
}

bool catalog_page_json(const char *topic, struct error *error)
{
    static const struct {
        const char *name;
        bool (*add)(struct json *array, struct error *error);
    } topics[] = {{"engines", add_engines},       {"policies", add_policies},
                  {"precisions", add_precisions}, {"datasets", add_lengths},
                  {"lengths", add_lengths},       {"calibrations", add_calibrations},
                  {"profiles", add_profiles},     {"figures", add_figures}};
    size_t i = 0;
    while (!text_equal(topics[i].name, topic)) {
        i++;
        assert(i < sizeof topics / sizeof topics[0]);
    }
    struct json *document = json_create_object();
    bool ok = topics[i].add(json_add_array(document, topic), error) &&
              json_write_file(document, NULL, "-", error);
    json_destroy(document);
    return ok;
}
