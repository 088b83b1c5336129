"""What an administrator and the system itself do: accounts, packages, monitoring, timed jobs, databases."""

from capture.recording import Recording
from capture.sandbox import ACCOUNTS
from scenarios import inputs, normal_work


@normal_work(14)
def accounts(rec: Recording) -> None:
    """Asking about accounts and changing what is there; nobody is added."""
    rng = rec.rng
    who = rng.choice(["alice", "bob", "carol", "dave"])
    asked = [["id", who], ["getent", "passwd", who], ["getent", "group"], ["passwd", "-S", who], ["passwd", "-Sa"], ["chage", "-l", who],
             ["groups", who], ["lastlog"], ["last", "-n", "5"], ["w"], ["su", "-", who, "-c", "id; ls -la"], ["sudo", "-n", "id"],
             ["sudo", "-u", who, "ls", "/"], ["pwck", "-r"], ["grpck", "-r"], ["useradd", "-D"], ["runuser", "-u", who, "--", "env"],
             ["grep", who, "/etc/passwd"], ["newgrp", "games"], ["visudo", "-c"]]
    changed = [["chage", "-M", "90", who], ["chfn", "-f", f"{who} {rng.choice(inputs.WORDS)}", who], ["chsh", "-s", "/bin/sh", who],
               ["passwd", "-l", who], ["passwd", "-u", who], ["gpasswd", "-a", who, "games"], ["gpasswd", "-d", who, "games"],
               ["groupadd", f"g{rec.number}{rng.randint(1, 99)}"], ["usermod", "-c", rng.choice(inputs.WORDS), who]]
    for argv in rng.sample(asked, 5):
        rec.trace(argv)
    for argv in rng.sample(changed, rng.randint(1, 2)):
        rec.trace(argv)
    if rng.random() < 0.5:
        rec.trace(["chpasswd"], stdin=f"{who}:{ACCOUNTS[who]}\n")


@normal_work(7)
def packages(rec: Recording) -> None:
    """Package tools asked, never installing."""
    rng = rec.rng
    package = rng.choice(["bash", "git", "perl-base", "openssh-server", "coreutils", "python3.11", "libc6", "nginx-common"])
    queries = [["dpkg", "-l", f"{package[:3]}*"], ["dpkg", "-L", package], ["dpkg", "-s", package], ["dpkg-query", "-W"], ["dpkg", "-S", "/bin/ls"],
               ["apt-cache", "show", package], ["apt-cache", "policy", package], ["apt-cache", "depends", package], ["apt-get", "-s", "remove", package],
               ["apt-get", "-s", "upgrade"], ["apt-mark", "showmanual"], ["dpkg", "--audit"], ["dpkg", "--verify", package], ["apt-config", "dump"],
               ["apt", "list", "--installed", package], ["apt-get", "check"], ["dpkg", "--print-architecture"]]
    for argv in rng.sample(queries, rng.randint(2, 4)):
        rec.trace(argv)


@normal_work(7)
def monitoring(rec: Recording) -> None:
    rng = rec.rng
    looks = [["ps", "aux"], ["ps", "-ef", "--forest"], ["top", "-b", "-n1"], ["free", "-m"], ["vmstat", "1", "2"], ["uptime"], ["ss", "-ltn"], ["ss", "-a"],
             ["ip", "addr"], ["ip", "route"], ["df", "-i"], ["mount"], ["findmnt"], ["lsblk"], ["lscpu"], ["dmesg"], ["uname", "-a"], ["hostname"],
             ["pstree"], ["pgrep", "-l", "bash"], ["ls", "-l", "/proc"], ["cat", "/proc/meminfo", "/proc/loadavg"], ["sysctl", "-a"], ["lsmod"],
             ["pmap", "1"], ["date"], ["tty"], ["locale"], ["getconf", "-a"], ["nproc"], ["ulimit"], ["prlimit"], ["lslocks"], ["w"]]
    for argv in rng.sample(looks, rng.randint(5, 8)):
        if argv != ["ulimit"]:
            rec.trace(argv)


@normal_work(6)
def timed_jobs(rec: Recording) -> None:
    """What cron would start: run-parts, logrotate, a backup, a clean-up."""
    rng = rec.rng
    log = inputs.text(rng, rng.randint(50, 4000))
    for name in ("app.log", "web.log"):
        rec.write(f"log/{name}", log)
    rec.write("rotate.conf", f'"{rec.work}/log/*.log" {{\n rotate {rng.randint(1, 5)}\n size 1\n {rng.choice(["compress", "nocompress", "copytruncate"])}\n missingok\n}}\n')
    for number in range(rng.randint(1, 4)):
        rec.write(f"parts/job{number}", f"#!/bin/sh\nwc -c {rec.work}/log/* > /dev/null\nsleep 0.0{number}\n", 0o755)
    jobs = [["run-parts", str(rec.work / "parts")], ["logrotate", "-s", str(rec.work / "state"), str(rec.work / "rotate.conf")],
            ["sh", "-c", f"cd {rec.work} && tar -czf backup-$(date +%F).tgz log && find . -name 'backup-*' -mtime +7 -delete"],
            ["sh", "-c", f"find {rec.work} -type f -mmin +1 -print; [ -x /usr/sbin/anacron ] || echo none"],
            ["sh", "-c", "test -e /run/nothing || { sleep 0.2; df -P | awk '$5+0 > 90 {print $6}'; }"]]
    for argv in rng.sample(jobs, rng.randint(2, 3)):
        rec.trace(argv)


@normal_work(1)
def cron(rec: Recording) -> None:
    """The daemon itself over two minutes, with jobs of three users."""
    for user in ("alice", "bob", "carol"):
        job = rec.rng.choice(["date >> cron.log", "ls -la ~ > /dev/null", "tar -czf b.tgz .bashrc", "wc .profile"])
        rec.quietly(["crontab", "-u", user, "-"], input=f"* * * * * {job}\n".encode())
    rec.trace(["timeout", "130", "cron", "-f"], timeout=150)


@normal_work(7)
def sqlite(rec: Recording) -> None:
    rng = rec.rng
    rec.write("t.csv", inputs.table(rng, rng.randint(10, 3000)))
    mode = rng.choice(["delete", "wal", "truncate", "memory"])
    rec.trace(["sqlite3", "x.db", f"pragma journal_mode={mode};", "create table t(id integer, name, place, amount integer);",
               ".mode csv", ".import --skip 1 t.csv t"])
    queries = ["select name, sum(amount) from t group by name;", "create index i on t(place); select count(*) from t where place='amber';",
               "update t set amount = amount + 1 where id % 3 = 0;", "delete from t where amount < 100; vacuum;", ".dump", ".schema",
               "with recursive c(n) as (select 1 union all select n+1 from c where n<5000) select sum(n) from c;",
               "begin; insert into t select id+10000,name,place,amount from t; commit;"]
    for query in rng.sample(queries, rng.randint(2, 3)):
        rec.trace(["sqlite3", "x.db", query])
    if rng.random() < 0.5:
        rec.trace(["sqlite3", "x.db"], stdin="\n".join(rng.sample(queries, 3)) + "\n.quit\n")
