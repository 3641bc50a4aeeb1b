#include "tests/unit/check.h"

#include "sim/cluster/simulation.h"

static uint32_t send(struct client *client, uint32_t answered)
{
    uint32_t wanted = client_wants(client, answered);
    for (uint32_t i = 0; i < wanted; i++) {
        client_sent(client);
    }
    return wanted;
}

static void test_clients(void **state)
{
    (void)state;
    struct client client;
    struct client_settings closed = {CLIENT_CLOSED, 4};
    client_init(&client, &closed);
    assert_int_equal(send(&client, 0), 4);
    assert_int_equal(send(&client, 1), 1);
    struct client_settings batch = {CLIENT_BATCH, 6};
    client_init(&client, &batch);
    assert_int_equal(send(&client, 0), 6);
    assert_int_equal(send(&client, 5), 0);
    assert_int_equal(send(&client, 1), 6);
    struct client_settings open = {CLIENT_OPEN, 0};
    client_init(&client, &open);
    assert_int_equal(send(&client, 0), 1);
    assert_int_equal(send(&client, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clients),
    };
    return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
