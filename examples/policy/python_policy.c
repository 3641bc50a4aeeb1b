/* A scheduling policy in Python: this library starts an interpreter, which fills in the key.
 *
 *   cc -shared -fPIC -I. -o python_policy.so examples/policy/python_policy.c
 *   export KVCAST_POLICY_SCRIPT=examples/policy/short_prompts_first.py
 *   export KVCAST_PYTHON=libpython3.11.so.1.0
 *   kvcast run --policy ./python_policy.so
 *
 * A call into Python takes about a microsecond, and each waiting request costs one. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/scheduling/scheduling_policy.h"

typedef double (*key_function)(const struct policy_view *view,
                               const struct policy_request *request);

static key_function key_of_script;

/* For the script, by ctypes. */
void set_key(key_function key);
void set_key(key_function key)
{
    key_of_script = key;
}

/* Runs when the library is loaded. Without a script the key is no number, which ends the run. */
__attribute__((constructor)) static void start_python(void)
{
    const char *python = getenv("KVCAST_PYTHON");
    const char *script = getenv("KVCAST_POLICY_SCRIPT");
    void *library = python != NULL ? dlopen(python, RTLD_NOW | RTLD_GLOBAL) : NULL;
    Dl_info own;
    char start[4096];
    if (library == NULL || script == NULL || dladdr((void *)set_key, &own) == 0) {
        fprintf(stderr, "python_policy: KVCAST_PYTHON must name libpython3.*.so.1.0, and "
                        "KVCAST_POLICY_SCRIPT the script\n");
        return;
    }
    ((void (*)(int))dlsym(library, "Py_InitializeEx"))(0);
    snprintf(start, sizeof start, "bridge = r'%s'\nexec(open(r'%s').read())\n", own.dli_fname,
             script);
    ((int (*)(const char *))dlsym(library, "PyRun_SimpleString"))(start);
    ((void *(*)(void))dlsym(library, "PyEval_SaveThread"))(); /* any thread may call in */
}

static double key(void *state, const struct policy_view *view, const struct policy_request *request)
{
    (void)state;
    return key_of_script != NULL ? key_of_script(view, request) : (0.0 / 0.0);
}

const struct scheduling_policy kvcast_policy = {
    .abi = SCHEDULING_POLICY_ABI,
    .name = "python",
    .summary = "by the key of a Python script",
    .key = key,
};
