"""The recorder of today: strace, one file a task.

`Recorder` is all that the rest knows of it, so another recorder can take its place. Arguments are
read here only to learn who started whom and which program runs; they are not kept.
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .process import Task, Tree

CALL = re.compile(r"([a-z_][a-z0-9_]*)\(")
CHILD = re.compile(r"(?:clone3?|v?fork)\(.*\)\s+= (\d+)$")
#: A task's calls beyond this many are not held.
MOST_CALLS = 20_000
EXECUTED = re.compile(r'execve\("([^"]*)".*\)\s+= 0$')


class Recorder:
    """A program under observation, with everything it starts."""

    def __init__(self, argv: list[str], *, user: str | None = None, **popen):
        """Starts `argv`, as `user` if given; `popen` goes to subprocess.Popen."""
        self._dir = tempfile.TemporaryDirectory(prefix="strace")
        observer = ["strace", "-ff", "-o", f"{self._dir.name}/t", "-s", "4", "-a", "1",
                    "-e", "signal=none", "--quiet=all"]
        if user:
            observer += ["-u", user]
        self.process = subprocess.Popen([*observer, "--", *argv], **popen)

    def alive(self) -> list[int]:
        """Observed tasks that still exist, the oldest first."""
        tids = (int(path.name.split(".")[1]) for path in Path(self._dir.name).iterdir())
        return sorted(tid for tid in tids if Path(f"/proc/{tid}").exists())

    def stop(self, patience: float = 4.0) -> None:
        """Asks every observed task to end, then makes it; returns once all have."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + patience
            asked = set()
            while self.process.poll() is None and time.monotonic() < deadline:
                for tid in self.alive():
                    if tid not in asked or number == signal.SIGKILL:
                        asked.add(tid)
                        try:
                            os.kill(tid, number)
                        except ProcessLookupError:
                            pass
                time.sleep(0.05)
        self.process.wait()

    def tree(self) -> Tree:
        """What was recorded; call it once, after the program has ended."""
        tree = read_tree(Path(self._dir.name))
        self._dir.cleanup()
        return tree


def read_tree(folder: Path) -> Tree:
    """Reads a folder of `strace -ff` files named `t.TID`."""
    tasks: dict[int, Task] = {}
    born: dict[int, tuple[int, bool, str]] = {}
    for path in folder.iterdir():
        task = Task(tid=int(path.name.split(".")[1]))
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                found = CALL.match(line)
                if not found:
                    continue
                if len(task.calls) < MOST_CALLS:
                    task.calls.append(found[1])
                line = line.rstrip()
                if child := CHILD.match(line):
                    born[int(child[1])] = (task.tid, "CLONE_THREAD" in line, task.program)
                elif executed := EXECUTED.match(line):
                    task.executed.append(executed[1])
                    task.program = os.path.basename(executed[1])
        tasks[task.tid] = task
    for tid, (parent, is_thread, program) in born.items():
        if tid in tasks:
            tasks[tid].parent, tasks[tid].is_thread = parent, is_thread
            # A child that executed nothing is still its parent, as it was when it forked.
            tasks[tid].program = tasks[tid].program or program
    ordered = [tasks[tid] for tid in sorted(tasks)]
    for task in ordered:
        if not task.program and task.parent in tasks:
            task.program = tasks[task.parent].program
    return Tree(ordered)
