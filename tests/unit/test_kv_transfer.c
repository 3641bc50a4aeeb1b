#include "tests/unit/check.h"

#include "sim/cluster/kv_transfer.h"

/* Transfers of one instance queue up behind each other; an idle link starts at once. */
static void test_transfers_queue_up(void **state)
{
    (void)state;
    struct cluster_node node = {.role = INSTANCE_PREFILL,
                                .link = {.token_ps = 10, .latency_ps = 500}};
    assert_int_equal(kv_transfer_send(&node, 100, 1000), 1000 + 500 + 1000);
    assert_int_equal(kv_transfer_send(&node, 200, 1000), 2500 + 500 + 2000);
    assert_int_equal(kv_transfer_send(&node, 1, 9000), 9000 + 500 + 10);
    assert_int_equal(node.link_free_ps, 9510);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transfers_queue_up)};
    return cmocka_run_group_tests_name("kv_transfer", tests, NULL, NULL);
}
