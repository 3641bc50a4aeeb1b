#!/usr/bin/env python3
"""How long kvcast takes, and how its cost grows.

Runs the loads of workloads/bench, other engines, fleets and drafts, and series over request count,
output length, batch limit and rate; prints a table of each and draws seconds against size on logarithmic axes. Asserts nothing.

usage: bench_loads.py KVCAST [--out DIR] [--repeat N] [--most-requests N] [--no-stepwise]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOADS = ["w1", "w2", "w3", "w4", "w4-long"]


def measure(program, load, settings=(), extra=("--no-requests",), repeat=3):
    """The fastest of 'repeat' runs: (seconds, MiB at the peak, results of summary.json)."""
    best = None
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            command = [program, "run", f"{ROOT}/workloads/bench/{load}.json", "--no-plots", "--out", folder, *extra]
            for setting in settings:
                command += ["--set", setting]
            begin = time.perf_counter()
            child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            took = time.perf_counter() - begin
            if status != 0:
                sys.exit(f"failed: {' '.join(command)}")
            with open(f"{folder}/summary.json", encoding="utf-8") as file:
                results = json.load(file)["results"]
        if best is None or took < best[0]:
            best = (took, usage.ru_maxrss / 1024, results)
    return best


def row(label, seconds, mib, results):
    """One line of a table."""
    requests = results["requests"]["total"]
    tokens = results["tokens"]["output"]
    steps = results["steps"]["total"]
    return (f"{label:>14} {requests:>9.0f} {seconds:>8.3f} s {requests / seconds:>10.0f} {steps / seconds:>11.3g} "
            f"{tokens / seconds:>11.3g} {1e9 * seconds / requests:>9.0f} {mib:>8.0f}")


HEADER = (f"{'':>14} {'requests':>9} {'time':>10} {'requests/s':>10} {'steps/s':>11} {'tokens/s':>11} "
          f"{'ns/request':>9} {'MiB peak':>8}")


def table_of_loads(options):
    """The shipped loads, with requests.csv and step by step beside."""
    print(HEADER + f" {'+requests.csv':>13} {'--stepwise':>10} {'factor':>6}")
    for load in LOADS:
        run = measure(options.program, load, repeat=options.repeat)
        logged = measure(options.program, load, extra=(), repeat=options.repeat)
        line = row(load, *run) + f" {logged[0]:>11.3f} s"
        if not options.no_stepwise:
            walked = measure(options.program, load, extra=("--no-requests", "--stepwise"), repeat=1)
            line += f" {walked[0]:>8.2f} s {walked[0] / run[0]:>6.1f}"
        print(line, flush=True)


def table_of_kinds(options):
    """Engines against vllm-0.24; fleets, split instances and drafts, and the same step by step."""
    few = ["workload.requests=2000"]
    drafts = ["engine.draft_tokens=4"]
    split = ["engine.prefill_instances=1", "engine.decode_instances=1"]
    eight = ["engine.instances=8", "workload.rate_per_s=3.2"]
    kinds = [(engine, "w1", [f"engine.preset={engine}"], False)
             for engine in ("vllm-0.24", "vllm-0.8", "sglang-0.4.6", "tgi")]
    kinds += [("4 instances", "w1", ["engine.instances=4", "workload.rate_per_s=24"], False),
              ("8 instances", "w4", [*eight, "workload.requests=100000"], False), ("8 instances", "w4", eight + few, True),
              ("split", "w1", split + few, True), ("drafts", "w4", drafts + few, True)]
    print(f"\nkinds of runs\n{HEADER} {'--stepwise':>10} {'factor':>6}")
    for label, load, settings, walks in kinds:
        run = measure(options.program, load, settings, repeat=options.repeat)
        line = row(label, *run)
        if walks and not options.no_stepwise:
            walked = measure(options.program, load, settings, ("--no-requests", "--stepwise"), repeat=1)
            line += f" {walked[0]:>8.2f} s {walked[0] / run[0]:>6.1f}"
        print(line, flush=True)


def series_of(options):
    """Name, unit of the axis, and (label, size, load, settings) of each point."""
    counts = [n for n in (10**e for e in range(3, 9)) if n <= options.most_requests]
    yield "requests", "requests", [(f"{n}", n, "w4", [f"workload.requests={n}"]) for n in counts]
    yield "output length", "times the default lengths", [
        (f"x {f}", f, "w4", ["workload.requests=20000", f"workload.output_factor={f}", f"workload.rate_per_s={0.4 / f}",
                             "engine.num_blocks=1300000", "engine.max_model_len=400000", f"workload.token_budget={int(16384 * f)}",
                             f"metrics.timeline_interval_s={f}"]) for f in (0.1, 0.3, 1, 3, 10)]
    yield "batch limit", "requests a step", [
        (f"{b}", b, "w4", ["workload.requests=50000", f"engine.max_batch_requests={b}", "workload.client=closed",
                           f"workload.client_width={b}"]) for b in (8, 16, 32, 64, 128, 256, 512)]
    yield "rate", "requests/s", [(f"{r}", r, "w4", ["workload.requests=100000", f"workload.rate_per_s={r}"])
                                 for r in (0.25, 0.5, 1, 2, 2.5)]


def main():
    """Prints the tables and draws the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--out", default="results/bench")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--most-requests", type=int, default=10**6)
    parser.add_argument("--no-stepwise", action="store_true")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    os.makedirs(options.out, exist_ok=True)
    table_of_loads(options)
    table_of_kinds(options)
    for number, (name, unit, points) in enumerate(series_of(options)):
        print(f"\n{name} ({unit})\n{HEADER}")
        with open(f"{options.out}/series{number}.csv", "w", encoding="utf-8") as file:
            file.write("size,seconds,ns_per_request\n")
            for label, size, load, settings in points:
                run = measure(options.program, load, settings, repeat=options.repeat)
                file.write(f"{size},{run[0]},{1e9 * run[0] / run[2]['requests']['total']}\n")
                print(row(label, *run), flush=True)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cost.gnuplot")
    subprocess.run(["gnuplot", "-c", script, options.out], check=True)
    print(f"\nfigure: {options.out}/cost.png")


if __name__ == "__main__":
    main()
