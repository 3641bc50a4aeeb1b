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

/* The items are the same in every pass: one stands for each part of the distribution of lengths.
 * Their order is not known. */
bool study_items_make(const struct scenario *scenario, const struct scenario_run *run,
                      uint64_t seed, struct request *requests, struct error *error)
{
    const struct length_model *lengths = NULL;
    uint32_t count = scenario->workload.requests;
    if (!length_catalog_find(&run->workload.catalog, scenario->workload.datasets,
                             run->deployment->model.name, scenario->model.kv_cache, &lengths,
                             error)) {
        return false;
    }
    uint32_t *of_output = memory_zeroed((size_t)3 * count, sizeof of_output[0]);
    uint32_t *of_prompt = of_output + count;
    uint32_t *of_visible = of_prompt + count;
    struct random_stream *random = random_create(seed, "items");
    shuffle(of_output, count, random);
    shuffle(of_prompt, count, random);
    shuffle(of_visible, count, random);
    random_destroy(random);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t output = length_of(&lengths->output, of_output[i], count);
        uint32_t visible = output;
        if (lengths->is_reasoning) {
            uint32_t most = output - (output + 9) / 10;
            visible = length_of(&lengths->visible, of_visible[i], count);
            visible = smaller(visible, most);
        }
        uint32_t budget = scenario->workload.token_budget;
        uint32_t reasoning = output - visible;
        requests[i] = (struct request){
            .ask.prompt_tokens = length_of(&lengths->prompt, of_prompt[i], count),
            .ask.max_output_tokens = budget,
            .truth.output_tokens = smaller(output, budget),
            .truth.reasoning_tokens = smaller(reasoning, budget),
            .truth.drafts = {.probability = scenario->workload.draft_acceptance,
                             .key = random_bits_at(random_key(seed, "drafts"), i)},
        };
    }
    free(of_output);
    return true;
}
