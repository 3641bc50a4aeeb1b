#include "sim/cluster/kv_transfer.h"

#include <assert.h>

#include "sim/base/units.h"

int64_t kv_transfer_send(struct cluster_node *from, uint32_t tokens, int64_t now_ps)
{
    assert(from->role == INSTANCE_PREFILL);
    int64_t transfer_ps = ps_plus(from->link.latency_ps, ps_times(from->link.token_ps, tokens));
    from->link_free_ps = ps_plus(ps_max(from->link_free_ps, now_ps), transfer_ps);
    return from->link_free_ps;
}
