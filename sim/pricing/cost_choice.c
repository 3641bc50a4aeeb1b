#include "sim/pricing/cost_choice.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/embedded.h"
#include "sim/base/text.h"
#include "sim/hardware/model_catalog.h"
#include "sim/metrics/samples.h"
#include "sim/pricing/cost_catalog.h"
#include "sim/pricing/cost_extension.h"
#include "sim/pricing/engine_factors.h"
#include "sim/pricing/pricing_facts.h"
#include "sim/pricing/step_cost_file.h"
#include "sim/pricing/step_profile.h"

static bool asked_configuration(const struct cost_request *request,
                                struct cost_configuration *configuration, struct error *error)
{
    configuration->tensor_parallel = request->tensor_parallel;
    configuration->max_batch_requests = request->max_batch_requests;
    configuration->max_batch_tokens = request->max_batch_tokens;
    return model_shape_find(request->model, &configuration->model, error) &&
           gpu_find(request->gpu, &configuration->gpu, error) &&
           weight_precision_find(request->weights, &configuration->weights, error) &&
           kv_precision_find(request->kv_cache, &configuration->kv, error);
}

/* Carries 'cost' from what it was made for to what is asked; its uncertainty is 0 when that is the
 * same. */
static bool carry_over(struct step_cost *cost, const struct cost_configuration *made,
                       const struct cost_configuration *asked, struct error *error)
{
    const struct pricing_facts *facts = NULL;
    return pricing_facts_shipped(&facts, error) && cost_transfer(cost, facts, made, asked, error);
}

static bool is_in_bf16(const struct cost_configuration *made)
{
    return text_equal(made->weights->name, "bf16");
}

/* Launches are calibrated on one engine; what is known of the one asked for goes in their place. */
static void set_launches(struct step_cost *cost, const struct cost_request *request,
                         const struct cost_configuration *asked)
{
    const struct pricing_facts *facts = NULL;
    struct error ignored;
    const struct launch_request launches = {.engine = request->engine,
                                            .layers = asked->model.num_hidden_layers,
                                            .tensor_parallel = asked->tensor_parallel,
                                            .one_step_in_flight = request->one_step_in_flight,
                                            .has_drafts = request->has_drafts};
    if (request->engine != NULL && pricing_facts_shipped(&facts, &ignored)) {
        pricing_facts_set_launches(facts, &launches, cost);
    }
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

/* How far a limit under which a cost was measured lies from the one asked for, in factors of e: a
 * larger one, which holds what is asked, counts a quarter. 0 where one of them is not known. */
static double limit_distance(uint32_t measured, uint32_t asked)
{
    double beyond = measured > 0 && asked > 0 ? log((double)asked / measured) : 0;
    return beyond >= 0 ? beyond : -beyond / 4;
}

static double limits_distance(const struct step_cost_identity *identity,
                              const struct cost_configuration *asked)
{
    return limit_distance(identity->max_batch_requests, asked->max_batch_requests) +
           limit_distance(identity->max_batch_tokens, asked->max_batch_tokens);
}

/* How unlike two configurations are, among calibrations that promise the same: half the factors of
 * e between the weights of their models, and all those between their degrees, since launches and
 * all-reduces of several GPUs are better known from several. */
static double kinship_distance(const struct cost_configuration *a,
                               const struct cost_configuration *b)
{
    double of_a = (double)model_shape_linear_weights(&a->model);
    double of_b = (double)model_shape_linear_weights(&b->model);
    assert(of_a > 0 && of_b > 0 && a->tensor_parallel > 0 && b->tensor_parallel > 0);
    return fabs(log(of_a / of_b)) / 2 + fabs(log((double)a->tensor_parallel / b->tensor_parallel));
}

/* The entry that promises the least extra uncertainty, among those in bf16 if 'only_bf16', and of
 * equal ones that whose limits and model are nearest; NULL where there is none. */
static const struct catalog_cost *nearest_of(const struct cost_catalog *catalog,
                                             const struct cost_configuration *asked, bool only_bf16,
                                             double *ret_extra_pct)
{
    const struct catalog_cost *nearest = NULL;
    double nearest_distance = INFINITY;
    *ret_extra_pct = INFINITY;
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct catalog_cost *entry = &catalog->costs[i];
        double extra_pct = cost_transfer_uncertainty_pct(&entry->made, asked);
        double distance =
            limits_distance(&entry->cost.identity, asked) + kinship_distance(&entry->made, asked);
        bool is_nearer = extra_pct < *ret_extra_pct ||
                         (extra_pct <= *ret_extra_pct && distance < nearest_distance);
        if (is_nearer && (!only_bf16 || is_in_bf16(&entry->made))) {
            *ret_extra_pct = extra_pct;
            nearest_distance = distance;
            nearest = entry;
        }
    }
    assert(nearest == NULL || *ret_extra_pct >= 0);
    return nearest;
}

static bool find_shipped(const struct cost_configuration *asked,
                         const struct catalog_cost **ret_found, double *ret_extra_pct,
                         struct error *error)
{
    const struct cost_catalog *catalog = NULL;
    if (!cost_catalog_calibrations(&catalog, error)) {
        return false;
    }
    *ret_found = nearest_of(catalog, asked, false, ret_extra_pct);
    return *ret_found != NULL ||
           error_set(error, "no calibration is shipped; name one by --cost calibrated:FILE");
}

static bool holds(const struct step_cost_identity *identity, const struct cost_configuration *asked)
{
    return identity->max_batch_requests >= asked->max_batch_requests &&
           identity->max_batch_tokens >= asked->max_batch_tokens;
}

static void widen(struct cost_range *measured, const struct cost_range *other)
{
    measured->decode_requests = fmax(measured->decode_requests, other->decode_requests);
    measured->mixed_tokens = fmax(measured->mixed_tokens, other->mixed_tokens);
    measured->context_tokens = fmax(measured->context_tokens, other->context_tokens);
}

/* What any calibration or profile of the very configuration has measured is no extrapolation: its
 * curves are carried on, and contexts cost what they cost in the one that is priced by (1 to 2 %
 * apart; docs/accuracy.md). */
static bool note_other_sources(struct step_cost *cost, const struct cost_configuration *asked,
                               struct error *error)
{
    const struct cost_catalog *catalogs[2] = {NULL, NULL};
    if (!cost_catalog_calibrations(&catalogs[0], error) ||
        !cost_catalog_profiles(&catalogs[1], error)) {
        return false;
    }
    for (int c = 0; c < 2; c++) {
        for (uint32_t i = 0; i < catalogs[c]->count; i++) {
            const struct catalog_cost *entry = &catalogs[c]->costs[i];
            if (cost_transfer_uncertainty_pct(&entry->made, asked) <= 0) {
                widen(&cost->measured, &entry->cost.measured);
            }
        }
    }
    return true;
}

/* Where a calibration was measured under smaller limits than those asked, the nearest one of wide
 * enough limits carries its curves on; and no price is below what the data sheet allows. */
static bool complete(struct step_cost *cost, const struct cost_configuration *asked,
                     struct error *error)
{
    const struct cost_catalog *catalog = NULL;
    const struct catalog_cost *wide = NULL;
    double nearest_pct = INFINITY;
    if (!cost_catalog_calibrations(&catalog, error)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog->count && !holds(&cost->identity, asked); i++) {
        const struct catalog_cost *entry = &catalog->costs[i];
        double extra_pct = cost_transfer_uncertainty_pct(&entry->made, asked) +
                           kinship_distance(&entry->made, asked);
        if (holds(&entry->cost.identity, asked) && extra_pct < nearest_pct) {
            wide = entry;
            nearest_pct = extra_pct;
        }
    }
    if (wide != NULL) {
        struct step_cost carried = wide->cost;
        if (!carry_over(&carried, &wide->made, asked, error)) {
            return false;
        }
        cost_extend(cost, &carried);
    }
    cost_extend_decode(cost);
    cost_bound(cost, asked);
    return true;
}

/* A file, or the name of a shipped one below 'folder'. */
static const char *path_of(const char *name, const char *folder, char *buffer, size_t size)
{
    assert(name != NULL);
    snprintf(buffer, size, "%s%.900s.json", folder, name);
    return access(name, R_OK) != 0 && embedded_find(buffer) != NULL ? buffer : name;
}

#define PROFILES "profiler/profiles/"

const char *cost_choice_profile_path(const char *name, char *buffer, size_t size)
{
    return path_of(name, PROFILES, buffer, size);
}

/* The shipped profile in bf16 that carries over to what is asked with the least uncertainty. What
 * an engine makes of another format is put on it; a profile in that format says what our own
 * kernels do, and has to be asked for by name. */
static bool find_profile(const struct cost_configuration *asked,
                         const struct catalog_cost **ret_found, double *ret_extra_pct,
                         struct error *error)
{
    const struct cost_catalog *catalog = NULL;
    if (!cost_catalog_profiles(&catalog, error)) {
        return false;
    }
    *ret_found = nearest_of(catalog, asked, true, ret_extra_pct);
    return *ret_found != NULL ||
           error_set(error, "no profile is shipped; name one by --cost profiled:FILE");
}

/* Which calibration: KV is in bf16. */
struct wanted {
    const char *weights;
    const char *model; /* NULL: the smallest there is */
    uint32_t tensor_parallel;
    const struct cost_configuration *limits; /* of equal ones, measured nearest to these */
};

static bool is_wanted(const struct cost_configuration *made, const struct wanted *wanted)
{
    return made->tensor_parallel == wanted->tensor_parallel &&
           text_equal(made->weights->name, wanted->weights) && text_equal(made->kv->name, "bf16") &&
           (wanted->model == NULL || text_equal(made->model.name, wanted->model));
}

/* NULL where there is none. */
static bool find_measured(const struct wanted *wanted, const struct catalog_cost **ret_found,
                          struct error *error)
{
    const struct cost_catalog *catalog = NULL;
    double smallest = INFINITY;
    double nearest = INFINITY;
    *ret_found = NULL;
    if (!cost_catalog_calibrations(&catalog, error)) {
        return false;
    }
    for (uint32_t i = 0; i < catalog->count; i++) {
        const struct catalog_cost *entry = &catalog->costs[i];
        double size = (double)model_shape_linear_weights(&entry->made.model);
        double distance = limits_distance(&entry->cost.identity, wanted->limits);
        bool is_better = size < smallest || (size <= smallest && distance < nearest);
        if (is_better && is_wanted(&entry->made, wanted)) {
            *ret_found = entry;
            smallest = size;
            nearest = distance;
        }
    }
    return true;
}

/* What an engine makes of so many GPUs: the bf16 calibration of the smallest model, and the profile
 * of that model; NULL where one of them is missing. */
static bool find_reference(uint32_t tensor_parallel, const struct cost_configuration *limits,
                           const struct catalog_cost **ret_measured,
                           const struct catalog_cost **ret_profile, struct error *error)
{
    const struct wanted wanted = {
        .weights = "bf16", .tensor_parallel = tensor_parallel, .limits = limits};
    double extra_pct = INFINITY;
    if (!find_measured(&wanted, ret_measured, error) ||
        (*ret_measured != NULL &&
         !find_profile(&(*ret_measured)->made, ret_profile, &extra_pct, error))) {
        return false;
    }
    if (extra_pct > 0) {
        *ret_measured = NULL;
    }
    return true;
}

/* How the engine's kernels use the weight format that is asked, where one model is calibrated in it
 * and in bf16, on a GPU for which it takes the same kernels. */
static bool find_factors(const struct cost_configuration *asked, struct engine_factors *factors,
                         bool *ret_found, struct error *error)
{
    const struct catalog_cost *format = NULL;
    const struct catalog_cost *bf16 = NULL;
    const struct pricing_facts *facts = NULL;
    const struct wanted of_format = {
        .weights = asked->weights->name, .tensor_parallel = 1, .limits = asked};
    *ret_found = false;
    if (!pricing_facts_shipped(&facts, error) || !find_measured(&of_format, &format, error)) {
        return false;
    }
    if (format == NULL || !cost_transfer_shares_kernels(facts, asked, &format->made)) {
        return true;
    }
    const struct wanted of_bf16 = {.weights = "bf16",
                                   .model = format->made.model.name,
                                   .tensor_parallel = 1,
                                   .limits = &format->made};
    if (!find_measured(&of_bf16, &bf16, error)) {
        return false;
    }
    *ret_found = bf16 != NULL;
    if (bf16 != NULL) {
        engine_factors_learn(factors, &format->cost, &bf16->cost, &format->made,
                             pricing_facts_efficiency(facts, &format->made.gpu)->read);
    }
    return true;
}

/* What the engine takes for a decode beyond the GPU: one constant, the median over the batches of
 * the bf16 reference on as many GPUs, or on one. */
static bool add_engine_constant(struct step_cost *cost, const struct cost_configuration *asked,
                                struct error *error)
{
    const struct catalog_cost *measured = NULL;
    const struct catalog_cost *profile = NULL;
    struct samples rest_ps;
    if (!find_reference(cost->identity.tensor_parallel, asked, &measured, &profile, error) ||
        (measured == NULL && !find_reference(1, asked, &measured, &profile, error))) {
        return false;
    }
    if (measured == NULL) {
        return error_set(error, "no bf16 calibration and profile of one model are shipped");
    }
    assert(profile != NULL);
    const struct cost_curve *decode = &measured->cost.decode;
    samples_init(&rest_ps);
    for (uint32_t i = 0; i < decode->count; i++) {
        double profile_ps = cost_curve_at(&profile->cost.decode, decode->tokens[i]);
        if (decode->tokens[i] <= profile->cost.measured.decode_requests) {
            samples_add(&rest_ps, decode->cost_ps[i] - profile_ps);
        }
    }
    step_cost_add_constant(cost, fmax(0, samples_quantile(&rest_ps, 0.5)));
    samples_clear(&rest_ps);
    return true;
}

/* The GPU's share: by the profile 'name', or else by the nearest one. */
static bool take_profile(const struct cost_configuration *asked, const char *name,
                         struct catalog_cost *ret_cost, struct error *error)
{
    const struct catalog_cost *nearest = NULL;
    double extra_pct = 0;
    char path[1024];
    if (name != NULL) {
        return cost_catalog_read_profile(cost_choice_profile_path(name, path, sizeof path),
                                         ret_cost, error);
    }
    if (!find_profile(asked, &nearest, &extra_pct, error)) {
        return false;
    }
    *ret_cost = *nearest;
    return true;
}

/* The GPU's share, then the engine's, as far as it is known for the weights that are asked. */
static bool compose(const struct cost_configuration *asked, const char *name,
                    struct catalog_cost *ret_cost, struct error *error)
{
    struct engine_factors factors;
    bool known = false;
    if ((!is_in_bf16(asked) && !find_factors(asked, &factors, &known, error)) ||
        !take_profile(asked, name, ret_cost, error) ||
        !add_engine_constant(&ret_cost->cost, asked, error)) {
        return false;
    }
    if (known && is_in_bf16(&ret_cost->made)) {
        struct step_cost_identity *identity = &ret_cost->cost.identity;
        size_t length = strlen(identity->name);
        ret_cost->made.weights = asked->weights;
        engine_factors_apply(&factors, &ret_cost->cost, &ret_cost->made);
        snprintf(identity->weights, sizeof identity->weights, "%s", asked->weights->name);
        snprintf(identity->name + length, sizeof identity->name - length, " with the factors of %s",
                 factors.name);
    }
    return true;
}

/* By a profile: the GPU's share by what was measured, the host's by the nearest calibration. For
 * another GPU ('roofline') by its data sheet, at the efficiencies of the one measured. */
static bool make_profiled(const struct cost_configuration *asked, const char *name,
                          struct step_cost *ret_cost, struct error *error)
{
    struct catalog_cost composed;
    const struct catalog_cost *nearest = NULL;
    double extra_pct = 0;
    if (!compose(asked, name, &composed, error) ||
        !find_shipped(asked, &nearest, &extra_pct, error)) {
        return false;
    }
    struct step_cost host = nearest->cost;
    *ret_cost = composed.cost;
    if (!carry_over(&host, &nearest->made, asked, error) ||
        !carry_over(ret_cost, &composed.made, asked, error)) {
        return false;
    }
    step_cost_take_host(ret_cost, &host); /* it is carried over already */
    ret_cost->attention_is_even = false;  /* the engine's schedule, not our kernel's */
    if (!text_equal(composed.made.gpu.name, asked->gpu.name)) {
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
    if (name != NULL && name[0] == '\0') {
        return error_set(error,
                         "--cost '%s': expected the name of a cost or a file behind the colon",
                         request->source);
    }
    if (is_source(request->source, "profiled") || is_source(request->source, "roofline")) {
        return make_profiled(asked, name, ret_cost, error);
    }
    if (name == NULL) {
        const struct catalog_cost *nearest = NULL;
        double extra_pct = 0;
        if (!find_shipped(asked, &nearest, &extra_pct, error)) {
            return false;
        }
        *ret_cost = nearest->cost;
        *ret_found = extra_pct <= 0;
        return true;
    }
    struct cost_configuration made;
    return step_cost_read(ret_cost, path_of(name, "calibration/", path, sizeof path), error) &&
           cost_catalog_configuration(ret_cost, &made, error) &&
           carry_over(ret_cost, &made, asked, error);
}

/* What any cost still needs once it was found or carried over. */
static bool finish(struct step_cost *cost, const struct cost_request *request,
                   const struct cost_configuration *asked, char *warning, struct error *error)
{
    if (!complete(cost, asked, error) || !note_other_sources(cost, asked, error)) {
        return false;
    }
    set_launches(cost, request, asked);
    warn(cost, request, warning);
    return true;
}

bool cost_choice_find(const struct cost_request *request, struct step_cost *ret_cost,
                      bool *ret_found, char *warning, struct error *error)
{
    struct cost_configuration asked;
    assert(request->source != NULL && request->model != NULL && request->gpu != NULL);
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
    return !*ret_found || finish(ret_cost, request, &asked, warning, error);
}

/* A profile of the GPU asked for says more than a calibration made on another one. */
static bool prefers_profile(const struct cost_configuration *asked,
                            const struct catalog_cost *calibration, bool *ret_prefers,
                            struct error *error)
{
    const struct catalog_cost *profile = NULL;
    double extra_pct = 0;
    if (!find_profile(asked, &profile, &extra_pct, error)) {
        return false;
    }
    *ret_prefers = !text_equal(calibration->made.gpu.name, asked->gpu.name) &&
                   text_equal(profile->made.gpu.name, asked->gpu.name);
    return true;
}

bool cost_choice_nearest(const struct cost_request *request, struct step_cost *ret_cost,
                         char *warning, struct error *error)
{
    struct cost_configuration asked;
    const struct catalog_cost *nearest = NULL;
    double extra_pct = 0;
    bool by_profile = false;
    if (!asked_configuration(request, &asked, error) ||
        !find_shipped(&asked, &nearest, &extra_pct, error) ||
        (request->source[0] == '\0' && !prefers_profile(&asked, nearest, &by_profile, error))) {
        return false;
    }
    if (by_profile) {
        return make_profiled(&asked, NULL, ret_cost, error) &&
               finish(ret_cost, request, &asked, warning, error);
    }
    *ret_cost = nearest->cost;
    return carry_over(ret_cost, &nearest->made, &asked, error) &&
           finish(ret_cost, request, &asked, warning, error);
}

bool cost_choice_make(const struct cost_request *request, struct step_cost *ret_cost, char *warning,
                      struct error *error)
{
    bool found = false;
    return cost_choice_find(request, ret_cost, &found, warning, error) &&
           (found || cost_choice_nearest(request, ret_cost, warning, error));
}
