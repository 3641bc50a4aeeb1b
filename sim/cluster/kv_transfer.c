#include "sim/cluster/kv_transfer.h"

#include <assert.h>

#include "sim/base/units.h"

int64_t kv_transfer_send(struct cluster_node *from, const struct kv_link *link, uint32_t tokens,
                         int64_t now_ps)
{
    assert(from->role == INSTANCE_PREFILL);
    from->link_free_ps =
        ps_max(from->link_free_ps, now_ps) + link->latency_ps + link->token_ps * (int64_t)tokens;
    return from->link_free_ps;
}
