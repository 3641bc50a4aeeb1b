#!/usr/bin/env python3
"""Writes the tables of STUDY.md anew from what 'kvcast paper --out DIR' left. usage: study_page.py DIR"""
import csv
import os
import re
import statistics
import sys

MEASURES = ("pass_time_s", "tokens_per_s", "ttfvt_s", "mean_output_tokens")
PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "STUDY.md")


def rows(name):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def number(cell, key):
    return float(cell[key]) if cell[key] else None


def errors(cells, measure):
    pairs = [(number(cell, measure + "_simulated"), number(cell, measure + "_published"))
             for cell in cells if not cell["suspect"]]
    return [abs(ours / theirs - 1) for ours, theirs in pairs if ours and theirs]


def listed(cells, key):
    return ", ".join(dict.fromkeys(cell[key] for cell in cells if cell[key]))


def by_source(cells):
    lines = ["| cells | with times | pass time | nine of ten | tokens/s | first visible token | "
             "output tokens |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, wanted in (("all", "01"), ("in tables that gave a constant", "1"),
                         ("in tables that gave none", "0")):
        found = [errors([cell for cell in cells if cell["gave_constant"] in wanted], measure)
                 for measure in MEASURES]
        nine_of_ten = statistics.quantiles(found[0], n=10, method="inclusive")[8]
        values = [statistics.median(found[0]), nine_of_ten] + list(map(statistics.median, found[1:]))
        shown = [f"{value:.1%}".replace("%", " %") for value in values]
        lines.append(f"| {name} | {len(found[0])} | {' | '.join(shown)} |")
    return lines


def by_table(cells):
    lines = ["| table | what | cells with times | pass time | tokens/s | first visible token | "
             "output tokens |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for table in sorted({cell["table"] for cell in cells}, key=int):
        of_table = [cell for cell in cells if cell["table"] == table]
        found = [errors(of_table, measure) for measure in MEASURES]
        shown = [f"{statistics.median(one):.1%}".replace("%", " %") if one else "-"
                 for one in found]
        what = f"{listed(of_table, 'model')} {listed(of_table, 'model_kind')}: " \
               f"{listed(of_table, 'method')}"
        lines.append(f"| {table} | {what} | {len(found[0])} | {' | '.join(shown)} |")
    return lines


def ratios(cells, which):
    """Pass times over those of the same model's baseline in batches of 16, by table and method."""
    def key(cell):
        return cell["model"], cell["model_kind"], cell["token_budget"], cell["dataset"]
    base = {key(cell): cell for cell in cells
            if cell["method"] == "baseline" and cell["batch_size"] == "16"}
    found = {}
    for cell in cells:
        plain = base.get(key(cell))
        if plain is None or cell["suspect"] or cell["method"] == "baseline":
            continue
        ours, theirs = number(cell, "pass_time_s_" + which), number(plain, "pass_time_s_" + which)
        if ours and theirs:
            drafts = f", {cell['draft_tokens']} drafts" if cell["draft_tokens"] else ""
            name = (cell["table"], f"{cell['model']} {cell['model_kind']}", cell["method"] + drafts)
            found.setdefault(name, []).append(ours / theirs)
    return {name: statistics.median(values) for name, values in found.items()}


def by_method(cells):
    published, simulated = ratios(cells, "published"), ratios(cells, "simulated")
    lines = ["| table | model | method | published | simulated |", "| --- | --- | --- | --- | --- |"]
    for name in sorted(simulated, key=lambda name: int(name[0])):
        theirs = f"{published[name]:.2f}" if name in published else "not at hand"
        lines.append(f"| {' | '.join(name)} | {theirs} | {simulated[name]:.2f} |")
    return lines


def highest_kv(points):
    lines = ["| model | dataset | published | simulated (median of passes) |",
             "| --- | --- | --- | --- |"]
    groups = {}
    for point in points:
        if point["series"] == "kv_pct":
            name = (f"{point['model']} {point['model_kind']}", point["dataset"])
            groups.setdefault(name, []).append(point)
    for name, group in groups.items():
        published, median = (max(float(point[key]) for point in group if point[key])
                             for key in ("published", "median"))
        lines.append(f"| {' | '.join(name)} | {published:.1f} % | {median:.1f} % |")
    return lines


def main():
    cells = rows("paper_tables.csv")
    tables = {"scores": by_source(cells), "tables": by_table(cells), "methods": by_method(cells),
              "kv": highest_kv(rows("paper_running.csv"))}
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for name, lines in tables.items():
        marks = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        page = re.sub(f"{marks[0]}.*?{marks[1]}",
                      lambda _: marks[0] + "\n".join(lines) + "\n" + marks[1], page, flags=re.S)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)


main()
