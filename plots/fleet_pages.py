#!/usr/bin/env python3
"""What routers do to loads on four instances, and when prompts on instances of their own are worth it: paired
replications with intervals, as the tables of plots/ROUTING.md and plots/DISAGGREGATION.md, as CSV and as figures
(gnuplot). About two minutes on two cores.
usage: fleet_pages.py KVCAST routing|disaggregation [--out FOLDER] [--seeds N] [--page PAGE.md]
With --page the tables between the page's marks are written anew."""
import argparse
import csv
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

from paired_tables import cell, change, compare, replace

R1_32B = {"name": "DeepSeek-R1-Distill-Qwen-32B"}
UNLIKE = [{"instances": 2, "hardware.gpu": "H200-SXM"}, {"instances": 2, "hardware.gpu": "L40S"}]
LIMITS = {"slo_ttft_s": 2, "slo_tpot_s": 0.015}


def load(requests, rate, **more):
    return {"contrast_model": "", "requests": requests, "rate_per_s": rate, **more}


ROUTERS = ["round_robin", "random", "power_of_two", "least_tokens", "least_kv", "session", "prefix_aware"]
ROUTING = {
    "light": ("Mixed reasoning, 7B, 8 requests/s",
              {"workload": load(3000, 8)}, ROUTERS[:5]),
    "busy": ("The same at 24 requests/s", {"workload": load(4000, 24)}, ROUTERS[:5]),
    "tight": ("Mixed reasoning, 32B, 2.4 requests/s: KV blocks run short",
              {"model": R1_32B, "workload": load(1500, 2.4)}, ROUTERS[:5]),
    "chats": ("Conversations of eight turns, 7B, 40 requests/s, with prefix caching",
              {"engine": {"prefix_caching": True},
               "workload": load(3000, 40, datasets="gsm8k:1", turns=8, conversations=157)},
              ROUTERS + ["prefix_aware cluster.prefix_weight=30"]),
    "unlike": ("Mixed reasoning, 7B, 5 requests/s, on two H200 and two L40S",
               {"cluster": {"groups": UNLIKE}, "workload": load(2000, 5)}, ROUTERS[:5]),
}
SPLITS = {f"{p}P{4 - p}D": [f"engine.prefill_instances={p}", f"engine.decode_instances={4 - p}"] for p in (1, 2, 3)}
DISAGGREGATION = {
    "short answers": ("Short prompts and answers (GSM8K), 60 requests/s", load(6000, 60, datasets="gsm8k:1")),
    "long answers": ("Short prompts, long answers (the mixed load), 8 requests/s", load(3000, 8)),
    "long prompts": ("Prompts of 8,000 tokens and more, short answers, 8 requests/s",
                     load(3000, 8, datasets="gsm8k:1", prefix_tokens=8000)),
    "long both": ("Prompts of 8,000 tokens and more, long answers, 4 requests/s", load(2000, 4, prefix_tokens=8000)),
}
LINKS = {"NVLink": 450, "25 Gbit/s": 2.8}
SHOWN = {
    "routing": {"ttft_s.mean": "mean TTFT", "ttft_s.p99": "p99 TTFT", "tpot_s.p99": "p99 TPOT", "e2e_s.mean": "mean E2E",
                "e2e_s.p99": "p99 E2E", "kv_utilization.peak": "KV peak"},
    "disaggregation": {"requests.slo_met": "within limits", "ttft_s.p99": "p99 TTFT", "tpot_s.p99": "p99 TPOT",
                       "itl_s.p99": "p99 ITL", "e2e_s.mean": "mean E2E"},
}


def compare_scenario(job, scenario, variants):
    path = f"{job.out}/{abs(hash(json.dumps([scenario, variants])))}.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(scenario, file)
    rows = compare(job, [path], variants)
    os.remove(path)
    return rows


def base_line(rows, kind):
    figures = {"requests.slo_met": (1, "requests within limits"), "ttft_s.mean": (1000, "ms mean TTFT"),
               "ttft_s.p99": (1000, "ms p99 TTFT"), "tpot_s.p99": (1000, "ms p99 TPOT"),
               "itl_s.p99": (1000, "ms p99 ITL"), "e2e_s.mean": (1, "s mean E2E"), "e2e_s.p99": (1, "s p99 E2E"),
               "kv_utilization.peak": (100, "% KV peak")}
    return ", ".join(f"{float(rows[key]['first']) * figures[key][0]:.4g} {figures[key][1]}" for key in SHOWN[kind])


def table(kind, title, first, named):
    lines = [f"### {title}", "", f"{first}: {base_line(named[0][1], kind)}. Changes in per cent:", "",
             f"| {'router' if kind == 'routing' else 'split, link'} | " + " | ".join(SHOWN[kind].values()) + " |",
             "| --- |" + " --: |" * len(SHOWN[kind])]
    return lines + [f"| {name} | " + " | ".join(cell(change(rows[key])) for key in SHOWN[kind]) + " |"
                    for name, rows in named]


def study_routing(job, name):
    title, scenario, routers = ROUTING[name]
    if "cluster" not in scenario:
        scenario = {**scenario, "engine": {**scenario.get("engine", {}), "instances": 4}}
    rows = compare_scenario(job, scenario, [f"cluster.router={router}" for router in routers])
    names = [router.replace(" cluster.prefix_weight=", ", weight ") for router in routers]
    return title, "Fewest requests", list(zip(names, rows))


def study_disaggregation(job, name):
    title, workload = DISAGGREGATION[name]
    scenario = {"engine": {"instances": 4, "prefix_caching": False}, "workload": workload, "metrics": LIMITS}
    variants = {f"{split}, {link}": " ".join(keys + [f"engine.kv_link_gb_per_s={gb_per_s}"])
                for link, gb_per_s in LINKS.items() for split, keys in SPLITS.items()}
    return title, "Four alike", list(zip(variants, compare_scenario(job, scenario, list(variants.values()))))


def draw(job, name, title, first, named):
    """Each figure as a multiple of what it is without the change, with its interval, side by side for each variant."""
    shown = list(SHOWN[job.kind].items())
    path = f"{job.out}/{name.replace(' ', '-')}"
    with open(f"{path}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["variant"] + [f"{label} {part}" for _, label in shown for part in ("ratio", "low", "high")])
        writer.writerows([variant, *(max(1 + value / 100, 0.005) for key, _ in shown for value in change(rows[key]))]
                         for variant, rows in named)
    colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
    points = ", ".join(
        f"'{path}.csv' using ($0 + {(i - (len(shown) - 1) / 2) * 0.13:.3f}):{2 + 3 * i}:{3 + 3 * i}:{4 + 3 * i} skip 1 "
        f"with yerrorbars title '{label}' pt 7 ps 0.7 lw 1.5 lc rgb '{colors[i]}'" for i, (_, label) in enumerate(shown))
    labels = ", ".join(f"'{variant}' {i}" for i, (variant, _) in enumerate(named))
    script = f"""set datafile separator ','
set terminal svg size 900,480 font 'sans,12'
set output '{path}.svg'
set title '{title}' noenhanced
set ylabel 'times that of {first.lower()}'
set logscale y
set xrange [-0.5:{len(named) - 0.5}]
set xtics rotate by -20 noenhanced ({labels})
set rmargin 12
set grid y
set arrow from graph 0,first 1 to graph 1,first 1 nohead lc rgb '#808080'
set key outside bottom center horizontal
plot {points}
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", metavar="KVCAST")
    parser.add_argument("kind", choices=["routing", "disaggregation"])
    parser.add_argument("--out", default="results/fleets")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--page")
    job = parser.parse_args()
    job.program = os.path.abspath(job.program)
    os.makedirs(job.out, exist_ok=True)
    names, study = (ROUTING, study_routing) if job.kind == "routing" else (DISAGGREGATION, study_disaggregation)
    with ThreadPoolExecutor(2) as pool:
        studies = list(pool.map(lambda name: study(job, name), names))
    for name, (title, first, named) in zip(names, studies):
        lines = table(job.kind, title, first, named)
        print("\n".join(lines) + "\n", flush=True)
        if shutil.which("gnuplot") is not None:
            draw(job, name, title, first, named)
        if job.page:
            replace(job.page, name, lines)


main()
