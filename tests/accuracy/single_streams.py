#!/usr/bin/env python3
"""Sets latencies of single requests, published for some GPU, beside what kvcast forecasts for that GPU by
its data sheet (--cost roofline).

usage: single_streams.py KVCAST PUBLISHED.csv [ENGINE]

PUBLISHED.csv has the columns kind (single_stream_latency), model, gpu, gpus, weights (bf16, w8a8, w4),
prompt_tokens, output_tokens, value (s), note (rows noted as odd are summed up by themselves). ENGINE is a preset,
default vllm-v0.
"""
import collections
import csv
import statistics
import sys

import one_run

WEIGHTS = {"bf16": "bf16", "w8a8": "int8", "w4": "gptq-int4-g128"}


def forecast_s(kvcast, row, engine):
    """End-to-end seconds of one request alone, or None when the model does not fit."""
    settings = {"model.name": row["model"], "model.weights": WEIGHTS[row["weights"]], "hardware.gpu": row["gpu"],
                "hardware.tensor_parallel": row["gpus"], "engine.preset": engine}
    results = one_run.results(kvcast, settings, row["prompt_tokens"], row["output_tokens"])
    return results["e2e_s"]["mean"] if results else None


def main():
    kvcast, published, engine = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "vllm-v0"
    errors, odd, unfit = collections.defaultdict(list), [], 0
    with open(published, encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["kind"] != "single_stream_latency":
                continue
            found = forecast_s(kvcast, row, engine)
            if found is None:
                unfit += 1
                continue
            key = (row["gpu"], row["weights"], row["model"], row["gpus"])
            of_kind = odd if row["note"].startswith("odd") else errors[key]
            of_kind.append(found / float(row["value"]) - 1)
    for key, values in sorted(errors.items()):
        print(f"{key[2]:32s} {key[1]:5s} {key[3]} x {key[0]:12s} {100 * statistics.median(values):+6.1f} % "
              f"({100 * min(values):+.0f} to {100 * max(values):+.0f})")
    for weights in WEIGHTS:
        of_format = [abs(e) for key, values in errors.items() if key[1] == weights for e in values]
        if of_format:
            print(f"{weights}: median of the absolute errors {100 * statistics.median(of_format):.1f} % "
                  f"of {len(of_format)} latencies")
    if odd:
        print(f"noted as odd: median {100 * statistics.median(map(abs, odd)):.1f} % of {len(odd)} "
              f"({100 * min(odd):+.0f} to {100 * max(odd):+.0f})")
    print(f"{unfit} that did not run")


if __name__ == "__main__":
    main()
