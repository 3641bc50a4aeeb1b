#!/usr/bin/env python3
"""What scheduling policies do about stragglers: paired replications of three loads under each policy, with
intervals, as the tables of plots/STRAGGLERS.md, as CSV and as figures (gnuplot). About half a minute on two cores.
usage: stragglers_page.py KVCAST [--out FOLDER] [--seeds N] [--page PAGE.md]
With --page the tables between the page's marks are written anew."""
import argparse
import csv
import math
import os
import shutil
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor

from paired_tables import cell, change, compare, replace, run

SEATS = ["engine.max_batch_requests=128", "engine.max_batch_tokens=2048"]
RUN_32B = SEATS + ["model.name=DeepSeek-R1-Distill-Qwen-32B"]
LOADS = {
    "batch": ("1000 requests at once, 7B: the seats are what is short",
              SEATS + ["workload.requests=1000", "workload.arrival=all-at-once"]),
    "tight-batch": ("400 requests at once, 32B: the KV blocks are what is short",
                    RUN_32B + ["workload.requests=400", "workload.arrival=all-at-once"]),
    "busy": ("2.8 requests/s in bursts, 7B: the seats are what is short",
             SEATS + ["workload.requests=2000", "workload.rate_per_s=2.8"]),
    "tight": ("0.6 requests/s in bursts, 32B: the KV blocks are what is short",
              RUN_32B + ["workload.requests=600", "workload.rate_per_s=0.6"]),
}
MEAN, ORACLE = "engine.predictor=mean", "engine.predictor=oracle"
POLICIES = {  # name: settings, whether a server could run it
    "fcfs": ("", True),
    "longest-first, dataset mean": (f"engine.policy=longest-first {MEAN}", True),
    "longest-first, dataset mean, aging 30 s": (f"engine.policy=longest-first {MEAN} policy.aging_s=30", True),
    "longest-first, oracle": (f"engine.policy=longest-first {ORACLE}", False),
    "least-slack, dataset mean": (f"engine.policy=least-slack {MEAN}", True),
    "sjf, dataset mean": (f"engine.policy=sjf {MEAN}", True),
    "sjf, oracle": (f"engine.policy=sjf {ORACLE}", False),
    "srpt, oracle": (f"engine.policy=srpt {ORACLE}", False),
    "las": ("engine.policy=las", True),
    "mlfq": ("engine.policy=mlfq", True),
    "length-batches, dataset mean": (f"engine.policy=length-batches {MEAN}", True),
    "reserve, hazard, KV share 1.3": ("engine.policy=reserve engine.predictor=hazard policy.kv_share=1.3", True),
    "reserve, hazard, KV share 1.6": ("engine.policy=reserve engine.predictor=hazard policy.kv_share=1.6", True),
    "fcfs, watermark 10 %": ("engine.watermark_ratio=0.1", True),
    "fcfs, victims: most KV": ("engine.victims=most-kv", True),
}
FIGURES = {"straggler.drain_s": "drain", "e2e_s.p99": "p99 E2E", "e2e_s.mean": "mean E2E", "e2e_s.p50": "p50 E2E",
           "throughput.requests_per_s": "throughput", "kv_utilization.volatility": "KV volatility",
           "preemptions": "preemptions"}
SIGMAS = [0, 0.25, 0.5, 1, 1.5, 2]


def compare_settings(job, settings, variants):
    return compare(job, [word for setting in settings for word in ("--set", setting)], variants)


def slow_share(job, settings, policy):
    """95th percentile of E2E by output token, over a few seeds: what the worst-served are given."""
    values = []
    for seed in range(1, 4):
        folder = os.path.join(job.out, f"run-{abs(hash((tuple(settings), policy, seed)))}")
        words = [word for setting in [*settings, *policy.split()] for word in ("--set", setting)]
        run(job.program, "run", *words, "--noise", "--seed", str(seed), "--no-plots", "--out", folder)
        with open(os.path.join(folder, "requests.csv"), encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("last_token_s")]
        shutil.rmtree(folder)
        by_token = [(float(row["last_token_s"]) - float(row["sent_s"])) / int(row["output_tokens"]) for row in rows]
        values.append(statistics.quantiles(by_token, n=20)[18])
    return 1000 * statistics.mean(values)


def study(job, load):
    """A row a policy: name, whether a server could run it, changes by figure, worst ms by token."""
    settings = LOADS[load][1]
    names = list(POLICIES)
    variants = [POLICIES[name][0] for name in names[1:]]
    with ThreadPoolExecutor(job.workers) as pool:
        halves = [variants[:len(variants) // 2], variants[len(variants) // 2:]]
        compared = [row for part in pool.map(lambda half: compare_settings(job, settings, half), halves) for row in part]
        slow = list(pool.map(lambda name: slow_share(job, settings, POLICIES[name][0]), names))
    first = {figure: float(compared[0][figure]["first"]) for figure in FIGURES}
    rows = [(name, POLICIES[name][1], {figure: change(rows[figure]) for figure in FIGURES})
            for name, rows in zip(names[1:], compared)]
    return first, rows, dict(zip(names, slow))


def errors(job):
    """What an error of the predictor costs: changes by sigma of longest-first and shortest first on the batch."""
    settings = LOADS["batch"][1]
    found = []
    for policy in ("longest-first", "sjf"):
        variants = [f"engine.policy={policy} engine.predictor=oracle:{sigma}" for sigma in SIGMAS]
        variants += [f"engine.policy={policy} engine.predictor={known}"
                     for known in ("mean", "quantile:0.9", "buckets:0.8", "buckets:0.5")]
        labels = [f"oracle, sigma {sigma:g}" for sigma in SIGMAS]
        labels += ["dataset mean", "dataset 0.9 quantile", "octave right in 80 %", "octave right in 50 %"]
        for label, rows in zip(labels, compare_settings(job, settings, variants)):
            found.append((policy, label, change(rows["straggler.drain_s"]), change(rows["e2e_s.mean"])))
    return found


def table_of_load(load, first, rows, slow):
    lines = [f"### {load.capitalize()}: {LOADS[load][0]}", "",
             f"First come, first served: drain {first['straggler.drain_s']:.0f} s, p99 E2E {first['e2e_s.p99']:.0f} s, "
             f"mean {first['e2e_s.mean']:.0f} s, {first['throughput.requests_per_s']:.2f} requests/s, KV volatility "
             f"{100 * first['kv_utilization.volatility']:.0f} points, worst-served twentieth at least "
             f"{slow['fcfs']:.0f} ms a token. Changes in per cent:", "",
             "| policy | " + " | ".join(FIGURES.values()) + " | worst ms a token |",
             "| --- |" + " --: |" * (len(FIGURES) + 1)]
    still = [name for name, _, changes in rows
             if all(value == 0 or math.isnan(value) for values in changes.values() for value in values)]
    for name, server, changes in rows:
        if name in still:
            continue
        shown = name if server else f"*{name}*"
        lines.append(f"| {shown} | " + " | ".join(cell(changes[figure]) for figure in FIGURES) +
                     f" | {slow[name]:.0f} |")
    return lines + (["", f"Without effect here: {'; '.join(still)}."] if still else [])


def table_of_errors(found):
    lines = ["| policy | lengths from | drain | mean E2E |", "| --- | --- | --: | --: |"]
    return lines + [f"| {policy} | {label} | {cell(drain)} | {cell(mean)} |" for policy, label, drain, mean in found]


def write_csv(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def draw(job, load):
    """Drain, p99 and mean E2E beside each other, a bar a policy with its interval."""
    script = f"""
set datafile separator ','
set terminal svg size 900,560 font 'sans,12'
set output '{job.out}/{load}.svg'
set title '{LOADS[load][0]}: change against first come, first served' noenhanced
set ylabel 'change (%)'
set style data histograms
set style histogram errorbars gap 2 lw 1
set style fill solid 0.9 noborder
set xtics rotate by -35 noenhanced
set bmargin 12
set rmargin 8
set grid y
set key top left
plot '{job.out}/{load}.csv' using 2:3:4:xtic(1) skip 1 title 'drain' lc rgb '#0072B2', \\
     '' using 5:6:7 skip 1 title 'p99 E2E' lc rgb '#D55E00', \\
     '' using 8:9:10 skip 1 title 'mean E2E' lc rgb '#009E73'
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def draw_errors(job):
    script = f"""
set datafile separator ','
set terminal svg size 640,400 font 'sans,12'
set output '{job.out}/errors.svg'
set xlabel 'error of predicted lengths (sigma of their logarithm)'
set ylabel 'change against first come, first served (%)'
set grid
set key right center
plot '{job.out}/errors.csv' using 1:2:3:4 skip 1 with yerrorlines title 'longest first: drain' lc rgb '#0072B2' lw 2, \\
     '' using 1:5:6:7 skip 1 with yerrorlines title 'shortest first: mean E2E' lc rgb '#D55E00' lw 2
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", metavar="KVCAST")
    parser.add_argument("--out", default="results/stragglers")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--page")
    job = parser.parse_args()
    job.program, job.workers = os.path.abspath(job.program), 2
    os.makedirs(job.out, exist_ok=True)
    has_gnuplot = shutil.which("gnuplot") is not None
    for load in LOADS:
        first, rows, slow = study(job, load)
        lines = table_of_load(load, first, rows, slow)
        write_csv(f"{job.out}/{load}.csv",
                  ["policy"] + [f"{name} {part}" for name in ("drain", "p99", "mean") for part in ("", "low", "high")],
                  [[name, *changes["straggler.drain_s"], *changes["e2e_s.p99"], *changes["e2e_s.mean"]]
                   for name, _, changes in rows])
        print("\n".join(lines) + "\n", flush=True)
        if has_gnuplot:
            draw(job, load)
        if job.page:
            replace(job.page, load, lines)
    found = errors(job)
    by_sigma = {policy: [row for row in found if row[0] == policy][:len(SIGMAS)] for policy in ("longest-first", "sjf")}
    write_csv(f"{job.out}/errors.csv", ["sigma", "drain", "low", "high", "mean", "low", "high"],
              [[sigma, *by_sigma["longest-first"][i][2], *by_sigma["sjf"][i][3]] for i, sigma in enumerate(SIGMAS)])
    print("\n".join(table_of_errors(found)))
    if has_gnuplot:
        draw_errors(job)
    if job.page:
        replace(job.page, "errors", table_of_errors(found))


main()
