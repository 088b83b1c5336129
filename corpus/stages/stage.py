"""A Python stage: `stage.py PORT COMMANDS`. See README.md."""

import glob
import hashlib
import os
import platform
import socket
import subprocess
import sys


def processes() -> str:
    lines = []
    for folder in sorted(glob.glob("/proc/[0-9]*")):
        try:
            with open(f"{folder}/status") as status:
                lines.append(status.readline().strip() + " " + folder[6:])
            with open(f"{folder}/cmdline", "rb") as command:
                lines.append(repr(command.read()))
        except OSError:
            pass
    return "\n".join(lines)


def read(path: str) -> str:
    with open(path, errors="replace") as file:
        return file.read()


def listing() -> str:
    return "\n".join(f"{e.name} {e.stat().st_size} {e.stat().st_mode:o}" for e in os.scandir("."))


def store() -> str:
    with open("stored.bin", "wb") as file:
        for _ in range(20):
            file.write(b"word " * 100)
    os.chmod("stored.bin", 0o600)
    return "stored"


OWN = [
    None,
    lambda: " ".join(platform.uname()),
    lambda: f"{os.getuid()} {os.geteuid()} {os.getgid()} {os.getgroups()}",
    listing,
    lambda: read("notes.txt"),
    lambda: read("report.csv"),
    processes,
    lambda: os.getcwd() + " " + str(os.getpid()) + " " + str(os.getppid()),
    lambda: read("/etc/passwd"),
    lambda: read("/proc/net/tcp") + read("/proc/net/route"),
    lambda: "\n".join(name for _, name in socket.if_nameindex()) + socket.gethostname(),
    store,
    lambda: hashlib.sha256(read("notes.txt").encode()).hexdigest(),
    lambda: os.unlink("stored.bin") or "gone" if os.path.exists("stored.bin") else "none",
]


def main() -> None:
    port, commands = int(sys.argv[1]), read(sys.argv[2]).splitlines()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        lines = connection.makefile("r")
        while (number := int(lines.readline() or 0)) != 0:
            if number >= 100:
                words = commands[number - 100].split()
                answer = subprocess.run(words, capture_output=True, check=False).stdout
            else:
                answer = OWN[number]().encode()
            connection.sendall(answer.replace(b"\0", b" ") + b"\0")


if __name__ == "__main__":
    main()
