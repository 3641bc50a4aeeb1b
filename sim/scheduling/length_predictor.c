#include "sim/scheduling/length_predictor.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/random.h"
#include "sim/base/text.h"

struct predictor_name {
    const char *name;
    double value; /* unless given */
    double minimum, maximum;
};

static const struct predictor_name names_of[] = {
    [PREDICTOR_BUDGET] = {"budget", 0, 0, 0},       [PREDICTOR_ORACLE] = {"oracle", 0, 0, 5},
    [PREDICTOR_BUCKETS] = {"buckets", 0.8, 0, 1},   [PREDICTOR_MEAN] = {"mean", 0, 0, 0},
    [PREDICTOR_QUANTILE] = {"quantile", 0.9, 0, 1}, [PREDICTOR_HAZARD] = {"hazard", 0, 0, 0},
};
enum { PREDICTORS = sizeof names_of / sizeof names_of[0] };

static bool parse_value(const struct predictor_name *name, const char *text, double *ret_value,
                        struct error *error)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (name->maximum == 0) {
        return error_set(error, "'engine.predictor': '%s' takes no number, got '%s'", name->name,
                         text);
    }
    if (end == text || *end != '\0' || !(value >= name->minimum && value <= name->maximum)) {
        return error_set(error,
                         "'engine.predictor': the number of '%s' must be from %g to %g, got '%s'",
                         name->name, name->minimum, name->maximum, text);
    }
    *ret_value = value;
    return true;
}

bool length_predictor_parse(const char *text, struct length_predictor *ret_predictor,
                            struct error *error)
{
    const char *names[PREDICTORS + 1] = {NULL};
    const char *colon = strchr(text, ':');
    size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);
    for (int kind = 0; kind < PREDICTORS; kind++) {
        const struct predictor_name *name = &names_of[kind];
        names[kind] = name->name;
        if (strlen(name->name) == length && strncmp(text, name->name, length) == 0) {
            double value = name->value;
            if (colon != NULL && !parse_value(name, colon + 1, &value, error)) {
                return false;
            }
            *ret_predictor =
                (struct length_predictor){.kind = (enum predictor_kind)kind, .value = value};
            return true;
        }
    }
    return text_error_unknown(error, "engine.predictor: unknown predictor", text, names, "");
}

bool length_predictor_learns(const struct length_predictor *predictor)
{
    return predictor->kind == PREDICTOR_MEAN || predictor->kind == PREDICTOR_QUANTILE ||
           predictor->kind == PREDICTOR_HAZARD;
}

bool length_predictor_knows_truth(const struct length_predictor *predictor)
{
    return predictor->kind == PREDICTOR_ORACLE || predictor->kind == PREDICTOR_BUCKETS;
}

/* The middle of the octave that is said. */
static double bucket_total(const struct length_predictor *predictor,
                           const struct length_facts *facts)
{
    double octave = floor(log2(facts->true_tokens));
    double chance = random_uniform_at(facts->key, 0);
    if (chance >= predictor->value) {
        octave += chance - predictor->value < (1 - predictor->value) / 2 ? -1 : 1;
    }
    return exp2(octave + 0.5);
}

static double expected(const struct length_predictor *predictor,
                       const struct length_history *history, const struct length_facts *facts)
{
    switch (predictor->kind) {
    case PREDICTOR_BUDGET:
        break;
    case PREDICTOR_ORACLE:
        return facts->true_tokens * exp(predictor->value * random_normal_at(facts->key, 0));
    case PREDICTOR_BUCKETS:
        return bucket_total(predictor, facts);
    case PREDICTOR_MEAN:
        return length_history_mean(history, facts->dataset, 0);
    case PREDICTOR_QUANTILE:
        return length_history_quantile(history, facts->dataset, 0, predictor->value);
    case PREDICTOR_HAZARD:
        return length_history_mean(history, facts->dataset, facts->so_far_tokens);
    }
    return NAN;
}

double length_predictor_total(const struct length_predictor *predictor,
                              const struct length_history *history,
                              const struct length_facts *facts)
{
    double least = (double)facts->so_far_tokens + 1;
    double most = fmax(facts->max_output_tokens, least);
    double total = expected(predictor, history, facts);
    assert(facts->true_tokens > 0);
    return isnan(total) ? most : fmin(fmax(total, least), most);
}
