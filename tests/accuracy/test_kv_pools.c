/* KV pools and weights against what engines log when they start: public logs of dense models that
 * state their settings (kv_pools.csv), and, where KVCAST_REFERENCE names a folder, the rows of its
 * kv-pools.csv that can be read alike. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/base/csv.h"
#include "sim/base/text.h"
#include "sim/hardware/memory_model.h"
#include "sim/hardware/model_catalog.h"

enum { MAX_ROWS = 200 };

#define MEDIAN_LIMIT_PCT 1.5
#define WORST_LIMIT_PCT 4.0
#define WEIGHTS_LIMIT_PCT 1.0

struct errors {
    double pct[MAX_ROWS];
    uint32_t count;
    double worst_pct;
    double worst_weights_pct;
};

static const char *field(const struct csv_reader *reader, const char *name)
{
    int column = csv_find(reader, name);
    assert_true(column >= 0);
    return reader->fields[column];
}

static double number(const struct csv_reader *reader, const char *name)
{
    double value = 0;
    assert_true(text_to_double(field(reader, name), &value));
    return value;
}

/* Of the reference: a log's name tells formats apart that engines call alike. */
static const char *weights_of(const struct csv_reader *reader)
{
    static const struct {
        const char *part;
        const char *weights;
    } parts[] = {{"fp8dyn", "fp8"}, {"w8a8", "int8"}, {"w4a16", "gptq-int4-g128"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strstr(field(reader, "source"), parts[i].part) != NULL ||
            strstr(field(reader, "model"), parts[i].part) != NULL) {
            return parts[i].weights;
        }
    }
    return field(reader, "weights");
}

/* Of the reference: published again in another format, a model has a name of its own there. */
static void model_of(const struct csv_reader *reader, const char *folder, char *name, size_t bytes)
{
    static const char *const endings[] = {"-fp8-dynamic", "-quantized.w8a8", "-quantized.w4a16"};
    const char *model = field(reader, "model");
    const char *ending = strstr(model, ".json");
    snprintf(name, bytes, "%s%s%s", ending != NULL ? folder : "", ending != NULL ? "/configs/" : "",
             model);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char *found = strstr(name, endings[i]);
        if (found != NULL) {
            *found = '\0';
        }
    }
}

/* Of the reference: pipelines of GPUs, 32-bit weights and experts are not modelled, and a length
 * of 0 means settings that were not stated. */
static bool is_modelled(const struct csv_reader *reader)
{
    static const char *const others[] = {"pp2", "pp4", "dtf32"};
    static const char *const sparse[] = {"Llama-4", "Mixtral", "Kimi-VL", "MoE", "A3B"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strstr(field(reader, "source"), others[i]) != NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof sparse / sizeof sparse[0]; i++) {
        if (strstr(field(reader, "model"), sparse[i]) != NULL) {
            return false;
        }
    }
    return number(reader, "max_model_len") > 0;
}

static void read_settings(const struct csv_reader *reader, const char *engine, const char *weights,
                          struct memory_settings *settings)
{
    struct error error;
    *settings = (struct memory_settings){
        .tensor_parallel = (uint32_t)number(reader, "tensor_parallel"),
        .gpu_memory_utilization = number(reader, "gpu_memory_utilization"),
        .block_tokens = 16,
        .max_batch_tokens = (uint32_t)number(reader, "max_batch_tokens"),
        .max_batch_requests = (uint32_t)number(reader, "max_batch_requests"),
        .rule = memory_rule_find(engine)};
    assert_true(weight_precision_find(weights, &settings->weights, &error));
    assert_true(kv_precision_find(field(reader, "kv_cache"), &settings->kv, &error));
}

static void compare(const struct csv_reader *reader, const char *model,
                    const struct memory_settings *settings, const char *kv_tokens,
                    struct errors *errors)
{
    struct memory_plan plan;
    struct model_shape shape;
    struct gpu gpu;
    struct error error;
    const char *gpu_name = field(reader, "gpu");
    if (!model_shape_find(model, &shape, &error) ||
        !gpu_find(text_equal(gpu_name, "H100-80GB") ? "H100-SXM" : gpu_name, &gpu, &error) ||
        !memory_model_plan(&shape, &gpu, settings, &plan, &error)) {
        fail_msg("%s: %s", field(reader, "source"), error.message);
    }
    double pct = 100 * (16.0 * plan.num_blocks / number(reader, kv_tokens) - 1);
    const char *logged = field(reader, "weights_gib");
    double weights_pct =
        *logged != '\0' ? 100 * (plan.weight_gib / number(reader, "weights_gib") - 1) : 0;
    printf("# %7.2f %% pool, %6.2f %% weights: %s\n", pct, weights_pct, field(reader, "source"));
    assert_true(errors->count < MAX_ROWS);
    errors->pct[errors->count++] = fabs(pct);
    errors->worst_pct = fmax(errors->worst_pct, fabs(pct));
    errors->worst_weights_pct = fmax(errors->worst_weights_pct, fabs(weights_pct));
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void judge(struct errors *errors)
{
    assert_true(errors->count > 50);
    qsort(errors->pct, errors->count, sizeof errors->pct[0], by_size);
    double median_pct = errors->pct[errors->count / 2];
    printf("# %u pools: median error %.2f %%, worst %.2f %%; weights within %.2f %%\n",
           errors->count, median_pct, errors->worst_pct, errors->worst_weights_pct);
    assert_true(median_pct <= MEDIAN_LIMIT_PCT);
    assert_true(errors->worst_pct <= WORST_LIMIT_PCT);
    assert_true(errors->worst_weights_pct <= WEIGHTS_LIMIT_PCT);
}

static void test_pools(void **state)
{
    (void)state;
    char path[1024];
    const char *root = getenv("KVCAST_SOURCE_ROOT");
    struct csv_reader reader;
    struct errors errors = {.count = 0};
    struct error error;
    bool more = true;
    snprintf(path, sizeof path, "%s/tests/accuracy/kv_pools.csv", root != NULL ? root : ".");
    assert_true(csv_open(&reader, path, NULL, &error));
    while (csv_next(&reader, &more, &error) && more) {
        struct memory_settings settings;
        read_settings(&reader, field(&reader, "engine"), field(&reader, "weights"), &settings);
        compare(&reader, field(&reader, "model"), &settings, "kv_tokens", &errors);
    }
    csv_close(&reader);
    judge(&errors);
}

static void test_reference(void **state)
{
    (void)state;
    char path[1024];
    char model[1024];
    const char *folder = getenv("KVCAST_REFERENCE");
    struct csv_reader reader;
    struct errors errors = {.count = 0};
    struct error error;
    bool more = true;
    if (folder == NULL) {
        printf("# KVCAST_REFERENCE is not set: its pools are left out\n");
        return;
    }
    snprintf(path, sizeof path, "%s/kv-pools.csv", folder);
    assert_true(csv_open(&reader, path, NULL, &error));
    while (csv_next(&reader, &more, &error) && more) {
        struct memory_settings settings;
        if (!is_modelled(&reader)) {
            continue;
        }
        read_settings(&reader, field(&reader, "engine_version"), weights_of(&reader), &settings);
        model_of(&reader, folder, model, sizeof model);
        compare(&reader, model, &settings, "logged_kv_tokens", &errors);
    }
    csv_close(&reader);
    judge(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pools),
                                       cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests_name("kv-pools", tests, NULL, NULL);
}
