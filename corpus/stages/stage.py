"""A Python stage: `stage.py PORT COMMANDS [beacon] [select]`. See README.md."""

import glob
import hashlib
import os
import pathlib
import platform
import random
import resource
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time


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


def store_slowly() -> str:
    for _ in range(4):
        with open("stored.bin", "a") as file:
            file.write("word word\n")
        time.sleep(random.uniform(0.005, 0.02))
    return "stored"


def copy() -> str:
    shutil.copyfile("notes.txt", "copy.tmp")
    os.replace("copy.tmp", "copy.bin")
    text = read("copy.bin")
    os.unlink("copy.bin")
    return text


def ports() -> str:
    found = []
    for port in (1, 7, 9, 13, 19):
        with socket.socket() as tried:
            tried.settimeout(0.2)
            found.append(str(tried.connect_ex(("127.0.0.1", port))))
    return " ".join(found)


def folder_of_files() -> str:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for name in range(5):
            pathlib.Path(folder, str(name)).write_text("word")
    return "made"


def in_thread() -> str:
    sums: list[int] = []
    thread = threading.Thread(target=lambda: sums.append(sum(range(100_000))))
    thread.start()
    thread.join()
    return str(sums)


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
    lambda: read("/proc/self/status") + read("/proc/meminfo"),
    lambda: "\n".join(os.path.join(folder, name) for folder, _, names in os.walk(".") for name in names),
    lambda: time.ctime() + str(time.tzname) + read("/proc/uptime"),
    store_slowly,
    copy,
    lambda: read("/etc/group") + read("/etc/hosts"),
    ports,
    lambda: time.sleep(random.uniform(0.03, 0.15)) or "waited",
    lambda: read("/proc/mounts") + str(shutil.disk_usage("/")),
    lambda: " ".join(str(os.access(path, os.R_OK)) for path in ("/etc/shadow", "/root", "/var/log")),
    lambda: str(dict(os.environ)) + str([resource.getrlimit(i) for i in range(8)]),
    folder_of_files,
    in_thread,
]


def reach() -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(sys.argv[1])))


def numbers(beacon: bool, waits: bool):
    """Each number in turn, with the connection that its answer goes to."""
    connection = reach()
    while True:
        if waits:
            select.select([connection], [], [])
        number = int(connection.makefile("r").readline() or 0)
        if number == 0:
            connection.close()
            return
        yield number, connection
        if beacon:
            connection.close()
            time.sleep(random.uniform(0.01, 0.3))
            connection = reach()


def main() -> None:
    commands = read(sys.argv[2]).splitlines()
    for number, connection in numbers("beacon" in sys.argv, "select" in sys.argv):
        if number >= 100:
            answer = subprocess.run(commands[number - 100].split(), capture_output=True, check=False).stdout
        else:
            answer = OWN[number]().encode()
        connection.sendall(answer.replace(b"\0", b" ") + b"\0")


if __name__ == "__main__":
    main()
