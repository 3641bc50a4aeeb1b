#include "tests/unit/check.h"

#include <stdlib.h>

#include "sim/experiments/team.h"

/* A test is started alone, whatever the program was built with. */
static void test_alone(void **state)
{
    (void)state;
    struct team team;
    struct error error;
    unsetenv("OMPI_COMM_WORLD_SIZE");
    unsetenv("PMI_SIZE");
    unsetenv("PMIX_RANK");
    assert_true(team_join(&team, &error));
    assert_int_equal(team.rank, 0);
    assert_int_equal(team.size, 1);
    team_leave(&team);
}

/* Several processes that do not know of each other would all do the same. */
static void test_started_together_without_mpi(void **state)
{
    (void)state;
    struct team team;
    struct error error;
    assert_false(team_is_built());
    setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
    assert_false(team_join(&team, &error));
    assert_contains(error.message, "started as 4 processes, but built without MPI");
    setenv("OMPI_COMM_WORLD_SIZE", "1", 1);
    assert_true(team_join(&team, &error));
    team_leave(&team);
    unsetenv("OMPI_COMM_WORLD_SIZE");
}

int main(void)
{
    const struct CMUnitTest with_mpi[] = {cmocka_unit_test(test_alone)};
    const struct CMUnitTest without_mpi[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_started_together_without_mpi),
    };
    return team_is_built() ? cmocka_run_group_tests(with_mpi, NULL, NULL)
                           : cmocka_run_group_tests(without_mpi, NULL, NULL);
}
