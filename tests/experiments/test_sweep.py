#!/usr/bin/env python3
"""Sweeps that are killed, split, merged, and meet bad files.
usage: test_sweep.py KVCAST [KILLS]"""
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

program = os.path.abspath(sys.argv[1])
kills = int(sys.argv[2]) if len(sys.argv) > 2 else 8
base = ["--set", "workload.requests=150", "--vary", "workload.rate_per_s=1..6:6",
        "--vary", "engine.instances=1,2", "--vary", "hardware.gpu=H200-SXM,L40S,NO-SUCH-GPU",
        "--replications", "2"]
ROWS = 6 * 2 * 3 * 2
passed = []


def sweep(*arguments, **options):
    return subprocess.run([program, "sweep", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True, errors="replace", **options)


def rows(path):
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT * FROM runs ORDER BY point, replication").fetchall()
    database.close()
    return found


def check(name, condition, said=""):
    passed.append(bool(condition))
    print(f"{'ok' if condition else 'not ok'} {len(passed)} - {name}")
    if not condition:
        print("# " + str(said).replace("\n", "\n# "))


def is_whole(path):
    with sqlite3.connect(path) as database:
        verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
    database.close()
    return verdict == "ok"


def kill_at_random_moments(path, expected):
    """Each time more rows, never a broken file, never a row lost; the seed is fixed, moments are not."""
    chance = random.Random(7)
    seen = set()
    for _ in range(kills):
        process = subprocess.Popen([program, "sweep", *base, "--out", path],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if not os.path.exists(path) or os.path.getsize(path) == 0:
            continue
        if not is_whole(path):
            return "the file is broken"
        try:
            now = {row[:2] for row in rows(path)}
        except sqlite3.OperationalError:  # killed before there were tables
            now = set()
        if not seen <= now:
            return f"rows lost: {seen - now}"
        seen = now
    done = sweep(*base, "--out", path)
    if f"{ROWS - len(seen)} ran now, {len(seen)} were there" not in done.stdout:
        return f"repeated rows, or ran too few: {len(seen)} rows were there; " + done.stdout
    return "" if rows(path) == expected else "other rows than in one go"


def under_mpirun(processes, *arguments):
    """None where mpirun is not there, or the program was built without MPI. Root is allowed, as CI is
    root; leaks are those of Open MPI itself."""
    if shutil.which("mpirun") is None:
        return None
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                       ASAN_OPTIONS="detect_leaks=0")
    done = subprocess.run(["mpirun", "--oversubscribe", "-n", str(processes), program, "sweep", *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True,
                          errors="replace", env=environment)
    return None if "but built without MPI" in done.stdout else done


def check_team(whole):
    done = under_mpirun(2, *base, "--out", "team.sqlite")
    if done is None:
        passed.append(True)
        print(f"ok {len(passed)} - mpirun gives the same rows # SKIP no mpirun, or built without MPI")
        return
    check("two processes under mpirun give the same rows", done.returncode == 0 and
          rows("team.sqlite") == whole and done.stdout.count(" ran now") == 1, done.stdout)
    done = under_mpirun(4, *base, "--out", "team4.sqlite", "--shard", "1/2")
    sweep(*base, "--out", "team4.sqlite", "--shard", "2/2")
    check("four processes for a shard, one for the other: the same rows", rows("team4.sqlite") == whole,
          done.stdout)
    done = under_mpirun(3, *base[:2], "--vary", "workload.rate_per_s=1,2", "--out", "team.sqlite")
    check("another sweep's file is refused under mpirun too", done.returncode != 0 and
          done.stdout.count("team.sqlite: holds another sweep: ") == 1 and rows("team.sqlite") == whole,
          done.stdout)
    done = under_mpirun(2, *base, "--jobs", "2", "--out", "team.sqlite")
    check("--jobs is refused under mpirun", done.returncode != 0 and
          done.stdout.count("--jobs: not under mpirun") == 1, done.stdout)


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    done = sweep(*base, "--out", "whole.sqlite", "--csv", "whole.csv")
    whole = rows("whole.sqlite")
    check("a sweep has a row for each run", len(whole) == ROWS, done.stdout)
    check("what cannot be is a row that says why",
          sum(row[2] == "refused" and "NO-SUCH-GPU" in row[3] for row in whole) == ROWS // 3)
    check("the CSV file holds the same rows",
          len(open("whole.csv", encoding="utf-8").read().splitlines()) == ROWS + 1)
    done = sweep(*base, "--out", "whole.sqlite")
    check("a finished sweep repeats nothing", f"0 ran now, {ROWS} were there" in done.stdout,
          done.stdout)
    check("nothing is left beside the file", sorted(os.listdir(".")) == ["whole.csv", "whole.sqlite"],
          os.listdir("."))

    fault = kill_at_random_moments("killed.sqlite", whole)
    check(f"killed {kills} times", fault == "", fault)

    sweep(*base, "--jobs", "1", "--out", "one.sqlite")
    check("one job gives the same rows", rows("one.sqlite") == whole)
    for shard in (1, 2, 3):
        sweep(*base, "--shard", f"{shard}/3", "--out", f"part{shard}.sqlite")
    done = sweep("--merge", "--out", "merged.sqlite", *[f"part{i}.sqlite" for i in (1, 2, 3)])
    check("three shards merged give the same rows", rows("merged.sqlite") == whole, done.stdout)
    check_team(whole)
    done = sweep("--merge", "--out", "merged.sqlite", "part1.sqlite")
    check("merging again changes nothing", rows("merged.sqlite") == whole, done.stdout)

    sample = ["--set", "workload.requests=20", "--vary", "workload.rate_per_s=1..8:2",
              "--vary", "engine.max_batch_requests=1..512:2:log", "--sample", "latin:16"]
    sweep(*sample, "--out", "latin.sqlite")
    sweep(*sample, "--shard", "2/2", "--out", "latin2.sqlite")
    latin = rows("latin.sqlite")
    check("a sample does not depend on shards", set(rows("latin2.sqlite")) <= set(latin))
    with sqlite3.connect("latin.sqlite") as database:
        rates = database.execute('SELECT "workload.rate_per_s" FROM runs').fetchall()
    database.close()
    strata = {int((rate - 1) / 7 * 16) for rate, in rates}
    check("a Latin hypercube has one point in each stratum", len(strata) == 16, rates)

    done = sweep(*base[:2], "--vary", "workload.rate_per_s=1,2", "--out", "whole.sqlite")
    check("another sweep's file is refused", done.returncode == 1 and
          "whole.sqlite: holds another sweep: " in done.stdout and rows("whole.sqlite") == whole,
          done.stdout)
    open("text.sqlite", "w", encoding="utf-8").write("no database, but long enough to be read\n" * 99)
    done = sweep(*base, "--out", "text.sqlite")
    check("a file that is no database is refused and left alone", done.returncode == 1 and
          "is damaged or no SQLite database" in done.stdout and
          open("text.sqlite", encoding="utf-8").read().startswith("no database"), done.stdout)
    with sqlite3.connect("other.sqlite") as database:
        database.execute("CREATE TABLE runs (x)")
    database.close()
    done = sweep(*base, "--out", "other.sqlite")
    check("another program's database is refused", done.returncode == 1 and
          "not of a kvcast sweep" in done.stdout, done.stdout)
    with sqlite3.connect("killed.sqlite") as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    done = sweep(*base, "--out", "killed.sqlite")
    check("another format version is refused", done.returncode == 1 and
          "has format version 7, expected 1" in done.stdout, done.stdout)
    with sqlite3.connect("one.sqlite") as database:
        database.execute("ALTER TABLE runs ADD COLUMN more")
    database.close()
    done = sweep(*base, "--out", "one.sqlite")
    check("other columns are refused", done.returncode == 1 and "other columns" in done.stdout,
          done.stdout)
    locker = sqlite3.connect("part1.sqlite", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    done = sweep(*base, "--shard", "1/3", "--out", "part1.sqlite")
    check("a locked file is an error after a while", done.returncode == 1 and
          "another program keeps the database locked" in done.stdout, done.stdout)
    locker.close()
    done = sweep(*base, "--out", "no/such/folder.sqlite")
    check("a missing folder is refused", done.returncode == 1 and
          "cannot be opened" in done.stdout, done.stdout)
    damaged = bytearray(open("merged.sqlite", "rb").read())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    open("damaged.sqlite", "wb").write(damaged)
    done = sweep(*base, "--out", "damaged.sqlite")
    check("a damaged file is refused", done.returncode == 1 and "is damaged" in done.stdout,
          done.stdout)

    def at_most_64_kib():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))

    done = sweep(*base, "--out", "full.sqlite", preexec_fn=at_most_64_kib)
    earlier = rows("full.sqlite")
    check("no room for more: a clear error, and the rows before it are intact",
          done.returncode == 1 and "finished rows are kept" in done.stdout and
          is_whole("full.sqlite") and set(earlier) <= set(whole) and 0 < len(earlier) < ROWS,
          (len(earlier), done.stdout))
    done = sweep(*base, "--out", "full.sqlite")
    check("with room again it goes on", rows("full.sqlite") == whole, done.stdout)

print(f"1..{len(passed)}")
sys.exit(not all(passed))
