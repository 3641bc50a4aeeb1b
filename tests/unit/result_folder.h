/* A temporary folder with made-up results of a run, for tests of figures and pages. */
#ifndef TESTS_UNIT_RESULT_FOLDER_H
#define TESTS_UNIT_RESULT_FOLDER_H

#include "tests/unit/check.h"

#define RESULT_FOLDER_REQUEST_COLUMNS                                                              \
    "request_id,dataset,status,prompt_tokens,output_tokens,reasoning_tokens,preemptions,sent_s,"   \
    "first_scheduled_s,first_token_s,first_visible_s,last_token_s,max_itl_s\n"

/* An empty folder; its name stays valid until the next one is made. */
static inline const char *result_folder_create(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/kvcast-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void result_folder_remove(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

static inline FILE *result_folder_open(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    return stream;
}

static inline void result_folder_write(const char *folder, const char *name, const char *text)
{
    FILE *stream = result_folder_open(folder, name);
    fputs(text, stream);
    fclose(stream);
}

/* A row a second; 47 wait in row 'peak_at', else none. */
static inline void result_folder_write_timeline(const char *folder, int rows, int peak_at)
{
    FILE *stream = result_folder_open(folder, "timeline.csv");
    fputs("time_s,kv_utilization,used_blocks,running,waiting,output_tokens\n", stream);
    for (int i = 0; i < rows; i++) {
        fprintf(stream, "%d,0.25,10,%d,%d,0\n", i, i % 7, i == peak_at ? 47 : 0);
    }
    fclose(stream);
}

/* A request a second, of two datasets in turn, that takes two seconds; 'long_at' takes 500. Each
 * tenth is cut while thinking. */
static inline void result_folder_write_requests(const char *folder, int rows, int long_at)
{
    FILE *stream = result_folder_open(folder, "requests.csv");
    fputs(RESULT_FOLDER_REQUEST_COLUMNS, stream);
    for (int i = 0; i < rows; i++) {
        char visible[32] = "";
        if (i % 10 != 9) {
            snprintf(visible, sizeof visible, "%d.5", i + 1);
        }
        fprintf(stream, "%d,%s,finished,10,20,5,0,%d,%d,%d.25,%s,%d,0.1\n", i,
                i % 2 == 0 ? "even" : "odd", i, i, i, visible, i + (i == long_at ? 500 : 2));
    }
    fclose(stream);
}

#endif
