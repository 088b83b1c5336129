"""The place that recordings are made in, and the refusal to make them anywhere else.

`record.sh` starts us in network, mount, process, IPC and host-name namespaces of our own. Here the
folders that scenarios write to are covered with memory, so that nothing outlives the recording, and
`check` makes sure of all that before anything runs.
"""

import os
import subprocess
from pathlib import Path

#: Accounts that legitimate sessions use, with their passwords. They exist in the sandbox only.
ACCOUNTS = {"alice": "correct-horse", "bob": "battery7staple", "carol": "tr0ub4dor", "dave": "plain.words.9"}
#: What scenarios see of the environment: nothing of the machine's own.
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "USER": "root",
    "LOGNAME": "root",
    "SHELL": "/bin/bash",
    "TERM": "xterm",
}
EMPTY = ("/root", "/home", "/srv", "/mnt", "/opt")
COVERED = ("/etc", "/var")


class NotIsolated(Exception):
    """We are not where recordings may be made."""


def _check_namespaces() -> None:
    if "record.sh" not in Path("/proc/1/cmdline").read_text():
        raise NotIsolated("this is not a process namespace of our own: start with record.sh")
    interfaces = {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}
    if interfaces != {"lo"}:
        raise NotIsolated(f"this network namespace has more than loopback: {sorted(interfaces)}")


def check() -> None:
    """Raises `NotIsolated` unless there is no network but loopback and /etc is only a cover."""
    _check_namespaces()
    if len(Path("/proc/net/route").read_text().splitlines()) > 1:
        raise NotIsolated("this network namespace has a route to somewhere")
    mounts = {fields[4]: fields[fields.index("-") + 1]
              for fields in map(str.split, Path("/proc/self/mountinfo").read_text().splitlines())}
    for folder in COVERED:
        if mounts.get(folder) != "overlay":
            raise NotIsolated(f"{folder} is the machine's own")


def _run(*argv: str, **kwargs) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **kwargs)


def build() -> None:
    """Covers the machine's folders, brings loopback up and makes the accounts."""
    # If these are not namespaces of our own, stop before touching a mount.
    _check_namespaces()
    _run("mount", "--make-rprivate", "/")
    for folder in EMPTY:
        _run("mount", "-t", "tmpfs", "empty", folder)
    for folder in COVERED:
        upper = Path("/mnt") / folder.strip("/")
        (upper / "upper").mkdir(parents=True)
        (upper / "work").mkdir()
        _run("mount", "-t", "overlay", "cover", "-o",
             f"lowerdir={folder},upperdir={upper}/upper,workdir={upper}/work", folder)
    _run("mount", "--bind", "/usr", "/usr")
    _run("mount", "-o", "remount,bind,ro", "/usr")
    _run("ip", "link", "set", "lo", "up")
    _run("hostname", "corpus")
    Path("/root").chmod(0o700)
    Path("/etc/resolv.conf").unlink(missing_ok=True)
    Path("/etc/resolv.conf").write_text("")
    Path("/etc/hosts").write_text("127.0.0.1 localhost corpus server.test\n::1 localhost\n")
    for folder in ("/run/sshd", "/run/vsftpd/empty", "/run/php", "/run/lock"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    for name, password in ACCOUNTS.items():
        _run("useradd", "-m", "-s", "/bin/bash", name)
        _run("chpasswd", input=f"{name}:{password}\n".encode())
    check()
