#!/usr/bin/env python3
"""How much later a large prefill shows its end when the step launched behind it has a number of
tokens that is new to the engine, by measured run.

    tests/accuracy/new_sizes.py [RUN...]          (default: calibration/measured/*)

In bf16 the launch of such a step waits for the GPU, so that the prefill before it shows a launch
late; with quantized weights it does not. The second table is of steps launched behind a short
decode: how long the loop was held up, by how many tokens count as one size.
"""
import csv
import glob
import os
import statistics
import sys

LARGE_TOKENS = 1500  # of a prefill that takes longer than any launch
GRAPH_TOKENS = 256   # up to here steps have a graph
LONGEST_GAP_S = 0.5  # beyond, the engine stood idle


class Step:
    def __init__(self, row):
        self.formed_s = float(row["schedule_s"])
        self.prefill = int(row["prefill_tokens"])
        self.tokens = self.prefill + int(row["decode_requests"])


def read_steps(run):
    with open(os.path.join(run, "steps.csv"), encoding="utf-8") as file:
        return [Step(row) for row in csv.DictReader(file)]


def median_text(values):
    return f"{statistics.median(values):8.1f} ({len(values)})" if values else "       -"


def lateness(steps):
    """Of prefills that follow a large one: time to the forming behind the next step's launch,
    beyond its median per token, where that next step is (new, known) to the engine."""
    gaps = {True: [], False: []}
    sizes = set()
    for before, previous, step, after in zip(steps, steps[1:], steps[2:], steps[3:]):
        if step.prefill == 0 or step.tokens <= GRAPH_TOKENS:
            continue
        size = (step.tokens + 15) // 16
        gap_s = after.formed_s - step.formed_s
        if before.prefill > LARGE_TOKENS and previous.prefill > LARGE_TOKENS and gap_s < LONGEST_GAP_S:
            gaps[size not in sizes].append((gap_s * 1000, previous.prefill))
        sizes.add(size)
    if not gaps[False]:
        return [], []
    per_token = statistics.median(gap / tokens for gap, tokens in gaps[False])
    return tuple([gap - per_token * tokens for gap, tokens in gaps[new]] for new in (True, False))


def held_up(steps, step_tokens):
    """Of prefills without a graph behind a short step: time to the next forming, by whether their
    size was (new, known)."""
    gaps = {True: [], False: []}
    sizes = set()
    for previous, step, after in zip(steps, steps[1:], steps[2:]):
        if step.prefill == 0 or step.tokens <= GRAPH_TOKENS:
            continue
        size = (step.tokens + step_tokens - 1) // step_tokens
        gap_s = after.formed_s - step.formed_s
        if previous.tokens <= GRAPH_TOKENS and step.formed_s - previous.formed_s < 0.05 and gap_s < 0.04:
            gaps[size not in sizes].append(gap_s * 1000)
        sizes.add(size)
    return gaps[True], gaps[False]


def main():
    runs = sys.argv[1:] or sorted(glob.glob("calibration/measured/*"))
    print("prefill behind a large one: late by, ms, median (steps)      new size          known")
    for run in runs:
        new, known = lateness(read_steps(run))
        print(f"  {os.path.basename(run):50} {median_text(new):>16} {median_text(known):>14}")
    print("\nbehind a short step: loop held up for, ms, median (steps)     new size          known")
    for run in runs:
        for step_tokens in (1, 4, 16, 64):
            new, known = held_up(read_steps(run), step_tokens)
            if len(new) + len(known) < 50:
                continue
            label = f"{os.path.basename(run)}, sizes of {step_tokens} tokens"
            print(f"  {label:50} {median_text(new):>16} {median_text(known):>14}")


if __name__ == "__main__":
    main()
