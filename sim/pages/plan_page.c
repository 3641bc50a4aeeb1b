#include "sim/pages/plan_page.h"

#include <math.h>
#include <stdio.h>

#include "sim/pages/page.h"

static const char *name_of(const struct plan_configuration *configuration)
{
    return configuration->name[0] != '\0' ? configuration->name : "as the scenario says";
}

/* Cost, and each figure that has a goal, of the best configuration. */
static void add_headlines(struct page *page, const struct plan *plan)
{
    const struct plan_configuration *best = &plan->configurations[plan->best];
    const struct run_summary *means = &best->trial.means;
    struct json *headlines = page_add_headlines(page);
    const struct interval none = {NAN, NAN, NAN};
    page_add_headline(headlines, &(struct page_headline){.label = "GPUs",
                                                         .note = name_of(best),
                                                         .value = means->price.gpus,
                                                         .bounds = none});
    page_add_headline(
        headlines,
        &(struct page_headline){.label = "instances", .value = best->instances, .bounds = none});
    page_add_headline(headlines, &(struct page_headline){.label = "cost",
                                                         .unit = "USD/h",
                                                         .note = "middle of the price range",
                                                         .value = means->price.usd_per_hour,
                                                         .bounds = none});
    page_add_headline(headlines,
                      &(struct page_headline){.label = "price of all GPUs",
                                              .unit = "USD a month",
                                              .value = NAN,
                                              .bounds = {.low = means->price.usd_per_month_low,
                                                         .high = means->price.usd_per_month_high}});
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        const struct goal *goal = &plan->goals.goals[g];
        page_add_headline(headlines,
                          &(struct page_headline){
                              .label = goal->figure->label,
                              .unit = page_unit(goal->figure),
                              .note = goal->text,
                              .value = page_shown(goal->figure, figure_value(goal->figure, means)),
                              .bounds = none});
    }
}

/* Each configuration that reaches the goals, by what it costs and how well it does in the first
 * goal. */
static void add_costs(struct page *page, const struct plan *plan)
{
    const struct figure *figure = plan->goals.goals[0].figure;
    struct chart chart = {.series = NULL};
    const char *names[2] = {"reaches the goals", "best"};
    char label[160];
    const char *unit = page_unit(figure);
    for (size_t s = 0; s < 2; s++) {
        chart_add_series(&chart, "", names[s]);
    }
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        const struct plan_configuration *configuration = &plan->configurations[i];
        if (configuration->fate == PLAN_MET) {
            const struct run_summary *means = &configuration->trial.means;
            chart_add_xy(&chart, i == plan->best, means->price.usd_per_hour,
                         page_shown(figure, figure_value(figure, means)));
        }
    }
    snprintf(label, sizeof label, "%s%s%s%s", figure->label, unit != NULL ? " (" : "",
             unit != NULL ? unit : "", unit != NULL ? ")" : "");
    if (chart.series[0].count > 0) { /* one alone needs no figure */
        page_add_chart(
            page,
            &(struct page_chart){.heading = "Cost against latency",
                                 .note = "Configurations that reach all goals, each with the "
                                         "fewest instances that do.",
                                 .kind = "points",
                                 .x = "cost (USD/h)",
                                 .y = label},
            &chart);
    }
    chart_clear(&chart);
}

/* Why a configuration is in or out. */
static void describe_fate(const struct plan *plan, uint32_t index, char *text, size_t text_bytes)
{
    const struct plan_configuration *configuration = &plan->configurations[index];
    const struct trial *trial = &configuration->trial;
    switch (configuration->fate) {
    case PLAN_MET:
        snprintf(text, text_bytes, "%s%s",
                 index == plan->best && plan->configuration_count > 1 ? "best"
                                                                      : "reaches the goals",
                 trial->is_sure ? "" : "; within its interval of a bound");
        break;
    case PLAN_MISSED:
        if (isfinite(trial->miss)) {
            snprintf(text, text_bytes, "misses %s by %.0f %% at best",
                     plan->goals.goals[trial->worst].text, 100 * (trial->miss - 1));
        } else {
            snprintf(text, text_bytes, "misses %s: no value", plan->goals.goals[trial->worst].text);
        }
        break;
    case PLAN_REFUSED:
        snprintf(text, text_bytes, "cannot run: %.400s", trial->refusal.message);
        break;
    case PLAN_BEYOND_BUDGET:
        snprintf(text, text_bytes, "beyond the budget: %u instances at least",
                 plan->counts[configuration->least]);
        break;
    case PLAN_PRUNED:
        snprintf(text, text_bytes, "costs more: %u instances at least",
                 plan->counts[configuration->least]);
        break;
    }
}

/* Columns of cost, figures with goals and accuracy. */
static void add_columns(struct json *table, const struct plan *plan, const char *first)
{
    page_add_column(table, first, NULL, false, NULL);
    page_add_column(table, "instances", NULL, true, NULL);
    page_add_column(table, "GPUs", NULL, true, NULL);
    page_add_column(table, "cost", "USD/h", true, "in the middle of the GPU's price range");
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        const struct figure *figure = plan->goals.goals[g].figure;
        page_add_column(table, figure->label, page_unit(figure), true, plan->goals.goals[g].text);
    }
    page_add_column(table, "accuracy", "%", true, NULL);
    page_add_column(table, "outcome", NULL, false, NULL);
}

static void add_configuration(struct json *table, const struct plan *plan, uint32_t index,
                              const char *name)
{
    const struct plan_configuration *configuration = &plan->configurations[index];
    const struct run_summary *means = &configuration->trial.means;
    bool ran = configuration->fate == PLAN_MET || configuration->fate == PLAN_MISSED;
    char outcome[640];
    struct json *row = page_add_row(table);
    json_add_text(row, NULL, name);
    json_add_number(row, NULL, ran ? configuration->instances : (double)NAN);
    json_add_number(row, NULL, ran ? means->price.gpus : (double)NAN);
    json_add_number(row, NULL, ran ? means->price.usd_per_hour : (double)NAN);
    for (uint32_t g = 0; g < plan->goals.count; g++) {
        const struct figure *figure = plan->goals.goals[g].figure;
        json_add_number(row, NULL,
                        ran ? page_shown(figure, figure_value(figure, means)) : (double)NAN);
    }
    json_add_number(row, NULL, ran ? 100 * means->requests.accuracy : (double)NAN);
    describe_fate(plan, index, outcome, sizeof outcome);
    json_add_text(row, NULL, outcome);
}

static void add_configurations(struct page *page, const struct plan *plan)
{
    struct json *table =
        page_add_table(page, "Configurations", NULL,
                       "Each combination of the settings to choose from, with the fewest "
                       "instances that reach the goals");
    add_columns(table, plan, "configuration");
    for (uint32_t i = 0; i < plan->configuration_count; i++) {
        add_configuration(table, plan, i, name_of(&plan->configurations[i]));
        if (i == plan->best) {
            page_mark_row(table, i);
        }
    }
}

static void add_headroom(struct page *page, const struct plan_answer *answer)
{
    char text[512];
    const struct headroom *headroom = &answer->headroom;
    if (!headroom->is_open || !headroom->is_met) {
        return;
    }
    struct json *paragraphs = page_add_text(page, "Headroom");
    snprintf(text, sizeof text, "The best configuration reaches the goals up to %.3g requests/s.",
             headroom->met_per_s);
    json_add_text(paragraphs, NULL, text);
    if (!isnan(headroom->miss_per_s)) {
        snprintf(text, sizeof text, "At %.3g requests/s it misses %s.", headroom->miss_per_s,
                 answer->plan.goals.goals[headroom->trial.worst].text);
        json_add_text(paragraphs, NULL, text);
    }
}

static void add_what_ifs(struct page *page, const struct plan_answer *answer)
{
    if (answer->what_if_count == 0) {
        return;
    }
    struct json *table =
        page_add_table(page, "What if", NULL, "The best configuration under other loads");
    add_columns(table, &answer->plan, "load");
    for (uint32_t i = 0; i < answer->what_if_count; i++) {
        const struct plan_what_if *what_if = &answer->what_ifs[i];
        if (what_if->can_be) {
            add_configuration(table, &what_if->plan, 0, what_if->label);
            continue;
        }
        struct json *row = page_add_row(table);
        json_add_text(row, NULL, what_if->label);
        for (uint32_t empty = 0; empty < answer->plan.goals.count + 4; empty++) {
            json_add_null(row, NULL);
        }
        json_add_text(row, NULL, what_if->refusal.message);
    }
}

static void add_grounds(struct page *page, const struct plan *plan)
{
    char text[512];
    struct json *paragraphs = page_add_text(page, "What the plan rests on");
    snprintf(
        text, sizeof text,
        "Of %u candidates (%u configurations, %u numbers of instances) %u were tried in %u runs; "
        "%u were left out because they cannot win.",
        plan->candidates, plan->configuration_count, plan->count_count, plan->tried, plan->runs,
        plan->candidates - plan->tried);
    json_add_text(paragraphs, NULL, text);
    json_add_text(
        paragraphs, NULL,
        "A candidate is run under the same seeds as every other until the 95 % intervals of the "
        "figures' means lie on one side of their bounds; where they do not, it says so.");
    json_add_text(paragraphs, NULL,
                  "How plans are searched: docs/plan.md. How well forecasts met measured engines: "
                  "docs/accuracy.md.");
}

bool plan_page_write(const struct plan_answer *answer, const char *command, const char *path,
                     struct error *error)
{
    const struct plan *plan = &answer->plan;
    bool is_found = plan_answer_is_found(answer);
    struct page page = page_create(
        "plan", is_found ? name_of(&plan->configurations[plan->best]) : "Nothing reaches the goals",
        is_found ? "The cheapest of the configurations that reach all goals"
                 : "No configuration reaches all goals; the table says by how much each misses");
    if (is_found) {
        add_headlines(&page, plan);
        add_costs(&page, plan);
        add_headroom(&page, answer);
    }
    add_configurations(&page, plan);
    add_what_ifs(&page, answer);
    add_grounds(&page, plan);
    if (is_found && answer->command[0] != '\0') {
        page_add_code(&page, "How to start it", "One instance of the best configuration.", NULL,
                      answer->command);
    }
    page_add_code(&page, "How to repeat it", "The same inputs and seeds give the same numbers.",
                  NULL, command);
    bool ok = page_write(&page, NULL, path, error);
    page_destroy(&page);
    return ok;
}
