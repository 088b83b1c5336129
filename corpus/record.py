"""Runs scenarios inside the sandbox and writes one JSON Lines file of raw traces for each group.

Started by record.sh only. `record.py [PATTERN...]`: the groups to record; without a pattern, those
that have no file yet.
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
    patterns = sys.argv[1:]
    sandbox.build()
    failed = 0
    for label, name, number, scenario in every_group():
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
