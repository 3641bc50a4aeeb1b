#include "sim/pages/page.h"

#include <math.h>

#include "tests/unit/check.h"
#include "tests/unit/result_folder.h"

static char *read_page(const struct page *page)
{
    static char text[1 << 17];
    char path[256];
    struct error error;
    const char *folder = result_folder_create();
    assert_true(page_write(page, folder, "page.html", &error));
    snprintf(path, sizeof path, "%s/page.html", folder);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    result_folder_remove(folder);
    return text;
}

/* Nothing in the data ends the script that holds it, and the title is text. */
static void test_escapes(void **state)
{
    (void)state;
    struct page page = page_create("run", "a </title> & b", "</script><script>alert(1)</script>");
    page_add_code(&page, "Code", NULL, NULL, "<!-- <script>");
    const char *text = read_page(&page);
    assert_contains(text, "<title>a &lt;/title> &amp; b</title>");
    assert_contains(text, "\\u003c/script>\\u003cscript>alert(1)");
    assert_contains(text, "\\u003c!-- \\u003cscript>");
    size_t ends = 0;
    for (const char *at = text; (at = strstr(at, "</script>")) != NULL; at++) {
        ends++;
    }
    assert_int_equal(ends, 2);
    assert_null(strstr(text, "{{"));
    page_destroy(&page);
}

static void test_blocks(void **state)
{
    (void)state;
    struct page page = page_create("run", "title", "lead");
    struct json *headlines = page_add_headlines(&page);
    page_add_headline(headlines,
                      &(struct page_headline){.label = "a", .value = 1.5, .bounds = {0, NAN, NAN}});
    struct json *table = page_add_table(&page, "Table", NULL, "caption");
    page_add_column(table, "x", "ms", true, NULL);
    json_add_number(page_add_row(table), NULL, 3);
    json_add_number(page_add_row(table), NULL, NAN);
    struct json *document = page.document;
    const struct json *block = json_first(json_find(document, "blocks"));
    assert_string_equal(json_text(json_find(block, "type")), "headlines");
    assert_int_equal(json_child_count(json_find(block, "items")), 1);
    block = json_next(block);
    assert_int_equal(json_child_count(json_find(block, "rows")), 2);
    assert_string_equal(json_text(json_find(json_first(json_find(block, "columns")), "unit")),
                        "ms");
    assert_null(json_next(block));
    page_destroy(&page);
}

static void test_command(void **state)
{
    (void)state;
    char *words[] = {"plan", "--slo", "ttft_s.p99<2", "it's", "", "KEY=1,2"};
    char *text = page_command(6, words);
    assert_string_equal(text, "kvcast plan --slo 'ttft_s.p99<2' 'it'\\''s' '' KEY=1,2");
    free(text);
}

static void test_shown(void **state)
{
    (void)state;
    struct error error;
    const struct figure *figure = NULL;
    assert_true(figure_find("ttft_s.p99", &figure, &error));
    assert_near(page_shown(figure, 0.5), 500, 1e-9);
    assert_string_equal(page_unit(figure), "ms");
    assert_true(figure_find("tokens.output", &figure, &error));
    assert_near(page_shown(figure, 7), 7, 0);
    assert_string_equal(page_unit(figure), "tokens");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
