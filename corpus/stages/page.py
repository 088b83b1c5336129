#!/usr/bin/python3
"""A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md."""

import os
import pathlib
import subprocess
from urllib.parse import parse_qs

query = parse_qs(os.environ.get("QUERY_STRING", ""))
here = pathlib.Path(__file__).parent
commands = here.joinpath("commands.txt").read_text().splitlines()
command = commands[int(query.get("n", ["0"])[0]) % len(commands)]
print("Content-Type: text/plain\r\n\r")
match query.get("way", ["run"])[0]:
    case "shell":
        print(subprocess.run(command, shell=True, capture_output=True, text=True, check=False).stdout)
    case "popen":
        with os.popen(command) as out:
            print(out.read())
    case "own":
        print(os.uname(), os.getuid(), os.getcwd(), *(f"{e.name} {e.stat().st_size}" for e in os.scandir(".")))
        print(pathlib.Path("/etc/passwd").read_text())
    case "read":
        print(*(path.read_text(errors="replace")[:2000] for path in sorted(here.glob("*.csv"))))
    case "walk":
        print(*(os.path.join(folder, name) for folder, _, names in os.walk(here.parent) for name in names))
    case "store":
        stored = pathlib.Path("/tmp/stored.bin")
        stored.write_bytes(b"word " * 500)
        stored.chmod(0o600)
        stored.unlink()
    case _:
        print(subprocess.run(command.split(), capture_output=True, text=True, check=False).stdout)
