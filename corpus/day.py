"""Plays a day inside the sandbox, recording nothing: normal work, then attacks, each noted with its time.

For judging a watcher (`traceward watch`) that runs outside, on the whole host, or in here. It runs where
recordings are made, and does what they do, under run numbers that the corpus does not have:

    corpus/record.sh --day --normal 10m --between 30s > day.jsonl

Every start and end of a scenario is a JSON line: `time` (seconds since 1970), `utc`, `event`, `label`, `scenario`,
`run`; at the end also `processes`: those that were seen below the scenario's programs, each with its `pid` in here,
`host_pid` outside, `program`, and whether it is a `carrier` (what the corpus would keep under the label). Processes
are looked for every 20 ms, so the shortest are missed; which threads of a process carry is not told. Where no carrier
was seen as such, the programs that the scenario started are called so.
"""

import argparse
import contextlib
import datetime
import fnmatch
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path

from capture import recording, sandbox
from capture.process import Task, Tree
from capture.recording import Recording
from capture.traceward import wrapped
from scenarios import every_group

FAMILIES = ["adduser", "hydra_ftp", "hydra_ssh", "java_meterpreter", "meterpreter", "web_shell"]
#: Recordings have lower numbers.
FIRST_RUN = 1001
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
#: The machine's own /proc, where record.sh put it.
OUTSIDE = Path("/run/corpus/outside")
LOOK = 0.02


def span(text: str) -> float:
    found = re.fullmatch(r"([\d.]+)([smh]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 15m or 1h")
    return float(found[1]) * UNITS[found[2]]


class Outside:
    """Which numbers our processes have outside of this namespace."""

    def __init__(self):
        self._known: dict[int, int] = {}
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        with contextlib.suppress(OSError):
            self._ours = os.stat("/proc/self/ns/pid").st_ino

    def look(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            names = {name for name in os.listdir(OUTSIDE) if name.isdigit()}
            for name in names - self._seen:
                with contextlib.suppress(OSError, IndexError):
                    if os.stat(OUTSIDE / name / "ns/pid").st_ino == self._ours:
                        numbers = re.search(r"^NSpid:(.*)$", (OUTSIDE / name / "status").read_text(), re.MULTILINE)[1].split()
                        self._known[int(numbers[-1])] = int(name)
            self._seen = names

    def number(self, pid: int) -> int | None:
        return self._known.get(pid)


outside = Outside()


class Played:
    """In place of the recorder: runs a program as it is, and notes the processes below it."""

    #: Every process seen, by who started to play it: the thread.
    seen: dict[int, dict[int, Task]] = {}

    def __init__(self, argv: list[str], *, user: str | None = None, **popen):
        argv, _ = wrapped(argv, user, own_session=False)
        popen["start_new_session"] = True
        self._tasks: dict[int, Task] = {}
        self._over = False
        self.process = subprocess.Popen(argv, **popen)
        self._tasks[self.process.pid] = Task(self.process.pid)
        self._mine = Played.seen.setdefault(threading.get_ident(), {})
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._over:
            self._look()
            time.sleep(LOOK)

    def _look(self) -> None:
        for pid in list(self._tasks):
            task = self._tasks[pid]
            with contextlib.suppress(OSError):
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                if name != task.program:
                    if task.program or task.parent is None:
                        task.executed.append(name)
                    task.program = name
                for thread in os.listdir(f"/proc/{pid}/task"):
                    for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                        self._tasks.setdefault(int(child), Task(int(child), parent=pid, program=task.program))
        outside.look()
        self._mine.update(self._tasks)

    def alive(self) -> list[int]:
        """Processes seen that still run, the oldest first."""
        found = []
        for pid in list(self._tasks):
            with contextlib.suppress(OSError, IndexError):
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found.append(pid)
        return found

    def stop(self, patience: float = 4.0) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + patience
            asked: set[int] = set()
            while (running := self.alive()) and time.monotonic() < deadline:
                for pid in set(running) - asked:
                    asked.add(pid)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                self.process.poll()
                time.sleep(0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)

    def tree(self) -> Tree:
        # What a program left in the background is part of what it did.
        deadline = time.monotonic() + 20
        while self.alive() and time.monotonic() < deadline:
            time.sleep(LOOK)
        self.stop()
        self._over = True
        self._watcher.join(1)
        self._mine.update(self._tasks)
        return Tree(list(self._tasks.values()))


class Day:
    def __init__(self, seed: str):
        self.rng = random.Random(f"day {seed}")
        self.runs: dict[str, int] = {}
        self._lock = threading.Lock()
        known = {name: (label, scenario) for label, name, _, scenario in every_group()}
        self.scenarios = known

    def note(self, **line) -> None:
        now = time.time()
        utc = datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(timespec="milliseconds")
        with self._lock:
            print(json.dumps({"time": round(now, 3), "utc": utc, **line}), flush=True)

    def play(self, name: str) -> None:
        label, scenario = self.scenarios[name]
        with self._lock:
            run = self.runs[name] = self.runs.get(name, FIRST_RUN + self.rng.randrange(1000)) + 1
        seen = Played.seen[threading.get_ident()] = {}
        what = {"label": label, "scenario": name, "run": run}
        self.note(event="start", **what)
        rec = Recording(label, name, run)
        error = None
        try:
            scenario(rec)
        except Exception as failed:  # A scenario that fails must not end the day.
            error = repr(failed)
            traceback.print_exc()
        finally:
            rec.close()
        carriers = {task.tid for task in rec.kept} or {pid for pid, task in seen.items() if task.parent is None}
        processes = [{"pid": pid, "host_pid": outside.number(pid), "program": task.program, "carrier": pid in carriers} for pid, task in sorted(seen.items())]
        self.note(event="end", **what, processes=processes, **({"error": error} if error else {}))

    def work(self, names: list[str], until, lanes: int) -> list[threading.Thread]:
        """Starts `lanes` threads that play normal scenarios until `until()`, and returns them."""
        rngs = [random.Random(self.rng.random()) for _ in range(lanes)]

        def lane(rng: random.Random) -> None:
            while not until():
                self.play(rng.choice(names))

        threads = [threading.Thread(target=lane, args=(rng,)) for rng in rngs]
        for thread in threads:
            thread.start()
        return threads

    def work_for(self, names: list[str], seconds: float, lanes: int) -> None:
        deadline = time.monotonic() + seconds
        for thread in self.work(names, lambda: time.monotonic() >= deadline, lanes):
            thread.join()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="record.sh --day", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--normal", type=span, default=300, metavar="TIME", help="normal work first, for this long [default: 5m]")
    parser.add_argument("--between", type=span, default=20, metavar="TIME", help="normal work before each attack but the first, and after the last [default: 20s]")
    parser.add_argument("--attacks", default="all", metavar="LIST", help=f"which, in this order, separated by commas; all, or none [default: all: {','.join(FAMILIES)}]")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="play the list of attacks N times [default: 1]")
    parser.add_argument("--scenarios", default="*", metavar="LIST", help="normal scenarios to draw from, as shell patterns separated by commas; !PATTERN leaves out [default: *,!cron]")
    parser.add_argument("--lanes", type=int, default=1, metavar="N", help="normal scenarios at the same time [default: 1]")
    parser.add_argument("--busy", action="store_true", help="normal work goes on while attacks run")
    parser.add_argument("--seed", default="1", help="what the day's choices are drawn from [default: 1]")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    return parser.parse_args()


def main() -> int:
    args = arguments()
    day = Day(args.seed)
    normal = sorted(name for name, (label, _) in day.scenarios.items() if label == "normal")
    if args.list:
        print("normal:", *normal, "\nattacks:", *FAMILIES, file=sys.stderr)
        return 0
    wanted = [pattern for pattern in args.scenarios.split(",") if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in args.scenarios.split(",") if pattern.startswith("!")] or ["cron"]
    names = [name for name in normal if any(fnmatch.fnmatch(name, p) for p in wanted) and not any(fnmatch.fnmatch(name, p) for p in unwanted)]
    attacks = {"all": FAMILIES, "none": []}.get(args.attacks) or [name for name in args.attacks.split(",") if name and name != "none"]
    if unknown := [name for name in attacks if name not in FAMILIES]:
        raise SystemExit(f"no such attack: {', '.join(unknown)}; there are {', '.join(FAMILIES)}")
    if not names:
        raise SystemExit(f"no normal scenario matches {args.scenarios}; --list names them")
    sandbox.build()
    recording.Recorder = Played
    day.note(event="day", normal=args.normal, between=args.between, attacks=attacks * args.repeat, scenarios=names, lanes=args.lanes, busy=args.busy, seed=args.seed)
    day.work_for(names, args.normal, args.lanes)
    over = threading.Event()
    background = day.work(names, over.is_set, args.lanes) if args.busy else []
    for attack in attacks * args.repeat:
        day.play(attack)
        if args.busy:
            time.sleep(args.between)
        else:
            day.work_for(names, args.between, args.lanes)
    over.set()
    for thread in background:
        thread.join()
    day.note(event="over")
    return 0


if __name__ == "__main__":
    sys.exit(main())
