#!/usr/bin/env python3
"""Runs the commands that README.md, docs/ and examples/ show, and compares what they print.

Commands stand in fenced blocks. In a 'console' block they follow "$ ", and the lines up to the next
one are what is printed, standard error too: exactly, but for a line "...", which stands for any
number of lines. Without such lines only the exit status counts: 0, or N where the command ends in
"# exit N". In a 'sh' block each line is a command. A backslash at the end of a line goes on. Blocks
of other languages are not looked at.

The commands of a document run one after the other in a folder of their own, in which everything of
the source tree can be read under its path, and 'kvcast' and './build/kvcast' are the program. What
cannot run here is said above its block, with a reason:
    <!-- not run: WHY -->                      the whole block
    <!-- not run 'PART OF A COMMAND': WHY -->  the commands of the block with that text in them

usage: run_documents.py KVCAST ROOT [DOCUMENT...]      (documents below ROOT; default: all)
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

TIME_LIMIT_S = 120


def documents(root):
    found = [os.path.join(root, "README.md")]
    for folder in ("docs", "examples"):
        found += sorted(glob.glob(os.path.join(root, folder, "**", "*.md"), recursive=True))
    return [os.path.relpath(path, root) for path in found]


def blocks(text):
    """(line number, language, reasons not to run, lines) of each fenced block."""
    reasons, start, language, lines = [], 0, "", None
    for number, line in enumerate(text.splitlines(), 1):
        if lines is not None and line.startswith("```"):
            yield start, language, reasons, lines
            reasons, lines = [], None
        elif lines is not None:
            lines.append(line)
        elif line.startswith("```"):
            start, language, lines = number, line[3:].strip(), []
        elif line.strip():
            mark = re.match(r"<!-- not run(?: '(.*)')?: .+ -->$", line.strip())
            reasons = reasons + [mark.group(1) or ""] if mark else []


def commands(language, lines):
    """(command, the lines shown below it) of a block."""
    found, goes_on = [], False
    for line in lines:
        starts = language == "sh" or line.startswith("$ ")
        if goes_on:
            found[-1][0] += "\n" + line
        elif starts and line.strip():
            found.append([line[2:] if line.startswith("$ ") else line, []])
        elif line.strip() and found:
            found[-1][1].append(line.rstrip())
        goes_on = (goes_on or starts) and line.endswith("\\")
    return found


def is_printed(shown, printed):
    """Whether 'printed' is what 'shown' says, where a line "..." is any number of lines."""
    pattern = "".join(r"(?:[^\n]*\n)*" if line == "..." else re.escape(line) + "\n"
                      for line in shown)
    return re.fullmatch(pattern, "".join(line.rstrip() + "\n" for line in printed)) is not None


def make_place(place, root, program):
    """The source tree by links, and the program where the documents say it is."""
    for name in os.listdir(root):
        if not name.startswith((".", "build", "results")):
            os.symlink(os.path.join(root, name), os.path.join(place, name))
    os.mkdir(os.path.join(place, "build"))
    os.symlink(program, os.path.join(place, "build", "kvcast"))


def run(command, place):
    environment = dict(os.environ, LC_ALL="C",
                       PATH=os.path.join(place, "build") + os.pathsep + os.environ["PATH"])
    try:
        done = subprocess.run(["bash", "-c", command], cwd=place, env=environment, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"(took more than {TIME_LIMIT_S} s)", None
    return done.stdout.decode("utf-8", "replace"), done.returncode


def check(command, shown, place):
    """What is wrong with a command and what stands below it; empty: nothing."""
    text, status = run(command, place)
    expected = re.search(r"# exit (\d+)\s*$", command)
    if status != (int(expected.group(1)) if expected else 0):
        return f"exit status {status}\n{text}"
    if shown and not is_printed(shown, [line for line in text.splitlines() if line.strip()]):
        return "shown:\n" + "\n".join(shown) + "\nprinted:\n" + text
    return ""


def main():
    program, root = map(os.path.abspath, sys.argv[1:3])
    count = failed = 0
    for document in sys.argv[3:] or documents(root):
        with open(os.path.join(root, document), encoding="utf-8") as file:
            text = file.read()
        with tempfile.TemporaryDirectory() as place:
            make_place(place, root, program)
            for number, language, reasons, lines in blocks(text):
                for command, shown in commands(language, lines) \
                        if language in ("console", "sh") else []:
                    if any(reason in command for reason in reasons):
                        continue
                    wrong = check(command, shown, place)
                    count += 1
                    failed += wrong != ""
                    print(f"{'not ok' if wrong else 'ok'} {count} - {document}:{number}: "
                          f"{command.splitlines()[0][:60]}".replace("#", "\\#"))
                    for line in wrong.splitlines():
                        print("# " + line)
    print(f"1..{count}")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
