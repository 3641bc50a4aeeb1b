#include "tests/unit/check.h"

#include "sim/hardware/name_match.h"

static const struct name_entry entries[] = {
    {"Alpha-7B", "lab/Alpha-7B-Instruct|lab/Alpha-7B"},
    {"Alpha-70B", "lab/Alpha-70B"},
    {"Beta Distill 7B", NULL},
    {"Gamma-1.5B", ""},
};
static const struct name_catalog catalog = {
    .kind = "thing", .hint = " (see the list)", .entries = entries, .count = 4};

static void test_finds_one(void **state)
{
    (void)state;
    static const struct {
        const char *asked;
        uint32_t index;
    } known[] = {{"alpha-7b", 0},
                 {"Alpha_7B", 0},
                 {"alpha7b", 0},
                 {"lab/Alpha-7B-Instruct", 0},
                 {"Alpha-7B-Instruct", 0},
                 {"other/Alpha-70B", 1},
                 {"distill", 2},
                 {"beta-7b", 2},
                 {"1.5B", 3}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t index = 99;
        struct error error;
        if (!name_match(&catalog, known[i].asked, &index, &error)) {
            fail_msg("%s", error.message);
        }
        assert_int_equal(index, known[i].index);
    }
}

static void test_refuses_the_rest(void **state)
{
    (void)state;
    uint32_t index = 0;
    struct error error;
    assert_false(name_match(&catalog, "alpha", &index, &error));
    assert_string_equal(error.message,
                        "thing 'alpha' fits several, expected one of Alpha-7B, Alpha-70B");
    assert_false(name_match(&catalog, "Alpha-7C", &index, &error));
    assert_string_equal(error.message,
                        "unknown thing 'Alpha-7C', did you mean 'Alpha-7B'? (see the list)");
    assert_false(name_match(&catalog, "", &index, &error));
    assert_false(name_match(&catalog, "- -", &index, &error));
    static const struct name_entry empty[] = {{"One", ""}, {"Two", "|"}};
    const struct name_catalog with_empty = {
        .kind = "thing", .hint = "", .entries = empty, .count = 2};
    assert_false(name_match(&with_empty, "", &index, &error));
    assert_false(name_match(&with_empty, " ", &index, &error));
    assert_false(name_match_is_exact(&empty[1], ""));
    char longest[400];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(name_match(&catalog, longest, &index, &error));
}

static void test_first_of_equal_names(void **state)
{
    (void)state;
    static const struct name_entry twins[] = {{"One", NULL}, {"Two", NULL}, {"two", NULL}};
    const struct name_catalog list = {.kind = "thing", .hint = "", .entries = twins, .count = 3};
    uint32_t index = 0;
    struct error error;
    assert_true(name_match(&list, "Two", &index, &error));
    assert_int_equal(index, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_one),
        cmocka_unit_test(test_refuses_the_rest),
        cmocka_unit_test(test_first_of_equal_names),
    };
    return cmocka_run_group_tests_name("name_match", tests, NULL, NULL);
}
