"""Stages that connect back to a listener on loopback and look around: native, scripted and Java.

Carriers: the stage's process and its forks that execute nothing; of a JVM, the threads that run
the stage (they connect, at least to the name service): launching and service threads run none of it.
"""

import shutil
from pathlib import Path

from capture.listener import FIRST_COMMAND, OWN, Listener, Plan
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
    "forks": ["-O2", "-DFORKS", "-DWAIT_EPOLL"],
    "static forks": ["-O2", "-static", "-DSTATIC", "-DFORKS"],
    "thread": ["-O2", "-DTHREAD", "-pthread", "-DWAIT_POLL"],
    "daemon": ["-O1", "-DDAEMON", "-DRUN_SPAWN"],
    "daemon thread": ["-O2", "-DDAEMON", "-DTHREAD", "-pthread", "-DWAIT_EPOLL"],
}
SCRIPTS = {"python": ("py", ["/usr/bin/python3"]), "perl": ("pl", ["/usr/bin/perl"]), "bash": ("sh", ["/bin/bash"]), "ruby": ("rb", ["/usr/bin/ruby"]),
           "node": ("js", ["/usr/bin/node"]), "php": ("php", ["/usr/bin/php"]), "tcl": ("tcl", ["/usr/bin/tclsh"]), "gawk": ("awk", ["/usr/bin/gawk", "-f"])}


def plan(rec: Recording) -> Plan:
    """What one stage is told to do: at once, in its own time, or a connection at a time."""
    rng = rec.rng
    own = [rng.randint(1, OWN) for _ in range(rng.randint(4, 14))]
    commands = [FIRST_COMMAND + rng.randrange(COMMANDS) for _ in range(rng.randint(0, 4))]
    steps = own + commands
    rng.shuffle(steps)
    beacon = rng.random() < 0.25
    if beacon:
        steps = steps[:10]
    return Plan(steps, beacon, (0.0, rng.choice([0.02, 0.1, 0.3, 0.6])))


def carries(tree: Tree, task: Task) -> bool:
    root = tree.root()
    if root.program == "java":
        return task.is_thread and "connect" in task.calls
    return task.program == root.program and (task is root or not task.executed)


def run_stages(rec: Recording, how_many: int, start) -> None:
    """Runs `how_many` stages in turn; `start(port, commands)` gives a stage's argv."""
    rng = rec.rng
    rec.write("notes.txt", inputs.text(rng, rng.randint(3, 80)))
    rec.write("report.csv", inputs.table(rng, rng.randint(3, 200)))
    shutil.copy(STAGES / "commands.txt", rec.work / ".list")
    rec.work.chmod(0o777)
    plans = [plan(rec) for _ in range(how_many)]
    listener = Listener(rng, plans)
    for each in plans:
        argv = start(str(listener.port), str(rec.work / ".list"), ["beacon"] if each.beacon else [])
        user = rng.choice([None, "www-data", "alice"])
        tree = rec.observe(argv, user=user, timeout=40)
        rec.keep([task for task in tree if carries(tree, task)])
    listener.join()


def native_or_script(rec: Recording, port: str, commands: str, how: list[str]) -> list[str]:
    """A stage that is a program, or is run by an interpreter."""
    rng = rec.rng
    kind = rng.choice(["native"] * 6 + ["python"] * 2 + ["perl", "bash", "ruby", "node", "php", "tcl"] + ([] if how else ["gawk"]))
    if kind == "native":
        program = rec.work / rng.choice(["updated", "kworkerd", "agent", "helper", "syncd"])
        rec.quietly(["gcc", *BUILDS[rng.choice(list(BUILDS))], "-o", str(program), str(STAGES / "stage.c")])
        return [str(program), port, commands, *how]
    ends, interpreter = SCRIPTS[kind]
    waits = ["select"] if kind == "python" and rng.random() < 0.4 else []
    return [*interpreter, str(STAGES / f"stage.{ends}"), port, commands, *how, *waits]


@simulated_attack(48)
def meterpreter(rec: Recording) -> None:
    run_stages(rec, 5, lambda port, commands, how: native_or_script(rec, port, commands, how))


@simulated_attack(40)
def java_meterpreter(rec: Recording) -> None:
    rng = rec.rng
    shutil.copy(STAGES / "Stage.java", rec.work)
    rec.quietly(["javac", "Stage.java"])
    (rec.work / "Stage.java").unlink()
    rec.quietly(["sh", "-c", f"jar --create --file=stage.jar --main-class=Stage {rng.choice(['', '--no-compress'])} Stage*.class"])

    def start(port: str, commands: str, how: list[str]) -> list[str]:
        ways = rng.choice([["-jar", "stage.jar"], ["-cp", ".", "Stage"], ["-cp", "stage.jar", "Stage"]])
        return ["java", *java_flags(rec), *ways, port, commands, *rng.choice([[], ["thread"], ["pool"]]), *rng.choice([[], [], ["channel"]]), *how]

    run_stages(rec, 4, start)
