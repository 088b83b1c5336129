"""Administrators and installers that add, change and remove accounts for good reasons.

Nobody here gets root's number or a way to root, and the scripts are of other makes than those that attacks drop:
lists of people, tools with checks and logs, service accounts as packages make them, people who leave.
"""

import contextlib
import json
import shutil
from pathlib import Path

from capture.recording import Recording
from scenarios import inputs, normal_work

FILES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")


@contextlib.contextmanager
def restored(rec: Recording):
    """Puts the sandbox's account files back afterwards."""
    saved = rec.work / "etc"
    saved.mkdir(exist_ok=True)
    for name in FILES:
        shutil.copy2(f"/etc/{name}", saved)
    try:
        yield
    finally:
        for name in FILES:
            shutil.copy2(saved / name, f"/etc/{name}")
        for extra in Path("/etc/sudoers.d").glob("*"):
            if extra.name != "README":
                extra.unlink()


LIST = """set -eu
while IFS=, read -r name full group; do
    getent group "$group" > /dev/null || groupadd "$group"
    if ! getent passwd "$name" > /dev/null; then
        useradd -m -c "$full" -g "$group" -s /bin/bash "$name"
        echo "$name:$(head -c 9 /dev/urandom | base64)" | chpasswd
        chage -d 0 -M 90 -W 7 "$name"
        install -d -o "$name" -g "$group" -m 750 "/home/$name/projects"
        echo "$(date +%F) $name" >> added.log
    fi
done < people.csv
"""
TOOL = """import grp, json, logging, pathlib, pwd, secrets, subprocess
logging.basicConfig(filename="provision.log", level=logging.INFO)
def known(name):
    try: return pwd.getpwnam(name)
    except KeyError: return None
for person in json.loads(pathlib.Path("people.json").read_text()):
    if known(person["name"]):
        logging.info("%s is there", person["name"])
        continue
    if person["group"] not in {g.gr_name for g in grp.getgrall()}:
        subprocess.run(["groupadd", person["group"]], check=True)
    subprocess.run(["useradd", "--create-home", "--comment", person["full"], "--gid", person["group"], person["name"]], check=True)
    subprocess.run(["chpasswd"], input=f"{person['name']}:{secrets.token_urlsafe(9)}\\n", text=True, check=True)
    subprocess.run(["chage", "--lastday", "0", person["name"]], check=True)
    home = pathlib.Path(known(person["name"]).pw_dir)
    (home / "README").write_text("welcome\\n")
    logging.info("added %s", person["name"])
"""
PERL = """use strict; use warnings;
open my $list, '<', 'people.csv' or die;
while (<$list>) {
    chomp; my ($name, $full, $group) = split /,/;
    next if getpwnam $name;
    system 'groupadd', '-f', $group;
    system('useradd', '-m', '-c', $full, '-g', $group, $name) == 0 or warn "no $name";
    printf "%s %d\\n", $name, scalar getpwnam $name;
}
"""
PACKAGE = """#!/bin/sh
set -e
case "$1" in
configure)
    adduser --system --group --quiet --home /var/lib/{name} --no-create-home {name} || true
    install -d -o {name} -g {name} -m 750 /var/lib/{name}
    [ -f /etc/default/{name} ] || echo "OPTIONS=" > /etc/default/{name}
    ;;
esac
exit 0
"""
SERVICE = """#!/bin/sh
if ! getent group {name} > /dev/null; then groupadd --system {name}; fi
if ! getent passwd {name} > /dev/null; then
    useradd --system --gid {name} --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --comment "{name} daemon" {name}
fi
usermod -a -G adm {name}
"""
LEAVING = """for name in $(cut -d, -f1 people.csv); do
    id "$name" > /dev/null 2>&1 || continue
    usermod -L -e 1 -s /usr/sbin/nologin "$name"
    tar -czf "$name.tgz" -C /home "$name" 2>/dev/null
    {remove} "$name"
done
pwck -r > /dev/null || true
"""


def people(rec: Recording) -> list[tuple[str, str, str]]:
    rng = rec.rng
    groups = rng.sample(["staff2", "research", "sales", "interns", "devel", "press"], 2)
    names = rng.sample(inputs.WORDS, rng.randint(2, 5))
    return [(f"{name[:6]}{rng.randint(1, 99)}", f"{name.title()} {rng.choice(inputs.WORDS).title()}", rng.choice(groups)) for name in names]


@normal_work(36)
def onboarding(rec: Recording) -> None:
    """Accounts made, changed and removed by scripts, tools, packages and by hand."""
    rng = rec.rng
    staff = people(rec)
    rec.write("people.csv", "".join(f"{','.join(person)}\n" for person in staff))
    rec.write("people.json", json.dumps([dict(zip(("name", "full", "group"), person, strict=True)) for person in staff]))
    first = staff[0][0]
    service = rng.choice(["metricsd", "queued", "indexer", "mirrord", "gateway"])
    ways = ["list", "tool", "perl", "package", "service", "newusers", "adduser", "hand", "sudo", "make"]
    with restored(rec):
        for way in rng.sample(ways, rng.randint(1, 2)):
            match way:
                case "list":
                    rec.shell(LIST, shell=rng.choice(["bash", "dash", "ksh93"]))
                case "tool":
                    rec.trace(["/usr/bin/python3", str(rec.write("provision.py", TOOL))])
                case "perl":
                    rec.trace(["/usr/bin/perl", str(rec.write("people.pl", PERL))])
                case "package":
                    rec.trace(["/bin/sh", str(rec.write("postinst", PACKAGE.format(name=service), 0o755)), "configure"])
                case "service":
                    rec.trace([str(rec.write("preinst", SERVICE.format(name=service), 0o755))])
                case "newusers":
                    lines = "".join(f"{name}:{rng.choice(inputs.WORDS)}{rng.randint(10, 99)}::100:{full}:/home/{name}:/bin/bash\n" for name, full, _ in staff)
                    rec.trace(["newusers", str(rec.write("batch", lines, 0o600))])
                case "adduser":
                    for name, full, group in staff[:2]:
                        rec.trace(["addgroup", "--quiet", group])
                        rec.trace(["adduser", "--quiet", "--disabled-password", "--gecos", full, "--ingroup", group, name])
                case "hand":
                    word = rng.choice(inputs.WORDS)
                    rec.trace(["/bin/bash", "-i"], terminal=f"useradd -m -c 'new colleague' {first}\npasswd {first}\n{word}{rng.randint(100, 999)}X\n{word}X\nid {first}\nls -ld /home/{first}\nexit")
                case "sudo":
                    Path("/etc/sudoers.d/admins").write_text("alice ALL=(root) NOPASSWD: /usr/sbin/useradd, /usr/sbin/usermod\n")
                    rec.trace(["sudo", "-n", "useradd", "-m", "-k", "/etc/skel", first], user="alice")
                    rec.trace(["sudo", "-n", "usermod", "-c", staff[0][1], first], user="alice")
                case "make":
                    rules = "".join(f"/home/{name}:\n\tuseradd -m -c '{full}' {name}\n\tchage -M 180 {name}\n" for name, full, _ in staff)
                    rec.write("Makefile", f"all: {' '.join(f'/home/{name}' for name, _, _ in staff)}\n{rules}")
                    rec.trace(["make"])
        rec.quietly(["useradd", "-m", first])
        changed = [["usermod", "-aG", "games,users", first], ["chage", "-E", "2030-01-01", first], ["usermod", "-l", f"{first}b", first], ["groupmod", "-n", "games2", "games"],
                   ["gpasswd", "-M", "alice,bob", "users"], ["usermod", "-s", "/bin/dash", first], ["passwd", "-e", first], ["chpasswd"], ["userdel", "-r", first],
                   ["deluser", "--quiet", first], ["groupdel", "games"], ["usermod", "-d", f"/home/{first}new", "-m", first], ["chgpasswd"], ["usermod", "-L", first]]
        for argv in rng.sample(changed, rng.randint(1, 3)):
            rec.trace(argv, stdin=f"{'users' if argv[0] == 'chgpasswd' else first}:{rng.choice(inputs.WORDS)}9\n")
        if rng.random() < 0.4:
            rec.shell(LEAVING.replace("{remove}", rng.choice(["userdel -r", "deluser --quiet --remove-home"])), shell=rng.choice(["bash", "sh"]))
    for name, _, _ in staff:
        shutil.rmtree(f"/home/{name}", ignore_errors=True)
