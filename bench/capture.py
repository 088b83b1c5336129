#!/usr/bin/env python3
"""What capturing by eBPF costs: pairs of runs, untraced and captured, one right after the other.

    bench/capture.py [--pairs N] [--what dd,find,two,forks,stall] [--count PROGRAM]

The ratios are of CPU time, user and system: of the captured program, and of program and reader together (the
reader counts calls; scoring is measured elsewhere). Loading the programs is not in them. Needs root, or CAP_BPF
and CAP_PERFMON on the example program `count`, which this builds.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import time

DD = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000000"]
FIND = ["find", "/usr", "-xdev", "-size", "+1"]
TWO = ["sh", "-c", " ".join(DD) + " & " + " ".join(DD) + "; wait"]
FORKS = ["sh", "-c", "i=0; while [ $i -lt 600 ]; do /bin/true; i=$((i+1)); done"]
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def untraced(command):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - begin


def captured(count, command, *options):
    out = subprocess.run([count, *options, "--", *command], capture_output=True, check=False)
    if out.returncode == 2:
        raise SystemExit(out.stderr.decode())
    return json.loads(out.stdout.splitlines()[-1])


def spread(values):
    return f"{min(values):.2f} {statistics.median(values):.2f}"


def pairs(name, command, n, count, *options):
    untraced(command)
    traced, everything, wall, rates, lost, told = [], [], [], [], 0, 0
    for _ in range(n):
        cpu, seconds = untraced(command)
        report = captured(count, command, *options)
        traced.append(report["command_cpu_seconds"] / cpu)
        everything.append((report["command_cpu_seconds"] + report["reader_cpu_seconds"]) / cpu)
        wall.append(report["seconds"] / seconds)
        rates.append(report["calls_a_second"])
        told += report["told"]
        lost += sum(report["lost"].values())
    print(f"{name:<28} {told // n:>9} {spread(traced):>11} {spread(everything):>11} {spread(wall):>11} "
          f"{statistics.median(rates) / 1e6:>8.2f} {max(rates) / 1e6:>6.2f} {lost:>6}", flush=True)


def stall(ring, count):
    report = captured(count, [*DD[:-1], "count=5000000"], "--ring", str(ring), "--stall", "400")
    lost = report["lost"]["ring_full"]
    exact = report["told"] + lost == report["seen"]
    print(f"stalled 400 ms, ring {ring >> 10:>6} KiB: {report['seen']} calls, {lost} lost "
          f"({100 * lost / report['seen']:.1f} %), told + lost == seen: {exact}, in time again after "
          f"{report['recovered_ms']} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--what", default="dd,find,two,forks,stall")
    parser.add_argument("--count", help="the example program, if it is built already")
    args = parser.parse_args()
    count = args.count
    if not count:
        subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "-p", "traceward-capture",
                        "--example", "count"], cwd=ROOT, check=True)
        count = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")),
                             "release/examples/count")
    what = args.what.split(",")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; min and median of {args.pairs} pairs; "
          "M calls/s: median and most")
    print(f"{'':<28} {'calls':>9} {'program':>11} {'and reader':>11} {'wall':>11} {'M/s':>8} {'':>6} {'lost':>6}")
    if "dd" in what:
        pairs("dd bs=1, its tree", DD, args.pairs, count)
        pairs("dd bs=1, whole system", DD, args.pairs, count, "--system")
        # Somebody else's tree: what bystanders pay.
        with subprocess.Popen(["sleep", "1000"]) as other:
            pairs("dd bs=1, a bystander", DD, args.pairs, count, "--pid", str(other.pid))
            other.kill()
    if "find" in what:
        pairs("find /usr, its tree", FIND, args.pairs, count)
    if "forks" in what:
        pairs("600 forks, their tree", FORKS, args.pairs, count)
    if "two" in what:
        pairs("two dd at once, their tree", TWO, args.pairs, count)
    if "stall" in what:
        for ring in (1 << 16, 1 << 20, 16 << 20):
            stall(ring, count)


if __name__ == "__main__":
    main()
