/* The queue of what may be evicted. */
#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/kv/eviction_queue.h"

static void test_order(void **state)
{
    (void)state;
    struct eviction_queue queue = {0};
    eviction_queue_put(&queue, 3, 10);
    eviction_queue_put(&queue, 2, 10);
    eviction_queue_put(&queue, 7, 5);
    assert_int_equal(eviction_queue_first(&queue), 7);
    eviction_queue_put(&queue, 7, 11); /* used again */
    assert_int_equal(eviction_queue_first(&queue), 2);
    eviction_queue_remove(&queue, 2);
    eviction_queue_remove(&queue, 2);
    eviction_queue_remove(&queue, 100);
    assert_int_equal(eviction_queue_first(&queue), 3);
    assert_false(eviction_queue_has(&queue, 2));
    assert_true(eviction_queue_has(&queue, 7));
    assert_int_equal(queue.count, 2);
    eviction_queue_clear(&queue);
}

/* Against a search of all. */
static void test_random_use(void **state)
{
    (void)state;
    enum { NODES = 50, OPERATIONS = 5000 };
    struct random_stream *random = random_create(5, "eviction queue");
    struct eviction_queue queue = {0};
    uint64_t used[NODES] = {0}; /* 0: not queued */
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t node = random_below(random, NODES);
        if (random_below(random, 3) == 0) {
            eviction_queue_remove(&queue, node);
            used[node] = 0;
        } else {
            used[node] = 1 + random_below(random, 30);
            eviction_queue_put(&queue, node, used[node]);
        }
        uint32_t count = 0;
        uint32_t first = NODES;
        for (uint32_t k = 0; k < NODES; k++) {
            count += used[k] > 0;
            first = used[k] > 0 && (first == NODES || used[k] < used[first]) ? k : first;
        }
        assert_int_equal(queue.count, count);
        assert_true(count == 0 || eviction_queue_first(&queue) == first);
    }
    eviction_queue_clear(&queue);
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_random_use),
    };
    return cmocka_run_group_tests_name("eviction queue", tests, NULL, NULL);
}
