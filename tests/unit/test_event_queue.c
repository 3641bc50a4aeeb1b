#include "tests/unit/check.h"

#include "sim/base/random.h"
#include "sim/events/event_queue.h"

static void test_events_come_in_total_order(void **state)
{
    (void)state;
    struct event_queue queue;
    struct event event;
    struct event last = {.at_ps = -1};
    struct random_stream *random = random_create(1, "events");
    event_queue_init(&queue);
    assert_false(event_queue_pop(&queue, &event));
    for (int i = 0; i < 5000; i++) {
        event_queue_push(&queue, (struct event){.at_ps = random_below(random, 50),
                                                .type = (enum event_type)random_below(random, 4),
                                                .subject = random_below(random, 100)});
    }
    for (int i = 0; i < 5000; i++) {
        assert_true(event_queue_pop(&queue, &event));
        bool of_instance = event.type == EVENT_LAUNCH_DONE || event.type == EVENT_STEP_END;
        bool in_order =
            of_instance ? last.subject <= event.subject : last.sequence < event.sequence;
        bool ordered = last.at_ps < event.at_ps ||
                       (last.at_ps == event.at_ps &&
                        (last.type < event.type || (last.type == event.type && in_order)));
        assert_true(ordered);
        last = event;
    }
    random_destroy(random);
    event_queue_clear(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_come_in_total_order),
    };
    return cmocka_run_group_tests_name("event_queue", tests, NULL, NULL);
}
