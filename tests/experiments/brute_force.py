#!/usr/bin/env python3
"""Whether a plan names what brute force over its grid names: every candidate run at full length, by
'kvcast sweep', and the cheapest whose mean figures reach the goals. Takes a quarter of an hour of two
cores; killed and started again it goes on.
usage: brute_force.py KVCAST SWEEP.sqlite"""
import os
import re
import sqlite3
import subprocess
import sys

PROGRAM, DATABASE = sys.argv[1:]
LOAD = ["--set", "model.name=DeepSeek-R1-Distill-Qwen-14B",
        "--set", "workload.datasets=aime-2024:1,gpqa-diamond:1",
        "--set", "workload.rate_per_s=4", "--set", "workload.requests=22000"]
AXES = ["hardware.gpu=H100-SXM,H200-SXM,L40S", "hardware.tensor_parallel=1,2,4",
        "model.weights=bf16,fp8,awq-int4", "engine.instances=1..16"]
GOALS = {"ttft_s.p99": 2, "tpot_s.p95": 0.05}
REPLICATIONS = 2


def options(option, values):
    return [part for value in values for part in (option, value)]


def sweep():
    subprocess.run([PROGRAM, "sweep", *LOAD, *options("--vary", AXES), "--replications",
                    str(REPLICATIONS), "--jobs", os.environ.get("JOBS", "2"), "--out", DATABASE],
                   check=True)


def candidates():
    """(cost, name, instances, the largest of mean figure / bound) of each that ran."""
    ratios = ", ".join(f'avg("{key}") / {bound}' for key, bound in GOALS.items())
    with sqlite3.connect(DATABASE) as database:
        return database.execute(
            'SELECT avg("price.usd_per_gpu_hour_low" + "price.usd_per_gpu_hour_high") / 2 * gpus, name, '
            f'instances, max({ratios}) FROM (SELECT *, "price.gpus" AS gpus, "engine.instances" AS '
            'instances, \'hardware.gpu=\' || "hardware.gpu" || \' hardware.tensor_parallel=\' || '
            '"hardware.tensor_parallel" || \' model.weights=\' || "model.weights" AS name FROM runs '
            "WHERE status = 'finished') GROUP BY point").fetchall()


def plan():
    done = subprocess.run([PROGRAM, "plan", *LOAD, *options("--over", AXES),
                           *options("--slo", [f"{key}<{bound}" for key, bound in GOALS.items()])],
                          check=True, stdout=subprocess.PIPE, text=True)
    print(done.stdout.split("\n\n")[0])
    return re.search(r"^best +(.*), (\d+) instances", done.stdout, re.M).groups()


sweep()
met = sorted(candidate for candidate in candidates() if candidate[3] < 1)
cheapest = [candidate for candidate in met if candidate[0] <= met[0][0] * (1 + 1e-9)]
print(f"brute force   {len(candidates())} candidates, {len(met)} reach the goals; the cheapest:")
for cost, name, instances, ratio in cheapest:
    print(f"              {name}, {instances} instances: {cost:.4g} USD/h, {ratio:.2f} of the nearest bound")
name, instances = plan()
same = any(name == candidate[1] and int(instances) == candidate[2] for candidate in cheapest)
print("the same" if same else "NOT the same")
sys.exit(not same)
