/* Who sends the requests, and when: at their own times, or as answers come back. */
#ifndef SIM_CLUSTER_CLIENT_H
#define SIM_CLUSTER_CLIENT_H

#include <stdint.h>

#include "sim/base/settings.h"

enum client_kind {
    CLIENT_OPEN,   /* each request has its time */
    CLIENT_CLOSED, /* a fixed number in flight: an answer sends the next */
    CLIENT_BATCH,  /* batch-synchronous: the next batch when the whole batch is done */
};

/* Their names and what they do, up to a NULL name. */
extern const struct setting_choice client_kinds[];

struct client_settings {
    enum client_kind kind;
    uint32_t width; /* requests in flight, or of a batch */
};

struct client {
    struct client_settings settings;
    uint32_t in_flight; /* not counted for an open client */
};

void client_init(struct client *client, const struct client_settings *settings);

/* 'answered' more requests are done: how many the client wants to send now. */
uint32_t client_wants(struct client *client, uint32_t answered);

/* It has sent one. */
void client_sent(struct client *client);

#endif
