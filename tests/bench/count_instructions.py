#!/usr/bin/env python3
"""How many instructions kvcast executes for a request, which does not depend on what else the machine does.

Counts them with valgrind's callgrind, which takes some minutes, for a run of many requests and one of 10: the second is
what a start costs, the difference what a request costs. Some loads are also run step by step; the factor is between what
a request costs. Build a release with -Db_lto=true first. Asserts nothing.

usage: count_instructions.py KVCAST
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPLIT = ["engine.prefill_instances=1", "engine.decode_instances=1"]
DRAFTS = ["engine.draft_tokens=4"]
FEW = 10
# label, load, settings, requests, whether also step by step
LOADS = [("w1", "w1", [], 10000, False), ("w2", "w2", [], 10000, False), ("w3", "w3", [], 2000, False),
         ("w1, split", "w1", SPLIT, 2000, True), ("w4, split", "w4", SPLIT, 2000, True),
         ("w1, drafts", "w1", DRAFTS, 2000, True), ("w4, drafts", "w4", DRAFTS, 2000, True)]


def count(program, load, settings, requests, extra=()):
    """Instructions of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", program, "run",
                   f"{ROOT}/workloads/bench/{load}.json", "--no-plots", "--no-report", "--no-requests",
                   "--out", f"{folder}/run", *extra]
        for setting in [*settings, f"workload.requests={requests}"]:
            command += ["--set", setting]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
        if done.returncode != 0 or found is None:
            sys.exit(f"failed: {' '.join(command)}\n{done.stderr}")
        return int(found.group(1).replace(",", ""))


def main():
    """Prints the table."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = os.path.abspath(sys.argv[1])
    print(f"{'':>12} {'requests':>8} {'start':>12} {'a request':>10} {'--stepwise':>10} {'factor':>6}")
    for label, load, settings, requests, walks in LOADS:
        start = count(program, load, settings, FEW)
        total = count(program, load, settings, requests)
        each = (total - start) / (requests - FEW)
        line = f"{label:>12} {requests:>8} {start:>12} {each:>10.0f}"
        if walks:
            walked = count(program, load, settings, requests, ("--stepwise",))
            walked_each = (walked - start) / (requests - FEW)
            line += f" {walked_each:>10.0f} {walked_each / each:>6.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
