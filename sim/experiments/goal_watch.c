#include "sim/experiments/goal_watch.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/serving/request.h"

static int64_t ttft_ps(const struct request *request)
{
    return request->clock.first_token_ps - request->ask.sent_ps;
}

static int64_t e2e_ps(const struct request *request)
{
    return request->clock.last_token_ps - request->ask.sent_ps;
}

static int64_t queueing_ps(const struct request *request)
{
    return request->clock.first_scheduled_ps - request->ask.sent_ps;
}

static int64_t tpot_ps(const struct request *request)
{
    return request_outputs(request) > 1 ? request_tpot_ps(request) : TIME_NONE;
}

static const struct {
    const char *group;
    int64_t (*duration_ps)(const struct request *request);
} durations[] = {
    {"ttft_s.", ttft_ps},
    {"tpot_s.", tpot_ps},
    {"e2e_s.", e2e_ps},
    {"queueing_s.", queueing_ps},
};

/* "p99" is 0.99, "max" is 1; false for a mean and what else is no percentile. */
static bool read_share(const char *text, double *ret_share)
{
    double percent = 100;
    bool ok = text_equal(text, "max") || (text[0] == 'p' && text_to_double(text + 1, &percent));
    *ret_share = percent / 100;
    return ok;
}

/* Percentiles lie between two of the values in order: the lower one must lie beyond the limit. */
static uint64_t allowed_beyond(double share, uint64_t requests)
{
    return requests > 0 ? requests - (uint64_t)floor(share * (double)(requests - 1)) : 0;
}

static void watch_goal(struct goal_watch *watch, const struct goal *goal, double margin)
{
    double limit_s = margin * goal->bound;
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        double share = 0;
        if (goal->is_ceiling && limit_s < MAX_TIME_S &&
            text_starts_with(goal->figure->key, durations[i].group) &&
            read_share(goal->figure->key + strlen(durations[i].group), &share)) {
            watch->goals[watch->count++] =
                (struct watched_goal){.duration_ps = durations[i].duration_ps,
                                      .limit_ps = ps_from_s(limit_s),
                                      .allowed = allowed_beyond(share, watch->requests)};
        }
    }
}

void goal_watch_init(struct goal_watch *watch, const struct goal_list *goals, double margin,
                     uint64_t requests)
{
    assert(margin >= 1);
    *watch = (struct goal_watch){.requests = requests};
    for (uint32_t g = 0; g < goals->count; g++) {
        watch_goal(watch, &goals->goals[g], margin);
    }
}

static void on_finish(void *state, const struct request *request, int64_t now_ps)
{
    struct goal_watch *watch = state;
    (void)now_ps;
    if (request->status != REQUEST_FINISHED) {
        return;
    }
    for (uint32_t g = 0; g < watch->count; g++) {
        struct watched_goal *goal = &watch->goals[g];
        goal->beyond += goal->duration_ps(request) > goal->limit_ps;
        watch->is_lost = watch->is_lost || goal->beyond > goal->allowed;
    }
}

struct observer goal_watch_observer(struct goal_watch *watch)
{
    return (struct observer){.state = watch, .on_finish = on_finish};
}
