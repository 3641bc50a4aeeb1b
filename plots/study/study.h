/* The reference study (arXiv 2510.18672) as scenarios: a cell of its Tables 1 to 23 is a model, a
 * method, a batch size and a budget on a dataset, run by its batch-synchronous client over the same
 * items in every pass. */
#ifndef PLOTS_STUDY_STUDY_H
#define PLOTS_STUDY_STUDY_H

#include "sim/scenario/scenario.h"

/* What the study reports of a cell; NAN where it does not, or cannot be. */
struct study_numbers {
    double accuracy_pct;
    double mean_output_tokens; /* as it counts them: streamed chunks */
    double pass_time_s;        /* of one pass over the items */
    double tokens_per_s;       /* prompt words and chunks */
    double ttfvt_s;            /* of requests that show something; Table 1: TTFT */
};

struct study_cell {
    char table[8];
    char model[16];
    char model_kind[16];
    char method[24];
    char dataset[16];
    char suspect[24];
    uint32_t batch_size;   /* 0: not printed */
    uint32_t token_budget; /* 0: not printed */
    uint32_t draft_tokens;
    struct study_numbers published;
};

struct study_cells {
    struct study_cell *cells;
    uint32_t count;
};

/* The published tables (plots/study/data/tables.csv). */
MUST_CHECK bool study_cells_read(struct study_cells *cells, struct error *error);
void study_cells_clear(struct study_cells *cells);

/* The cell as a scenario: engine, hardware and host inferred once for all cells. False when its
 * model, method or dataset is unknown. */
bool study_scenario(const struct study_cell *cell, struct scenario *scenario);

/* Means over 'replications' passes over the items, each in another order. */
MUST_CHECK bool study_simulate(const struct study_cell *cell, uint32_t replications,
                               struct study_numbers *ret_simulated, struct error *error);

/* The standard error of the published accuracy: it was seen on three passes over the items. */
double study_accuracy_error_pct(const struct study_cell *cell);

#endif
