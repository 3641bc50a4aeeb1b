#!/usr/bin/env python3
"""Writes workloads/data/accuracy.json: shares of right answers by model, dataset, precision and budget.

usage: KVCAST_REFERENCE=FOLDER fit_accuracy.py [ACCURACY.json] [LENGTHS.json]

FOLDER holds paper/tables.csv (the reference study, whose scorers are strict: scale "study") and
hardware/quant-accuracy.csv (public evaluation at 32,768 tokens: scale "public"). Between and beyond
the budgets that were measured ("answers" above 0), how likely an answer of a length is right falls
with its logarithm; those points carry 0 answers. Where the study did not run a precision, the change
that public evaluation saw is put on its bf16 share, on the scale of odds."""
import csv
import json
import math
import os
import sys

from length_fits import NORMAL, cumulative, phi, simplex

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.environ.get("KVCAST_REFERENCE", "reference")
ACCURACY = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "data", "accuracy.json")
LENGTHS = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "..", "data", "lengths.json")
BUDGETS = [256, 512, 1024, 2048, 4096, 8192, 16384, 20480, 32768]
DATASETS = {"GSM8k": "gsm8k", "MATH500": "math-500", "AIME24": "aime-2024", "GPQA": "gpqa-diamond"}
MODELS = {("7B", "reasoning"): "DeepSeek-R1-Distill-Qwen-7B",
          ("14B", "reasoning"): "DeepSeek-R1-Distill-Qwen-14B",
          ("32B", "reasoning"): "DeepSeek-R1-Distill-Qwen-32B",
          ("70B", "reasoning"): "DeepSeek-R1-Distill-Llama-70B",
          ("7B", "traditional"): "Qwen2.5-Math-7B", ("14B", "traditional"): "Qwen2.5-14B",
          ("32B", "traditional"): "Qwen2.5-32B", ("70B", "traditional"): "Llama-3.3-70B-Instruct"}
METHODS = {"baseline": ("bf16", "bf16"), "no-prefix-cache": ("bf16", "bf16"),
           "SD-ngram": ("bf16", "bf16"), "GPTQ-Int4": ("gptq-int4-g128", "bf16"),
           "AWQ": ("awq-int4-g128", "bf16"), "FP8": ("fp8", "bf16"), "L4": ("bnb-nf4", "bf16"),
           "KV-FP8-E4M3": ("bf16", "fp8"), "KV-FP8-E5M2": ("bf16", "fp8-e5m2")}
PUBLIC = {("BF16", "16", "16"): ("bf16", "bf16"), ("AWQ", "4", "16"): ("awq-int4-g128", "bf16"),
          ("GPTQ", "4", "16"): ("gptq-int4-g128", "bf16"),
          ("INT4 w4a16 GPTQ", "4", "16"): ("gptq-int4-g128", "bf16"),
          ("FP8 dynamic", "8", "16"): ("fp8", "bf16"), ("INT8 w8a8", "8", "16"): ("int8", "bf16"),
          ("SmoothQuant", "8", "8"): ("int8", "int8")}
PUBLIC_DATASETS = {"GSM8K": ("gsm8k", 1319), "MATH-500": ("math-500", 500),
                   "GPQA-Diamond": ("gpqa-diamond", 198), "AIME-2024": ("aime-2024", 30)}
SLOPE, SLOPE_ERROR = 0.7, 0.7  # of the log odds, by the logarithm of the length, before any data
HINT_ERROR = 0.05
STUDY_SOURCE = "study (arXiv 2510.18672v1, CC BY 4.0), Table{} {}, pooled over batch sizes"


def read(*path):
    with open(os.path.join(REFERENCE, *path), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fit_of(length):
    log = math.log
    if length["distribution"] == "lognormals":
        return [("lognormal", share, log(median), sigma) for share, median, sigma in
                zip(length["shares"], length["medians"], length["sigmas"])]
    if length["distribution"] == "lognormal":
        return [("lognormal", 1.0, log(length["median"]), length["sigma"])]
    if length["distribution"] == "weibull":
        return [("weibull", 1.0, log(length["scale"]), 1 / length["shape"])]
    return None


def share_of(length):
    """A function of tokens: the share of lengths up to so many."""
    fit = fit_of(length)
    if fit is not None:
        return lambda tokens: cumulative(fit, tokens)
    pairs = list(zip(length["tokens"], length["probabilities"]))

    def between(tokens):
        below = [pair for pair in pairs if pair[0] <= tokens]
        above = [pair for pair in pairs if pair[0] > tokens]
        if not below or not above:
            return 0.0 if not below else 1.0
        (x0, p0), (x1, p1) = below[-1], above[0]
        return p0 + (p1 - p0) * (tokens - x0) / (x1 - x0)
    return between


def right_by(share, level, slope):
    """The share of right answers at each budget, if log odds fall with the logarithm of the length."""
    result, total, before, steps = [], 0.0, 0.0, 8
    edge = BUDGETS[0] / 2
    for budget in BUDGETS:
        for step in range(1, steps + 1):
            at = edge * (budget / edge)**(step / steps)
            ended = share(at)
            odds = level - slope * math.log(at / 2000)
            total += (ended - before) / (1 + math.exp(-odds))
            before = ended
        edge = budget
        result.append(total)
    return result


def logit(share):
    share = min(max(share, .002), .998)
    return math.log(share / (1 - share))


def entry(model, dataset, precisions, scale, points, share, source, slope=None, hint=None):
    """Measured points as they are, the others by the fitted chance. A hint is a share at 32,768 tokens
    that the fit is drawn towards."""
    def cost(p):
        right = right_by(share, p[0], p[1])
        total = 0.5 * ((p[1] - SLOPE) / SLOPE_ERROR)**2
        for budget, (pct, answers) in points.items():
            wanted = pct / 100
            error = math.sqrt((wanted * (1 - wanted) + 1 / answers) / answers)
            total += 0.5 * ((right[BUDGETS.index(budget)] - wanted) / error)**2
        if hint is not None:
            total += 0.5 * ((right[-1] - hint) / HINT_ERROR)**2
        return total

    if slope is None:
        level, slope = simplex(cost, [1.0, SLOPE], 0.5)[0]
        right = right_by(share, level, slope)
        pairs = [(points[b][0], points[b][1]) if b in points else (round(100 * r, 2), 0)
                 for b, r in zip(BUDGETS, right)]
        budgets = BUDGETS
    else:
        budgets = sorted(points)
        pairs = [points[budget] for budget in budgets]
    pct = [pair[0] for pair in pairs]
    for i in range(len(pct)):  # what is derived keeps between what was measured around it
        if pairs[i][1] == 0:
            later = [p for p, (_, answers) in zip(pct[i + 1:], pairs[i + 1:]) if answers]
            sooner = [p for p, (_, answers) in zip(pct[:i], pairs[:i]) if answers]
            pct[i] = min([pct[i]] + later)
            pct[i] = max([pct[i]] + sooner[-1:])
    return {"model": model, "dataset": dataset, "weights": precisions[0], "kv_cache": precisions[1],
            "scale": scale, "budgets": budgets, "correct_pct": pct,
            "answers": [pair[1] for pair in pairs], "source": source}


def study_points():
    """Right answers and answers, by model, dataset, precisions and budget; the tables they are from."""
    counts, tables = {}, {}
    for row in read("paper", "tables.csv"):
        key_model = MODELS.get((row["model"], row["model_kind"]))
        if (row["suspect"] or row["method"] not in METHODS or not row["accuracy_pct"] or
                not row["token_budget"] or key_model is None):
            continue
        dataset = DATASETS[row["dataset"]]
        key = (key_model, dataset, METHODS[row["method"]])
        answers = 90 if dataset == "aime-2024" else 300
        right = counts.setdefault(key, {}).setdefault(int(row["token_budget"]), [0.0, 0])
        right[0] += float(row["accuracy_pct"]) / 100 * answers
        right[1] += answers
        tables.setdefault(key, set()).add(int(row["table"]))
    points = {key: {budget: (round(100 * right / answers, 2), answers)
                    for budget, (right, answers) in sorted(budgets.items())}
              for key, budgets in counts.items()}
    curve = read("paper", "accuracy-vs-budget-14b.csv")
    for column, dataset in (("GSM8K", "gsm8k"), ("MATH500", "math-500"), ("AIME24", "aime-2024"),
                            ("GPQA", "gpqa-diamond")):
        mine = points[MODELS["14B", "reasoning"], dataset, ("bf16", "bf16")]
        for row in curve:
            budget = int(row["token_budget"])
            mine.setdefault(budget, (float(row[column]), 30 if dataset == "aime-2024" else 100))
    return {key: dict(sorted(value.items())) for key, value in points.items()}, tables


def public_points():
    """The last row of a cell stands: model cards after papers, for AIME-2024 the only ones."""
    points, sources = {}, {}
    for row in read("hardware", "quant-accuracy.csv"):
        precisions = PUBLIC.get((row["method"], row["weight_bits"], row["kv_bits"]))
        if precisions is None or row["dataset"] not in PUBLIC_DATASETS or "rerun" in row["source"]:
            continue
        dataset, problems = PUBLIC_DATASETS[row["dataset"]]
        key = (row["model"], dataset, precisions)
        is_paper = "arXiv 2504.04823" in row["source"]
        if key in points and not is_paper:
            continue
        points[key] = (float(row["accuracy"]), problems * 3, float(row["baseline"]))
        sources[key] = ("arXiv 2504.04823 (pass@1, temperature 0.6, mean of 3 runs)" if is_paper else
                        "model card of the quantized weights (vLLM, pass@1)")
    return points, sources


def problem_share():
    """How alike samples of one problem are: of a normal trait whose sign says right or wrong, the share
    of the variance that lies between problems, from how often two samples are both right."""
    shares = []
    for name, model in (("qwen25math-math100x8.csv", "Qwen2.5-Math-Instruct(size not stated)"),
                        ("llama4-gpqa.csv", "Llama-4-Scout-17B-16E-Instruct"),
                        ("llama4-gpqa.csv", "Llama-4-Maverick-17B-128E-Instruct-FP8"),
                        ("gemma4-12b-gpqa-mmlupro.csv", "gemma-4-12B-it(thinking)")):
        groups = {}
        for row in read("workloads", "lengths", name):
            if row["model"] == model and row["correct"] != "":
                groups.setdefault((row["dataset"], row["problem_id"]), []).append(int(row["correct"]))
        groups = [group for group in groups.values() if len(group) > 1]
        right = sum(map(sum, groups)) / sum(map(len, groups))
        both = (sum(sum(g) * (sum(g) - 1) for g in groups) /
                sum(len(g) * (len(g) - 1) for g in groups))
        limit = NORMAL.inv_cdf(right)
        nodes = [NORMAL.inv_cdf((i + .5) / 400) for i in range(400)]

        def chance(share):
            return sum(phi((limit + math.sqrt(share) * z) / math.sqrt(1 - share))**2
                       for z in nodes) / len(nodes)
        low, high = 0.0, 0.999
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if chance(middle) < both else (low, middle)
        shares.append(low)
        print(f"{model}: right {right:.2f}, both {both:.2f}, problem share {low:.2f}", file=sys.stderr)
    return round(sum(shares) / len(shares), 2)


def main():
    with open(LENGTHS, encoding="utf-8") as file:
        outputs = json.load(file)["outputs"]
    lengths = {(o["model"], o["dataset"], o.get("kv_cache", "")): share_of(o["length"])
               for o in outputs}
    study, tables = study_points()
    public, sources = public_points()
    entries = []
    for (model, dataset, precisions), points in study.items():
        share = lengths.get((model, dataset, precisions[1])) or lengths[model, dataset, ""]
        numbers = sorted(tables[model, dataset, precisions])
        source = STUDY_SOURCE.format("s" if len(numbers) > 1 else "", ", ".join(map(str, numbers)))
        if model == MODELS["14B", "reasoning"] and precisions == ("bf16", "bf16"):
            source += "; other budgets from its figure"
        hint = None
        if dataset == "aime-2024":  # whose answers are whole numbers, which both scorers read alike
            known = (public.get((model, dataset, precisions)) or
                     public.get((model, dataset, ("bf16", "bf16"))))
            hint = known[0] / 100 if known and precisions[1] == "bf16" else None
            source += "; beyond 8192 tokens drawn towards public evaluation" if hint else ""
        entries.append(entry(model, dataset, precisions, "study", points, share, source, hint=hint))
    for (model, dataset, precisions), (pct, answers, baseline) in public.items():
        share = lengths.get((model, dataset, ""))
        if share is None:
            continue
        entries.append(entry(model, dataset, precisions, "public", {32768: (pct, answers)}, share,
                             sources[model, dataset, precisions]))
        plain = study.get((model, dataset, ("bf16", "bf16")))
        if plain is not None and (model, dataset, precisions) not in study:
            change = logit(pct / 100) - logit(baseline / 100)
            moved = {budget: (round(100 / (1 + math.exp(-logit(p / 100) - change)), 2), 0)
                     if p > 0 else (0.0, 0) for budget, (p, _) in plain.items()}
            entries.append(entry(model, dataset, precisions, "study", moved, share,
                                 "the study's bf16 share with the change of odds seen by "
                                 + sources[model, dataset, precisions], slope=SLOPE))
    with open(ACCURACY, "w", encoding="utf-8") as file:
        about = ("Share of answers that end within a token budget and are right, in per cent, and on "
                 "how many answers that was seen; 0 answers: derived, see the source and "
                 "workloads/fitting/fit_accuracy.py, which writes this file. Scale 'study': arXiv "
                 "2510.18672v1 (CC BY 4.0), whose scorers are strict; scale 'public': pass@1 of public "
                 "evaluation at 32,768 tokens. 'problem_share': of the variance behind right or wrong, "
                 "beyond what the length says, this share lies between problems.")
        file.write('{\n "format_version": 2,\n "about": ' + json.dumps(about) + ",\n")
        file.write(f' "problem_share": {problem_share()},\n "accuracies": [\n  ')
        file.write(",\n  ".join(json.dumps(one) for one in entries) + "\n ]\n}\n")
    print(f"{len(entries)} entries, {sum(len(points) for points in study.values())} measured points on "
          "the study's scale", file=sys.stderr)


if __name__ == "__main__":
    main()
