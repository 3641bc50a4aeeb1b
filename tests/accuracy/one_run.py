"""One run of kvcast, by data sheet (--cost roofline) unless told, on requests that all come at once."""
import json
import os
import subprocess
import tempfile


def results(kvcast, settings, prompt_tokens, output_tokens, requests=1, cost="roofline"):
    """'results' of summary.json, or None where the run fails (the model does not fit, say)."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace.csv")
        with open(trace, "w", encoding="utf-8") as file:
            file.write("arrival_s,prompt_tokens,output_tokens\n" + f"0,{prompt_tokens},{output_tokens}\n" * requests)
        command = [os.path.abspath(kvcast), "run", "--cost", cost, "--no-plots", "--no-requests",
                   "--out", folder, "--set", f"workload.trace={trace}"]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return None
        with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
            return json.load(file)["results"]
