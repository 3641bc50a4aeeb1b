#include "tests/unit/check.h"

#include <math.h>

#include "sim/pricing/price_confidence.h"

static struct step_cost cost_of(const char *source, double uncertainty)
{
    struct step_cost cost = step_cost_constant(1000);
    snprintf(cost.identity.source, sizeof cost.identity.source, "%s", source);
    snprintf(cost.identity.name, sizeof cost.identity.name, "mine");
    cost.uncertainty = uncertainty;
    return cost;
}

static void test_every_source_is_uncertain(void **state)
{
    (void)state;
    struct step_cost calibrated = cost_of("calibrated", 0);
    struct step_cost profiled = cost_of("profiled", 0);
    struct step_cost roofline = cost_of("roofline", 0);
    double best = price_confidence_uncertainty(&calibrated);
    assert_true(best > 0);
    assert_true(price_confidence_uncertainty(&profiled) > best);
    assert_true(price_confidence_uncertainty(&roofline) > price_confidence_uncertainty(&profiled));
}

static void test_carrying_over_adds(void **state)
{
    (void)state;
    struct step_cost here = cost_of("calibrated", 0);
    struct step_cost carried = cost_of("calibrated", 0.04);
    double floor = price_confidence_uncertainty(&here);
    assert_near(price_confidence_uncertainty(&carried), hypot(floor, 0.04), 1e-12);
}

static void test_words(void **state)
{
    (void)state;
    char text[512];
    struct step_cost cost = cost_of("roofline", 0.04);
    price_confidence_describe(&cost, true, 0.05, text, sizeof text);
    assert_string_equal(text, "step prices were scaled by the GPU's data sheet (profile 'mine') of "
                              "another configuration and carried over to this one; all of them "
                              "together may be off by 5 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_source_is_uncertain),
        cmocka_unit_test(test_carrying_over_adds),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
