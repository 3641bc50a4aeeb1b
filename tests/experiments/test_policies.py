#!/usr/bin/env python3
"""Policies from shared libraries: the example builds with the command that it names, a policy gives the
same bytes built in and loaded, and a wrong answer is an error that names the policy.
usage: test_policies.py KVCAST SOURCE_ROOT COMPILER..."""
import csv
import ctypes
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile

program, root, compiler = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
temporary = tempfile.TemporaryDirectory()
folder = temporary.name
passed = []
LOAD = ["--set", "workload.requests=150", "--set", "workload.rate_per_s=6", "--set", "engine.num_blocks=3000",
        "--no-plots"]
INCLUDE = '#include "sim/scheduling/scheduling_policy.h"\n'


def check(name, condition, said=""):
    passed.append(bool(condition))
    print(f"{'ok' if condition else 'not ok'} {len(passed)} - {name}")
    if not condition:
        print("# " + str(said).replace("\n", "\n# "))


def run(*arguments, more=None):
    return subprocess.run([program, "run", *LOAD, *arguments], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True, env=dict(os.environ, **(more or {})))


def build(name, source, *flags):
    subprocess.run([*compiler, "-shared", "-fPIC", "-I", root, *flags, "-o", f"{folder}/{name}.so", source],
                   check=True)


def build_text(name, text):
    path = f"{folder}/{name}.c"
    with open(path, "w", encoding="utf-8") as file:
        file.write(INCLUDE + text)
    build(name, path)


def read(name):
    with open(f"{folder}/{name}", "rb") as file:
        return file.read()


def results(name):
    return json.loads(read(f"{name}/summary.json"))["results"]


example = f"{root}/examples/policy/short_prompts_first.c"
with open(example, encoding="utf-8") as file:
    text = file.read()
command = re.search(r"^ \*   (cc .*)$", text, re.M).group(1)
check("the example is at most 65 lines long", text.count("\n") <= 65, text.count("\n"))
subprocess.run(command.replace("cc ", " ".join(compiler) + " ", 1).replace("-o ", f"-o {folder}/", 1), shell=True,
               cwd=root, check=True)
options = re.search(r"^ \*   kvcast run (.*)$", text, re.M).group(1).split()
done = run(*options, "--out", "example")
plain = run("--out", "plain")
check("the example runs with the command that it names", done.returncode == 0, done.stdout)
check("and orders otherwise than first come, first served",
      plain.returncode == 0 and results("example") != results("plain"), plain.stdout)

# The same key in Python. An interpreter frees little of its memory when it ends.
library = sysconfig.get_config_var("INSTSONAME") or ""
try:
    ctypes.CDLL(library)
    has_python = library != ""
except OSError:
    has_python = False
if has_python:
    build("python_policy", f"{root}/examples/policy/python_policy.c")
    environment = {"KVCAST_POLICY_SCRIPT": f"{root}/examples/policy/short_prompts_first.py",
                   "KVCAST_PYTHON": library, "ASAN_OPTIONS": "detect_leaks=0"}
    run("--policy", "./short_prompts_first.so", "--out", "in-c")
    done = run("--policy", "./python_policy.so", "--out", "in-python", more=environment)
    check("a key in Python gives the same bytes as in C", done.returncode == 0 and
          read("in-c/requests.csv") == read("in-python/requests.csv"), done.stdout)
else:
    print("# without a shared library of Python its example is not run")

for policy, symbol in (("las", "policy_las"), ("srpt", "policy_srpt"), ("fair-share", "policy_fair_share"),
                       ("reserve", "policy_reserve")):
    source = f"{root}/sim/policy/{policy.replace('-', '_')}.c"
    more = [f"{root}/sim/base/memory.c"] if policy == "fair-share" else []
    build(policy, source, f"-D{symbol}=kvcast_policy", "-D_GNU_SOURCE", *more)
    oracle = ["--set", "engine.predictor=oracle:0.3"] if policy != "las" else []
    inside = run("--policy", policy, *oracle, "--out", "inside")
    outside = run("--policy", f"./{policy}.so", *oracle, "--out", "outside")
    same = all(read(f"inside/{name}") == read(f"outside/{name}") for name in ("requests.csv", "timeline.csv"))
    check(f"{policy}: the same bytes built in and loaded", inside.returncode == outside.returncode == 0 and same and
          results("inside") == results("outside"), inside.stdout + outside.stdout)
    check(f"{policy}: orders otherwise than first come, first served", results("inside") != results("plain"))

again = run("outside/summary.json", "--out", "again")
check("what summary.json echoes runs again to the same bytes",
      again.returncode == 0 and read("again/requests.csv") == read("outside/requests.csv"), again.stdout)

# Waiting by key, nobody is overtaken by who was sent later than aging allows.
AGING_S = 20
run("--policy", "sjf", "--set", f"policy.aging_s={AGING_S}", "--set", "engine.predictor=oracle",
    "--set", "engine.max_batch_requests=4", "--set", "engine.num_blocks=8000", "--out", "aged")
with open(f"{folder}/aged/requests.csv", encoding="utf-8") as file:
    rows = [{key: float(row[key]) for key in ("sent_s", "first_scheduled_s", "output_tokens")}
            for row in csv.DictReader(file)]
overtaken = [one["sent_s"] - other["sent_s"] - AGING_S * (other["output_tokens"] - one["output_tokens"]) / 1000
             for one in rows for other in rows
             if other["sent_s"] < one["sent_s"] and one["first_scheduled_s"] < other["first_scheduled_s"]]
check("aging bounds how long a request is overtaken", len(overtaken) > 100 and max(overtaken) < 0.1,
      f"{len(overtaken)} times, {max(overtaken, default=0)} s too long")

build_text("old", "const struct scheduling_policy kvcast_policy = {.abi = 0, .name = \"old\"};\n")
done = run("--policy", "./old.so")
check("another ABI is refused", done.returncode == 1 and
      "./old.so: a policy of ABI 1 is expected, got 0" in done.stdout, done.stdout)
build_text("wrong", """
static double key(void *state, const struct policy_view *view, const struct policy_request *request)
{
    (void)state, (void)view;
    return request->id == 3 ? 0.0 / 0.0 : 0;
}
const struct scheduling_policy kvcast_policy = {
    .abi = SCHEDULING_POLICY_ABI, .name = "wrong", .summary = "says no number once", .key = key};
""")
done = run("--policy", "./wrong.so")
check("a wrong answer is an error that names the policy", done.returncode == 1 and
      re.search(r"scheduling policy 'wrong': 'key' must return a number, got -?nan", done.stdout), done.stdout)
done = run("--policy", "./nothing.so")
check("a library that is not there", done.returncode == 1 and "nothing.so" in done.stdout, done.stdout)

print(f"1..{len(passed)}")
sys.exit(0 if all(passed) else 1)
