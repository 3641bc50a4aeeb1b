/* The one place of this folder with state that outlives a call: the shipped facts, which
 * pthread_once fills once and nobody changes afterwards. */
#include "sim/pricing/pricing_facts.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/settings.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

#define FOLDER "sim/pricing/data/"

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
    {.name = "loop_holds_graph",
     .type = SETTING_BOOL,
     SETTING_OF(engine_launches, loop_holds_graph)},
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
    TERM(step_overhead_us),    TERM(layer_overhead_us),       TERM(launch_layers_exponent),
    TERM(tile_heads_exponent), TERM(fp8_kv_tile_ratio),       TERM(fp8_kv_layer_us),
    TERM(fp8_kv_launch_ratio), TERM(workers_piecewise_ratio), TERM(workers_no_graph_ratio),
    TERM(read_efficiency),
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

static bool read_facts(struct pricing_facts *facts, struct error *error)
{
    struct settings_list list = {NULL, 0};
    bool ok = read_terms(&facts->terms, error) && weight_kernels_read(&facts->kernels, error) &&
              all_reduce_tables_read(&facts->all_reduces, error) &&
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

void pricing_facts_set_launches(const struct pricing_facts *facts, const char *engine,
                                uint32_t layers, uint32_t tensor_parallel, struct step_cost *cost)
{
    assert(layers > 0 && tensor_parallel > 0);
    for (uint32_t i = 0; i < facts->launch_count; i++) {
        const struct engine_launches *known = &facts->launches[i];
        if (!text_equal(known->engine, engine)) {
            continue;
        }
        if (known->loop_holds_graph && tensor_parallel == 1) {
            cost->host.launch_ps[CUDA_GRAPH_FULL] = 0;
        }
        if (known->layer_us > 0) {
            cost->host.launch_ps[CUDA_GRAPH_NONE] =
                nearest_whole(known->layer_us * (double)PS_PER_US * layers);
        }
    }
}
