#!/usr/bin/env python3
"""A scripted day on this machine: the guard learns normal work, sees it again, then each attack simulation.

    bench/guard_day.py MODEL... [--learn 8m] [--again 4m] [--far 1%] [--between 15s] [--out FOLDER]

All models watch the whole system at the same time, each by a `traceward watch` of its own; the day is
`corpus/record.sh --day` (namespaces of its own, loopback only; see corpus/README.md). Printed, for each model:

* false alarms: of the traces that ended after learning and belong to no attack's processes, the share that alarmed,
  with the 95 % interval of such a share if the promise holds (Beta-binomial over the calibration's size), and
  the rate that was asked for;
* for each attack run: whether a process of it (or its child) alarmed, after how many seconds and calls, the
  family that was named, and the first alarm's reasons.

Needs root and what corpus/record.sh needs.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def seconds(text):
    return float(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


def moment(text):
    return datetime.fromisoformat(text).timestamp()


def rows(path):
    return [json.loads(line) for line in open(path) if line.endswith("\n")]


def interval(normals, judged, far, share=0.95):
    """Where the number of false alarms among `judged` falls, if the threshold came of `normals` others."""
    from math import exp, lgamma
    k = int(far * (normals + 1))
    a, b = max(k, 1), normals + 1 - max(k, 1)
    beta = lambda x, y: lgamma(x) + lgamma(y) - lgamma(x + y)
    choose = lambda n, m: lgamma(n + 1) - lgamma(m + 1) - lgamma(n - m + 1)
    total, low, high = 0.0, None, None
    for alarms in range(judged + 1):
        total += exp(choose(judged, alarms) + beta(alarms + a, judged - alarms + b) - beta(a, b))
        if low is None and total >= (1 - share) / 2:
            low = alarms
        if total >= 1 - (1 - share) / 2:
            return low, alarms
    return low or 0, judged


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--program", default=str(ROOT / "target/release/traceward"))
    parser.add_argument("--learn", default="8m")
    parser.add_argument("--again", default="4m")
    parser.add_argument("--between", default="15s")
    parser.add_argument("--far", default="1%")
    parser.add_argument("--lanes", default="2")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--out", type=Path, default=Path("day"))
    args = parser.parse_args()
    shutil.rmtree(args.out, ignore_errors=True)
    args.out.mkdir(parents=True)
    watchers = []
    for model in args.models:
        name = Path(model).name
        log = open(args.out / f"{name}.log", "w")
        watchers.append((name, log, subprocess.Popen(
            [args.program, "watch", model, "--calibrate", args.learn, "--far", args.far, "--fold", "0", "--alerts-a-minute", "1000000",
             "--alert", f"file:{args.out}/{name}.alerts", "--verdicts", f"{args.out}/{name}.verdicts", "--state", str(args.out / f"{name}.state"),
             "--metrics", "127.0.0.1:0"], stdout=log, stderr=log)))
    begun = time.time()
    learnt = begun + seconds(args.learn) + 5
    normal = seconds(args.learn) + seconds(args.again)
    with open(args.out / "day.jsonl", "w") as day, open(args.out / "day.log", "w") as log:
        subprocess.run([str(ROOT / "corpus/record.sh"), "--day", "--normal", f"{normal:.0f}s", "--between", args.between, "--lanes", args.lanes,
                        "--seed", args.seed], stdout=day, stderr=log, check=False)
    time.sleep(3)
    for _, _, watcher in watchers:
        watcher.send_signal(signal.SIGTERM)
    for _, log, watcher in watchers:
        watcher.wait(60)
        log.close()
    report(args, learnt, [name for name, _, _ in watchers])


def report(args, learnt, names):
    day = rows(args.out / "day.jsonl")
    ends = [row for row in day if row["event"] == "end" and row["label"] != "normal"]
    starts = {(row["scenario"], row["run"]): row["time"] for row in day if row["event"] == "start"}
    first_attack = min((starts[row["scenario"], row["run"]] for row in ends), default=time.time())
    attacks = [(row, starts[row["scenario"], row["run"]], {process["host_pid"] for process in row["processes"]},
                {process["host_pid"] for process in row["processes"] if process["carrier"]}) for row in ends]
    for name in names:
        alerts = rows(args.out / f"{name}.alerts") if (args.out / f"{name}.alerts").exists() else []
        verdicts = rows(args.out / f"{name}.verdicts")
        log = (args.out / f"{name}.log").read_text()
        normals = int(found[1]) if (found := re.search(r"Learnt from (\d+) traces", log)) else 0
        above = re.search(r"P\(attack\) above ([0-9.]+) will alarm", log)
        far = float(args.far.rstrip("%")) / (100 if args.far.endswith("%") else 1)

        def whose(alert):
            pids = [alert["process"]["pid"]] + [one["pid"] for one in alert["process"]["ancestors"]]
            for place, (row, start, all_pids, _) in enumerate(attacks):
                if start - 1 <= moment(alert["time"]) <= row["time"] + 5 and any(pid in all_pids for pid in pids):
                    return place
            return None

        alarms = [alert for alert in alerts if alert["kind"] == "alarm"]
        again = [row for row in verdicts if learnt <= moment(row["time"]) < first_attack]
        keys = {(row["task"], row["first"]) for row in again}
        false = [alert for alert in alarms if (alert["trace"]["task"], alert["trace"]["first"]) in keys]
        novel = sum(alert["verdict"] == "novel" for alert in false)
        low, high = interval(normals, len(again), far)
        print(f"\n## {name}: learnt from {normals} traces, threshold {above[1] if above else '?'}, asked for {args.far}")
        print(f"normal work again: {len(again)} traces, {len(false)} false alarms ({100 * len(false) / max(1, len(again)):.2f} %; {len(false) - novel} attacks "
              f"and {novel} novel); P(attack) was promised {low} to {high}")
        programs = {}
        for alert in false:
            programs[alert["process"]["exe"]] = programs.get(alert["process"]["exe"], 0) + 1
        print("  of:", ", ".join(f"{exe} {n}" for exe, n in sorted(programs.items(), key=lambda one: -one[1])[:8]) or "none")
        print("| attack | detected | by a carrier | seconds | calls | named | alarms |\n|---|---|---|---:|---:|---|---:|")
        shown = []
        for place, (row, start, _, carriers) in enumerate(attacks):
            own = sorted((alert for alert in alarms if whose(alert) == place), key=lambda alert: alert["time"])
            by = [alert for alert in own if alert["process"]["pid"] in carriers]
            first = by[0] if by else own[0] if own else None
            families = {}
            for alert in own:
                families[alert["family"] or alert["verdict"]] = families.get(alert["family"] or alert["verdict"], 0) + 1
            named = ", ".join(f"{family} {n}" for family, n in sorted(families.items(), key=lambda one: -one[1]))
            print(f"| {row['label']} ({row['scenario']} {row['run']}) | {'yes' if own else 'no'} | {'yes' if by else 'no'} | "
                  f"{moment(first['time']) - start:.1f} | {first['first_alarm'] or first['trace']['calls']} | {named} | {len(own)} |"
                  if first else f"| {row['label']} ({row['scenario']} {row['run']}) | no | no | | | | 0 |")
            if first:
                shown.append((row["label"], first))
        for label, alert in shown:
            print(f"* {label}: {alert['process']['exe']} (pid {alert['process']['pid']}): " + " ".join(alert["reasons"]))
        other = [alert for alert in alarms if moment(alert["time"]) >= first_attack and whose(alert) is None]
        print(f"alarms during the attacks of processes that were not seen to be theirs: {len(other)}")
        lost = re.findall(r"(\d+) calls? and .* lost", log)
        print("lost calls:", lost[-1] if lost else 0)


if __name__ == "__main__":
    main()
