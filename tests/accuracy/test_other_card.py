#!/usr/bin/env python3
"""Decode steps of an H100 forecast from its data sheet and the profiles of an H200, against the profiles that were
later measured on an H100 (profiler/profiles/h100-*). Both add the same host. usage: test_other_card.py KVCAST"""
import statistics
import sys

import one_run

QWEN, LLAMA = "DeepSeek-R1-Distill-Qwen-", "DeepSeek-R1-Distill-Llama-"
# model, weights, degree, profile of the H200 to carry over, profile of the H100
CASES = ((QWEN + "1.5B", "bf16", 1, "qwen-1.5b-bf16", "qwen-1.5b-bf16"), (QWEN + "7B", "bf16", 1, "qwen-7b-bf16", "qwen-7b-bf16"),
         (QWEN + "14B", "bf16", 1, "qwen-14b-bf16", "qwen-14b-bf16"), (QWEN + "32B", "bf16", 1, "qwen-32b-bf16", "qwen-32b-bf16"),
         (LLAMA + "8B", "bf16", 1, "llama-8b-bf16", "llama-8b-bf16"), (LLAMA + "8B", "fp8", 1, "llama-8b-fp8", "llama-8b-fp8"),
         (QWEN + "1.5B", "fp8", 1, "qwen-1.5b-fp8", "qwen-1.5b-fp8"), (QWEN + "7B", "fp8", 1, "qwen-7b-fp8", "qwen-7b-fp8"), (QWEN + "14B", "bf16", 2, "qwen-14b-bf16-tp2", "qwen-14b-bf16-tp2"),
         (QWEN + "32B", "bf16", 2, "qwen-32b-bf16", "qwen-32b-bf16-tp2"), (QWEN + "14B", "fp8", 1, "qwen-14b-fp8", "qwen-14b-fp8"),
         (LLAMA + "70B", "fp8", 2, "llama-70b-fp8", "llama-70b-fp8-tp2"), (LLAMA + "70B", "bf16", 2, "llama-70b-bf16", "llama-70b-bf16-tp2"))
EACH, MEDIAN = 0.08, 0.03


def step_ms(settings, card, profile, batch):
    results = one_run.results(sys.argv[1], settings, 200, 400, requests=batch, cost=f"profiled:{card}-r1-distill-{profile}")
    return 1000 * results["tpot_s"]["mean"] if results else float("nan")


errors, number, failed = [], 0, 0
for model, weights, degree, of_h200, of_h100 in CASES:
    settings = {"model.name": model, "model.weights": weights, "hardware.gpu": "H100-SXM", "hardware.tensor_parallel": degree}
    for batch in (1, 32, 100):
        number += 1
        forecast, measured = step_ms(settings, "h200", of_h200, batch), step_ms(settings, "h100", of_h100, batch)
        error = forecast / measured - 1
        ok = abs(error) <= EACH
        failed += not ok
        errors.append(abs(error))
        print(f"{'ok' if ok else 'not ok'} {number} - {model.split('-')[-1]} {weights}, {degree} GPU, batch {batch}: "
              f"{forecast:.2f} ms, by its own profile {measured:.2f} ({100 * error:+.1f} %)")
median = statistics.median(errors)
print(f"{'ok' if median <= MEDIAN else 'not ok'} {number + 1} - median {100 * median:.1f} %")
print(f"1..{number + 1}")
sys.exit(failed > 0 or not median <= MEDIAN)
