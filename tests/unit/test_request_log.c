#include "tests/unit/check.h"

#include "sim/report/request_log.h"

/* Rows come out in order of sending, each as soon as all before it are done. */
static void test_request_log_orders_rows(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    static struct request_log log;
    request_log_init(&log, stream);
    for (uint32_t i = 0; i < 500; i++) {
        struct request_record record = {
            .request_id = i ^ 255, .dataset = "d", .status = "finished", .sent_s = NAN};
        request_log_add(&log, &record);
    }
    request_log_flush(&log);
    request_log_clear(&log);
    fclose(stream);
    const char *line = strchr(text, '\n');
    uint32_t rows = 0;
    for (; line[1] != '\0'; line = strchr(line + 1, '\n')) {
        assert_int_equal(strtoul(line + 1, NULL, 10), rows++);
    }
    assert_int_equal(rows, 256); /* ids from 256 to 267 never came */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_log_orders_rows),
    };
    return cmocka_run_group_tests_name("request_log", tests, NULL, NULL);
}
