/* The one place of this folder with state that outlives a call: the shipped facts, which
 * pthread_once fills once and nobody changes afterwards. */
#include "sim/pricing/pricing_facts.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/settings.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

#define FOLDER "sim/pricing/data/"

/* Of the model whose launches are among the facts of an engine. */
#define FACT_LAYERS 28.0

/* A row of step-terms.json. */
struct named_term {
    char name[32];
    double value;
};

static const struct setting term_settings[] = {
    {.name = "name", .type = SETTING_TEXT, .required = true, SETTING_OF(named_term, name)},
    {.name = "value",
     .type = SETTING_NUMBER,
     .required = true,
     SETTING_OF(named_term, value),
     .minimum = -1e9,
     .maximum = 1e9},
    {.name = "source", .type = SETTING_IGNORED, .required = true},
    {.name = NULL},
};

static const struct setting launch_settings[] = {
    {.name = "engine", .type = SETTING_TEXT, .required = true, SETTING_OF(engine_launches, engine)},
    {.name = "layer_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, layer_us),
     .maximum = 1e6},
    {.name = "sync_step_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, sync_step_us),
     .maximum = 1e6},
    {.name = "sync_request_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, sync_request_us),
     .maximum = 1e6},
    {.name = "draft_step_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, draft_step_us),
     .maximum = 1e6},
    {.name = "draft_request_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, draft_request_us),
     .maximum = 1e6},
    {.name = "loop_step_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, loop_step_us),
     .maximum = 1e6},
    {.name = "piecewise_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, piecewise_us),
     .maximum = 1e6},
    {.name = "no_graph_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, no_graph_us),
     .maximum = 1e6},
    {.name = "loop_request_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, loop_request_us),
     .maximum = 1e6},
    {.name = "output_token_us",
     .type = SETTING_NUMBER,
     SETTING_OF(engine_launches, output_token_us),
     .maximum = 1e6},
    {.name = "waits_always", .type = SETTING_BOOL, SETTING_OF(engine_launches, waits_always)},
    {.name = "loop_holds_graph",
     .type = SETTING_BOOL,
     SETTING_OF(engine_launches, loop_holds_graph)},
    {.name = "source", .type = SETTING_IGNORED, .required = true},
    {.name = NULL},
};

#define SHARE(member)                                                                              \
    .name = #member, .type = SETTING_NUMBER, .required = true, SETTING_OF(gpu_efficiency, member), \
    .minimum = 0.01, .maximum = 1.5

static const struct setting efficiency_settings[] = {
    {.name = "gpu", .type = SETTING_TEXT, .required = true, SETTING_OF(gpu_efficiency, gpu)},
    {SHARE(read)},
    {SHARE(compute)},
    {SHARE(attention)},
    {SHARE(fp8_kv)},
    {.name = "source", .type = SETTING_IGNORED, .required = true},
    {.name = NULL},
};

#define TERM(member)                                                                               \
    {                                                                                              \
#member, offsetof(struct step_terms, member)                                               \
    }

static const struct {
    const char *name;
    size_t offset;
} term_members[] = {
    TERM(step_overhead_us),        TERM(layer_overhead_us),      TERM(launch_layers_exponent),
    TERM(tile_heads_exponent),     TERM(fp8_kv_layer_us),        TERM(fp8_kv_launch_ratio),
    TERM(workers_piecewise_ratio), TERM(workers_no_graph_ratio),

};

enum { TERM_COUNT = sizeof term_members / sizeof term_members[0] };

static bool take_term(struct step_terms *terms, const struct named_term *rows, uint32_t count,
                      size_t member, struct error *error)
{
    const char *name = term_members[member].name;
    for (uint32_t i = 0; i < count; i++) {
        if (text_equal(rows[i].name, name)) {
            memcpy((char *)terms + term_members[member].offset, &rows[i].value,
                   sizeof rows[i].value);
            return true;
        }
    }
    return error_set(error, FOLDER "step-terms.json: term '%s' is missing", name);
}

static bool read_terms(struct step_terms *terms, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = settings_read_list(term_settings, FOLDER "step-terms.json", "terms",
                                 sizeof(struct named_term), &list, error);
    for (size_t i = 0; ok && i < TERM_COUNT; i++) {
        ok = take_term(terms, list.items, list.count, i, error);
    }
    free(list.items);
    return ok;
}

/* The last row is that of any other GPU. */
static bool read_efficiencies(struct pricing_facts *facts, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = settings_read_list(efficiency_settings, FOLDER "gpu-efficiencies.json", "gpus",
                                 sizeof facts->efficiencies[0], &list, error);
    facts->efficiencies = list.items;
    facts->efficiency_count = list.count;
    return ok && ((list.count > 0 && facts->efficiencies[list.count - 1].gpu[0] == '\0') ||
                  error_set(error, FOLDER "gpu-efficiencies.json: the last row must be that of any "
                                          "other GPU, with an empty 'gpu'"));
}

static bool read_facts(struct pricing_facts *facts, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = read_terms(&facts->terms, error) && weight_kernels_read(&facts->kernels, error) &&
              all_reduce_tables_read(&facts->all_reduces, error) &&
              read_efficiencies(facts, error) &&
              settings_read_list(launch_settings, FOLDER "engine-launches.json", "engines",
                                 sizeof facts->launches[0], &list, error);
    facts->launches = list.items;
    facts->launch_count = list.count;
    return ok;
}

static struct {
    pthread_once_t once;
    bool ok;
    struct pricing_facts facts;
    struct error error;
} shipped = {.once = PTHREAD_ONCE_INIT};

static void read_shipped(void)
{
    shipped.ok = read_facts(&shipped.facts, &shipped.error);
}

bool pricing_facts_shipped(const struct pricing_facts **ret_facts, struct error *error)
{
    pthread_once(&shipped.once, read_shipped);
    if (!shipped.ok) {
        *error = shipped.error;
        return false;
    }
    assert(shipped.facts.kernels.count > 0 && shipped.facts.all_reduces.count > 0);
    *ret_facts = &shipped.facts;
    return true;
}

const struct gpu_efficiency *pricing_facts_efficiency(const struct pricing_facts *facts,
                                                      const struct gpu *gpu)
{
    assert(facts->efficiency_count > 0);
    uint32_t i = 0;
    while (i + 1 < facts->efficiency_count && !text_equal(facts->efficiencies[i].gpu, gpu->name)) {
        i++;
    }
    return &facts->efficiencies[i];
}

/* Where launches scattered much while they were calibrated, the host changed its speed within
 * seconds, and their median says only half, in the logarithm, of how fast it is: the other half is
 * that of a host as it is in the mean. */
static void steady_launches(const struct engine_launches *known,
                            const struct launch_request *request, double layers_exponent,
                            struct step_cost *cost)
{
    const double much = 0.3;
    const double usual_us[] = {
        [CUDA_GRAPH_PIECEWISE] = known->piecewise_us, [CUDA_GRAPH_NONE] = known->no_graph_us};
    if (cost->spread.launch <= much || request->tensor_parallel > 1) {
        return;
    }
    double size = pow(request->layers / FACT_LAYERS, layers_exponent) * (double)PS_PER_US;
    for (int graph = CUDA_GRAPH_PIECEWISE; graph <= CUDA_GRAPH_NONE; graph++) {
        double launch_ps = (double)cost->host.launch_ps[graph];
        if (usual_us[graph] > 0 && launch_ps > 0) {
            cost->host.launch_ps[graph] = nearest_whole(sqrt(launch_ps * usual_us[graph] * size));
        }
    }
}

static void set_launches(const struct engine_launches *known, const struct launch_request *request,
                         struct host_cost *host)
{
    if (known->layer_us > 0) {
        host->launch_ps[CUDA_GRAPH_NONE] =
            nearest_whole(known->layer_us * (double)PS_PER_US * request->layers);
    }
    if (known->loop_step_us > 0) {
        host->launch_ps[CUDA_GRAPH_FULL] = nearest_whole(known->loop_step_us * (double)PS_PER_US);
    }
    host->request_ps = nearest_whole(known->loop_request_us * (double)PS_PER_US);
    host->output_token_ps = nearest_whole(known->output_token_us * (double)PS_PER_US);
    if (known->sync_step_us > 0 && (known->waits_always || request->one_step_in_flight)) {
        double step_us = known->sync_step_us;
        double request_us = known->sync_request_us;
        if (request->has_drafts) {
            step_us += known->draft_step_us;
            request_us += known->draft_request_us;
        }
        host->launch_ps[CUDA_GRAPH_FULL] = nearest_whole(step_us * (double)PS_PER_US);
        host->sync_request_ps = nearest_whole(request_us * (double)PS_PER_US);
        host->request_ps = 0; /* in the time of the request above */
    }
    if (known->loop_holds_graph && request->tensor_parallel == 1) {
        host->launch_ps[CUDA_GRAPH_FULL] = 0;
    }
}

void pricing_facts_set_launches(const struct pricing_facts *facts,
                                const struct launch_request *request, struct step_cost *cost)
{
    assert(request->layers > 0 && request->tensor_parallel > 0);
    for (uint32_t i = 0; i < facts->launch_count; i++) {
        if (text_equal(facts->launches[i].engine, request->engine)) {
            steady_launches(&facts->launches[i], request, facts->terms.launch_layers_exponent,
                            cost);
            set_launches(&facts->launches[i], request, &cost->host);
        }
    }
}
