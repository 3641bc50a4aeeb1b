#!/usr/bin/env python3
"""Runs the command line on the cases below tests/golden/cases and compares what it prints.

A case is a folder: 'command' (shell, with $KVCAST and $ROOT, run in an empty folder that holds the
case's other files), 'expected' (output, then the exit status, then the files left behind).
usage: run_cases.py KVCAST CASES ROOT [--update] [NAME...]
"""
import os
import shutil
import subprocess
import sys
import tempfile

program, cases, root = map(os.path.abspath, sys.argv[1:4])
update = "--update" in sys.argv
wanted = [name for name in sys.argv[4:] if name != "--update"]
names = sorted(name for name in os.listdir(cases) if not wanted or name in wanted)
failed = 0
print(f"1..{len(names)}")
for number, name in enumerate(names, 1):
    folder = os.path.join(cases, name)
    with tempfile.TemporaryDirectory() as work:
        inputs = [file for file in os.listdir(folder) if file not in ("command", "expected")]
        for file in inputs:
            shutil.copy(os.path.join(folder, file), work)
        environment = dict(os.environ, KVCAST=program, ROOT=root, LC_ALL="C")
        done = subprocess.run(["bash", os.path.join(folder, "command")], cwd=work, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        left = sorted(os.path.relpath(os.path.join(at, file), work)
                      for at, _, files in os.walk(work) for file in files)
        left = [file for file in left if file not in inputs]
        found = done.stdout.decode("utf-8", "replace").replace(root, "$ROOT")
        found += f"exit {done.returncode}\n" + "".join(f"left {file}\n" for file in left)
    path = os.path.join(folder, "expected")
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(found)
    expected = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
    same = expected == found
    failed += not same
    print(f"{'ok' if same else 'not ok'} {number} - {name}")
    if not same:
        for line in ["expected:"] + expected.splitlines() + ["found:"] + found.splitlines():
            print(f"#   {line}")
sys.exit(failed != 0)
