#!/usr/bin/env python3
"""Reads the file of a sweep (docs/sweep.md): one setting against one figure, with the spread over
replications, as a table, and as a figure where matplotlib is installed.

usage: read_sweep.py FILE.sqlite SETTING FIGURE [PICTURE.png]
  e.g. read_sweep.py rates.sqlite workload.rate_per_s ttft_s.p99 ttft.png

With pandas the whole table is one line:
  pandas.read_sql("SELECT * FROM runs WHERE status = 'finished'", sqlite3.connect("rates.sqlite"))
"""
import sqlite3
import statistics
import sys

# %% what is asked for
if len(sys.argv) < 4:
    sys.exit(__doc__)
path, setting, figure = sys.argv[1:4]

# %% the rows; names of columns hold dots, so they stand in double quotes
database = sqlite3.connect(f"file:{path}?mode=rw", uri=True)  # only read; must be there
known = [column[1] for column in database.execute("PRAGMA table_info(runs)")]
for name in (setting, figure):
    if name not in known:
        database.close()
        sys.exit(f"{path}: no column '{name}'")
rows = database.execute(f'''SELECT "{setting}", "{figure}" FROM runs
                            WHERE status = 'finished' AND "{figure}" IS NOT NULL
                            ORDER BY 1''').fetchall()
refused = database.execute("SELECT count(*) FROM runs WHERE status = 'refused'").fetchone()[0]
database.close()

# %% one line a value of the setting
values = {}
for value, found in rows:
    values.setdefault(value, []).append(found)
print(f"{setting:>28} {'runs':>5} {'mean':>12} {'least':>12} {'most':>12}   {figure}")
for value, found in values.items():
    print(f"{value:>28} {len(found):>5} {statistics.fmean(found):>12.5g} {min(found):>12.5g} "
          f"{max(found):>12.5g}")
if refused:
    print(f"{refused} runs were refused")

# %% the figure
if len(sys.argv) > 4:
    try:
        import matplotlib.pyplot as plot
    except ImportError:
        sys.exit("matplotlib is not installed: no figure")
    plot.figure(figsize=(5, 3))
    plot.plot(list(values), [statistics.fmean(found) for found in values.values()], marker="o")
    plot.fill_between(list(values), [min(found) for found in values.values()],
                      [max(found) for found in values.values()], alpha=0.2)
    plot.xlabel(setting)
    plot.ylabel(figure)
    plot.tight_layout()
    plot.savefig(sys.argv[4])
