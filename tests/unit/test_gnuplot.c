#include "tests/unit/check.h"

#include <sys/stat.h>
#include <time.h>

#include "sim/report/gnuplot.h"

static char folder[64];

/* Puts a program called gnuplot first in the path. */
static void fake_gnuplot(const char *script)
{
    char path[128];
    snprintf(path, sizeof path, "%s/gnuplot", folder);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fprintf(stream, "#!/bin/sh\n%s\n", script);
    fclose(stream);
    assert_int_equal(chmod(path, 0700), 0);
}

static int set_up(void **state)
{
    (void)state;
    char path[4096];
    snprintf(folder, sizeof folder, "/tmp/kvcast-test-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s:%s", folder, getenv("PATH"));
    return setenv("PATH", path, 1);
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void test_a_script_runs_in_the_folder(void **state)
{
    (void)state;
    struct error error;
    char path[128];
    fake_gnuplot("cat > copy; [ \"$*\" = '-d -' ]");
    assert_true(gnuplot_is_installed());
    assert_true(gnuplot_run(folder, "plot x\n", 20, &error));
    snprintf(path, sizeof path, "grep -q 'plot x' '%s/copy'", folder);
    assert_int_equal(system(path), 0);
}

static void test_a_failure_says_why(void **state)
{
    (void)state;
    struct error error;
    fake_gnuplot("echo; echo '     line 7: undefined variable: x' >&2; exit 1");
    assert_false(gnuplot_run(folder, "plot x\n", 20, &error));
    assert_string_equal(error.message, "gnuplot failed: line 7: undefined variable: x");
    fake_gnuplot("kill -9 $$");
    assert_false(gnuplot_run(folder, "plot x\n", 20, &error));
    assert_string_equal(error.message, "gnuplot failed: it gave no reason");
}

/* It and what it started are killed, whatever signals they ignore. */
static void test_one_that_hangs_is_stopped(void **state)
{
    (void)state;
    struct error error;
    char command[512];
    fake_gnuplot("trap '' TERM INT; sleep 3000 & echo $! > child; wait");
    assert_false(gnuplot_run(folder, "plot x\n", 1, &error));
    assert_string_equal(error.message, "gnuplot did not end within 1 s and was stopped");
    snprintf(command, sizeof command,
             "for i in 1 2 3 4 5 6 7 8 9; do kill -0 $(cat '%s/child') 2>/dev/null || exit 0; "
             "grep -q 'State:.Z' /proc/$(cat '%s/child')/status && exit 0; sleep 0.2; done; exit 1",
             folder, folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_script_runs_in_the_folder),
        cmocka_unit_test(test_a_failure_says_why),
        cmocka_unit_test(test_one_that_hangs_is_stopped),
    };
    return cmocka_run_group_tests_name("gnuplot", tests, set_up, tear_down);
}
