#!/usr/bin/env python3
"""Turns a result of 'vllm bench serve --save-result --save-detailed' into a measured run without
steps: FOLDER/{engine.json,jobs.csv,requests.csv}. engine.json is a template to fill in.

usage: from_bench_serve.py RESULT.json FOLDER
"""
import json
import os
import sys

TEMPLATE = {
    "engine": "vllm", "engine_version": "0.24.0", "gpu": "FILL IN", "tensor_parallel": 1,
    "weights": "bf16", "kv_cache": "bf16", "model": "FILL IN", "block_tokens": 16,
    "num_blocks": 1, "max_batch_requests": 1, "max_batch_tokens": 1, "max_model_len": 1,
}


def main(result_path, folder):
    with open(result_path, encoding="utf-8") as file:
        result = json.load(file)
    missing = [key for key in ("input_lens", "output_lens", "ttfts", "itls", "start_times")
               if key not in result]
    if missing:
        sys.exit(f"{result_path}: {', '.join(missing)} missing: run with --save-detailed")
    origin = min(result["start_times"])
    requests = []
    for number, sent in enumerate(result["start_times"]):
        if result["output_lens"][number] == 0:
            continue
        first = sent + result["ttfts"][number]
        gaps = result["itls"][number]
        requests.append((sent - origin, result["input_lens"][number], result["output_lens"][number],
                         first - origin, first + sum(gaps) - origin, max(gaps, default=0)))
    requests.sort()
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "requests.csv"), "w", encoding="utf-8") as file:
        file.write("job,request_id,prompt_tokens,output_tokens,sent_s,first_token_s,last_token_s,"
                   "max_itl_s\n")
        for number, (sent, prompt, output, first, last, gap) in enumerate(requests):
            file.write(f"bench,{number},{prompt},{output},{sent:.6f},{first:.6f},{last:.6f},"
                       f"{gap:.6f}\n")
    with open(os.path.join(folder, "jobs.csv"), "w", encoding="utf-8") as file:
        file.write(f"job,start_s,end_s\nbench,0,{max(request[4] for request in requests):.6f}\n")
    path = os.path.join(folder, "engine.json")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(TEMPLATE, file, indent=1)
            file.write("\n")
    print(f"{len(requests)} requests; fill in {path}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
