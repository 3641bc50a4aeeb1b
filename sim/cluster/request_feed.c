#include "sim/cluster/request_feed.h"

static bool next_of_array(void *context, struct request *request)
{
    struct request_array *array = context;
    if (array->next == array->count) {
        return false;
    }
    *request = array->requests[array->next++];
    return true;
}

static void back_to_array(void *context, const struct request *request)
{
    struct request_array *array = context;
    array->requests[request->id] = *request;
}

struct request_feed request_array_feed(struct request_array *array)
{
    return (struct request_feed){.context = array, .next = next_of_array, .done = back_to_array};
}
