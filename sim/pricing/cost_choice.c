#include "sim/pricing/cost_choice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/memory.h"
#include "sim/base/text.h"
#include "sim/metrics/samples.h"
#include "sim/pricing/cost_transfer.h"
#include "sim/pricing/engine_factors.h"
#include "sim/pricing/step_profile.h"

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
    snprintf(warning, COST_WARNING_BYTES,
             "%s cost '%s' was made for %s, %s weights, %s KV on %u x %s and is carried over to "
             "%s, %s weights, %s KV on %u x %s: step times are uncertain by about %.0f %% more",
             identity->source, identity->name, identity->model, identity->weights,
             identity->kv_cache, identity->tensor_parallel, identity->gpu, request->model,
             request->weights, request->kv_cache, request->tensor_parallel, request->gpu,
             100 * cost->uncertainty);
}

static bool read_calibration(const char *path, struct step_cost *cost,
                             struct cost_configuration *made, struct error *error)
{
    return step_cost_read(cost, path, error) && made_configuration(cost, made, error);
}

/* The shipped calibration that promises the least extra uncertainty, as it is. */
static bool find_shipped(const struct cost_configuration *asked, struct step_cost *ret_cost,
                         double *ret_extra_pct, struct error *error)
{
    bool any = false;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next("calibration/", file)) != NULL) {
        struct step_cost cost;
        struct cost_configuration made;
        if (!read_calibration(file->path, &cost, &made, error)) {
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

/* A file, or the name of a shipped one below 'folder'. */
static const char *path_of(const char *name, const char *folder, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s%.900s.json", folder, name);
    return access(name, R_OK) != 0 && embedded_find(buffer) != NULL ? buffer : name;
}

#define PROFILES "profiler/profiles/"

const char *cost_choice_profile_path(const char *name, char *buffer, size_t size)
{
    return path_of(name, PROFILES, buffer, size);
}

/* The cost of the card by the profile at 'path', and what it was measured on. */
static bool read_card(const char *path, struct step_cost *cost, struct cost_configuration *made,
                      struct error *error)
{
    struct step_profile *profile = memory_zeroed(1, sizeof *profile);
    bool ok = step_profile_read(profile, path, error) &&
              step_profile_compose(profile, path, cost, error) &&
              made_configuration(cost, made, error);
    free(profile);
    return ok;
}

static bool is_in_bf16(const struct cost_configuration *made)
{
    return text_equal(made->weights->name, "bf16");
}

/* The shipped profile in bf16 that carries over to what is asked with the least uncertainty. What
 * an engine makes of another format is put on it; a profile in that format says what our own
 * kernels do, and has to be asked for by name. */
static bool find_card(const struct cost_configuration *asked, struct step_cost *ret_cost,
                      struct cost_configuration *ret_made, double *ret_extra_pct,
                      struct error *error)
{
    *ret_extra_pct = INFINITY;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next(PROFILES, file)) != NULL) {
        struct step_cost cost;
        struct cost_configuration made;
        if (!read_card(file->path, &cost, &made, error)) {
            return false;
        }
        double extra_pct = cost_transfer_uncertainty_pct(&made, asked);
        if (is_in_bf16(&made) && extra_pct < *ret_extra_pct) {
            *ret_extra_pct = extra_pct;
            *ret_cost = cost;
            *ret_made = made;
        }
    }
    return !isinf(*ret_extra_pct) ||
           error_set(error, "no profile is shipped; name one by --cost profiled:FILE");
}

/* Which calibration: KV is in bf16. */
struct wanted {
    const char *weights;
    const char *model; /* NULL: the smallest there is */
    uint32_t tensor_parallel;
};

static bool find_measured(const struct wanted *wanted, struct step_cost *ret_measured,
                          struct cost_configuration *ret_made, bool *ret_found, struct error *error)
{
    double smallest = INFINITY;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next("calibration/", file)) != NULL) {
        struct step_cost measured;
        struct cost_configuration made;
        if (!read_calibration(file->path, &measured, &made, error)) {
            return false;
        }
        double size = (double)model_shape_linear_weights(&made.model);
        if (made.tensor_parallel == wanted->tensor_parallel &&
            text_equal(made.weights->name, wanted->weights) && text_equal(made.kv->name, "bf16") &&
            size < smallest &&
            (wanted->model == NULL || text_equal(made.model.name, wanted->model))) {
            *ret_measured = measured;
            *ret_made = made;
            smallest = size;
        }
    }
    *ret_found = !isinf(smallest);
    return true;
}

/* What an engine makes of so many cards: the bf16 calibration of the smallest model, and the
 * profile of that model. */
static bool find_reference(uint32_t tensor_parallel, struct step_cost *ret_measured,
                           struct step_cost *ret_card, bool *ret_found, struct error *error)
{
    const struct wanted wanted = {.weights = "bf16", .tensor_parallel = tensor_parallel};
    struct cost_configuration reference;
    struct cost_configuration of_card;
    double extra_pct = INFINITY;
    if (!find_measured(&wanted, ret_measured, &reference, ret_found, error) ||
        (*ret_found && !find_card(&reference, ret_card, &of_card, &extra_pct, error))) {
        return false;
    }
    *ret_found = extra_pct <= 0;
    return true;
}

/* How the engine's kernels use the weight format that is asked, where one model is calibrated in it
 * and in bf16, on a GPU for which it takes the same kernels. */
static bool find_factors(const struct cost_configuration *asked, struct engine_factors *factors,
                         bool *ret_found, struct error *error)
{
    struct step_cost format;
    struct step_cost bf16;
    struct cost_configuration made;
    struct cost_configuration plain;
    const struct wanted of_format = {.weights = asked->weights->name, .tensor_parallel = 1};
    if (!find_measured(&of_format, &format, &made, ret_found, error)) {
        return false;
    }
    *ret_found = *ret_found && cost_transfer_shares_kernels(asked, &made);
    if (!*ret_found) {
        return true;
    }
    const struct wanted of_bf16 = {
        .weights = "bf16", .model = made.model.name, .tensor_parallel = 1};
    if (!find_measured(&of_bf16, &bf16, &plain, ret_found, error)) {
        return false;
    }
    if (*ret_found) {
        engine_factors_learn(factors, &format, &bf16, &made);
    }
    return true;
}

/* What the engine takes for a decode beyond the card: one constant, the median over the batches of
 * the bf16 reference on as many GPUs, or on one. */
static bool add_engine_constant(struct step_cost *cost, struct error *error)
{
    struct step_cost measured = {.launch_tail_ps = 0};
    struct step_cost card = {.launch_tail_ps = 0};
    struct samples rest_ps;
    bool found = false;
    if (!find_reference(cost->identity.tensor_parallel, &measured, &card, &found, error) ||
        (!found && !find_reference(1, &measured, &card, &found, error))) {
        return false;
    }
    if (!found) {
        return error_set(error, "no bf16 calibration and profile of one model are shipped");
    }
    samples_init(&rest_ps);
    for (uint32_t i = 0; i < measured.decode.count; i++) {
        double card_ps = cost_curve_at(&card.decode, measured.decode.tokens[i]);
        samples_add(&rest_ps, measured.decode.cost_ps[i] - card_ps);
    }
    step_cost_add_constant(cost, fmax(0, samples_quantile(&rest_ps, 0.5)));
    samples_clear(&rest_ps);
    return true;
}

/* The card's share: by the profile 'name', or else by the nearest one. Then the engine's, as far as
 * it is known for the weights that are asked. */
static bool compose_card(const struct cost_configuration *asked, const char *name,
                         struct step_cost *cost, struct cost_configuration *made,
                         struct error *error)
{
    struct engine_factors factors;
    bool known = false;
    double extra_pct = 0;
    char path[1024];
    if (!is_in_bf16(asked) && !find_factors(asked, &factors, &known, error)) {
        return false;
    }
    bool ok = name != NULL
                  ? read_card(cost_choice_profile_path(name, path, sizeof path), cost, made, error)
                  : find_card(asked, cost, made, &extra_pct, error);
    if (!ok || !add_engine_constant(cost, error)) {
        return false;
    }
    if (known && is_in_bf16(made)) {
        size_t length = strlen(cost->identity.name);
        made->weights = asked->weights;
        engine_factors_apply(&factors, cost, made);
        snprintf(cost->identity.weights, sizeof cost->identity.weights, "%s", made->weights->name);
        snprintf(cost->identity.name + length, sizeof cost->identity.name - length,
                 " with the factors of %s", factors.name);
    }
    return true;
}

/* By a profile: the card's share by what was measured, the host's by the nearest calibration. For
 * another GPU ('roofline') by its data sheet, at the efficiencies of the one measured. */
static bool make_profiled(const struct cost_configuration *asked, const char *name,
                          struct step_cost *ret_cost, struct error *error)
{
    struct cost_configuration made;
    struct step_cost host;
    double extra_pct = 0;
    if (!compose_card(asked, name, ret_cost, &made, error) ||
        !find_shipped(asked, &host, &extra_pct, error) || !carry_over(&host, asked, error)) {
        return false;
    }
    step_cost_take_host(ret_cost, &host);
    cost_transfer(ret_cost, &made, asked);
    ret_cost->attention_is_even = false; /* the engine's schedule, not our kernel's */
    if (!text_equal(made.gpu.name, asked->gpu.name)) {
        snprintf(ret_cost->identity.source, sizeof ret_cost->identity.source, "roofline");
    }
    return true;
}

static bool is_source(const char *source, const char *name)
{
    size_t length = strcspn(source, ":");
    return length == strlen(name) && text_starts_with(source, name);
}

/* By what the source names, or by the shipped calibration made for what is asked, if there is one.
 */
static bool find_cost(const struct cost_request *request, const struct cost_configuration *asked,
                      struct step_cost *ret_cost, bool *ret_found, struct error *error)
{
    const char *colon = strchr(request->source, ':');
    const char *name = colon != NULL ? colon + 1 : NULL;
    char path[1024];
    *ret_found = true;
    if (is_source(request->source, "profiled") || is_source(request->source, "roofline")) {
        return make_profiled(asked, name, ret_cost, error);
    }
    if (name == NULL) {
        double extra_pct = 0;
        bool ok = find_shipped(asked, ret_cost, &extra_pct, error);
        *ret_found = extra_pct <= 0;
        return ok;
    }
    return step_cost_read(ret_cost, path_of(name, "calibration/", path, sizeof path), error) &&
           carry_over(ret_cost, asked, error);
}

bool cost_choice_find(const struct cost_request *request, struct step_cost *ret_cost,
                      bool *ret_found, char *warning, struct error *error)
{
    struct cost_configuration asked;
    const char *source = request->source;
    warning[0] = '\0';
    *ret_found = false;
    if (source[0] != '\0' && !is_source(source, "calibrated") && !is_source(source, "profiled") &&
        !is_source(source, "roofline")) {
        return error_set(error,
                         "--cost: unknown source '%.*s', expected calibrated, profiled or "
                         "roofline, each with [:FILE]",
                         (int)strcspn(source, ":"), source);
    }
    if (!asked_configuration(request, &asked, error)) {
        /* an unknown configuration may still be fitted from its own measurements */
        return source[0] == '\0' || text_equal(source, "calibrated");
    }
    if (!find_cost(request, &asked, ret_cost, ret_found, error)) {
        return false;
    }
    if (*ret_found) {
        warn(ret_cost, request, warning);
    }
    return true;
}

bool cost_choice_make(const struct cost_request *request, struct step_cost *ret_cost, char *warning,
                      struct error *error)
{
    bool found = false;
    return cost_choice_find(request, ret_cost, &found, warning, error) &&
           (found || cost_choice_nearest(request, ret_cost, warning, error));
}
