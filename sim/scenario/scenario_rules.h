/* Which settings of a scenario have an effect beside the others. */
#ifndef SIM_SCENARIO_SCENARIO_RULES_H
#define SIM_SCENARIO_SCENARIO_RULES_H

#include "sim/scenario/scenario.h"

/* The setting whose value leaves 'key' without effect, or NULL when 'key' acts. */
const char *scenario_rules_overruled_by(const struct scenario *scenario, const char *key);

/* Settings that were given and cannot act, or that do not go together, are errors. */
MUST_CHECK bool scenario_rules_check(struct scenario *scenario, struct error *error);

/* The same of what the engine can be told at all. */
MUST_CHECK bool scenario_rules_check_engine(const struct scenario *scenario, struct error *error);

/* The engines that have a setting: "vllm-0.24, vllm-0.8"; "" when none has it. */
void scenario_rules_list_engines(const char *key, char *buffer, size_t size);

/* Sets the error of a key that the scenario, 'context', does not have; always returns false. For
 * struct settings_form. */
bool scenario_rules_explain_unknown(const void *context, const char *key, struct error *error);

#endif
