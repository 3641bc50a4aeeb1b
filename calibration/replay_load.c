/* A client of a conversation sends the next turn some time after it has read the answer to the one
 * before. The simulator's clients know no conversations, so a replay is repeated: each time the
 * later turns follow the answers of the replay before, until none of them moves any more. Times
 * only depend on earlier ones, so that this comes to an end. */
#include "calibration/replay_load.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/units.h"

enum { STREAM_OF_PREFIXES = 11, STREAM_OF_CONVERSATIONS = 12, ACCEPTED_ROUNDS = 4096 };

/* A measured request and when the replay sends it. */
struct replay_sending {
    struct measured_request measured;
    double sent_s;
    uint32_t before; /* of the turn before: its number in the job; its own: there is none */
    uint32_t number; /* in the job */
};

static int by_sending(const void *left, const void *right)
{
    const struct replay_sending *a = left;
    const struct replay_sending *b = right;
    if (a->sent_s != b->sent_s) {
        return a->sent_s < b->sent_s ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

/* The answer stays in the conversation as it was generated. */
static struct prompt_content content_of(const struct measured_request *measured)
{
    struct prompt_content content = {.own_stream = 0};
    if (measured->prefix_id > 0) {
        content.parts[0] =
            (struct prompt_part){.stream = random_bits_at(STREAM_OF_PREFIXES, measured->prefix_id),
                                 .end = measured->prefix_tokens};
    }
    if (measured->conversation_id > 0) {
        uint64_t stream = random_bits_at(STREAM_OF_CONVERSATIONS, measured->conversation_id);
        content.parts[1] = (struct prompt_part){.stream = stream, .end = measured->prompt_tokens};
        content.own_stream = stream;
    }
    return content;
}

/* A verification accepts as many drafts as the measured shares by position say. */
static void draw_accepted(struct replay_load *load, const struct measured_speculation *speculation,
                          uint64_t seed)
{
    load->accepted = memory_zeroed(ACCEPTED_ROUNDS, sizeof load->accepted[0]);
    for (uint32_t i = 0; i < ACCEPTED_ROUNDS; i++) {
        double draw = random_uniform_at(seed, i);
        uint8_t accepted = 0;
        while (accepted < speculation->draft_tokens && draw < speculation->acceptance[accepted]) {
            accepted++;
        }
        load->accepted[i] = accepted;
    }
}

/* Each request starts elsewhere in the rounds, or all would be lucky at the same time. */
static struct draft_truth drafts_of(const struct replay_load *load, uint32_t number)
{
    uint32_t half = ACCEPTED_ROUNDS / 2;
    uint32_t start = load->accepted != NULL ? (uint32_t)(random_bits_at(number, 1) % half) : 0;
    return load->accepted != NULL
               ? (struct draft_truth){.accepted = load->accepted + start, .accepted_count = half}
               : (struct draft_truth){.probability = 0};
}

static struct request unsent(const struct replay_load *load, const struct replay_sending *sending)
{
    const struct measured_request *measured = &sending->measured;
    return (struct request){
        .ask = {.sent_ps = ps_from_s(sending->sent_s - load->start_s),
                .prompt_tokens = measured->prompt_tokens,
                .max_output_tokens = measured->output_tokens,
                .priority = measured->priority,
                .content = content_of(measured)},
        .truth = {.output_tokens = measured->output_tokens,
                  .drafts = drafts_of(load, measured->request_id)},
    };
}

/* In the order in which they are sent, none of them sent yet. */
static void arrange(struct replay_load *load)
{
    qsort(load->sendings, load->count, sizeof load->sendings[0], by_sending);
    load->start_s = load->sendings[0].sent_s;
    for (uint32_t i = 0; i < load->count; i++) {
        load->measured[i] = load->sendings[i].measured;
        load->requests[i] = unsent(load, &load->sendings[i]);
        assert(i == 0 || load->requests[i].ask.sent_ps >= load->requests[i - 1].ask.sent_ps);
    }
}

static uint32_t turn_before(const struct replay_load *load, uint32_t number)
{
    const struct measured_request *of = &load->sendings[number].measured;
    for (uint32_t i = 0; i < load->count && of->conversation_id > 0; i++) {
        const struct measured_request *one = &load->sendings[i].measured;
        if (one->conversation_id == of->conversation_id && one->turn + 1 == of->turn) {
            return i;
        }
    }
    return number;
}

void replay_load_init(struct replay_load *load, const struct measured_run *run,
                      const struct measured_job *job, uint64_t seed)
{
    assert(job->request_count > 0);
    *load = (struct replay_load){.count = job->request_count};
    load->sendings = memory_zeroed(load->count, sizeof load->sendings[0]);
    load->measured = memory_zeroed(load->count, sizeof load->measured[0]);
    load->requests = memory_zeroed(load->count, sizeof load->requests[0]);
    if (run->engine.speculation.draft_tokens > 0) {
        draw_accepted(load, &run->engine.speculation, random_key(seed, "accepted drafts"));
    }
    for (uint32_t i = 0; i < load->count; i++) {
        const struct measured_request *measured = &run->requests[job->first_request + i];
        load->sendings[i] =
            (struct replay_sending){.measured = *measured, .sent_s = measured->sent_s, .number = i};
    }
    for (uint32_t i = 0; i < load->count; i++) {
        load->sendings[i].before = turn_before(load, i);
        load->has_sessions = load->has_sessions || load->sendings[i].before != i;
    }
    arrange(load);
}

void replay_load_clear(struct replay_load *load)
{
    free(load->sendings);
    free(load->measured);
    free(load->requests);
    free(load->accepted);
    *load = (struct replay_load){.count = 0};
}

double replay_load_follow_answers(struct replay_load *load)
{
    double farthest_s = 0;
    double *predicted_s = memory_zeroed(load->count, sizeof predicted_s[0]);
    double *measured_s = memory_zeroed(load->count, sizeof measured_s[0]);
    for (uint32_t i = 0; i < load->count; i++) {
        uint32_t number = load->sendings[i].number;
        predicted_s[number] = load->start_s + s_from_ps(load->requests[i].clock.last_token_ps);
        measured_s[number] = load->measured[i].last_token_s;
    }
    for (uint32_t i = 0; i < load->count; i++) {
        struct replay_sending *sending = &load->sendings[i];
        if (sending->before != sending->number) {
            double think_s = sending->measured.sent_s - measured_s[sending->before];
            double sent_s = predicted_s[sending->before] + think_s;
            farthest_s = fmax(farthest_s, fabs(sent_s - sending->sent_s));
            sending->sent_s = sent_s;
        }
    }
    free(predicted_s);
    free(measured_s);
    arrange(load);
    return farthest_s;
}
