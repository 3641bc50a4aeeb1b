#!/usr/bin/env python3
"""Decode steps of the reference study (arXiv 2510.18672; milliseconds inferred from its AIME and GPQA rows)
against a forecast from the data sheet of the GPUs that 'kvcast paper' takes them for. usage: test_roofline.py KVCAST"""
import sys

import one_run

# model, GPU, tensor parallel, batch, least and most milliseconds a step
STEPS = (("7B", "RTX 4090", 2, 8, 14.9, 15.2), ("7B", "RTX 4090", 2, 16, 16.0, 16.8),
         ("7B", "RTX 4090", 2, 64, 20.0, 25.5), ("14B", "RTX 4090", 4, 8, 17.0, 17.4),
         ("14B", "RTX 4090", 4, 16, 22.3, 23.7))
ROOM = 0.25

failed = 0
for number, (model, gpu, degree, batch, least, most) in enumerate(STEPS, 1):
    settings = {"model.name": f"DeepSeek-R1-Distill-Qwen-{model}", "hardware.gpu": gpu,
                "hardware.tensor_parallel": degree, "engine.preset": "vllm-0.8"}
    results = one_run.results(sys.argv[1], settings, 150, 6000, requests=batch)
    found = 1000 * results["tpot_s"]["mean"] if results else float("nan")
    ok = (1 - ROOM) * least <= found <= (1 + ROOM) * most
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {model}, batch {batch}, {degree} x {gpu}: "
          f"{found:.1f} ms, published {least} to {most}")
print(f"1..{len(STEPS)}")
sys.exit(failed > 0)
