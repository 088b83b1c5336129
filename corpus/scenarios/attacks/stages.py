"""Stages that connect back to a listener on loopback and look around: native, scripted and Java.

Carriers: the stage's process and its forks that execute nothing; of a JVM, the threads that run
the stage (they connect, at least to the name service): launching and service threads run none of it.
"""

import shutil
from pathlib import Path

from capture.listener import FIRST_COMMAND, OWN, Listener
from capture.process import Task, Tree
from capture.recording import Recording
from scenarios import inputs, simulated_attack
from scenarios.normal.java import java_flags

STAGES = Path("/run/corpus/stages")
COMMANDS = len((STAGES / "commands.txt").read_text().splitlines()) if STAGES.exists() else 0
BUILDS = {
    "poll": ["-O1", "-DWAIT_POLL"],
    "select": ["-O0", "-DRUN_POPEN"],
    "epoll": ["-O2", "-DWAIT_EPOLL", "-DRUN_SPAWN"],
    "static": ["-O2", "-static", "-DSTATIC", "-DWAIT_POLL"],
    "static select": ["-Os", "-static", "-DSTATIC", "-DRUN_SPAWN"],
}


def plan(rec: Recording) -> list[int]:
    """What one stage is told to do."""
    rng = rec.rng
    own = [rng.randint(1, OWN) for _ in range(rng.randint(4, 14))]
    commands = [FIRST_COMMAND + rng.randrange(COMMANDS) for _ in range(rng.randint(1, 4))]
    steps = own + commands
    rng.shuffle(steps)
    return steps


def carries(tree: Tree, task: Task) -> bool:
    root = tree.root()
    if root.program == "java":
        return task.is_thread and "connect" in task.calls
    return task is root or not task.executed


def run_stages(rec: Recording, how_many: int, start) -> None:
    """Runs `how_many` stages in turn; `start(port, commands)` gives a stage's argv."""
    rng = rec.rng
    rec.write("notes.txt", inputs.text(rng, rng.randint(3, 80)))
    rec.write("report.csv", inputs.table(rng, rng.randint(3, 200)))
    shutil.copy(STAGES / "commands.txt", rec.work / ".list")
    rec.work.chmod(0o777)
    plans = [plan(rec) for _ in range(how_many)]
    listener = Listener(rng, plans, (0.0, rng.choice([0.02, 0.1, 0.3])))
    for _ in plans:
        argv = start(str(listener.port), str(rec.work / ".list"))
        user = rng.choice([None, "www-data", "alice"])
        tree = rec.observe(argv, user=user, timeout=40)
        rec.keep([task for task in tree if carries(tree, task)])
    listener.join()


@simulated_attack(24)
def meterpreter(rec: Recording) -> None:
    rng = rec.rng

    def start(port: str, commands: str) -> list[str]:
        kind = rng.choice(["native", "native", "native", "python", "python", "perl", "bash"])
        if kind == "native":
            build = rng.choice(list(BUILDS))
            program = rec.work / rng.choice(["updated", "kworkerd", "agent"])
            rec.quietly(["gcc", *BUILDS[build], "-o", str(program), str(STAGES / "stage.c")])
            return [str(program), port, commands]
        ends, interpreter = {"python": ("py", "/usr/bin/python3"), "perl": ("pl", "/usr/bin/perl"), "bash": ("sh", "/bin/bash")}[kind]
        return [interpreter, str(STAGES / f"stage.{ends}"), port, commands]

    run_stages(rec, 5, start)


@simulated_attack(20)
def java_meterpreter(rec: Recording) -> None:
    rng = rec.rng
    shutil.copy(STAGES / "Stage.java", rec.work)
    rec.quietly(["javac", "Stage.java"])
    (rec.work / "Stage.java").unlink()
    rec.quietly(["jar", "cfe", "stage.jar", "Stage", "Stage.class"])

    def start(port: str, commands: str) -> list[str]:
        how = rng.choice([["-jar", "stage.jar"], ["-cp", ".", "Stage"]])
        return ["java", *java_flags(rec), *how, port, commands, *rng.choice([[], ["thread"]])]

    run_stages(rec, 4, start)
