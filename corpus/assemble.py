"""Makes the corpus from raw recordings: filters, removes copies, thins out, orders.

`assemble.py RAW_FOLDER OUT.jsonl`; the same raw files always give the same corpus. What is left out
and why is printed, and told in README.md.
"""

import hashlib
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

CLASSES = ["normal", "adduser", "hydra_ftp", "hydra_ssh", "java_meterpreter", "meterpreter", "web_shell"]
#: A process with fewer calls has hardly been loaded before it ended.
LEAST_CALLS = 20
#: Threads with fewer are a runtime's own (garbage collection, compilation, timers).
LEAST_THREAD_CALLS = 35
#: Longer traces keep their beginning.
MOST_CALLS = 4000
#: Exact copies of a trace that stay, in all.
COPIES = 2
#: Traces of one program that stay in a group.
PER_PROGRAM_IN_GROUP = {"normal": 5, "attack": 12}
#: Normal traces of one program that stay in all, and of the programs that attacks have, too.
PER_PROGRAM = 12
PER_SHARED_PROGRAM = 100
SHARED = {"adduser", "apache2", "bash", "chage", "chpasswd", "dash", "dropbear", "ftpd", "gawk", "gpasswd", "groupadd", "gunicorn", "java", "ksh93", "lua5.4", "newusers",
          "node", "passwd", "perl", "php", "php-cgi", "php-fpm8.2", "proftpd", "pure-ftpd", "python3", "ruby", "sh", "sshd", "tclsh", "useradd", "usermod", "vsftpd", "zsh"}


def identity(row: dict) -> str:
    return hashlib.sha256(" ".join(row["calls"]).encode()).hexdigest()


def group_order(group: str) -> tuple[str, int]:
    name, _, number = group.rpartition("_")
    return name, int(number)


def source(row: dict) -> str:
    return f"{row['group']}/{row['program']}.{row['number']}"


def load(raw: Path) -> list[dict]:
    rows = [json.loads(line) for path in sorted(raw.glob("*.jsonl")) for line in path.open()]
    for row in rows:
        row["calls"] = row["calls"][:MOST_CALLS]
    # Row order: class, then group, then program, then the order within the recording.
    rows.sort(key=lambda r: (CLASSES.index(r["class"]), group_order(r["group"]), r["program"], r["number"]))
    return rows


def select(rows: list[dict]) -> tuple[list[dict], Counter]:
    """The rows that stay, in order, and how many left for which reason."""
    gone: Counter = Counter()

    def keep(reason: str, rows: list[dict], wanted) -> list[dict]:
        kept = [row for row in rows if wanted(row)]
        gone[reason] += len(rows) - len(kept)
        return kept

    rows = keep("too short", rows,
                lambda r: len(r["calls"]) >= (LEAST_THREAD_CALLS if r["thread"] else LEAST_CALLS))

    # The same calls under several labels tell nothing of an attack: only normal ones stay.
    labels = defaultdict(set)
    for row in rows:
        row["id"] = identity(row)
        labels[row["id"]].add(row["class"])
    rows = keep("equal to a trace of another class", rows,
                lambda r: r["class"] == "normal" or len(labels[r["id"]]) == 1)

    copies: Counter = Counter()

    def few_copies(row: dict) -> bool:
        copies[row["id"]] += 1
        return copies[row["id"]] <= COPIES

    rows = keep("copies beyond the second", rows, few_copies)

    in_group: Counter = Counter()

    def few_in_group(row: dict) -> bool:
        key = (row["class"], row["group"], row["program"])
        in_group[key] += 1
        return in_group[key] <= PER_PROGRAM_IN_GROUP["normal" if row["class"] == "normal" else "attack"]

    rows = keep("more than enough of one program in a group", rows, few_in_group)

    # Thin normal programs out evenly over their groups: by a hash, so no group is favoured.
    ranked = defaultdict(list)
    for row in rows:
        if row["class"] == "normal":
            ranked[row["program"]].append(source(row))
    stay = set()
    for program, candidates in ranked.items():
        candidates.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
        stay.update(candidates[:PER_SHARED_PROGRAM if program in SHARED else PER_PROGRAM])
    rows = keep("more than enough of one program", rows, lambda r: r["class"] != "normal" or source(r) in stay)
    return rows, gone


def main() -> int:
    raw, out = Path(sys.argv[1]), Path(sys.argv[2])
    rows, gone = select(load(raw))
    with out.open("w") as file:
        for row in rows:
            file.write(json.dumps({"calls": row["calls"], "class": row["class"], "group": row["group"],
                                   "abi": "x86_64", "source": source(row)}, separators=(",", ":")) + "\n")
    print(f"{len(rows)} traces in {out}", file=sys.stderr)
    for reason, count in gone.items():
        print(f"  left out: {count} {reason}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
