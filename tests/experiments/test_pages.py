#!/usr/bin/env python3
"""The pages that kvcast writes: structure, data and escapes always; the script's syntax where node is, and what it draws
where a Chromium is. What could not be checked is said.
usage: test_pages.py KVCAST"""
import os
import sqlite3
import subprocess
import sys
import tempfile

import check_page

PROGRAM = os.path.abspath(sys.argv[1])
NASTY = "it's </script><b>&\"<!--"
SMALL = ["--set", "workload.requests=60"]


def kvcast(*arguments, cwd):
    subprocess.run([PROGRAM, *arguments], cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check(path, kind, notes):
    page = check_page.Page(path)
    check_page.check_structure(page)
    data = check_page.check_data(page, kind)
    if not check_page.check_syntax(page):
        notes.add("node is not installed: the syntax of scripts is not checked")
    if check_page.drawn(path, data) is None:
        notes.add("no Chromium is installed: nothing is drawn")
    return page, data


def headline(data, label):
    return next(item for item in data["blocks"][0]["items"] if item["label"] == label)


def test_run(folder, notes):
    kvcast("run", "--no-plots", *SMALL, "--set", f"name={NASTY}", "--out", "run", cwd=folder)
    page, data = check(f"{folder}/run/report.html", "run", notes)
    assert data["title"] == NASTY and page.text.count("</script>") == 2
    assert 0 < headline(data, "TTFT p99")["value"] < 1000 and headline(data, "TTFT p99")["low"] is None
    assert any(block.get("text", "").startswith("kvcast run --no-plots") for block in data["blocks"])


def test_replications(folder, notes):
    kvcast("run", "--no-plots", *SMALL, "--replications", "3", "--out", "rep", cwd=folder)
    _, data = check(f"{folder}/rep/report.html", "run", notes)
    ttft = headline(data, "TTFT p99")
    assert ttft["low"] < ttft["value"] < ttft["high"]


def test_little_data(folder, notes):
    """Without requests, and without a timeline, the page has what is left."""
    kvcast("run", "--no-plots", "--no-requests", *SMALL, "--set", "metrics.timeline_interval_s=0", "--out", "bare", cwd=folder)
    _, data = check(f"{folder}/bare/report.html", "run", notes)
    assert not [block for block in data["blocks"] if block["type"] == "chart"]


QUICK = ["--set", "workload.requests=40", "--set", "workload.datasets=gsm8k"]


def test_comparison(folder, notes):
    kvcast("compare", *QUICK, "--with", "model.weights=fp8", "--replications", "3", "--report", "compare.html", cwd=folder)
    _, data = check(f"{folder}/compare.html", "comparison", notes)
    (table,) = [block for block in data["blocks"] if block["type"] == "table"]
    tpot = next(row for row in table["rows"] if row[0] == "tpot_s.p50")
    assert tpot[2] < tpot[1] and tpot[4] <= tpot[3] <= tpot[5], tpot


def test_plan(folder, notes):
    kvcast("plan", *QUICK, "--slo", "tpot_s.p95<0.02", "--over", "hardware.gpu=H200-SXM,L40S", "--over", "engine.instances=1..2",
           "--report", "plan.html", cwd=folder)
    _, data = check(f"{folder}/plan.html", "plan", notes)
    table = next(block for block in data["blocks"] if block["type"] == "table")
    (best,) = [table["rows"][i] for i in table["marked"]]
    assert best[0] == data["title"] and best[-1].startswith("best")
    assert headline(data, "GPUs")["value"] == best[2]


def test_sweep(folder, notes):
    kvcast("sweep", *QUICK, "--vary", "workload.rate_per_s=4,16", "--vary", "model.weights=bf16,fp8", "--replications", "2",
           "--out", "s.sqlite", "--report", "sweep.html", cwd=folder)
    _, data = check(f"{folder}/sweep.html", "sweep", notes)
    (table,) = [block for block in data["blocks"] if block["type"] == "table"]
    with sqlite3.connect(f"{folder}/s.sqlite") as rows:
        wanted = rows.execute('SELECT "workload.rate_per_s", "model.weights", 1000 * avg("ttft_s.p99") FROM runs GROUP BY point').fetchall()
    assert len(table["rows"]) == len(wanted) == 4
    for row, (rate, weights, ttft) in zip(table["rows"], wanted):
        assert row[:2] == [rate, weights] and abs(row[2] - ttft) < 1e-6 * ttft, (row, ttft)
    kvcast("plot", "s.sqlite", "--heat", "workload.rate_per_s,model.weights", "--figure", "ttft_s.p99", "--out", "f", cwd=folder)
    cells = [line.split(",") for line in open(f"{folder}/f/sweep_heat.csv", encoding="utf-8")]
    found = sorted(float(cell[4]) for cell in cells[1:] if cell[4])
    assert all(abs(a - b) < 1e-6 * b for a, b in zip(found, sorted(row[2] for row in table["rows"])))


def test_default_size(folder, _):
    kvcast("run", "--no-plots", "--out", "default", cwd=folder)
    assert os.path.getsize(f"{folder}/default/report.html") < 1_000_000
    kvcast("run", "--no-plots", "--no-report", *SMALL, "--out", "default", cwd=folder)
    assert not os.path.exists(f"{folder}/default/report.html"), "an earlier run's page stayed"


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    notes, failed = set(), False
    print(f"1..{len(tests)}")
    with tempfile.TemporaryDirectory() as folder:
        for number, test in enumerate(tests, 1):
            try:
                test(folder, notes)
                print(f"ok {number} - {test.__name__}")
            except (AssertionError, subprocess.SubprocessError, StopIteration, KeyError) as problem:
                failed = True
                print(f"not ok {number} - {test.__name__}\n# {type(problem).__name__}: {problem}")
    for note in sorted(notes):
        print(f"# {note}")
    return failed


sys.exit(main())
