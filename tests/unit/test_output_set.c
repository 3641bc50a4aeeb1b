#include "tests/unit/check.h"

#include <sys/stat.h>

#include "sim/base/cleanup.h"
#include "sim/base/output_set.h"

static const char *const names[] = {"a.csv", "b.csv", "c.png", NULL};

static const char *new_folder(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/tmp/kvcast-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[OUTPUT_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

/* The first line of a file; empty when there is no such file. */
static const char *content(const char *folder, const char *name)
{
    static char text[64];
    char path[OUTPUT_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "r");
    text[0] = '\0';
    if (stream != NULL) {
        assert_true(fgets(text, sizeof text, stream) == NULL || text[0] != '\0');
        fclose(stream);
    }
    return text;
}

static void remove_folder(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* What this run wrote is there, what an earlier run left is gone, what is not of the set stays. */
static void test_a_set_replaces_a_set(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct output_set set;
    struct error error;
    put(folder, "a.csv", "old");
    put(folder, "c.png", "old");
    put(folder, "notes.txt", "mine");
    assert_true(output_set_open(&set, folder, names, &error));
    put(set.stage, "a.csv", "new");
    put(set.stage, "b.csv", "new");
    assert_string_equal(content(folder, "a.csv"), "old");
    assert_true(output_set_commit(&set, &error));
    assert_string_equal(content(folder, "a.csv"), "new");
    assert_string_equal(content(folder, "b.csv"), "new");
    assert_string_equal(content(folder, "c.png"), "");
    assert_string_equal(content(folder, "notes.txt"), "mine");
    output_set_discard(&set);
    remove_folder(folder);
}

static void test_a_discarded_set_changes_nothing(void **state)
{
    (void)state;
    char made[128];
    const char *folder = new_folder();
    struct output_set set;
    struct error error;
    put(folder, "a.csv", "old");
    assert_true(output_set_open(&set, folder, names, &error));
    put(set.stage, "a.csv", "new");
    put(set.stage, "unexpected", "new");
    output_set_discard(&set);
    assert_string_equal(content(folder, "a.csv"), "old");
    snprintf(made, sizeof made, "%s/made", folder);
    assert_true(output_set_open(&set, made, names, &error));
    put(set.stage, "a.csv", "new");
    output_set_discard(&set);
    assert_int_not_equal(access(made, F_OK), 0); /* it had not been there before */
    char path[128];
    snprintf(path, sizeof path, "%s/a.csv", folder);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* Nothing moves when one of the files cannot. */
static void test_a_folder_in_the_way(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char path[128];
    struct output_set set;
    struct error error;
    put(folder, "a.csv", "old");
    snprintf(path, sizeof path, "%s/b.csv", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(output_set_open(&set, folder, names, &error));
    put(set.stage, "a.csv", "new");
    put(set.stage, "b.csv", "new");
    assert_false(output_set_commit(&set, &error));
    assert_contains(error.message, "b.csv: cannot replace: this is a folder");
    assert_string_equal(content(folder, "a.csv"), "old");
    remove_folder(folder);
}

static void test_links_in_the_folder_stay(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char path[128];
    struct stat there;
    struct output_set set;
    struct error error;
    put(folder, "elsewhere", "old");
    snprintf(path, sizeof path, "%s/a.csv", folder);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_true(output_set_open(&set, folder, names, &error));
    put(set.stage, "a.csv", "new");
    assert_true(output_set_commit(&set, &error));
    assert_string_equal(content(folder, "elsewhere"), "new");
    assert_true(lstat(path, &there) == 0 && S_ISLNK(there.st_mode));
    assert_true(output_set_open(&set, folder, names, &error));
    assert_true(output_set_commit(&set, &error)); /* this run has no such table */
    assert_int_not_equal(lstat(path, &there), 0);
    assert_string_equal(content(folder, "elsewhere"), "new");
    remove_folder(folder);
}

/* A killed program cannot clean up; the next one does. One that is at work is left alone. */
static void test_abandoned_stages_go(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char path[128];
    struct output_set first;
    struct output_set second;
    struct error error;
    snprintf(path, sizeof path, "%s/.kvcast-set-abcdef", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put(path, "a.csv", "half");
    assert_true(output_set_open(&first, folder, names, &error));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(output_set_open(&second, folder, names, &error));
    assert_int_equal(access(first.stage, F_OK), 0);
    output_set_discard(&first);
    output_set_discard(&second);
    assert_int_equal(rmdir(folder), 0);
}

/* Every way out removes what is noted. */
static void test_cleanup(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char file[128];
    char inner[128];
    snprintf(inner, sizeof inner, "%s/inner", folder);
    snprintf(file, sizeof file, "%s/inner/file", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    put(inner, "file", "x");
    int kept = cleanup_add_file(folder); /* forgotten again: not touched */
    cleanup_forget(kept);
    int tickets[] = {cleanup_add_folder(folder), cleanup_add_folder(inner), cleanup_add_file(file)};
    cleanup_now();
    assert_int_not_equal(access(folder, F_OK), 0);
    for (int i = 0; i < 3; i++) {
        cleanup_forget(tickets[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_replaces_a_set),
        cmocka_unit_test(test_a_discarded_set_changes_nothing),
        cmocka_unit_test(test_a_folder_in_the_way),
        cmocka_unit_test(test_links_in_the_folder_stay),
        cmocka_unit_test(test_abandoned_stages_go),
        cmocka_unit_test(test_cleanup),
    };
    return cmocka_run_group_tests_name("output_set", tests, NULL, NULL);
}
