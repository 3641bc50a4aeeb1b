#include "tests/unit/check.h"

#include "sim/base/embedded.h"
#include "sim/base/text.h"

/* Files of a folder come one after another, those of others do not. */
static void test_embedded_files_of_a_folder(void **state)
{
    (void)state;
    uint32_t calibrations = 0;
    const struct embedded_file *file = NULL;
    while ((file = embedded_next("calibration/", file)) != NULL) {
        assert_true(text_starts_with(file->path, "calibration/"));
        assert_ptr_equal(embedded_find(file->path), file->text);
        calibrations++;
    }
    assert_true(calibrations > 1);
    assert_null(embedded_next("no such folder/", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_embedded_files_of_a_folder),
    };
    return cmocka_run_group_tests_name("embedded", tests, NULL, NULL);
}
