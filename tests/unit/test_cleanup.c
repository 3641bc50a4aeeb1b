#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sim/base/cleanup.h"
#include "tests/unit/check.h"

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void make_file(const char *path)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fclose(stream);
}

/* A folder within a folder with a file in it: noted from outside to inside, all go. */
static void test_removes_files_before_folders(void **state)
{
    (void)state;
    char kept[2048];
    char outer[2060];
    char inner[2070];
    char file[2080];
    snprintf(kept, sizeof kept, "%s", temporary_file("kept", ""));
    snprintf(outer, sizeof outer, "%s.d", kept);
    snprintf(inner, sizeof inner, "%s/inner", outer);
    snprintf(file, sizeof file, "%s/file", inner);
    assert_int_equal(mkdir(outer, 0700), 0);
    assert_int_equal(mkdir(inner, 0700), 0);
    make_file(file);
    int forgotten = cleanup_add_file(kept);
    int tickets[] = {cleanup_add_folder(outer), cleanup_add_folder(inner), cleanup_add_file(file)};
    cleanup_forget(forgotten);
    cleanup_forget(CLEANUP_NONE); /* of a full list: nothing to forget */
    cleanup_now();
    assert_false(exists(file));
    assert_false(exists(outer));
    assert_true(exists(kept));
    for (size_t i = 0; i < sizeof tickets / sizeof tickets[0]; i++) {
        cleanup_forget(tickets[i]);
    }
    unlink(kept);
}

static void test_full_list_says_so(void **state)
{
    (void)state;
    int tickets[1000];
    int count = 0;
    while (count < 1000 && (tickets[count] = cleanup_add_file("no/such/file")) != CLEANUP_NONE) {
        count++;
    }
    assert_in_range(count, 64, 999);
    cleanup_forget(tickets[5]);
    assert_int_equal(cleanup_add_file("no/such/file"), tickets[5]); /* room again */
    assert_int_equal(cleanup_add_folder("no/such/folder"), CLEANUP_NONE);
    for (int i = 0; i < count; i++) {
        cleanup_forget(tickets[i]);
    }
    char path[CLEANUP_PATH_BYTES + 1];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(cleanup_add_file(path), CLEANUP_NONE); /* it does not fit */
}

/* A process of its own that notes 'path' and ends by a signal, or by exit() for 0. */
static int end_by(const char *path, int number, bool held)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        cleanup_install();
        cleanup_add_file(path);
        if (held) {
            cleanup_hold_signals();
        }
        if (number != 0) {
            raise(number);
        }
        bool is_there = exists(path);
        if (held) {
            cleanup_release_signals(); /* it arrives here */
        }
        exit(is_there ? 3 : 4);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

static void test_every_end_removes(void **state)
{
    (void)state;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU};
    char path[2048];
    for (size_t i = 0; i < 2 * sizeof numbers / sizeof numbers[0]; i++) {
        snprintf(path, sizeof path, "%s", temporary_file("signal", "x"));
        signal(numbers[i / 2], SIG_DFL); /* a caller in the background has some ignored */
        int status = end_by(path, numbers[i / 2], i % 2 == 1);
        assert_true(WIFSIGNALED(status)); /* the caller sees what ended it */
        assert_int_equal(WTERMSIG(status), numbers[i / 2]);
        assert_false(exists(path));
    }
    snprintf(path, sizeof path, "%s", temporary_file("exit", "x"));
    int status = end_by(path, 0, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_false(exists(path));
}

/* A closed pipe must not end the program, nor a signal that its caller has set to be ignored. */
static void test_ignored_signals_stay_ignored(void **state)
{
    (void)state;
    char path[2048];
    void (*before)(int) = signal(SIGHUP, SIG_IGN);
    snprintf(path, sizeof path, "%s", temporary_file("ignored", "x"));
    assert_true(WIFEXITED(end_by(path, SIGHUP, false)));
    signal(SIGHUP, before);
    snprintf(path, sizeof path, "%s", temporary_file("pipe", "x"));
    assert_true(WIFEXITED(end_by(path, SIGPIPE, false)));
}

static void test_child_is_stopped(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        for (;;) {
            pause();
        }
    }
    setpgid(child, child);
    cleanup_set_child(child);
    cleanup_now();
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cleanup_now(); /* the group is forgotten: another process may have its number by now */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removes_files_before_folders),
        cmocka_unit_test(test_full_list_says_so),
        cmocka_unit_test(test_every_end_removes),
        cmocka_unit_test(test_ignored_signals_stay_ignored),
        cmocka_unit_test(test_child_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
