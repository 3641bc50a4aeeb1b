#!/usr/bin/env python3
"""Times torch.matmul (addmm where there is a bias) on the products of a bf16 profile, in the same way
(weights of each layer their own, one CUDA graph), and prints what share of its rate the profile's cuBLASLt products reach.

usage: compare_torch.py PROFILE.json      (on the GPU that was profiled; needs torch)
"""
import json
import statistics
import sys

import torch


def shapes_of(model):
    hidden, heads = model["hidden_size"], model["num_attention_heads"] * model["head_dim"]
    keys = 2 * model["num_key_value_heads"] * model["head_dim"]
    return {"qkv": (heads + keys, hidden), "o": (hidden, heads),
            "gate_up": (2 * model["intermediate_size"], hidden), "down": (hidden, model["intermediate_size"])}


def torch_ms(n, k, tokens, layers, has_bias):
    """Median time of one product after another, as many as there are layers."""
    bias = torch.randn(n, dtype=torch.bfloat16, device="cuda") if has_bias else None

    def multiply(weight):
        if has_bias:
            torch.addmm(bias, x, weight.T, out=y)
        else:
            torch.matmul(x, weight.T, out=y)

    weights = [torch.randn(n, k, dtype=torch.bfloat16, device="cuda") for _ in range(layers)]
    x = torch.randn(tokens, k, dtype=torch.bfloat16, device="cuda")
    y = torch.empty(tokens, n, dtype=torch.bfloat16, device="cuda")
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        multiply(weights[0])
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for weight in weights:
            multiply(weight)
    times = []
    for i in range(15):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda._sleep(200000)  # so that the launch is queued before the interval begins
        begin.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        if i >= 3:
            times.append(begin.elapsed_time(end))
    return statistics.median(times)


def main():
    with open(sys.argv[1]) as file:
        profile = json.load(file)
    if profile["weights"] != "bf16":
        sys.exit("compare_torch.py: needs a profile of bf16 weights")
    layers, shapes = profile["distinct_layers"], shapes_of(profile["model"])
    shares = []
    print(f"{profile['model']['name']} on {profile['gpu']['name']}, torch {torch.__version__}")
    print("operation  tokens   ours us  torch us  share of torch's rate")
    for operation, tokens, _, ours_ms, *_ in profile["operations"]:
        if operation not in shapes:
            continue
        has_bias = operation == "qkv" and profile["model"]["attention_bias"]
        theirs_ms = torch_ms(*shapes[operation], tokens, layers, has_bias)
        ours_us = 1000 * ours_ms / profile["model"]["num_hidden_layers"]
        theirs_us = 1000 * theirs_ms / layers
        shares.append(theirs_us / ours_us)
        print(f"{operation:9s} {tokens:7d} {ours_us:9.1f} {theirs_us:9.1f} {100 * shares[-1]:8.0f} %")
    print(f"median {100 * statistics.median(shares):.0f} %, least {100 * min(shares):.0f} %")


if __name__ == "__main__":
    main()
