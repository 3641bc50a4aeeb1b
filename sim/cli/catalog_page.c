#include "sim/cli/catalog_page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/json.h"
#include "sim/hardware/gpu.h"
#include "sim/hardware/model_catalog.h"

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
