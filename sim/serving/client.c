#include "sim/serving/client.h"

#include <assert.h>

void client_init(struct client *client, const struct client_settings *settings,
                 struct request *requests, uint32_t request_count)
{
    assert(settings->kind == CLIENT_OPEN || settings->width > 0);
    *client = (struct client){
        .settings = *settings, .requests = requests, .request_count = request_count};
}

uint32_t client_send(struct client *client, int64_t now_ps, uint32_t answered)
{
    uint32_t unsent = client->request_count - client->next_unsent;
    uint32_t count = 0;
    client->in_flight -= client->settings.kind == CLIENT_OPEN ? 0 : answered;
    switch (client->settings.kind) {
    case CLIENT_OPEN:
        /* One at a time: its arrival calls for the next. */
        count = unsent > 0 && answered == 0 ? 1 : 0;
        break;
    case CLIENT_CLOSED:
        count = client->settings.width - client->in_flight;
        break;
    case CLIENT_BATCH:
        count = client->in_flight == 0 ? client->settings.width : 0;
        break;
    }
    count = count < unsent ? count : unsent;
    for (uint32_t i = 0; i < count; i++) {
        struct request *request = &client->requests[client->next_unsent + i];
        if (client->settings.kind != CLIENT_OPEN) {
            request->sent_ps = now_ps;
        }
    }
    client->next_unsent += count;
    client->in_flight += count;
    return count;
}
