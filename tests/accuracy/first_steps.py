#!/usr/bin/env python3
"""How many prompts of a burst the engine's first step held, in sweeps of at least eight requests of
64 tokens sent at once: what the mean time to first token of such a burst hangs on, and by how much
one engine differs from itself.

    tests/accuracy/first_steps.py [RUN...]        (default: calibration/measured/*)
"""
import bisect
import collections
import csv
import glob
import os
import re
import sys


def read(run, name):
    with open(os.path.join(run, name), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def first_steps(run):
    steps = read(run, "steps.csv")
    formed_s = [float(step["schedule_s"]) for step in steps]
    sent_s = {}
    for request in read(run, "requests.csv"):
        job = request["job"]
        sent_s[job] = min(sent_s.get(job, float("inf")), float(request["sent_s"]))
    for job, first_s in sent_s.items():
        match = re.fullmatch(r"sweep:(\d+)x64", job)
        if match and int(match[1]) >= 8:
            step = bisect.bisect_left(formed_s, first_s)
            yield int(steps[step]["prefill_requests"]), (formed_s[step] - first_s) * 1000


def main():
    runs = sys.argv[1:] or sorted(glob.glob("calibration/measured/*"))
    print(f"{'run':24} {'bursts':>6}  prompts in the first step: bursts     first step after, ms")
    for run in runs:
        firsts = list(first_steps(run))
        if firsts:
            counts = collections.Counter(prompts for prompts, _ in firsts)
            spread = ", ".join(f"{prompts}: {counts[prompts]}" for prompts in sorted(counts))
            times = [ms for _, ms in firsts]
            print(f"{os.path.basename(run):24} {len(firsts):6}  {spread:40} {min(times):.2f} to {max(times):.2f}")


if __name__ == "__main__":
    main()
