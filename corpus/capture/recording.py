"""One recording: a scenario's run, what it started, and what of it goes into the corpus.

A scenario is a function of a `Recording`. It draws everything that varies from `rec.rng`, works in
`rec.work`, runs programs under observation with `rec.trace` and `rec.serve`, and hands what belongs to
the recording's class to `rec.keep`.
"""

import contextlib
import os
import pty
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from . import sandbox
from .process import Task, Tree
from .traceward import Recorder


class Recording:
    """A group of the corpus while it is made."""

    def __init__(self, label: str, name: str, number: int):
        self.label = label
        self.name = name
        self.number = number
        self.rng = random.Random(f"traceward {name} {number}")
        self.work = Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))
        self.work.chmod(0o755)
        self.kept: list[Task] = []
        #: Programs read other files under other locales, so recordings differ in theirs.
        self.environment = dict(sandbox.ENVIRONMENT)
        locale = self.rng.choice(["C.UTF-8", "C.UTF-8", "C", "en_US.UTF-8", None])
        if locale:
            self.environment["LANG"] = locale
        else:
            del self.environment["LANG"]

    @property
    def group(self) -> str:
        return f"{self.name}_{self.number}"

    def keep(self, tasks: Tree | list[Task]) -> None:
        """Adds `tasks` to the corpus under this recording's class."""
        self.kept.extend(tasks)

    def close(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)

    # Things to run.

    def observe(self, argv: list[str], *, stdin: str | bytes = b"", terminal: str | None = None,
                timeout: float = 25, **options) -> Tree:
        """Runs `argv` to its end under observation; what it did, not yet kept.

        `terminal`: give it a terminal instead of pipes, and type this, line by line.
        """
        options.setdefault("cwd", self.work)
        options.setdefault("env", self.environment)
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        if terminal is not None:
            return self._observe_on_terminal(argv, terminal, timeout, options)
        recorder = Recorder(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        try:
            recorder.process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            recorder.stop()
        return recorder.tree()

    def _observe_on_terminal(self, argv: list[str], typed: str, timeout: float, options: dict) -> Tree:
        ours, theirs = pty.openpty()
        recorder = Recorder(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, **options)
        os.close(theirs)

        def swallow() -> None:
            with contextlib.suppress(OSError):
                while os.read(ours, 65536):
                    pass

        reader = threading.Thread(target=swallow, daemon=True)
        reader.start()
        for line in typed.splitlines():
            self.pause(0.05, 0.25)
            # Typed keys come one by one, as a person's do.
            for key in line + "\n":
                with contextlib.suppress(OSError):
                    os.write(ours, key.encode())
                time.sleep(self.rng.uniform(0.001, 0.01))
        try:
            recorder.process.wait(timeout)
        except subprocess.TimeoutExpired:
            recorder.stop()
        reader.join(1)
        os.close(ours)
        return recorder.tree()

    def trace(self, argv: list[str], **options) -> Tree:
        """`observe`, and keep all of it."""
        tree = self.observe(argv, **options)
        self.keep(tree)
        return tree

    def shell(self, script: str, *, shell: str = "bash", **options) -> Tree:
        """Traces a script that is run from a file, as scripts are."""
        path = self.write("job.sh", script)
        return self.trace([f"/bin/{shell}", str(path)], **options)

    @contextlib.contextmanager
    def serve(self, argv: list[str], port: int | str, **options):
        """Starts a server under observation and waits until it listens on `port` (or on a socket at that path).

        Yields a `Service`; its `tree` is there once the block is left, the server stopped.
        """
        options.setdefault("cwd", self.work)
        options.setdefault("env", self.environment)
        recorder = Recorder(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, **options)
        service = Service()
        try:
            deadline = time.monotonic() + 30
            while not listening(port):
                if recorder.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{argv[0]} does not listen on {port}")
                time.sleep(0.05)
            yield service
            time.sleep(0.3)
        finally:
            recorder.stop()
            service.tree = recorder.tree()

    # Things that a scenario needs around them.

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> Path:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def quietly(self, argv: list[str], *, timeout: float = 60, **options) -> subprocess.CompletedProcess:
        """Runs something that is not observed: a client of an observed server, a preparation."""
        options.setdefault("cwd", self.work)
        options.setdefault("start_new_session", True)
        options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
        if options["stdin"] is None:
            del options["stdin"]
        try:
            return subprocess.run(argv, capture_output=True, timeout=timeout, check=False, **options)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(argv, 124, late.stdout, late.stderr)

    def pause(self, least: float, most: float) -> None:
        time.sleep(self.rng.uniform(least, most))

    def port(self) -> int:
        """A port that nothing listens on."""
        while listening(port := self.rng.randrange(2000, 30000)):
            pass
        return port


class Service:
    """A server under observation."""

    tree: Tree

    def root(self) -> Task:
        """The process that was started: the listener."""
        return self.tree.root()

    def children(self) -> list[Task]:
        """All but the listener."""
        root = self.root()
        return [t for t in self.tree if t is not root]


def listening(port: int | str) -> bool:
    """Whether something listens on a TCP port or at a socket's path, found without connecting to it."""
    if isinstance(port, str):
        return Path(port).is_socket()
    wanted = re.compile(rf":{port:04X} [0-9A-F]+:0000 0A ")
    return any(wanted.search(Path(table).read_text()) for table in ("/proc/net/tcp", "/proc/net/tcp6"))
