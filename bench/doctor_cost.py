#!/usr/bin/env python3
"""What the doctor costs a training: pairs of runs, one with it and one without, in turn.

    bench/doctor_cost.py --binary target/release/traceward [--data ADFA-LD.zip] [--pairs 5] [--epochs 4] [-- FLAGS]

Prints, as a Markdown row, the medians over the pairs: the ratio of seconds an epoch, the ratio and the difference of
the whole process's processor time (which counts looking at the data before the first step and the diagnosis after the
last, once a run however long it is), and what the doctor itself says it took (`doctor_seconds` in findings.json). A
claim is a ratio: the two runs of a pair stand next to each other in time, so what else the machine does falls on both
alike; on a busy machine processor time is the one to read.
"""

import argparse
import json
import pathlib
import resource
import statistics
import subprocess
import tempfile


def train(binary, data, epochs, flags, watched, folder):
    """One run: seconds an epoch, processor seconds of the process, seconds that the doctor says it took."""
    out = pathlib.Path(folder) / ("with" if watched else "without")
    command = [binary, "train", *data, "--epochs", str(epochs), "--out", str(out), "--quiet", "--format", "json", *flags]
    if not watched:
        command.append("--no-doctor")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    own = json.loads((out / "findings.json").read_text())["doctor_seconds"] if watched else 0.0
    return said["seconds_per_epoch"], cpu, own / said["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/traceward")
    parser.add_argument("--data", help="a data set; without it the built-in corpus")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("flags", nargs="*", help="more flags of traceward train, after --")
    args = parser.parse_args()
    data = [args.data] if args.data else []
    rows = []
    for pair in range(args.pairs):
        with tempfile.TemporaryDirectory() as folder:
            # Which comes first changes from pair to pair, so that a drift of the machine favours neither.
            order = [True, False] if pair % 2 else [False, True]
            found = {w: train(args.binary, data, args.epochs, args.flags, w, folder) for w in order}
        (with_epoch, with_cpu, own), (epoch, cpu, _) = found[True], found[False]
        rows.append((with_epoch / epoch, with_cpu / cpu, with_cpu - cpu, own))
        print(f"pair {pair + 1}: epoch {epoch:.3f} s, {rows[-1][0]:.3f} times that; cpu {cpu:.2f} s, {rows[-1][1]:.3f} times; own {own:.4f}")
    epoch, cpu, more, own = (statistics.median(column) for column in zip(*rows))
    name = pathlib.Path(args.data).name if args.data else "built-in corpus"
    print(f"| {name} | {' '.join(args.flags)} | {epoch:.3f} | {cpu:.3f} | {more:+.3f} s | {100 * own:.2f} % |")


if __name__ == "__main__":
    main()
