/* Cells of the study's tables simulated beside published: errors, a table for people, CSV. */
#ifndef PLOTS_STUDY_STUDY_SCORES_H
#define PLOTS_STUDY_STUDY_SCORES_H

#include <stdio.h>

#include "plots/study/study.h"
#include "sim/base/settings.h"

enum { STUDY_MEASURES = 5 };

/* Their names; accuracy comes first. */
extern const char *const study_measures[STUDY_MEASURES];

struct study_results {
    const struct study_cell **cells;
    struct study_numbers *simulated;
    uint32_t count;
};

/* Those of the tables asked for, or of all. Borrows the cells until cleared. */
MUST_CHECK bool study_results_create(struct study_results *results, const struct study_cells *cells,
                                     const struct option_list *tables, struct error *error);
void study_results_clear(struct study_results *results);

/* Called when a cell is done, by any thread, with how many there are. */
typedef void study_progress(uint32_t cells);

/* Fills in what is simulated, on all cores. */
MUST_CHECK bool study_results_simulate(struct study_results *results, uint32_t replications,
                                       study_progress *on_cell, struct error *error);

/* A constant that was inferred from the study. */
struct study_constant {
    const char *what; /* ends the table when NULL */
    const char *from;
    const char *tables; /* whose times gave it, between spaces */
};
extern const struct study_constant study_constants[];

bool study_table_gave_constant(const char *table);

enum study_cells_kind {
    STUDY_ALL_CELLS,
    STUDY_CELLS_THAT_GAVE, /* a constant */
    STUDY_CELLS_THAT_GAVE_NONE,
};

/* Relative errors over cells that print a value and are not suspect. */
struct study_score {
    uint32_t cells;
    double median_pct;
    double p90_pct;
    double bias_pct;
};

struct study_score study_score_of(const struct study_results *results, int measure,
                                  enum study_cells_kind kind);

void study_results_print(const struct study_results *results, FILE *table);
void study_scores_print(const struct study_results *results, FILE *table);
void study_constants_print(FILE *table);
MUST_CHECK bool study_results_write(const struct study_results *results, const char *directory,
                                    const char *path, struct error *error);

#endif
