/* Who sends the requests, and when: at their own times, or as answers come back. */
#ifndef SIM_SERVING_CLIENT_H
#define SIM_SERVING_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/serving/request.h"

enum client_kind {
    CLIENT_OPEN,   /* each request has its time */
    CLIENT_CLOSED, /* a fixed number in flight: an answer sends the next */
    CLIENT_BATCH,  /* batch-synchronous: the next batch when the whole batch is done */
};

struct client_settings {
    enum client_kind kind;
    uint32_t width; /* requests in flight, or of a batch */
};

struct client {
    struct client_settings settings;
    struct request *requests;
    uint32_t request_count;
    uint32_t next_unsent;
    uint32_t in_flight;
};

void client_init(struct client *client, const struct client_settings *settings,
                 struct request *requests, uint32_t request_count);

/* How many requests, from 'next_unsent' on, are to be sent now that 'answered' more are done. Their
 * sent_ps is set to 'now_ps', but for an open client's. */
uint32_t client_send(struct client *client, int64_t now_ps, uint32_t answered);

#endif
