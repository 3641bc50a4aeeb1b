#include "sim/pages/page.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/base/output_file.h"
#include "sim/base/text.h"

struct page page_create(const char *kind, const char *title, const char *lead)
{
    struct page page = {.document = json_create_object()};
    snprintf(page.title, sizeof page.title, "%.255s", title);
    json_add_number(page.document, "format_version", 1);
    json_add_text(page.document, "kvcast_version", KVCAST_VERSION);
    json_add_text(page.document, "kind", kind);
    json_add_text(page.document, "title", title);
    json_add_text(page.document, "lead", lead);
    json_add_text(page.document, "footer",
                  "Written by kvcast " KVCAST_VERSION
                  ", a simulator: forecasts, not measurements.");
    page.blocks = json_add_array(page.document, "blocks");
    return page;
}

void page_destroy(struct page *page)
{
    json_destroy(page->document);
    *page = (struct page){.document = NULL};
}

static void add_text_if(struct json *object, const char *name, const char *text)
{
    if (text != NULL) {
        json_add_text(object, name, text);
    }
}

static struct json *add_block(struct page *page, const char *type, const char *heading,
                              const char *note)
{
    struct json *block = json_add_object(page->blocks, NULL);
    json_add_text(block, "type", type);
    add_text_if(block, "heading", heading);
    add_text_if(block, "note", note);
    return block;
}

struct json *page_add_headlines(struct page *page)
{
    return json_add_array(add_block(page, "headlines", NULL, NULL), "items");
}

void page_add_headline(struct json *headlines, const struct page_headline *headline)
{
    struct json *item = json_add_object(headlines, NULL);
    json_add_text(item, "label", headline->label);
    add_text_if(item, "unit", headline->unit);
    add_text_if(item, "note", headline->note);
    json_add_number(item, "value", headline->value);
    json_add_number(item, "low", headline->bounds.low);
    json_add_number(item, "high", headline->bounds.high);
}

struct json *page_add_chart(struct page *page, const struct page_chart *look,
                            const struct chart *chart)
{
    struct json *block = add_block(page, "chart", look->heading, look->note);
    json_add_text(block, "kind", look->kind);
    json_add_text(block, "x", look->x);
    json_add_text(block, "y", look->y);
    json_add_bool(block, "log_x", look->log_x);
    json_add_bool(block, "zoom", look->zoom);
    chart_add_json(chart, block);
    return block;
}

static void add_names(struct json *chart, const char *member, const char *const *names,
                      size_t count)
{
    struct json *list = json_add_array(chart, member);
    for (size_t i = 0; i < count; i++) {
        json_add_text(list, NULL, names[i]);
    }
}

void page_add_colours(struct json *chart, const char *const *names, size_t count)
{
    add_names(chart, "colours", names, count);
}

void page_add_rows(struct json *chart, const char *const *names, size_t count)
{
    add_names(chart, "rows", names, count);
}

void page_add_columns(struct json *chart, const char *const *names, size_t count)
{
    add_names(chart, "columns", names, count);
}

struct json *page_add_table(struct page *page, const char *heading, const char *note,
                            const char *caption)
{
    struct json *block = add_block(page, "table", heading, note);
    json_add_text(block, "caption", caption);
    json_add_array(block, "columns");
    json_add_array(block, "rows");
    json_add_array(block, "marked");
    return block;
}

/* A member that was added before. */
static struct json *member_of(struct json *block, const char *name)
{
    const struct json *member = json_find(block, name);
    assert(member != NULL);
    return (struct json *)member; /* the block is ours to change, and so is what is in it */
}

void page_add_column(struct json *table, const char *label, const char *unit, bool is_number,
                     const char *help)
{
    struct json *column = json_add_object(member_of(table, "columns"), NULL);
    json_add_text(column, "label", label);
    add_text_if(column, "unit", unit);
    add_text_if(column, "help", help);
    json_add_bool(column, "is_number", is_number);
}

struct json *page_add_row(struct json *table)
{
    return json_add_array(member_of(table, "rows"), NULL);
}

void page_mark_row(struct json *table, uint32_t row)
{
    json_add_number(member_of(table, "marked"), NULL, row);
}

struct json *page_add_text(struct page *page, const char *heading)
{
    return json_add_array(add_block(page, "text", heading, NULL), "paragraphs");
}

void page_add_code(struct page *page, const char *heading, const char *note, const char *summary,
                   const char *text)
{
    struct json *block = add_block(page, "code", heading, note);
    json_add_bool(block, "is_long", summary != NULL);
    add_text_if(block, "summary", summary);
    json_add_text(block, "text", text);
}

/* Whether a shell takes the word as it is. */
static bool is_plain(const char *word)
{
    bool plain = *word != '\0';
    for (; plain && *word != '\0'; word++) {
        plain = isalnum((unsigned char)*word) || strchr("-_./=:,+@%", *word) != NULL;
    }
    return plain;
}

char *page_command(int argc, char **argv)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    fputs("kvcast", stream);
    for (int i = 0; i < argc; i++) {
        fputc(' ', stream);
        if (is_plain(argv[i])) {
            fputs(argv[i], stream);
            continue;
        }
        fputc('\'', stream);
        for (const char *at = argv[i]; *at != '\0'; at++) {
            if (*at == '\'') {
                fputs("'\\'", stream); /* ends the quotes, a quote, begins them again */
            }
            fputc(*at, stream);
        }
        fputc('\'', stream);
    }
    fclose(stream);
    return text;
}

static void write_html_text(const char *text, FILE *stream)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", stream);
            break;
        case '&':
            fputs("&amp;", stream);
            break;
        default:
            fputc(*text, stream);
        }
    }
}

/* In JSON a "<" can only stand within a text. Written as \u003c it ends no script and begins no
 * comment of the page, whatever a name in the data says. */
static void write_json(const struct json *document, FILE *stream)
{
    char *text = json_print(document);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '<') {
            fputs("\\u003c", stream);
        } else if (*at != '\t') {
            fputc(*at, stream);
        }
    }
    fputc('\n', stream);
    free(text);
}

static void write_part(const struct page *page, const char *name, size_t length, FILE *stream)
{
    if (strncmp(name, "TITLE", length) == 0) {
        write_html_text(page->title, stream);
    } else if (strncmp(name, "STYLE", length) == 0) {
        fputs(embedded_find("sim/pages/page.css"), stream);
    } else if (strncmp(name, "SCRIPT", length) == 0) {
        fputs(embedded_find("sim/pages/page.js"), stream);
    } else {
        assert(strncmp(name, "DATA", length) == 0);
        write_json(page->document, stream);
    }
}

bool page_write(const struct page *page, const char *directory, const char *name,
                struct error *error)
{
    struct output_file file;
    const char *at = embedded_find("sim/pages/page.html");
    if (!output_file_open(&file, directory, name, error)) {
        return false;
    }
    for (const char *open = strstr(at, "{{"); open != NULL; open = strstr(at, "{{")) {
        const char *close = strstr(open, "}}");
        assert(close != NULL);
        fwrite(at, 1, (size_t)(open - at), file.stream);
        write_part(page, open + 2, (size_t)(close - open - 2), file.stream);
        at = close + 2;
    }
    fputs(at, file.stream);
    return output_file_commit(&file, error);
}

double page_shown(const struct figure *figure, double value)
{
    return figure->shown_scale > 0 ? value * figure->shown_scale : value;
}

const char *page_unit(const struct figure *figure)
{
    return figure->shown_unit != NULL ? figure->shown_unit
           : figure->shown_scale > 0  ? NULL
                                      : figure->unit;
}
