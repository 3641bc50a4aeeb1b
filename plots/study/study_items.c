#include "plots/study/study_items.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "sim/base/memory.h"
#include "sim/base/random.h"
#include "sim/base/smaller.h"
#include "sim/base/text.h"

bool study_read_text(const struct csv_reader *csv, const char *name, char *buffer, size_t size,
                     struct error *error)
{
    size_t column = 0;
    return csv_require(csv, name, &column, error) &&
           (text_copy(buffer, size, csv->fields[column]) ||
            error_set(error, "%s:%llu: '%s' is too long", csv->path, (unsigned long long)csv->line,
                      name));
}

bool study_read_number(const struct csv_reader *csv, const char *name, double *ret_value,
                       struct error *error)
{
    size_t column = 0;
    *ret_value = NAN;
    return csv_require(csv, name, &column, error) &&
           (csv->fields[column][0] == '\0' || csv_double(csv, column, 0, 1e9, ret_value, error));
}

static void shuffle(uint32_t *order, uint32_t count, struct random_stream *random)
{
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = random_below(random, i);
        uint32_t moved = order[i - 1];
        order[i - 1] = order[other];
        order[other] = moved;
    }
}

/* The quantile that the item of this rank stands for. */
static uint32_t length_of(const struct length_distribution *length, uint32_t rank, uint32_t items)
{
    return length_distribution_at(length, (rank + 0.5) / items);
}

/* What an item is. Which prompt goes with which answer is drawn once for all passes; an item with a
 * long answer has it in each of them. */
struct item {
    uint32_t prompt;
    uint32_t output;
    uint32_t visible;
};

static void make_items(const struct length_model *lengths, struct item *items, uint32_t count)
{
    uint32_t *of_prompt = memory_zeroed((size_t)2 * count, sizeof of_prompt[0]);
    uint32_t *of_visible = of_prompt + count;
    struct random_stream *random = random_create(0, "items");
    shuffle(of_prompt, count, random);
    shuffle(of_visible, count, random);
    random_destroy(random);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t output = length_of(&lengths->output, i, count);
        uint32_t visible = output;
        if (lengths->is_reasoning) {
            uint32_t most = output - (output + 9) / 10;
            visible = smaller(length_of(&lengths->visible, of_visible[i], count), most);
        }
        items[i] = (struct item){length_of(&lengths->prompt, of_prompt[i], count), output, visible};
    }
    free(of_prompt);
}

/* The same prompt in every pass; but GPQA's right option is put in another place at each request,
 * so that only what stands before the options is the same. */
static struct prompt_content content_of(const char *dataset, uint32_t item, uint32_t prompt_tokens,
                                        struct random_stream *random)
{
    enum { PLACES = 4 };
    struct prompt_content content = {.parts = {{.stream = 1 + item, .end = prompt_tokens}}};
    if (text_equal(dataset, "gpqa-diamond")) {
        uint64_t place = random_below(random, PLACES);
        content.parts[0].end = prompt_tokens / 2;
        content.parts[1].stream = random_bits_at(random_key(item, "options"), place);
        content.parts[1].end = prompt_tokens;
    }
    return content;
}

bool study_items_make(const struct scenario *scenario, const struct scenario_run *run,
                      uint64_t seed, struct request *requests, struct error *error)
{
    const struct length_model *lengths = NULL;
    const struct scenario_workload *workload = &scenario->workload;
    uint32_t count = workload->requests;
    if (!length_catalog_find(&run->workload.catalog, workload->datasets,
                             run->deployment->model.name, scenario->model.kv_cache, &lengths,
                             error)) {
        return false;
    }
    struct item *items = memory_zeroed(count, sizeof items[0]);
    uint32_t *order = memory_zeroed(count, sizeof order[0]);
    make_items(lengths, items, count);
    struct random_stream *random = random_create(seed, "order");
    shuffle(order, count, random);
    for (uint32_t i = 0; i < count; i++) {
        const struct item *item = &items[order[i]];
        uint32_t budget = workload->token_budget;
        requests[i] = (struct request){
            .ask.prompt_tokens = item->prompt,
            .ask.max_output_tokens = budget,
            .ask.content = content_of(workload->datasets, order[i], item->prompt, random),
            .truth.output_tokens = smaller(item->output, budget),
            .truth.reasoning_tokens = smaller(item->output - item->visible, budget),
            .truth.drafts = {.probability = workload->draft_acceptance,
                             .key = random_bits_at(random_key(seed, "drafts"), i)},
        };
    }
    random_destroy(random);
    free(items);
    free(order);
    return true;
}
