"""The recorder: `traceward record`, by eBPF, one row a task.

`Recorder` is all that the rest knows of it, so another recorder could take its place. A recording in which
calls were lost is refused, not repaired.
"""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .process import Task, Tree

PROGRAM = Path("/run/corpus/traceward")
#: A task's calls beyond this many are not held.
MOST_CALLS = 20_000
#: What a program's loader or its C library calls first, so an execve before one of these has succeeded.
BEGINNINGS = {"brk", "arch_prctl"}
#: A name that a program has for itself, not what it shows in lists of processes (`tmux: server`).
NAME = re.compile(r"[\w.+-]+")
PR_SET_CHILD_SUBREAPER = 36


class Lost(Exception):
    """Calls or tasks are missing from a recording."""


def _adopt_orphans() -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


class Recorder:
    """A program under observation, with everything it starts."""

    def __init__(self, argv: list[str], *, user: str | None = None, **popen):
        """Starts `argv`, as `user` if given; `popen` goes to subprocess.Popen."""
        self._dir = tempfile.TemporaryDirectory(prefix="recording")
        self._argv = argv
        argv, self._wrappers = wrapped(argv, user, own_session=not popen.get("start_new_session"))
        popen["start_new_session"] = True
        observer = [str(PROGRAM), "--quiet", "record", "--with", "ebpf", "--to", "jsonl", "--out", self._file, "--window", str(MOST_CALLS), "--rotate", "1G"]
        # What daemons leave behind becomes a child of the recorder, so that it can be found.
        self.process = subprocess.Popen([*observer, "--", *argv], preexec_fn=_adopt_orphans, **popen)

    @property
    def _file(self) -> str:
        return f"{self._dir.name}/tasks.jsonl"

    def alive(self) -> list[int]:
        """Observed processes that still run, the oldest first."""
        children: dict[int, list[int]] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            children.setdefault(int(parent), []).append(int(folder.name) if state != "Z" else -int(folder.name))
        found, above = [], [self.process.pid]
        while above:
            below = children.get(above.pop(), [])
            found += [pid for pid in below if pid > 0]
            above += [abs(pid) for pid in below]
        return sorted(found)

    def stop(self, patience: float = 4.0) -> None:
        """Asks every observed process to end, then makes it; returns once all have."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + patience
            asked = set()
            while self.process.poll() is None and time.monotonic() < deadline:
                for pid in self.alive():
                    if pid not in asked or number == signal.SIGKILL:
                        asked.add(pid)
                        try:
                            os.kill(pid, number)
                        except ProcessLookupError:
                            pass
                time.sleep(0.05)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tree(self) -> Tree:
        """What was recorded; call it once, after the program has ended."""
        path = Path(self._file)
        if not path.exists():
            print(f"nothing recorded of {' '.join(self._argv)[:200]}: exit code {self.process.returncode}", file=sys.stderr)
            return Tree([])
        tree = read_tree(path, skipped=self._wrappers)
        self._dir.cleanup()
        return tree


def wrapped(argv: list[str], user: str | None, *, own_session: bool) -> tuple[list[str], int]:
    """`argv` behind the programs that make it what it should be, and how many those are."""
    wrappers = []
    if own_session:
        # Some servers end by a signal to their process group, which must not reach who started them.
        wrappers.append(["setsid"])
    if user:
        wrappers.append(["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"])
    return [word for wrapper in wrappers for word in wrapper] + argv, len(wrappers)


def read_tree(path: Path, *, skipped: int = 0) -> Tree:
    """Reads a recording. `skipped`: how many programs the first task was before it became what was asked for."""
    rows: dict[int, list[dict]] = {}
    with path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            rows.setdefault(row["task"], []).append(row)
    if any(row.get("lost") for parts in rows.values() for row in parts):
        raise Lost("calls were lost while this was recorded")
    first_rows = {}
    for number, parts in rows.items():
        parts.sort(key=lambda row: row["first"])
        first_rows[number] = parts[0]
    leaders = {row["pid"]: row for row in first_rows.values() if row["pid"] == row["tid"]}
    tasks = []
    for number, row in sorted(first_rows.items(), key=lambda item: (item[1]["start"], item[0])):
        calls = [call for part in rows[number] for call in part["calls"]][:MOST_CALLS]
        parent = first_rows.get(row.get("parent"))
        program = program_name(leaders.get(row["pid"], row))
        task = Task(tid=row["tid"], calls=calls, parent=parent and parent["tid"], is_thread=row["pid"] != row["tid"], program=program)
        begun = [i for i, (call, then) in enumerate(zip(calls, calls[1:], strict=False)) if call == "execve" and then in BEGINNINGS]
        if not tasks:
            task.parent = None
            if len(begun) > skipped:
                task.calls = calls[begun[skipped]:]
            elif skipped:
                # It never became what was asked for: there is no such program.
                return Tree([])
        if begun:
            task.executed.append(program)
        tasks.append(task)
    return Tree(tasks)


def program_name(row: dict) -> str:
    """What a process was run as: a script's own name, not its interpreter's."""
    name, file = row.get("comm") or "", os.path.basename(row.get("exe") or "")
    # The kernel keeps 15 bytes of a name.
    if not NAME.fullmatch(name) or (len(name.encode()) == 15 and file.startswith(name)):
        name = file
    return name.removesuffix(" (deleted)")
