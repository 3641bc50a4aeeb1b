#include "sim/policy/policy_library.h"

#include <dlfcn.h>
#include <string.h>

#include "sim/base/text.h"

#define SYMBOL "kvcast_policy"

static bool check_parameter(const struct policy_parameter *parameter, const char *place,
                            struct error *error)
{
    if (!text_starts_with(parameter->key, "policy.") || parameter->help == NULL) {
        return error_set(error,
                         "%s: a parameter must be named 'policy.NAME' and have a help, got "
                         "'%s'",
                         place, parameter->key);
    }
    if (!(parameter->value >= parameter->minimum && parameter->value <= parameter->maximum)) {
        return error_set(error, "%s: '%s' must start from %g to %g, got %g", place, parameter->key,
                         parameter->minimum, parameter->maximum, parameter->value);
    }
    return true;
}

bool policy_library_check(const struct scheduling_policy *policy, const char *place,
                          struct error *error)
{
    if (policy->abi != SCHEDULING_POLICY_ABI) {
        return error_set(error,
                         "%s: a policy of ABI %d is expected, got %u: compile it with the "
                         "scheduling_policy.h of this version",
                         place, SCHEDULING_POLICY_ABI, policy->abi);
    }
    if (policy->name == NULL || policy->name[0] == '\0' || policy->summary == NULL) {
        return error_set(error, "%s: the policy must have a name and a summary", place);
    }
    if (policy->displaces != NULL && policy->key == NULL) {
        return error_set(error, "%s: '%s' has 'displaces', so it must have 'key'", place,
                         policy->name);
    }
    const struct policy_parameter *parameter = policy->parameters;
    for (int i = 0; parameter != NULL && parameter[i].key != NULL; i++) {
        if (i == POLICY_MAX_PARAMETERS) {
            return error_set(error, "%s: '%s' must have at most %d parameters", place, policy->name,
                             POLICY_MAX_PARAMETERS);
        }
        if (!check_parameter(&parameter[i], place, error)) {
            return false;
        }
    }
    return true;
}

bool policy_library_open(const char *path, const struct scheduling_policy **ret_policy,
                         struct error *error)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return error_set(error, "engine.policy: %.200s", dlerror());
    }
    const struct scheduling_policy *policy = dlsym(library, SYMBOL);
    if (policy == NULL) {
        return error_set(error, "%.150s: it must define 'const struct scheduling_policy %s'", path,
                         SYMBOL);
    }
    if (!policy_library_check(policy, path, error)) {
        return false;
    }
    *ret_policy = policy;
    return true;
}
