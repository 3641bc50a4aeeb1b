#include "sim/engines/engine_presets.h"

#include "sim/base/text.h"
#include "sim/engines/orca.h"
#include "sim/engines/sglang.h"
#include "sim/engines/tgi.h"
#include "sim/engines/vllm_v0.h"
#include "sim/engines/vllm_v1.h"

const struct engine_preset *const engine_presets[] = {
    &engine_preset_vllm_0_24, &engine_preset_vllm_0_8,
    &engine_preset_vllm_v0,   &engine_preset_sglang_0_4_6,
    &engine_preset_tgi,       &engine_preset_orca,
    &engine_preset_static,    NULL,
};

bool engine_preset_find(const char *name, const struct engine_preset **ret_preset,
                        struct error *error)
{
    const char *names[sizeof engine_presets / sizeof engine_presets[0]] = {NULL};
    for (uint32_t i = 0; engine_presets[i] != NULL; i++) {
        names[i] = engine_presets[i]->name;
        if (text_equal(names[i], name)) {
            *ret_preset = engine_presets[i];
            return true;
        }
    }
    return text_error_unknown(error, "engine.preset: unknown engine", name, names, "");
}
