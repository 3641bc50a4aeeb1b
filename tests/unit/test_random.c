#include "tests/unit/check.h"

#include <math.h>

#include "sim/base/random.h"

static void test_random_streams_are_named(void **state)
{
    (void)state;
    struct random_stream *a = random_create(5, "arrivals");
    struct random_stream *b = random_create(5, "arrivals");
    struct random_stream *c = random_create(5, "lengths");
    double first = random_uniform(a);
    assert_near(first, random_uniform(b), 0);
    assert_true(fabs(first - random_uniform(c)) > 1e-12);
    random_destroy(a);
    random_destroy(b);
    random_destroy(c);
}

static void test_counter_based_normals(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    uint64_t key = random_key(3, "noise");
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        double value = random_normal_at(key, i);
        sum += value;
        squares += value * value;
    }
    assert_near(sum / COUNT, 0, 0.03);
    assert_near(squares / COUNT, 1, 0.04);
    assert_near(random_normal_at(key, 7), random_normal_at(key, 7), 0);
    assert_true(random_key(3, "noise") != random_key(4, "noise"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_streams_are_named),
        cmocka_unit_test(test_counter_based_normals),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
