/* The settings of all engines and policies together, so that runs of any of them stand in one
 * table. */
#ifndef SIM_EXPERIMENTS_SETTING_COLUMNS_H
#define SIM_EXPERIMENTS_SETTING_COLUMNS_H

#include "sim/scenario/scenario.h"

enum { MAX_SETTING_COLUMNS = 2 * MAX_SETTINGS, MAX_POLICY_COLUMNS = 64 };

/* It points into itself and must not be moved. */
struct setting_columns {
    const struct setting *columns[MAX_SETTING_COLUMNS]; /* the first engine's row of each key */
    uint32_t count;
    struct setting of_policies[MAX_POLICY_COLUMNS]; /* the first policy's row of each key */
    uint32_t of_policies_count;
};

/* Every key once, in the order in which engines have them, then policies. */
void setting_columns_list(struct setting_columns *ret_columns);

/* The column of that key; NULL: no engine and no policy has it. */
const struct setting *setting_columns_find(const struct setting_columns *columns, const char *key);

/* The setting of that key in a scenario, and its struct in '*ret_target'; NULL where the scenario's
 * engine does not have it or other settings leave it without effect. */
const struct setting *setting_columns_value(struct scenario *scenario, const char *key,
                                            void **ret_target);

/* Checks that the key exists in some engine or policy and takes the value, before it is known in
 * which. */
MUST_CHECK bool setting_columns_check(const char *key, const char *value, struct error *error);

#endif
