r"""The other end of a stage: sends it numbers of its own fixed list, and reads what it answers.

Protocol: the listener sends `NUMBER\n`; the stage answers anything and ends it with `\0`. Number 0 ends the
stage. Loopback only.
"""

import contextlib
import socket
import threading
import time
from random import Random

#: A stage's own doings are 1 to this.
OWN = 13
#: From here on a number is a line of commands.txt, run as a program.
FIRST_COMMAND = 100


class Listener:
    """Serves the stages of one attack run; `plans` has each one's numbers in turn."""

    def __init__(self, rng: Random, plans: list[list[int]], pauses: tuple[float, float] = (0.0, 0.2)):
        self._rng, self._plans, self._pauses = rng, plans, pauses
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
                    connection, _ = self._socket.accept()
                    with connection:
                        self._lead(connection, plan)

    def _lead(self, connection: socket.socket, plan: list[int]) -> None:
        connection.settimeout(20)
        for number in plan:
            time.sleep(self._rng.uniform(*self._pauses))
            connection.sendall(b"%d\n" % number)
            answer = b"?"
            while answer and not answer.endswith(b"\0"):
                answer = connection.recv(65536)
        connection.sendall(b"0\n")

    def join(self) -> None:
        self._thread.join(40)
