#include "tests/unit/check.h"

#include "sim/base/output_file.h"

static void test_output_file_appears_whole(void **state)
{
    (void)state;
    struct output_file file = {0};
    struct error error;
    char path[1200];
    const char *folder = "/tmp";
    snprintf(path, sizeof path, "kvcast-test-%ld-out.txt", (long)getpid());
    assert_true(output_file_open(&file, folder, path, &error));
    assert_int_not_equal(access(file.path, F_OK), 0);
    fputs("x", file.stream);
    assert_true(output_file_commit(&file, &error));
    assert_int_equal(access(file.path, F_OK), 0);
    unlink(file.path);
    assert_true(output_file_open(&file, folder, path, &error));
    output_file_discard(&file);
    assert_int_not_equal(access(file.path, F_OK), 0);
    assert_int_not_equal(access(file.temporary_path, F_OK), 0);
    assert_false(output_file_open(&file, "/nonexistent", "x", &error));
    assert_contains(error.message, "cannot write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_file_appears_whole),
    };
    return cmocka_run_group_tests_name("output_file", tests, NULL, NULL);
}
