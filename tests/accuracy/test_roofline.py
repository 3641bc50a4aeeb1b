#!/usr/bin/env python3
"""Decode steps of the reference study (arXiv 2510.18672; milliseconds inferred from its AIME and GPQA rows)
against a forecast from the data sheet of the GPUs that 'kvcast paper' takes them for. usage: test_roofline.py KVCAST"""
import json
import os
import subprocess
import sys
import tempfile

# model, GPU, tensor parallel, batch, least and most milliseconds a step
STEPS = (("7B", "RTX 4090", 2, 8, 14.9, 15.2), ("7B", "RTX 4090", 2, 16, 16.0, 16.8),
         ("7B", "RTX 4090", 2, 64, 20.0, 25.5), ("14B", "RTX 4090", 4, 8, 17.0, 17.4),
         ("14B", "RTX 4090", 4, 16, 22.3, 23.7))
ROOM = 0.25

failed = 0
for number, (model, gpu, degree, batch, least, most) in enumerate(STEPS, 1):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "batch.csv"), "w", encoding="utf-8") as trace:
            trace.write("arrival_s,prompt_tokens,output_tokens\n" + "0,150,6000\n" * batch)
        settings = {"model.name": f"DeepSeek-R1-Distill-Qwen-{model}", "hardware.gpu": gpu,
                    "hardware.tensor_parallel": degree, "engine.preset": "vllm-0.8",
                    "workload.trace": trace.name}
        command = [os.path.abspath(sys.argv[1]), "run", "--cost", "roofline", "--no-plots", "--no-requests",
                   "--out", folder]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
            found = 1000 * json.load(file)["results"]["tpot_s"]["mean"]
    ok = (1 - ROOM) * least <= found <= (1 + ROOM) * most
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {model}, batch {batch}, {degree} x {gpu}: "
          f"{found:.1f} ms, published {least} to {most}")
print(f"1..{len(STEPS)}")
sys.exit(failed > 0)
