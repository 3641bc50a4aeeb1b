#include "sim/scenario/scenario_file.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/embedded.h"
#include "sim/engines/engine_presets.h"
#include "sim/scenario/scenario_rules.h"
#include "traces/trace.h"

void scenario_file_echo(const struct scenario *scenario, struct json *object)
{
    struct scenario copy = *scenario;
    struct settings_part parts[MAX_SCENARIO_PARTS];
    void *target = NULL;
    scenario_parts(&copy, parts);
    for (size_t i = 0; i < MAX_SETTINGS; i++) {
        const struct setting *setting = settings_at(parts, i, &target);
        if (setting != NULL && scenario_rules_overruled_by(scenario, setting->name) == NULL) {
            setting_echo(setting, target, object);
        }
    }
}

/* Everything that says what a scenario is. */
struct source {
    const char *path;            /* NULL: no file */
    struct json *document;       /* of the file */
    const struct json *scenario; /* in the document */
    const struct option_list *assignments;
    const char *seed;
};

/* A scenario, or what a run says of its own in summary.json. */
static bool open_source(struct source *source, struct error *error)
{
    if (source->path == NULL) {
        return true;
    }
    if (!embedded_read_json(source->path, &source->document, error)) {
        return false;
    }
    const struct json *inner = json_find(source->document, "scenario");
    bool is_summary = inner != NULL && json_find(source->document, "results") != NULL;
    source->scenario = is_summary ? inner : source->document;
    return true;
}

/* The value of "section.leaf" before anything is checked, or NULL. The last one counts. */
static const char *value_of(const struct source *source, const char *section, const char *leaf)
{
    char key[64];
    snprintf(key, sizeof key, "%s.%s", section, leaf);
    size_t length = strlen(key);
    for (size_t i = source->assignments->count; i > 0; i--) {
        const char *assignment = source->assignments->values[i - 1];
        if (strncmp(assignment, key, length) == 0 && assignment[length] == '=') {
            return assignment + length + 1;
        }
    }
    if (source->scenario == NULL) {
        return NULL;
    }
    const struct json *dotted = json_find(source->scenario, key);
    const struct json *inner = json_find(source->scenario, section);
    const struct json *value =
        dotted == NULL && inner != NULL && json_is_object(inner) ? json_find(inner, leaf) : dotted;
    return value != NULL ? json_text(value) : NULL;
}

static bool override(struct scenario *scenario, const struct source *source, struct error *error)
{
    struct settings_part parts[MAX_SCENARIO_PARTS];
    scenario_parts(scenario, parts);
    struct settings_form form = {.parts = parts,
                                 .given = scenario->given,
                                 .level = SOURCE_FILE,
                                 .explain_unknown = scenario_rules_explain_unknown,
                                 .context = scenario};
    if (source->scenario != NULL &&
        !settings_form_read(&form, source->scenario, source->path, error)) {
        return false;
    }
    form.level = SOURCE_COMMAND_LINE;
    for (size_t i = 0; i < source->assignments->count; i++) {
        if (!settings_form_assign(&form, source->assignments->values[i], error)) {
            return false;
        }
    }
    if (source->seed != NULL) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "seed=%.40s", source->seed);
        return settings_form_assign(&form, assignment, error);
    }
    return true;
}

/* What a trace says itself is as recorded unless it is set. */
static void follow_trace(struct scenario *scenario)
{
    struct scenario_workload *workload = &scenario->workload;
    workload->requests = 0;
    workload->token_budget = 0;
    workload->arrivals.rate_per_s = 0;
    workload->arrivals.burstiness = 0;
}

/* Where prompts are computed otherwise than the engine does by itself, the budget of a step starts
 * elsewhere too. */
static void follow_chunking(struct scenario *scenario)
{
    const struct engine_preset *preset = scenario->engine.preset;
    struct engine_settings *settings = &scenario->engine.settings;
    if (settings->chunked_prefill != preset->defaults.chunked_prefill &&
        preset->start.otherwise_batch_tokens > 0 &&
        !scenario_is_given(scenario, "engine.max_batch_tokens")) {
        settings->max_batch_tokens = preset->start.otherwise_batch_tokens;
    }
}

/* Prefixes are cached where prompts have something in common. Elsewhere preempted requests alone
 * would find anything, of their own, and a run takes several times as long. */
static void follow_sharing(struct scenario *scenario)
{
    const struct scenario_workload *workload = &scenario->workload;
    if (scenario->engine.preset->start.caches_prefixes &&
        !scenario_is_given(scenario, "engine.prefix_caching")) {
        const struct generator_sharing *sharing = &workload->sharing;
        scenario->engine.settings.prefix_caching =
            workload->trace[0] != '\0'
                ? trace_has_sharing(workload->trace)
                : sharing->prefix_tokens > 0 || sharing->turns > 1 || sharing->samples > 1;
    }
}

/* Which settings there are and where they start is known once the engine and the policy are. */
bool scenario_file_read(struct scenario *scenario, const char *path,
                        const struct option_list *assignments, const char *seed,
                        struct error *error)
{
    const struct engine_preset *preset = engine_presets[0];
    struct source source = {.path = path, .assignments = assignments, .seed = seed};
    if (!open_source(&source, error)) {
        return false;
    }
    const char *engine = value_of(&source, "engine", "preset");
    const char *policy = value_of(&source, "engine", "policy");
    const char *trace = value_of(&source, "workload", "trace");
    bool ok = engine == NULL || engine_preset_find(engine, &preset, error);
    if (ok) {
        *scenario = scenario_default(preset);
        if (trace != NULL && trace[0] != '\0') {
            follow_trace(scenario);
        }
        ok = (policy == NULL || scenario_choose_policy(scenario, policy, error)) &&
             override(scenario, &source, error);
        if (ok) {
            follow_chunking(scenario);
            follow_sharing(scenario);
        }
        ok = ok && scenario_rules_check(scenario, error);
    }
    json_destroy(source.document);
    return ok;
}
