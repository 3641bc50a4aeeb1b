#!/usr/bin/env python3
"""Forecasts from the data sheet of a GPU against what was published: decode steps of the reference study (arXiv
2510.18672; milliseconds inferred from its AIME and GPQA rows) on the GPUs that 'kvcast paper' takes them for, and
single requests on RTX A6000. usage: test_roofline.py KVCAST"""
import statistics
import sys

import one_run
import single_streams

# model, GPU, tensor parallel, batch, least and most milliseconds a step
STEPS = (("7B", "RTX 4090", 2, 8, 14.9, 15.2), ("7B", "RTX 4090", 2, 16, 16.0, 16.8),
         ("7B", "RTX 4090", 2, 64, 20.0, 25.5), ("14B", "RTX 4090", 4, 8, 17.0, 17.4),
         ("14B", "RTX 4090", 4, 16, 22.3, 23.7))
ROOM = 0.25

# Seconds of one request alone, vLLM 0.7.2 on RTX A6000 (Red Hat's model cards of the quantized DeepSeek-R1-Distill models):
# weights, tokens of prompt and output; model, tensor parallel, seconds. V0 has no CUDA graphs beyond 8192 tokens.
ALONE = (("bf16", 256, 1024, (("Qwen-1.5B", 1, 6.4), ("Qwen-7B", 1, 22.6), ("Llama-8B", 1, 23.6), ("Qwen-14B", 1, 42.2),
                              ("Qwen-32B", 2, 49.9), ("Llama-70B", 4, 57.2))),
         ("w8a8", 256, 1024, (("Qwen-1.5B", 1, 5.3), ("Qwen-7B", 1, 14.3), ("Llama-8B", 1, 15.2), ("Qwen-14B", 1, 26.5),
                              ("Qwen-32B", 1, 54.8), ("Llama-70B", 2, 60.7))),
         ("w4", 256, 1024, (("Qwen-1.5B", 1, 4.3), ("Qwen-7B", 1, 8.6), ("Llama-8B", 1, 9.1), ("Qwen-14B", 1, 15.3),
                            ("Qwen-32B", 1, 29.7), ("Llama-70B", 2, 38.9))),
         ("bf16", 10240, 1536, (("Qwen-1.5B", 1, 18.3), ("Qwen-7B", 1, 38.5), ("Llama-8B", 1, 41.1), ("Qwen-14B", 1, 71.7))),
         ("w8a8", 10240, 1536, (("Qwen-1.5B", 1, 21.3), ("Qwen-7B", 1, 25.3), ("Llama-8B", 1, 28.6), ("Qwen-14B", 1, 48.3))),
         ("w4", 10240, 1536, (("Qwen-1.5B", 1, 21.1), ("Qwen-7B", 1, 22.7), ("Llama-8B", 1, 22.7), ("Qwen-14B", 1, 36.6))))
ROOM_ALONE = 0.20  # for each of them
MEDIAN_ALONE = 0.075  # for a row's median


def study_steps():
    """Yields whether each of the study's steps is forecast within ROOM, and what to print."""
    for model, gpu, degree, batch, least, most in STEPS:
        settings = {"model.name": f"DeepSeek-R1-Distill-Qwen-{model}", "hardware.gpu": gpu,
                    "hardware.tensor_parallel": degree, "engine.preset": "vllm-0.8"}
        results = one_run.results(sys.argv[1], settings, 150, 6000, requests=batch)
        found = 1000 * results["tpot_s"]["mean"] if results else float("nan")
        yield ((1 - ROOM) * least <= found <= (1 + ROOM) * most,
               f"{model}, batch {batch}, {degree} x {gpu}: {found:.1f} ms, published {least} to {most}")


def requests_alone():
    """The same of each weight format's single requests, by the engine's scheduler (V0)."""
    for weights, prompt, output, cases in ALONE:
        errors = []
        for model, degree, published_s in cases:
            row = {"model": f"DeepSeek-R1-Distill-{model}", "weights": weights, "gpu": "RTX A6000", "gpus": degree,
                   "prompt_tokens": prompt, "output_tokens": output}
            found_s = single_streams.forecast_s(sys.argv[1], row, "vllm-v0")
            errors.append(found_s / published_s - 1 if found_s else float("nan"))
        median = statistics.median(abs(error) for error in errors)
        found = ", ".join(f"{case[0]} {100 * error:+.1f} %" for case, error in zip(cases, errors))
        yield (median <= MEDIAN_ALONE and all(abs(error) <= ROOM_ALONE for error in errors),
               f"{weights}, {prompt} + {output} tokens alone on RTX A6000: {found}")


failed, number = 0, 0
for number, (ok, text) in enumerate([*study_steps(), *requests_alone()], 1):
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {text}")
print(f"1..{number}")
sys.exit(failed > 0)
