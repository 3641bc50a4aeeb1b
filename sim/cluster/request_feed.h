/* Where the requests of a run come from and where they go: only those alive are kept. */
#ifndef SIM_CLUSTER_REQUEST_FEED_H
#define SIM_CLUSTER_REQUEST_FEED_H

#include "sim/serving/request.h"

struct request_feed {
    void *context;
    /* The ask and the truth of the next request, in order of sending; false: there is none now. It
     * is asked again when the client wants to send more. */
    bool (*next)(void *context, struct request *request);
    /* The request is finished or rejected, and will be forgotten; NULL: nobody wants to know. */
    void (*done)(void *context, const struct request *request);
};

/* Requests of an array, which are written back when they are done. */
struct request_array {
    struct request *requests;
    uint32_t count;
    uint32_t next;
};

struct request_feed request_array_feed(struct request_array *array);

#endif
