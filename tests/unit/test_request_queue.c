/* The ring of waiting requests, and the heap. */
#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/scheduling/request_queue.h"

static void test_both_ends(void **state)
{
    (void)state;
    struct request_queue queue;
    request_queue_init(&queue);
    request_queue_push_back(&queue, 1);
    request_queue_push_back(&queue, 2);
    request_queue_push_front(&queue, 0);
    assert_int_equal(queue.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(request_queue_at(&queue, i), i);
    }
    assert_int_equal(request_queue_pop_front(&queue), 0);
    request_queue_remove(&queue, 2);
    assert_int_equal(request_queue_pop_front(&queue), 1);
    assert_int_equal(queue.count, 0);
    request_queue_clear(&queue);
}

/* Against a plain array, through all positions of the ring. */
static void test_random_use(void **state)
{
    (void)state;
    enum { OPERATIONS = 20000, MOST = 300 };
    struct random_stream *random = random_create(9, "request queue");
    struct request_queue queue;
    uint32_t plain[MOST];
    uint32_t count = 0;
    request_queue_init(&queue);
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        uint32_t operation = count == 0 ? 0 : count == MOST ? 3 : random_below(random, 4);
        uint32_t at = operation == 1 || operation == 3 ? 0 : count;
        if (operation == 2) {
            at = random_below(random, count);
        }
        if (operation <= 1) {
            memmove(&plain[at + 1], &plain[at], (count++ - at) * sizeof plain[0]);
            plain[at] = i;
            if (operation == 0) {
                request_queue_push_back(&queue, i);
            } else {
                request_queue_push_front(&queue, i);
            }
        } else {
            uint32_t gone = plain[at];
            memmove(&plain[at], &plain[at + 1], (--count - at) * sizeof plain[0]);
            if (operation == 3) {
                assert_int_equal(request_queue_pop_front(&queue), gone);
            } else {
                request_queue_remove(&queue, gone);
            }
        }
        assert_int_equal(queue.count, count);
        for (uint32_t k = 0; k < count; k += 1 + count / 8) {
            assert_int_equal(request_queue_at(&queue, k), plain[k]);
        }
    }
    request_queue_clear(&queue);
    random_destroy(random);
}

static struct request_order order_of(uint32_t request)
{
    return (struct request_order){
        .key = request * 7 % 5, .sent_ps = request * 11 % 3, .id = 1000 - request};
}

/* In order of key, time of sending and number, whoever is taken out in between. */
static void test_heap(void **state)
{
    (void)state;
    enum { REQUESTS = 200 };
    struct request_queue queue;
    request_queue_init(&queue);
    request_queue_order(&queue, 10);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        request_queue_order(&queue, i + 1);
        request_queue_insert(&queue, i, order_of(i));
    }
    for (uint32_t i = 0; i < REQUESTS; i += 3) {
        request_queue_remove(&queue, i);
    }
    uint32_t before = request_queue_pop_front(&queue);
    uint32_t count = 1;
    while (queue.count > 0) {
        uint32_t next = request_queue_at(&queue, 0);
        assert_int_equal(request_queue_pop_front(&queue), next);
        assert_true(request_queue_is_before(&queue, before, next));
        assert_true(next % 3 != 0);
        before = next;
        count++;
    }
    assert_int_equal(count, REQUESTS - (REQUESTS + 2) / 3);
    request_queue_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends),
        cmocka_unit_test(test_random_use),
        cmocka_unit_test(test_heap),
    };
    return cmocka_run_group_tests_name("request queue", tests, NULL, NULL);
}
