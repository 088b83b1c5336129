r"""The other end of a stage: sends it numbers of its own fixed list, and reads what it answers.

Protocol: the listener sends `NUMBER\n`; the stage answers anything and ends it with `\0`. Number 0 ends the
stage. A beacon gets one number a connection, and connects again for the next. Loopback only.
"""

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from random import Random

#: A stage's own doings are 1 to this.
OWN = 26
#: From here on a number is a line of commands.txt, run as a program.
FIRST_COMMAND = 100


@dataclass
class Plan:
    """What one stage is told to do."""

    numbers: list[int]
    #: Whether it connects anew for each number.
    beacon: bool = False
    #: How long the listener waits before each number, in seconds, at least and at most.
    pauses: tuple[float, float] = (0.0, 0.2)


class Listener:
    """Serves the stages of one attack run, each by its plan, in turn."""

    def __init__(self, rng: Random, plans: list[Plan]):
        self._rng, self._plans = rng, plans
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(30)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._socket:
            for plan in self._plans:
                # A stage that fails must not cost the next one its listener.
                with contextlib.suppress(OSError):
                    pending = [*plan.numbers, 0]
                    while pending:
                        connection, _ = self._socket.accept()
                        with connection:
                            self._lead(connection, plan, pending)

    def _lead(self, connection: socket.socket, plan: Plan, pending: list[int]) -> None:
        """Sends what is pending, or a beacon's next number, and takes it off."""
        connection.settimeout(20)
        while pending:
            number = pending.pop(0)
            time.sleep(self._rng.uniform(*plan.pauses))
            connection.sendall(b"%d\n" % number)
            if number == 0:
                return
            answer = b"?"
            while answer and not answer.endswith(b"\0"):
                answer = connection.recv(65536)
            if plan.beacon:
                return
            if not answer:
                pending.clear()

    def join(self) -> None:
        self._thread.join(40)
