#!/usr/bin/env python3
"""What a run writes for other programs: trace events that Perfetto opens, and the metrics of a server.
usage: test_observers.py KVCAST"""
import collections
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile

program = os.path.abspath(sys.argv[1])
passed = []

RUNS = {
    "one instance": [],
    "three instances, routed": ["engine.instances=3", "workload.rate_per_s=12"],
    "preemptions": ["engine.num_blocks=2000", "workload.rate_per_s=4"],
    "prompts elsewhere": ["engine.prefill_instances=1", "engine.decode_instances=2"],
    "another engine": ["engine.preset=sglang-0.4.6"],
    "caching": ["engine.prefix_caching=true", "workload.turns=3", "workload.conversations=5"],
}


def check(name, fault=""):
    passed.append(not fault)
    print(f"{'not ok' if fault else 'ok'} {len(passed)} - {name}")
    if fault:
        print("# " + str(fault).replace("\n", "\n# "))


def run(settings, *options):
    assignments = [part for setting in settings for part in ("--set", setting)]
    done = subprocess.run([program, "run", "--set", "workload.requests=120", *assignments, "--out", "-",
                           *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    return done


def lanes_fault(slices):
    """Within a lane slices follow each other or lie within each other: else no viewer can draw them."""
    lanes = collections.defaultdict(list)
    for one in slices:
        # times are whole nanoseconds, given in microseconds
        begin, length = round(one["ts"] * 1000), round(one["dur"] * 1000)
        lanes[one["pid"], one["tid"]].append((begin, -length, one["name"]))
    for lane, entries in lanes.items():
        around = []
        for begin, length, name in sorted(entries):
            while around and around[-1] <= begin:
                around.pop()
            if around and begin - length > around[-1]:
                return f"{name} in lane {lane} overlaps the slice around it"
            around.append(begin - length)
    return ""


def phases_fault(slices):
    """The phases of a request fill it."""
    lanes = collections.defaultdict(list)
    for one in slices:
        lanes[one["pid"], one["tid"]].append(one)
    for entries in lanes.values():
        for request in (one for one in entries if one["name"].startswith("request")):
            begin, end = request["ts"], request["ts"] + request["dur"]
            inner = sum(one["dur"] for one in entries if not one["name"].startswith("request") and
                        begin - 5e-4 <= one["ts"] < end and one["ts"] + one["dur"] <= end + 5e-4)
            if abs(inner - request["dur"]) > 0.01:
                return f"{request['name']}: phases of {inner} us in {request['dur']} us"
    return ""


def events_fault(name, events, summary):
    slices = [event for event in events if event["ph"] == "X"]
    requests = [one for one in slices if one["name"].startswith("request")]
    if {event["ph"] for event in events} - {"M", "X", "C", "i"}:
        return "a phase of no known kind"
    if len({one["name"] for one in requests}) != summary["requests"]["finished"]:
        return f"{len(requests)} slices of requests for {summary['requests']['finished']} requests"
    processes = {event["pid"] for event in events if event["ph"] == "M"}
    expected = {"three instances, routed": 3, "prompts elsewhere": 3}.get(name, 1)
    if len(processes) != expected:
        return f"{len(processes)} processes, expected {expected}"
    preempted = sum(one["name"] == "preempted" for one in slices)
    if (preempted > 0) != (summary["preemptions"] > 0):
        return f"{preempted} slices 'preempted' for {summary['preemptions']} preemptions"
    counters = {event["name"] for event in events if event["ph"] == "C"}
    if counters != {"KV cache %", "running", "waiting", "batch tokens"}:
        return f"counters {counters}"
    peak = max(event["args"]["value"] for event in events
               if event["ph"] == "C" and event["name"] == "KV cache %")
    if peak > 100 * summary["kv_utilization"]["peak"] + 1e-3:
        return f"KV at {peak} %, above the peak of {summary['kv_utilization']['peak']}"
    longest = max(one["dur"] for one in requests) / 1e6
    if longest > summary["e2e_s"]["max"] * (1 + 1e-6):
        return f"a slice of {longest} s, longer than any request"
    return lanes_fault(slices) or phases_fault(slices)


def read_metrics(text):
    """By the parser of Prometheus where it is installed; by the rules of the format in any case."""
    try:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
        list(text_string_to_metric_families(text))
    except ImportError:
        pass
    lines = text.splitlines()
    if lines[-1] != "# EOF":
        raise ValueError("no # EOF")
    samples = {}
    for line in lines[:-1]:
        if not re.fullmatch(r"# (TYPE|HELP) [a-z0-9:_]+ \S.*", line):
            found = re.fullmatch(r'([a-z0-9:_]+)(\{\w+="[^"]*"(?:,\w+="[^"]*")*\}) (\S+)', line)
            if found is None or found.group(1) + found.group(2) in samples:
                raise ValueError(line)
            samples[found.group(1) + found.group(2)] = float(found.group(3))
    return samples


def metrics_fault(text, summary):
    samples = read_metrics(text)
    buckets = collections.defaultdict(list)
    values = {}
    for key, value in samples.items():
        name = key.split("{")[0]
        if name.endswith("_bucket"):
            buckets[name[:-len("_bucket")]].append(value)
        else:
            values[name] = values.get(name, 0) + value
    for name, counts in buckets.items():
        if counts != sorted(counts) or counts[-1] != values[name + "_count"]:
            return f"{name}: buckets {counts} do not rise to {values[name + '_count']}"
    tokens = summary["tokens"]
    for name, expected in {"vllm:request_success_total": summary["requests"]["finished"],
                           "vllm:prompt_tokens_total": tokens["prompt"],
                           "vllm:generation_tokens_total": tokens["output"],
                           "vllm:prefix_cache_hits_total": tokens["prompt_cached"],
                           "vllm:num_preemptions_total": summary["preemptions"],
                           "vllm:request_generation_tokens_sum": tokens["output"]}.items():
        if values[name] != expected:
            return f"{name} is {values[name]}, expected {expected}"
    for name, figure in {"vllm:time_to_first_token_seconds": "ttft_s",
                         "vllm:e2e_request_latency_seconds": "e2e_s",
                         "vllm:request_queue_time_seconds": "queueing_s",
                         "vllm:inter_token_latency_seconds": "itl_s",
                         "vllm:request_time_per_output_token_seconds": "tpot_s"}.items():
        mean = values[name + "_sum"] / values[name + "_count"]
        if abs(mean - summary[figure]["mean"]) > 1e-6 * mean + 1e-9:
            return f"{name}: mean {mean}, expected {summary[figure]['mean']}"
    return ""


def open_in_perfetto(path, requests):
    """In Perfetto's own trace processor, where it is at hand."""
    processor = os.environ.get("TRACE_PROCESSOR")
    if processor is None:
        passed.append(True)
        print(f"ok {len(passed)} - Perfetto opens it # SKIP TRACE_PROCESSOR names no trace_processor_shell")
        return
    done = subprocess.run([processor, "-Q", "select count(*) from slice where name like 'request %'", path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    check("Perfetto opens it", "" if f"\n{requests}\n" in done.stdout else done.stdout)


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    for name, settings in RUNS.items():
        plain = run(settings)
        done = run(settings, "--trace-events", "events.json.gz", "--metrics", "end.prom")
        if done.returncode != 0:
            check(name, done.stderr)
            continue
        summary = json.loads(done.stdout)["results"]
        check(f"{name}: watching changes nothing", "" if done.stdout == plain.stdout else "other results")
        with gzip.open("events.json.gz", "rt", encoding="utf-8") as stream:
            events = json.load(stream)["traceEvents"]
        check(f"{name}: trace events", events_fault(name, events, summary))
        with open("end.prom", encoding="utf-8") as stream:
            check(f"{name}: metrics", metrics_fault(stream.read(), summary))
    run([], "--trace-events", "events.json")
    open_in_perfetto("events.json", 120)
    done = run([], "--trace-events", "no/such/events.json")
    check("a folder that is not there", "" if done.returncode == 1 and
          "no/such/events.json: cannot write" in done.stderr else done.stderr)
print(f"1..{len(passed)}")
sys.exit(not all(passed))
