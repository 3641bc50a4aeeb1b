/* The models that ship with the program, and finding one by what a person calls it. */
#ifndef SIM_HARDWARE_MODEL_CATALOG_H
#define SIM_HARDWARE_MODEL_CATALOG_H

#include "sim/base/error.h"
#include "sim/hardware/model_shape.h"

struct model_entry {
    struct model_shape shape;
    char ids[320]; /* on Hugging Face, separated by '|' */
};

/* A well-known model that cannot be simulated, and why. */
struct model_refusal {
    char name[64];
    char ids[320];
    char reason[96];
};

struct model_catalog {
    struct model_entry *models;
    uint32_t count;
    struct model_refusal *refusals;
    uint32_t refusal_count;
};

/* Reads the shipped catalog (sim/hardware/data/models.json). */
MUST_CHECK bool model_catalog_read(struct model_catalog *catalog, struct error *error);
void model_catalog_clear(struct model_catalog *catalog);

/* The same, read once in a process, shared by all threads and constant from then on. */
MUST_CHECK bool model_catalog_shipped(const struct model_catalog **ret_catalog,
                                      struct error *error);

/* The shape of the model called 'name': an exact name or Hugging Face id, or a part that fits one
 * model only. A path that ends in ".json", or a folder that holds a config.json, is read from
 * there. */
MUST_CHECK bool model_catalog_find(const struct model_catalog *catalog, const char *name,
                                   struct model_shape *ret_shape, struct error *error);

/* The same, from the shipped catalog. */
MUST_CHECK bool model_shape_find(const char *name, struct model_shape *ret_shape,
                                 struct error *error);

/* The Hugging Face id of the model called 'name', the first where it has several; false for a file,
 * and for one without. A format at the end of the name is left out. */
bool model_hub_id(const char *name, char *ret_id, size_t id_bytes);

#endif
