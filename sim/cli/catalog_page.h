/* The catalogs of models and GPUs: 'kvcast list models' and 'kvcast list gpus'. */
#ifndef SIM_CLI_CATALOG_PAGE_H
#define SIM_CLI_CATALOG_PAGE_H

#include "sim/base/error.h"

/* On stdout, for people or as JSON. */
MUST_CHECK bool catalog_page_models(bool as_json, struct error *error);
MUST_CHECK bool catalog_page_gpus(bool as_json, struct error *error);

/* Prints one of the other topics of 'kvcast list', but for 'settings', as JSON. */
MUST_CHECK bool catalog_page_json(const char *topic, struct error *error);

#endif
