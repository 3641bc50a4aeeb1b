#include "sim/cluster/client.h"

#include <assert.h>

const struct setting_choice client_kinds[] = {
    {"open", CLIENT_OPEN, "each request is sent at its own time, whatever the answers do"},
    {"closed", CLIENT_CLOSED, "a fixed number is in flight: each answer sends the next request"},
    {"batch", CLIENT_BATCH, "batch after batch: the next one is sent when all answers are there"},
    {.name = NULL},
};

void client_init(struct client *client, const struct client_settings *settings)
{
    assert(settings->kind == CLIENT_OPEN || settings->width > 0);
    *client = (struct client){.settings = *settings};
}

uint32_t client_wants(struct client *client, uint32_t answered)
{
    const struct client_settings *settings = &client->settings;
    client->in_flight -= settings->kind == CLIENT_OPEN ? 0 : answered;
    switch (settings->kind) {
    case CLIENT_OPEN:
        /* One at a time: its arrival calls for the next. */
        return answered == 0 ? 1 : 0;
    case CLIENT_CLOSED:
        return settings->width - client->in_flight;
    case CLIENT_BATCH:
        return client->in_flight == 0 ? settings->width : 0;
    }
    return 0;
}

void client_sent(struct client *client)
{
    client->in_flight += client->settings.kind == CLIENT_OPEN ? 0 : 1;
}
