/* Profile files: what kvcast-profile measured, as JSON (profiler/PROFILE_FORMAT.md). */
#ifndef SIM_PRICING_STEP_PROFILE_FILE_H
#define SIM_PRICING_STEP_PROFILE_FILE_H

#include "sim/base/json.h"
#include "sim/pricing/step_profile.h"

/* Fills 'profile' from a document that was read at 'place'. */
MUST_CHECK bool step_profile_parse(struct step_profile *profile, const struct json *document,
                                   const char *place, struct error *error);

/* Reads the file at 'path' on disk, or else the one compiled in under that path. */
MUST_CHECK bool step_profile_read(struct step_profile *profile, const char *path,
                                  struct error *error);

#endif
