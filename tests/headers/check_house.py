#!/usr/bin/env python3
"""Counts what keeps a house in order, and prints it:
- a struct has at most 20 members (16 is the aim), a folder at most 18 modules (15 is the aim);
- no module includes another that includes it back, directly or through others;
- the folders where a wrong number is hardest to see assert what they rely on;
- four of five modules have a unit test file of their name.
EXCEPTIONS names what may be larger, with the reason.
usage: check_house.py ROOT"""
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1])
MAX_MEMBERS, AIM_MEMBERS = 20, 16
MAX_MODULES, AIM_MODULES = 18, 15
MIN_ASSERTS_PER_100_LINES = 1.5
ASSERTING = ("sim/serving", "sim/pricing", "sim/kv")
MIN_TESTED_SHARE = 0.8
UNTESTED = ("sim/cli", "plots/study")  # run by the golden cases and tests/accuracy/test_paper.py
# struct or folder: why it may be larger
EXCEPTIONS = {}
TOPS = ("sim", "traces", "workloads", "calibration", "plots")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    for top in TOPS:
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def without_comments(text):
    return re.sub(r"//[^\n]*", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def body_from(text, start):
    """The text between the brace at 'start' and the one that closes it."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start + 1:position]
    raise ValueError("a brace is not closed")


def members(body):
    """Declared names; those of nested anonymous structs and unions count as their own."""
    count = 0
    body = re.sub(r"\b(struct|union|enum)\s*\{", "{", body)
    flat = body.replace("{", ";").replace("}", ";")
    for declaration in flat.split(";"):
        declaration = re.sub(r"\(\s*\*\s*(\w+)\s*\)\s*\([^()]*\)", r" \1", declaration)
        declaration = re.sub(r"\([^()]*\)|\[[^\]]*\]", "", declaration)
        if re.search(r"\w[\s*]+\w", declaration):
            count += declaration.count(",") + 1
    return count


def structs():
    for path in sources():
        text = without_comments(read(path))
        for match in re.finditer(r"\bstruct\s+(\w+)\s*\{", text):
            yield path, match.group(1), members(body_from(text, match.end() - 1))


def modules():
    folders = {}
    for path in sources():
        folders.setdefault(os.path.dirname(path), set()).add(os.path.splitext(os.path.basename(path))[0])
    return folders


def assert_density(folder):
    """Asserts of a folder's .c files per 100 lines that hold code."""
    asserts = lines = 0
    for path in sources():
        if os.path.dirname(path) == folder and path.endswith(".c"):
            code = [line for line in without_comments(read(path)).splitlines() if line.strip()]
            lines += len(code)
            asserts += sum(len(re.findall(r"\bassert\(", line)) for line in code)
    return 100 * asserts / max(lines, 1)


def untested_modules():
    """Modules with code and no tests/unit/test_MODULE.c, and how many modules with code there are."""
    paths = [path for path in sources() if path.endswith(".c") and not path.startswith(UNTESTED)]
    tests = set(os.listdir(os.path.join(ROOT, "tests/unit")))
    missing = [path for path in paths if f"test_{os.path.basename(path)}" not in tests]
    return missing, len(paths)


def circles():
    """Strongly connected groups of modules (a .c and its .h are one)."""
    includes = {}
    for path in sources():
        module = os.path.splitext(path)[0]
        found = includes.setdefault(module, set())
        found.update(os.path.splitext(name)[0] for name in re.findall(r'#include "(.+)"', read(path)))
        found.discard(module)
    order, number, low, stack, groups = [0], {}, {}, [], []

    def visit(module):
        number[module] = low[module] = order[0]
        order[0] += 1
        stack.append(module)
        for other in includes.get(module, ()):
            if other not in number:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], number[other])
        if low[module] == number[module]:
            group = []
            while not group or group[-1] != module:
                group.append(stack.pop())
            if len(group) > 1:
                groups.append(sorted(group))

    sys.setrecursionlimit(10000)
    for module in sorted(includes):
        if module not in number:
            visit(module)
    return groups


def main():
    results = []
    every = sorted(structs(), key=lambda one: -one[2])
    for path, name, count in every:
        if count > AIM_MEMBERS:
            print(f"# struct {name}: {count} members ({path})")
    crowded = [f"{name} in {path} has {count} members" for path, name, count in every
               if count > MAX_MEMBERS and name not in EXCEPTIONS]
    results.append((f"no struct has more than {MAX_MEMBERS} members, of {len(every)}", crowded))
    folders = modules()
    for folder, names in sorted(folders.items(), key=lambda one: -len(one[1])):
        if len(names) > AIM_MODULES:
            print(f"# folder {folder}: {len(names)} modules")
    results.append((f"no folder has more than {MAX_MODULES} modules, of {len(folders)}",
                    [f"{folder} has {len(names)} modules" for folder, names in folders.items()
                     if len(names) > MAX_MODULES and folder not in EXCEPTIONS]))
    results.append(("no circle between modules", [" <-> ".join(group) for group in circles()]))
    densities = {folder: assert_density(folder) for folder in ASSERTING}
    results.append((f"asserts per 100 lines: {', '.join(f'{name} {value:.1f}' for name, value in densities.items())}",
                    [f"{folder} has {value:.2f}, expected {MIN_ASSERTS_PER_100_LINES}"
                     for folder, value in densities.items() if value < MIN_ASSERTS_PER_100_LINES]))
    missing, count = untested_modules()
    share = 1 - len(missing) / count
    for path in missing:
        print(f"# no unit test of its own: {path}")
    results.append((f"{count - len(missing)} of {count} modules have a unit test file",
                    [f"{100 * share:.0f} %, expected {100 * MIN_TESTED_SHARE:.0f} %"]
                    if share < MIN_TESTED_SHARE else []))
    print(f"1..{len(results)}")
    for number, (what, faults) in enumerate(results, 1):
        print(f"{'not ok' if faults else 'ok'} {number} - {what}")
        for fault in faults:
            print(f"#   {fault}")
    return any(faults for _, faults in results)


sys.exit(main())
