"""Runs scenarios inside the sandbox and writes one JSON Lines file of raw traces for each group.

Started by record.sh only. `record.py --part I N [PATTERN...]`: every Nth group from the Ith on, of those that
match; without a pattern, of those that have no file yet.
"""

import fnmatch
import json
import sys
import time
import traceback
from pathlib import Path

from capture import sandbox
from capture.recording import Recording
from scenarios import every_group

RAW = Path("raw")


def rows(rec: Recording):
    """The kept tasks of a recording as raw rows, sources numbered by program."""
    seen: dict[str, int] = {}
    for task in rec.kept:
        program = task.program or "unknown"
        seen[program] = seen.get(program, 0) + 1
        yield {
            "class": rec.label,
            "group": rec.group,
            "program": program,
            "number": seen[program],
            "thread": task.is_thread,
            "calls": task.calls,
        }


def main() -> int:
    part, parts, patterns = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
    sandbox.build()
    failed = 0
    for index, (label, name, number, scenario) in enumerate(every_group()):
        if index % parts != part - 1:
            continue
        rec_name = f"{name}_{number}"
        path = RAW / f"{rec_name}.jsonl"
        wanted = any(fnmatch.fnmatch(rec_name, p) for p in patterns) if patterns else not path.exists()
        if not wanted:
            continue
        started = time.monotonic()
        rec = Recording(label, name, number)
        try:
            scenario(rec)
        except Exception:  # One scenario that fails must not cost the others.
            failed += 1
            print(f"{rec_name}: failed", file=sys.stderr)
            traceback.print_exc()
        else:
            fresh = path.with_suffix(".new")
            with fresh.open("w") as out:
                for row in rows(rec):
                    out.write(json.dumps(row, separators=(",", ":")) + "\n")
            fresh.rename(path)
            print(f"{rec_name}: {len(rec.kept)} traces, {time.monotonic() - started:.1f} s", file=sys.stderr)
        finally:
            rec.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
