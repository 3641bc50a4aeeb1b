/* What an instance keeps for its loop: the decode group, the steps planned ahead, and what prices
 * steps, its scheduling policy. Here is only the data, its beginning and its end; decode_group.h,
 * draft_plan.h, fast_forward.h, step_pricing.h and instance_policy.h say what is done with it on an
 * instance. */
#ifndef SIM_SERVING_INSTANCE_PARTS_H
#define SIM_SERVING_INSTANCE_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/periodic_growth.h"
#include "sim/base/step_times.h"
#include "sim/kv/kv_cache.h"
#include "sim/metrics/falling_gaps.h"
#include "sim/pricing/step_clock.h"
#include "sim/scheduling/length_history.h"
#include "sim/serving/engine_settings.h"
#include "sim/serving/member_heap.h"
#include "sim/serving/speculation.h"

struct scheduling_policy;

enum { DRAFT_PLAN_STEPS = 64 }; /* planned at a time; a power of two */

/* Sums over the members. */
struct draft_step {
    uint64_t squares;  /* by which the sum of squared contexts rises with its output */
    uint32_t accepted; /* drafts, of all who take part in it */
    uint32_t blocks;   /* that scheduling the step after it takes */
};

struct draft_plan {
    uint32_t drafts; /* of each member in each step; 0: the engine does not speculate */
    uint32_t max_model_len;
    uint32_t block_tokens;
    uint32_t blocks_ahead; /* taken beside those that lack */
    uint32_t max_blocks;   /* of one request */
    struct draft_odds odds;
    uint64_t end;                              /* the first step that is not planned */
    struct draft_step steps[DRAFT_PLAN_STEPS]; /* a ring */
};

struct decode_group {
    bool is_open;                /* requests may join */
    uint64_t taken;              /* steps whose output each member has, ever */
    uint64_t scheduled;          /* steps formed with them, ever: 'taken' between steps */
    struct member_heap leaving;  /* all members, by when they must leave */
    struct member_heap thinking; /* those whose first visible token is still to come, by it */
    uint64_t context_tokens;     /* of all members, before the step scheduled next */
    uint64_t context_squares;    /* sum of their squares */
    uint32_t *crossings;       /* blocks that members take for step s, by s modulo period_tokens */
    uint32_t blocks_at_a_time; /* that a member takes whenever it needs one */
    uint32_t period_tokens;    /* of so many blocks */
    int64_t last_token_ps;
    struct falling_gaps gaps; /* between the members' tokens, by step */
    struct draft_plan plan;   /* where it speculates */
};

/* Steps of one instance that only repeat, none of which is made yet. */
struct decode_run {
    uint64_t steps; /* at most so many; 0: nothing is planned */
    bool of_decode_group;
    bool verifies; /* drafts: then 'ends_ps' alone says when its steps are */
    struct step_times times;
    struct batch_summary before; /* of the newest step in flight */
    struct periodic_growth growth;
    int64_t launch_ps;
    int64_t delay_ps;    /* from a step to its tokens at the client */
    int64_t last_gpu_ps; /* of the step that the first step schedules */
    int64_t gpu_rise_ps; /* of those that the next ones schedule */
    int64_t ends_ps[DRAFT_PLAN_STEPS + 1];
};

/* The price of decode attention, held over a run of decode steps of one number of requests. */
struct held_attention {
    struct attention_price price;
    struct step_noise noise;
    uint32_t requests;
    uint32_t steps; /* for which it still holds */
};

/* Draws by counters of the instance's own, so that making steps at once draws the same. */
struct pricing_noise {
    bool is_drawn;
    uint64_t common_key; /* of all instances: how far all prices are off */
    uint64_t gpu_key;
    uint64_t launch_key;
    uint64_t idle_start_key;
    uint64_t attention_prices; /* drawn for so far */
    uint64_t idle_starts;
};

struct step_pricing {
    struct step_clock clock;
    struct held_attention attention;
    struct attention_memo memo;
    struct pricing_noise noise;
    int64_t passed_on_ps; /* when the client had the newest tokens */
};

/* What the policy last said of the first of the waiting. */
struct policy_admission {
    bool is_asked; /* since the last event */
    bool is_admitted;
    uint32_t request;
};

/* Requests to tell the policy of. */
struct policy_news {
    uint32_t request;
    uint32_t id;
    bool is_finished;
};

struct policy_seat {
    void *state;  /* of the policy */
    bool listens; /* it has something to say or to hear */
    int64_t now_ps;
    uint32_t milestone_tokens; /* 0: none */
    uint32_t chunk_tokens;
    bool has_news; /* since it was last asked at the start of a pass */
    struct policy_admission admission;
    struct policy_news *news; /* of one step */
    size_t news_capacity;
    uint64_t *joined; /* by request: the step at which a member joined the decode group */
    size_t joined_capacity;
    bool joined_is_current;
    struct length_history history;
};

/* An empty group of an engine that takes 'ahead_tokens' in advance whenever a request needs a block
 * and verifies 'drafts' tokens in each step. */
void decode_group_init(struct decode_group *decode_group, const struct kv_cache *cache,
                       const struct engine_settings *settings, uint32_t ahead_tokens,
                       uint32_t drafts);
void decode_group_clear(struct decode_group *decode_group);

/* Of a policy with the values of its parameters; NULL: as they are unless set. */
void policy_seat_init(struct policy_seat *seat, const struct scheduling_policy *policy,
                      const double *values, uint32_t max_batch_tokens);
void policy_seat_clear(struct policy_seat *seat, const struct scheduling_policy *policy);

void step_pricing_clear(struct step_pricing *pricing);

#endif
