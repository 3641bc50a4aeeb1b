/* The heap of a decode group's members. */
#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/serving/member_heap.h"

/* Against a plain list of when each request is due. */
static void test_random_use(void **state)
{
    (void)state;
    enum { REQUESTS = 60, OPERATIONS = 6000 };
    struct random_stream *random = random_create(4, "member heap");
    struct member_heap heap = {0};
    uint64_t due[REQUESTS] = {0}; /* 0: not there */
    for (int i = 0; i < OPERATIONS; i++) {
        uint32_t request = random_below(random, REQUESTS);
        struct decode_group_member member = {.request = request};
        if (due[request] == 0) {
            member.due = due[request] = 1 + random_below(random, 40);
            member_heap_push(&heap, member);
            assert_false(member_heap_remove(&heap, REQUESTS, &member));
        } else if (random_below(random, 2) == 0) {
            assert_true(member_heap_remove(&heap, request, &member));
            assert_int_equal(member.due, due[request]);
            due[request] = 0;
        } else {
            member = member_heap_pop(&heap);
            assert_int_equal(member.due, due[member.request]);
            due[member.request] = 0;
            for (uint32_t k = 0; k < REQUESTS; k++) {
                assert_true(due[k] == 0 || due[k] >= member.due);
            }
        }
        uint32_t count = 0;
        for (uint32_t k = 0; k < REQUESTS; k++) {
            count += due[k] > 0;
        }
        assert_int_equal(heap.count, count);
    }
    member_heap_clear(&heap);
    random_destroy(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_use)};
    return cmocka_run_group_tests_name("member heap", tests, NULL, NULL);
}
