#!/usr/bin/env python3
"""Plans name what brute force over the same candidates names, and are not fooled by a response that
rises again. usage: test_plan.py KVCAST"""
import re
import subprocess
import sys

program = sys.argv[1]
passed = []


def plan(*arguments):
    return subprocess.run([program, "plan", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True)


def best(done):
    line = re.search(r"^best +(.*)$", done.stdout, re.M)
    return line.group(1) if line else done.stdout


def tried(done):
    return int(re.search(r"; (\d+) tried in", done.stdout).group(1))


def check(name, condition, said=""):
    passed.append(bool(condition))
    print(f"{'ok' if condition else 'not ok'} {len(passed)} - {name}")
    if not condition:
        print("# " + str(said).replace("\n", "\n# "))


load = ["--set", "workload.requests=150", "--set", "workload.datasets=gsm8k",
        "--set", "workload.token_budget=1024", "--set", "workload.rate_per_s=40"]
grid = ["--over", "hardware.gpu=H200-SXM,L40S", "--over", "model.weights=bf16,fp8",
        "--over", "engine.instances=1..6", "--slo", "ttft_s.p99<0.5", "--slo", "tpot_s.p95<0.02"]
for minimize in ("usd", "gpus"):
    quick = plan(*load, *grid, "--minimize", minimize)
    brute = plan(*load, *grid, "--minimize", minimize, "--every-pair")
    check(f"fewest {minimize}: the same as brute force", quick.returncode == 0 and
          best(quick) == best(brute), quick.stdout + brute.stdout)
    check(f"fewest {minimize}: in fewer tries", tried(quick) < tried(brute),
          quick.stdout + brute.stdout)
again = plan(*load, *grid)
check("the same command prints the same", again.stdout == plan(*load, *grid).stdout)

# More instances find less in their prefix caches, fewer have larger batches: three alone do both.
island = ["--set", "workload.requests=300", "--set", "engine.prefix_caching=true",
          "--set", "engine.usage=engine",
          "--set", "workload.turns=4", "--set", "workload.conversations=6",
          "--set", "workload.rate_per_s=20", "--set", "workload.token_budget=512",
          "--set", "workload.datasets=gsm8k"]
goals = ["--slo", "tokens.prompt_cached>33000", "--slo", "tpot_s.p99<0.0058"]
done = plan(*island, *goals, "--over", "engine.instances=1..8")
brute = plan(*island, *goals, "--over", "engine.instances=1..8", "--every-pair")
check("a response that is not monotone does not fool the search", done.returncode == 0 and
      best(done) == best(brute) and " 3 instances" in best(done), done.stdout + brute.stdout)
check("and the plan says so", "not monotone in instances: all were tried" in done.stdout,
      done.stdout)

done = plan(*load, "--over", "engine.instances=1..4", "--slo", "tpot_s.p95<0.001")
check("a goal that is out of reach says by how much", done.returncode == 1 and
      re.search(r"misses tpot_s.p95<0.001 by \d+ %: 0\.00\d+ at best, on \d instances",
                done.stdout), done.stdout)
check("and which configuration comes closest", re.search(
    r"^closest +as the scenario says: misses tpot_s.p95<0.001 by \d+ %: 0\.00\d+ at best, on 4 ",
    done.stdout, re.M), done.stdout)
done = plan(*load, *grid, "--slo", "price.usd_per_hour<3")
check("a budget leaves out what costs more", done.returncode == 0 and
      re.search(r"gpu=H200-SXM model.weights=bf16 +beyond the budget: 1 instances", done.stdout) and
      "hardware.gpu=L40S model.weights=fp8, 2 instances" in best(done), done.stdout)
done = plan(*load, "--set", "model.name=DeepSeek-R1-Distill-Qwen-32B",
            "--over", "hardware.gpu=H200-SXM,L40S", "--over", "engine.instances=4",
            "--slo", "ttft_s.p99<100")
check("what cannot run says why", done.returncode == 0 and
      re.search(r"hardware.gpu=L40S +cannot run: .*32B", done.stdout), done.stdout)
done = plan(*load, "--slo", "ttft_s.p99<0.5", "--over", "engine.instances=1..8", "--what-if")
check("what if", done.returncode == 0 and "traffic doubles" in done.stdout and
      "answers grow by half" in done.stdout and "headroom      up to" in done.stdout, done.stdout)
done = plan("--slo", "ttft_s.p99<2", "--set", "workload.rate_per_s=6", "--set", "engine.usage=engine",
            "--set", "workload.datasets=math-500", "--what-if")
instances = [int(n) for n in re.findall(r"^  (?:as the scenario says|traffic doubles) +(\d+) ",
                                        done.stdout, re.M)]
check("runs are long enough to see twice the traffic need about twice as much",
      len(instances) == 2 and 1.5 <= instances[1] / instances[0] <= 2.5 and
      "the load is still rising" not in done.stdout, done.stdout)
print(f"1..{len(passed)}")
sys.exit(not all(passed))
