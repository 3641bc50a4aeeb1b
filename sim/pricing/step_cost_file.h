/* Calibration files: step costs as JSON (calibration/README.md). */
#ifndef SIM_PRICING_STEP_COST_FILE_H
#define SIM_PRICING_STEP_COST_FILE_H

#include "sim/base/json.h"
#include "sim/pricing/step_cost.h"

/* Fills 'cost' from a document; 'place' names it in errors. */
MUST_CHECK bool step_cost_from_json(struct step_cost *cost, const struct json *document,
                                    const char *place, struct error *error);

/* Reads the file at 'path' on disk, or else the one compiled in under that path. */
MUST_CHECK bool step_cost_read(struct step_cost *cost, const char *path, struct error *error);

/* Adds the members of a calibration file to 'document'. */
void step_cost_to_json(const struct step_cost *cost, struct json *document);

#endif
