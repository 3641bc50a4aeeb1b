#include "tests/unit/check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <zlib.h>

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

/* A name that ends in ".gz" is compressed: what it holds begins with gzip's mark, and is all there.
 */
static void test_compressed(void **state)
{
    (void)state;
    struct output_file file = {0};
    struct error error;
    char path[1200];
    char line[64];
    unsigned char mark[2] = {0, 0};
    snprintf(path, sizeof path, "/tmp/kvcast-test-%ld-out.txt.gz", (long)getpid());
    assert_true(output_file_open(&file, NULL, path, &error));
    for (int i = 0; i < 10000; i++) {
        fprintf(file.stream, "line %d\n", i);
    }
    assert_true(output_file_commit(&file, &error));
    FILE *raw = fopen(path, "rb");
    assert_int_equal(fread(mark, 1, 2, raw), 2);
    fclose(raw);
    assert_true(mark[0] == 0x1f && mark[1] == 0x8b);
    gzFile compressed = gzopen(path, "rb");
    for (int i = 0; i < 10000; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "line %d\n", i);
        assert_non_null(gzgets(compressed, line, sizeof line));
        assert_string_equal(line, expected);
    }
    gzclose(compressed);
    unlink(path);
}

/* A folder for one test, in a buffer that stays. */
static const char *new_folder(void)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/tmp/kvcast-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void write_text(const char *folder, const char *name, const char *text)
{
    struct output_file file;
    struct error error;
    assert_true(output_file_open(&file, folder, name, &error));
    fputs(text, file.stream);
    assert_true(output_file_commit(&file, &error));
}

static void assert_file(const char *folder, const char *name, const char *expected)
{
    char path[512];
    char text[64] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_true(fread(text, 1, sizeof text - 1, stream) < sizeof text);
    fclose(stream);
    assert_string_equal(text, expected);
}

/* The file behind a link is replaced, through any number of links; the link stays, and so do the
 * permissions. */
static void test_output_file_follows_links(void **state)
{
    (void)state;
    const char *folder = new_folder();
    struct stat there;
    assert_int_equal(chdir(folder), 0);
    write_text(NULL, "real", "old");
    assert_int_equal(chmod("real", 0640), 0);
    assert_int_equal(symlink("real", "one"), 0);
    assert_int_equal(symlink("one", "two"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    write_text(NULL, "two", "new");
    write_text(folder, "dangling", "made");
    assert_file(folder, "real", "new");
    assert_file(folder, "nowhere", "made");
    assert_true(lstat("two", &there) == 0 && S_ISLNK(there.st_mode));
    assert_true(lstat("one", &there) == 0 && S_ISLNK(there.st_mode));
    assert_true(stat("real", &there) == 0 && (there.st_mode & 0777) == 0640);
    struct output_file file;
    struct error error;
    assert_false(output_file_open(&file, NULL, "loop", &error));
    assert_contains(error.message, "loop: cannot write");
    assert_int_equal(system("rm real one two nowhere dangling loop"), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(folder), 0); /* no temporary file is left */
}

/* Devices and FIFOs are written into and stay what they are. */
static void test_output_file_writes_into_devices(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char path[256];
    char text[8] = "";
    struct stat there;
    struct error error;
    struct output_file file;
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    write_text(folder, "fifo", "through");
    assert_int_equal(read(reader, text, sizeof text - 1), 7);
    assert_string_equal(text, "through");
    assert_true(stat(path, &there) == 0 && S_ISFIFO(there.st_mode));
    close(reader);
    unlink(path);
    rmdir(folder);
    write_text(NULL, "/dev/null", "gone");
    assert_true(stat("/dev/null", &there) == 0 && S_ISCHR(there.st_mode));
    assert_true(output_file_open(&file, NULL, "/dev/full", &error));
    fputs("x", file.stream);
    assert_false(output_file_commit(&file, &error));
    assert_contains(error.message, "/dev/full: cannot write: No space left on device");
    assert_false(output_file_open(&file, NULL, "/tmp", &error));
    assert_contains(error.message, "/tmp: cannot write: this is a folder");
    assert_false(output_file_open(&file, NULL, "", &error));
}

/* The longest name that a folder can hold. */
static void test_output_file_of_a_long_name(void **state)
{
    (void)state;
    const char *folder = new_folder();
    char name[256];
    char path[512];
    memset(name, 'n', 255);
    name[255] = '\0';
    write_text(folder, name, "x");
    assert_file(folder, name, "x");
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output_file_appears_whole),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_output_file_follows_links),
        cmocka_unit_test(test_output_file_writes_into_devices),
        cmocka_unit_test(test_output_file_of_a_long_name),
    };
    return cmocka_run_group_tests_name("output_file", tests, NULL, NULL);
}
