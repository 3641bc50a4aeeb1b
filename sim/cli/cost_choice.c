#include "sim/cli/cost_choice.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"
#include "sim/serving/cost_transfer.h"

struct cost_request cost_choice_for_engine(const struct measured_engine *engine, const char *source)
{
    return (struct cost_request){.source = source != NULL ? source : "",
                                 .model = engine->model,
                                 .gpu = engine->gpu,
                                 .weights = engine->weights,
                                 .kv_cache = engine->kv_cache,
                                 .tensor_parallel = engine->tensor_parallel};
}

static bool asked_configuration(const struct cost_request *request,
                                struct cost_configuration *configuration, struct error *error)
{
    configuration->tensor_parallel = request->tensor_parallel;
    return model_shape_find(request->model, &configuration->model, error) &&
           gpu_find(request->gpu, &configuration->gpu, error) &&
           weight_precision_find(request->weights, &configuration->weights, error) &&
           kv_precision_find(request->kv_cache, &configuration->kv, error);
}

static bool made_configuration(const struct step_cost *cost,
                               struct cost_configuration *configuration, struct error *error)
{
    const struct step_cost_identity *identity = &cost->identity;
    struct cost_request request = {.model = identity->model,
                                   .gpu = identity->gpu,
                                   .weights = identity->weights,
                                   .kv_cache = identity->kv_cache,
                                   .tensor_parallel = identity->tensor_parallel};
    return asked_configuration(&request, configuration, error) ||
           error_add_place(error, "calibration '%s'", identity->name);
}

/* Carries 'cost' to what is asked; its uncertainty is 0 when it was made for that. */
static bool carry_over(struct step_cost *cost, const struct cost_configuration *asked,
                       struct error *error)
{
    struct cost_configuration made;
    if (!made_configuration(cost, &made, error)) {
        return false;
    }
    cost_transfer(cost, &made, asked);
    return true;
}

/* Says what was carried over from what; nothing when the cost was made for what is asked. */
static void warn(const struct step_cost *cost, const struct cost_request *request, char *warning)
{
    const struct step_cost_identity *identity = &cost->identity;
    warning[0] = '\0';
    if (cost->uncertainty <= 0) {
        return;
    }
    snprintf(
        warning, COST_WARNING_BYTES,
        "calibration '%s' was made for %s, %s weights, %s KV on %u x %s and is carried over to "
        "%s, %s weights, %s KV on %u x %s: step times are uncertain by about %.0f %% more",
        identity->name, identity->model, identity->weights, identity->kv_cache,
        identity->tensor_parallel, identity->gpu, request->model, request->weights,
        request->kv_cache, request->tensor_parallel, request->gpu, 100 * cost->uncertainty);
}

/* The shipped calibration that promises the least extra uncertainty, as it is. */
static bool find_shipped(const struct cost_configuration *asked, struct step_cost *ret_cost,
                         double *ret_extra_pct, struct error *error)
{
    bool any = false;
    for (const struct embedded_file *file = embedded_files; file->path != NULL; file++) {
        struct step_cost cost;
        struct cost_configuration made;
        if (!text_starts_with(file->path, "calibration/")) {
            continue;
        }
        if (!step_cost_read(&cost, file->path, error) || !made_configuration(&cost, &made, error)) {
            return false;
        }
        double extra_pct = cost_transfer_uncertainty_pct(&made, asked);
        if (!any || extra_pct < *ret_extra_pct) {
            any = true;
            *ret_cost = cost;
            *ret_extra_pct = extra_pct;
        }
    }
    return any || error_set(error, "no calibration is shipped; name one by --cost calibrated:FILE");
}

bool cost_choice_nearest(const struct cost_request *request, struct step_cost *ret_cost,
                         char *warning, struct error *error)
{
    struct cost_configuration asked;
    double extra_pct = 0;
    if (!asked_configuration(request, &asked, error) ||
        !find_shipped(&asked, ret_cost, &extra_pct, error) ||
        !carry_over(ret_cost, &asked, error)) {
        return false;
    }
    warn(ret_cost, request, warning);
    return true;
}

/* A file, or the name of a shipped calibration. */
static bool read_named(const char *name, struct step_cost *cost, struct error *error)
{
    char shipped[1024];
    snprintf(shipped, sizeof shipped, "calibration/%.900s.json", name);
    bool is_shipped = access(name, R_OK) != 0 && embedded_find(shipped) != NULL;
    return step_cost_read(cost, is_shipped ? shipped : name, error);
}

bool cost_choice_find(const struct cost_request *request, struct step_cost *ret_cost,
                      bool *ret_found, char *warning, struct error *error)
{
    const char *file = strchr(request->source, ':');
    size_t source_length = strcspn(request->source, ":");
    struct cost_configuration asked;
    warning[0] = '\0';
    if (source_length > 0 && (source_length != strlen("calibrated") ||
                              !text_starts_with(request->source, "calibrated"))) {
        return error_set(error, "--cost: unknown source '%.*s', expected calibrated[:FILE]",
                         (int)source_length, request->source);
    }
    bool is_known = asked_configuration(request, &asked, error);
    if (file == NULL && !is_known) {
        *ret_found = false;
        return true;
    }
    if (!is_known) {
        return false;
    }
    if (file == NULL) {
        double extra_pct = 0;
        if (!find_shipped(&asked, ret_cost, &extra_pct, error)) {
            return false;
        }
        *ret_found = extra_pct <= 0;
        return true;
    }
    if (!read_named(file + 1, ret_cost, error) || !carry_over(ret_cost, &asked, error)) {
        return false;
    }
    warn(ret_cost, request, warning);
    *ret_found = true;
    return true;
}

bool cost_choice_make(const struct cost_request *request, struct step_cost *ret_cost, char *warning,
                      struct error *error)
{
    bool found = false;
    return cost_choice_find(request, ret_cost, &found, warning, error) &&
           (found || cost_choice_nearest(request, ret_cost, warning, error));
}
