"""What the scripts that write pages of findings share: 'kvcast compare' as rows, changes as cells, tables between a
page's marks."""
import csv
import math
import os
import re
import subprocess
import sys


def run(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, text=True)
    if done.returncode != 0:
        sys.exit(f"kvcast {' '.join(arguments)}:\n{done.stderr}")


def compare(job, scenario, variants):
    """The differences of each variant from the scenario, which the words of 'scenario' name, by figure: rows of
    'kvcast compare --csv'."""
    path = os.path.join(job.out, f"compare-{abs(hash((tuple(scenario), tuple(variants))))}.csv")
    words = [word for variant in variants for word in ("--with", variant)]
    run(job.program, "compare", *scenario, *words, "--replications", str(job.seeds), "--all", "--csv", path)
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    os.remove(path)
    return [{row["figure"]: row for row in rows if row["scenario"] == str(number)}
            for number in range(1, len(variants) + 1)]


def change(row):
    """Difference and interval in per cent of the first."""
    first = float(row["first"])
    return [100 * float(row[key]) / first if first else math.nan for key in ("difference", "low", "high")]


def cell(values):
    """A change with half of its interval, bold where that leaves zero out."""
    middle, low, high = values
    if any(math.isnan(value) for value in values):
        return "-"
    mark = "" if low <= 0 <= high else "**"
    return f"{mark}{middle:+.1f}{mark} ± {(high - low) / 2:.1f}"


def replace(page, mark, lines):
    """Puts the lines between the page's marks."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    if not re.search(pattern, text, re.S):
        sys.exit(f"{page}: it has no mark '{mark}'")
    text = re.sub(pattern, lambda _: begin + "\n".join(lines) + "\n" + end, text, flags=re.S)
    with open(page, "w", encoding="utf-8") as file:
        file.write(text)
