#!/usr/bin/env python3
"""Counts the cases of a meson test run, subtests of TAP programs one by one, and closes with
"N passed, N failed"; what was skipped is named before."""
import json
import re
import sys

passed = failed = skipped = 0
for line in open(sys.argv[1], encoding="utf-8"):
    test = json.loads(line)
    cases = re.findall(r"^(not )?ok\b(.*)$", test.get("stdout", ""), re.MULTILINE)
    bad = sum(1 for broken, rest in cases if broken and "# TODO" not in rest)
    skip = sum(1 for _, rest in cases if "# SKIP" in rest.upper())
    if test["result"] == "SKIP":
        skipped += max(1, len(cases))
        print(f"skipped: {test['name']}")
    elif test["result"] in ("OK", "EXPECTEDFAIL"):
        passed += max(1, len(cases) - skip)
        skipped += skip
    else:
        failed += max(1, bad)
        passed += len(cases) - bad - skip if cases else 0
if skipped:
    print(f"{skipped} skipped")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
