/* The page of all settings: 'kvcast list settings'. */
#ifndef SIM_CLI_SETTINGS_PAGE_H
#define SIM_CLI_SETTINGS_PAGE_H

#include <stdbool.h>

/* On stdout, for people or as JSON. */
void settings_page_print(bool as_json);

#endif
