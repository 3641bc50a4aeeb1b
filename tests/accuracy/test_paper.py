#!/usr/bin/env python3
"""The reference study's tables against 'kvcast paper': the errors it is held to, and its claims by
direction. usage: test_paper.py KVCAST"""
import csv
import os
import subprocess
import sys
import tempfile

results = []


def check(name, holds, found=""):
    results.append(holds)
    print(f"{'ok' if holds else 'not ok'} {len(results)} - {name}{'' if holds else f': {found}'}")


with tempfile.TemporaryDirectory() as work:
    path = os.path.join(work, "paper.csv")
    subprocess.run([os.path.abspath(sys.argv[1]), "paper", "--replications", "4", "--csv", path,
                    "--out", work], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, env=dict(os.environ, PATH=""))
    cells = list(csv.DictReader(open(path, encoding="utf-8")))
    load = list(csv.DictReader(open(os.path.join(work, "paper_load.csv"), encoding="utf-8")))
    points = list(csv.DictReader(open(os.path.join(work, "paper_running.csv"), encoding="utf-8")))


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def errors(measure, wanted=lambda cell: True):
    return [abs(float(cell[f"{measure}_simulated"]) / float(cell[f"{measure}_published"]) - 1)
            for cell in cells if not cell["suspect"] and wanted(cell) and
            cell[f"{measure}_published"] and cell[f"{measure}_simulated"] and
            float(cell[f"{measure}_published"]) > 0]


for measure, median in (("pass_time_s", .08), ("tokens_per_s", .08), ("ttfvt_s", .17),
                        ("mean_output_tokens", .03)):
    found = quantile(errors(measure), .5)
    check(f"median error of {measure} is at most {median:.0%}", found <= median, found)
for measure in ("pass_time_s", "tokens_per_s"):
    found = quantile(errors(measure, lambda cell: cell["dataset"] != "MATH500"), .9)
    check(f"nine of ten errors of {measure} are at most 25 %", found <= .25, found)
    found = quantile(errors(measure, lambda cell: cell["dataset"] == "MATH500"), .9)
    check(f"nine of ten errors of {measure} on MATH-500 are at most 35 %", found <= .35, found)


def simulated(measure, **wanted):
    return [float(cell[f"{measure}_simulated"]) for cell in cells
            if all(cell[key] == value for key, value in wanted.items())]


def all_less(small, large):
    return len(small) == len(large) > 0 and all(a < b for a, b in zip(small, large))


base = {"model_kind": "reasoning", "method": "baseline", "token_budget": "8192"}
for model, sizes in (("7B", ("8", "16", "64")), ("14B", ("8", "16", "32"))):
    for small, large in zip(sizes, sizes[1:]):
        one = dict(base, model=model, batch_size=small)
        other = dict(base, model=model, batch_size=large)
        check(f"{model}: a batch of {large} has more tokens/s than of {small}",
              all_less(simulated("tokens_per_s", **one), simulated("tokens_per_s", **other)))
        check(f"{model}: a batch of {large} shows its first answer later than of {small}",
              all_less(simulated("ttfvt_s", **one), simulated("ttfvt_s", **other)))
        check(f"{model}: a pass takes longer in batches of {small} than of {large}",
              all_less(simulated("pass_time_s", **other), simulated("pass_time_s", **one)))
hard = {data: simulated("ttfvt_s", table="2", batch_size="16", dataset=data)
        for data in ("GSM8k", "MATH500", "AIME24")}
check("running time follows difficulty: GSM8K, MATH-500, AIME-2024",
      all_less(hard["GSM8k"], hard["MATH500"]) and all_less(hard["MATH500"], hard["AIME24"]))
for method in ("GPTQ-Int4", "AWQ", "FP8"):
    check(f"{method} shortens the passes of 14B",
          all_less(simulated("pass_time_s", table="11", method=method),
                   simulated("pass_time_s", table="4", batch_size="16")))
check("AWQ without Marlin, as 7B ran it, doubles the passes",
      all_less([2 * time for time in simulated("pass_time_s", table="2", batch_size="16")],
               simulated("pass_time_s", table="10", method="AWQ")))


def ratio_to_plain(which, drafts):
    """Passes of 7B with n-gram drafts over those without, the median."""
    plain = {(cell["token_budget"], cell["dataset"]): float(cell["pass_time_s_" + which])
             for cell in cells if cell["table"] == "2" and cell["batch_size"] == "16"}
    return quantile([float(cell["pass_time_s_" + which]) /
                     plain[cell["token_budget"], cell["dataset"]] for cell in cells
                     if cell["table"] == "18" and cell["draft_tokens"] == drafts], .5)


for drafts in ("2", "4", "8"):
    found = ratio_to_plain("simulated", drafts) / ratio_to_plain("published", drafts)
    check(f"{drafts} drafts by n-grams lengthen 7B's passes as much as published, within 10 %",
          ratio_to_plain("simulated", drafts) > 1 and abs(found - 1) <= .1, found)


def medians(**wanted):
    return [float(point["median"]) for point in points
            if all(point[key] == value for key, value in wanted.items())]


check("traditional models keep KV use below 3 %, reasoning ones go beyond 10 % on GPQA",
      max(medians(model_kind="traditional", series="kv_pct")) < 3 and
      max(medians(model_kind="reasoning", series="kv_pct", dataset="GPQA")) > 10)
trace = medians(model="14B", series="running")
check("stragglers: in the second half of the 14B trace no more than 6 of 16 run",
      len(trace) == 10 and trace[0] == 16 and max(trace[5:]) <= 6)
check("FP8 KV loses the answers of 7B and runs to the budget",
      max(simulated("accuracy_pct", table="12", dataset="GSM8k")) < 15 and
      min(simulated("mean_output_tokens", table="12", dataset="MATH500")) > 3500)
check("FP8 KV keeps the answers of 14B",
      min(simulated("accuracy_pct", table="13", dataset="GSM8k")) > 80)
split, whole = {"table": "1", "method": "PD-1P1D"}, {"table": "1", "method": "no-PD"}
check("1P1D is worse on every metric",
      all_less(simulated("pass_time_s", **whole), simulated("pass_time_s", **split)) and
      all_less(simulated("tokens_per_s", **split), simulated("tokens_per_s", **whole)) and
      all_less(simulated("ttfvt_s", **whole), simulated("ttfvt_s", **split)))


def inside(model):
    of_model = [point for point in points if point["model"] == model]
    return [float(point["low"]) - .5 <= float(point["published"]) <= float(point["high"]) + .5
            for point in of_model]


check("every point of the 14B trace lies within the band of 90 % of passes", all(inside("14B")), inside("14B"))
check("of the 7B figure nine of ten points do", sum(inside("7B")) >= .9 * len(inside("7B")), inside("7B"))


def load_means(kind, source):
    lines = [line for line in load if line["model_kind"] == kind and line["source"] == source]
    until = max(float(line["time_s"]) for line in lines) / 10 + 1  # lines of the log, idle ones left out
    use = [float(line["kv_pct"]) for line in lines]
    return sum(use) / until, 100 * sum(value >= 95 for value in use) / until


for kind in ("reasoning", "traditional"):
    for name, found, published in zip(("mean KV use", "share of time at 95 % KV and more"),
                                      load_means(kind, "simulated"), load_means(kind, "published")):
        check(f"Gamma load, {kind} model: {name} within 10 points", abs(found - published) <= 10,
              (found, published))
print(f"1..{len(results)}")
sys.exit(0 if all(results) else 1)
