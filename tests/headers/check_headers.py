#!/usr/bin/env python3
"""Each header compiles alone, and each folder includes only what its layer allows.
usage: check_headers.py ROOT COMPILER"""
import os
import re
import subprocess
import sys
import tempfile

root, compiler = os.path.abspath(sys.argv[1]), sys.argv[2]
GROUND = ["sim/base", "sim/events", "sim/metrics", "sim/hardware"]
ENGINE = GROUND + ["sim/kv", "sim/pricing", "sim/scheduling", "sim/serving"]
RUN = ENGINE + ["sim/engines", "sim/policy", "sim/cluster"]
INPUT = ["traces", "workloads"]
ALLOWED = {
    "sim/base": [],
    "sim/events": ["sim/base"],
    "sim/metrics": ["sim/base"],
    "sim/hardware": ["sim/base"],
    "sim/kv": ["sim/base"],
    "sim/pricing": GROUND,
    "sim/scheduling": ["sim/base"],
    "sim/serving": GROUND + ["sim/kv", "sim/pricing", "sim/scheduling"],
    "sim/engines": ENGINE,
    "sim/policy": ["sim/base", "sim/scheduling"],
    "sim/cluster": ENGINE,
    "traces": ["sim/base"],
    "workloads": ["sim/base", "traces"],
    "sim/report": ["sim/base", "sim/metrics"],
    "sim/scenario": RUN + INPUT + ["sim/report"],
    "calibration": RUN + INPUT + ["sim/report", "sim/scenario"],
    "sim/experiments": RUN + INPUT + ["sim/report", "sim/scenario"],
    "sim/pages": RUN + INPUT + ["sim/report", "sim/scenario", "sim/experiments"],
    "plots/study": RUN + INPUT + ["sim/report", "sim/scenario", "sim/experiments"],
    "sim/cli": RUN + INPUT + ["sim/report", "sim/scenario", "calibration", "sim/experiments",
                              "sim/pages", "plots/study"],
}
LIBRARIES = {"gsl": ["sim/base/random.c", "sim/base/distribution.c", "sim/metrics/", "calibration/"],
             "cjson": ["sim/base/json.c"], "zlib": ["sim/base/json_lines.c", "sim/base/output_file.c"],
             "sqlite3": ["sim/experiments/sweep_"]}
results = []


def sources():
    for folder in ALLOWED:
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if name.endswith((".c", ".h")):
                yield folder, f"{folder}/{name}"


def layer_faults(folder, path):
    faults = []
    for number, line in enumerate(open(os.path.join(root, path), encoding="utf-8"), 1):
        local = re.match(r'#include "(.+)"', line)
        if local:
            target = os.path.dirname(local.group(1))
            if target != folder and target not in ALLOWED[folder]:
                faults.append(f"{path}:{number}: '{folder}' may not include '{local.group(1)}'")
        library = re.match(r"#include <(gsl|cjson)/", line) or re.match(r"#include <(zlib|sqlite3)\.h>", line)
        if library and not any(path.startswith(place) for place in LIBRARIES[library.group(1)]):
            faults.append(f"{path}:{number}: {library.group(1)} is not for this file")
    return faults


def compiles_alone(path):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
        file.write(f'#include "{path}"\n#include "{path}"\n')
        file.flush()
        done = subprocess.run([compiler, "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror",
                               "-fsyntax-only", "-I", root, file.name],
                              stderr=subprocess.PIPE, check=False)
        return done.stderr.decode().splitlines() if done.returncode else []


for folder, path in sources():
    faults = layer_faults(folder, path)
    if path.endswith(".h"):
        faults += compiles_alone(path)
    results.append((path, faults))

print(f"1..{len(results)}")
for number, (path, faults) in enumerate(results, 1):
    print(f"{'not ok' if faults else 'ok'} {number} - {path}")
    for fault in faults:
        print(f"#   {fault}")
sys.exit(any(faults for _, faults in results))
