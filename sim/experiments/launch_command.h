/* How to start the engine that a scenario describes. */
#ifndef SIM_EXPERIMENTS_LAUNCH_COMMAND_H
#define SIM_EXPERIMENTS_LAUNCH_COMMAND_H

#include <stddef.h>

#include "sim/scenario/scenario.h"

/* A command line of vLLM or SGLang for one instance, or "" for engines that have none. */
void launch_command_write(const struct scenario *scenario, char *text, size_t text_bytes);

#endif
