#!/usr/bin/env python3
"""Infers the arrivals of the study's Gamma load, which it does not print, and writes the scenario
workloads/examples/study-load.json. Only the traditional model's curve is used: its cache is never full, so
requests running = arrival rate x time in the system (Little's law), window by window; that time is kvcast's own.

usage: infer_load.py KVCAST      (from the repository root)
"""
import csv
import json
import subprocess
import sys
import tempfile

CURVE = "plots/study/data/kv-and-running-14b-gamma-math500.csv"
SCENARIO = "workloads/examples/study-load.json"
LOG_S, LOGS_A_WINDOW, ROUNDS = 10, 4, 4
LEAST_RATE = 0.003


def main():
    with open(CURVE) as file:
        running = [float(row["llm_math500_running"] or 0) for row in csv.DictReader(file)]
    while running[-1] == 0:
        running.pop()
    scenario = {
        "name": "the study's Gamma load: 14B on MATH-500",
        "model": {"name": "DeepSeek-R1-Distill-Qwen-14B"},
        "hardware": {"gpu": "RTX 4090", "tensor_parallel": 2},
        "engine": {"preset": "vllm-0.8"},
        "workload": {"datasets": "math-500", "token_budget": 1024, "arrival": "windows",
                     "contrast_model": "Qwen2.5-14B"},
    }
    in_system_s = 10.0
    for _ in range(ROUNDS):
        windows = [running[i:i + LOGS_A_WINDOW] for i in range(0, len(running), LOGS_A_WINDOW)]
        rates = [max(sum(window) / len(window) / in_system_s, LEAST_RATE) for window in windows]
        seconds = LOG_S * LOGS_A_WINDOW
        scenario["workload"]["windows"] = ",".join(f"{seconds}:{rate:.3f}:1" for rate in rates)
        scenario["workload"]["requests"] = round(sum(rate * seconds for rate in rates))
        with open(SCENARIO, "w") as file:
            json.dump(scenario, file, indent=2)
            file.write("\n")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.argv[1], "run", SCENARIO, "--no-plots", "--no-requests", "--out", folder,
                            "--set", "model.name=Qwen2.5-14B", "--set", "workload.contrast_model="],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(f"{folder}/summary.json") as file:
                in_system_s = json.load(file)["results"]["e2e_s"]["mean"]
        print(f"{scenario['workload']['requests']} requests, {in_system_s:.2f} s in the system")


if __name__ == "__main__":
    main()
