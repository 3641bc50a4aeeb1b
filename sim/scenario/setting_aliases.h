/* Words of the field for settings: what users of engines and benchmarks type. */
#ifndef SIM_SCENARIO_SETTING_ALIASES_H
#define SIM_SCENARIO_SETTING_ALIASES_H

/* The setting meant by a key, an option or a bare word ("hardware.tp", "--tensor-parallel-size",
 * "isl"), or NULL when nothing is known. */
const char *setting_alias_find(const char *word);

#endif
