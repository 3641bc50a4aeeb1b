#include "sim/cluster/outages.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

const struct setting_choice retry_rules[] = {
    {"resume", RETRY_RESUME,
     "they go on elsewhere, where prompt and tokens so far are computed again"},
    {"restart", RETRY_RESTART, "their answers begin again elsewhere"},
    {"never", RETRY_NEVER, "they are given up, and count as rejected"},
    {.name = NULL},
};

const struct setting outage_settings_table[] = {
    {.name = "cluster.failures",
     .type = SETTING_TEXT,
     SETTING_OF(outage_settings, failures),
     .help = "failures at given times, as INSTANCE:FROM_S:FOR_S,...; instances count from 1"},
    {.name = "cluster.drains",
     .type = SETTING_TEXT,
     SETTING_OF(outage_settings, drains),
     .help = "instances that take no new requests from a time on, finish those that they have and "
             "are then away for a while, as INSTANCE:FROM_S:FOR_S,..."},
    {.name = "cluster.failure_mean_s",
     .type = SETTING_NUMBER,
     SETTING_OF(outage_settings, failure_mean_s),
     .maximum = MAX_TIME_S,
     .minimum_but_0 = 1,
     .unit = "s",
     .help = "mean time for which an instance serves before it fails by chance; 0: it never does"},
    {.name = "cluster.failure_shape",
     .type = SETTING_NUMBER,
     SETTING_OF(outage_settings, failure_shape),
     .minimum = 0.1,
     .maximum = 100,
     .help = "shape of the Weibull distribution of that time; 1: exponential"},
    {.name = "cluster.repair_s",
     .type = SETTING_NUMBER,
     SETTING_OF(outage_settings, repair_s),
     .minimum = 0.001,
     .maximum = MAX_TIME_S,
     .unit = "s",
     .help = "time from a failure by chance until the instance serves again"},
    {.name = "cluster.retry",
     .type = SETTING_CHOICE,
     SETTING_OF(outage_settings, retry),
     .choices = retry_rules,
     .help = "what becomes of the requests of an instance that fails"},
    {.name = NULL},
};

/* Reads INSTANCE:FROM_S:FOR_S; returns where it ends, or NULL. */
static const char *read_outage(const char *text, struct outage *ret_outage)
{
    char *end = NULL;
    double number = strtod(text, &end);
    if (end == text || *end != ':' || !(number >= 1 && number <= UINT32_MAX) ||
        number != floor(number)) {
        return NULL;
    }
    text = end + 1;
    double from_s = strtod(text, &end);
    if (end == text || *end != ':' || !(from_s >= 0 && from_s <= MAX_TIME_S)) {
        return NULL;
    }
    text = end + 1;
    double for_s = strtod(text, &end);
    if (end == text || !(for_s >= 0.001 && for_s <= MAX_TIME_S)) {
        return NULL;
    }
    *ret_outage = (struct outage){
        .instance = (uint32_t)number - 1, .from_ps = ps_from_s(from_s), .for_ps = ps_from_s(for_s)};
    return end;
}

/* Calls 'take' with each outage of a text list; false where it is none. */
static bool read_list(const char *text, struct outage_list *list, bool ends_requests)
{
    while (text != NULL && *text != '\0') {
        struct outage outage;
        text = read_outage(text, &outage);
        if (text == NULL || (*text != '\0' && (*text != ',' || text[1] == '\0'))) {
            return false;
        }
        outage.ends_requests = ends_requests;
        list->outages =
            memory_grow(list->outages, &list->capacity, list->count + 1, sizeof list->outages[0]);
        list->outages[list->count++] = outage;
        text = *text == ',' ? text + 1 : text;
    }
    return true;
}

static bool check_list(const char *key, const char *text, uint32_t instances, struct error *error)
{
    struct outage_list list = {.count = 0};
    bool ok = read_list(text, &list, false) ||
              error_set(error, "'%s' must be INSTANCE:FROM_S:FOR_S,..., got '%s'", key, text);
    for (size_t i = 0; ok && i < list.count; i++) {
        ok = list.outages[i].instance < instances ||
             error_set(error, "'%s' names instance %u, but there are only %u", key,
                       list.outages[i].instance + 1, instances);
    }
    outage_list_clear(&list);
    return ok;
}

bool outage_settings_check(const struct outage_settings *settings, uint32_t instances,
                           struct error *error)
{
    return check_list("cluster.failures", settings->failures, instances, error) &&
           check_list("cluster.drains", settings->drains, instances, error);
}

void outage_list_init(struct outage_list *list, const struct outage_settings *settings)
{
    *list = (struct outage_list){.count = 0};
    bool ok = read_list(settings->failures, list, true) && read_list(settings->drains, list, false);
    assert(ok);
    (void)ok;
}

void outage_list_clear(struct outage_list *list)
{
    free(list->outages);
    *list = (struct outage_list){.count = 0};
}

struct outage outage_draw(const struct outage_settings *settings, uint64_t seed, uint32_t instance,
                          uint32_t number, int64_t since_ps)
{
    char name[48];
    assert(settings->failure_mean_s > 0 && settings->failure_shape > 0);
    snprintf(name, sizeof name, "failures of instance %u", instance);
    double shape = settings->failure_shape;
    double scale_s = settings->failure_mean_s / tgamma(1 + 1 / shape);
    double after_s =
        scale_s * pow(-log(random_uniform_at(random_key(seed, name), number)), 1 / shape);
    return (struct outage){.instance = instance,
                           .from_ps = ps_plus(since_ps, ps_from_s(fmin(after_s, MAX_TIME_S))),
                           .for_ps = ps_from_s(settings->repair_s),
                           .ends_requests = true};
}
