#include "sim/serving/request.h"

#include <assert.h>
#include <stddef.h>

#define TO(status) (1u << (status))

/* From each status, those that may follow. */
static const unsigned followers[] = {
    [REQUEST_UNSENT] = TO(REQUEST_WAITING) | TO(REQUEST_REJECTED),
    [REQUEST_WAITING] = TO(REQUEST_RUNNING) | TO(REQUEST_REJECTED),
    [REQUEST_RUNNING] =
        TO(REQUEST_WAITING) | TO(REQUEST_PREEMPTED) | TO(REQUEST_SWAPPED) | TO(REQUEST_FINISHED),
    [REQUEST_PREEMPTED] = TO(REQUEST_RUNNING) | TO(REQUEST_FINISHED) | TO(REQUEST_REJECTED),
    [REQUEST_SWAPPED] = TO(REQUEST_RUNNING) | TO(REQUEST_FINISHED),
    [REQUEST_FINISHED] = 0,
    [REQUEST_REJECTED] = 0,
};

void request_become(struct request *request, enum request_status status)
{
    bool may = request->status == status || (followers[request->status] & TO(status)) != 0;
    assert(may);
    (void)may;
    request->status = status;
}

/* Streams nobody shares: no hash of a name is likely to fall among them. */
#define OWN_STREAMS (UINT64_C(1) << 62)

void request_begin(struct request *request, uint32_t id)
{
    struct prompt_content content = request->ask.content;
    if (content.own_stream == 0) {
        content.own_stream = OWN_STREAMS + id;
    }
    *request = (struct request){
        .id = id,
        .ask = request->ask,
        .truth = request->truth,
        .status = REQUEST_UNSENT,
        .known_tokens = request->ask.prompt_tokens,
        .clock = {.first_scheduled_ps = TIME_NONE,
                  .first_token_ps = TIME_NONE,
                  .first_visible_ps = TIME_NONE,
                  .last_token_ps = TIME_NONE},
    };
    request->ask.content = content;
}

void request_hand_over(struct request *request)
{
    assert(request->status == REQUEST_FINISHED);
    request->status = REQUEST_UNSENT;
    request->known_tokens = request->ask.prompt_tokens;
    request->computed_tokens = 0;
    request->placeholders = 0;
    request->drafts = 0;
    request->remote_tokens = request->ask.prompt_tokens - 1;
}

void request_evict(struct request *request)
{
    assert(request->status != REQUEST_FINISHED && request->status != REQUEST_REJECTED);
    request->status = REQUEST_UNSENT;
    request->recomputed_tokens += request->computed_tokens;
    request->is_member = false;
    request->computed_tokens = 0;
    request->placeholders = 0;
    request->drafts = 0;
    request->remote_tokens = 0;
    request->swapped_blocks = 0;
}

void request_restart_answer(struct request *request)
{
    assert(request->status == REQUEST_UNSENT && request->computed_tokens == 0);
    request->known_tokens = request->ask.prompt_tokens;
    request->verifications = 0;
    request->clock.first_token_ps = TIME_NONE;
    request->clock.first_visible_ps = TIME_NONE;
    request->clock.last_token_ps = TIME_NONE;
    request->clock.max_itl_ps = 0;
}
