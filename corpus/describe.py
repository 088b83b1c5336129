"""Prints the tables of the data card: `describe.py build/corpus.jsonl`."""

import json
import statistics
import sys
from collections import Counter, defaultdict

from assemble import CLASSES


def main() -> None:
    rows = [json.loads(line) for line in open(sys.argv[1])]
    lengths, groups, distinct = defaultdict(list), defaultdict(set), defaultdict(set)
    for row in rows:
        label = row["class"]
        lengths[label].append(len(row["calls"]))
        groups[label].add(row["group"])
        distinct[label].add(tuple(row["calls"]))
    print("| class | traces | groups | distinct traces | calls | shortest | median | longest |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")

    def line(name: str, long: list[int], group_count: int, distinct_count: int) -> None:
        print(f"| {name} | {len(long)} | {group_count} | {distinct_count} | {sum(long):,} | {min(long)} "
              f"| {statistics.median(long):.0f} | {max(long):,} |")

    for label in CLASSES:
        line(label, lengths[label], len(groups[label]), len(distinct[label]))
    everything = {tuple(row["calls"]) for row in rows}
    line("**all**", [len(row["calls"]) for row in rows], sum(map(len, groups.values())), len(everything))
    print(f"\nDistinct calls: {len({c for row in rows for c in row['calls']})}. "
          f"Copies: {100 * (1 - len(everything) / len(rows)):.1f} % of traces equal an earlier one. "
          f"Normal: {100 * len(lengths['normal']) / len(rows):.1f} %.")
    recorded = defaultdict(Counter)
    for row in rows:
        group = row["group"].rpartition("_")[0]
        program = row["source"].split("/")[1].rpartition(".")[0]
        recorded[group if row["class"] == "normal" else f"**{group}**"][program] += 1
    print("\n| recorded | traces | of these programs |\n|---|---:|---|")
    for name, programs in recorded.items():
        shown = ", ".join(f"{p} {n}" for p, n in programs.most_common(12))
        more = len(programs) - 12
        print(f"| {name} | {sum(programs.values())} | {shown}{f', {more} more' if more > 0 else ''} |")


if __name__ == "__main__":
    main()
