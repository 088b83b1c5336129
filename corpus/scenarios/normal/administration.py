"""What an administrator and the system itself do: accounts, packages, monitoring, timed jobs."""

from capture.recording import Recording
from capture.sandbox import ACCOUNTS
from scenarios import inputs, normal_work


@normal_work(22)
def accounts(rec: Recording) -> None:
    """Asking about accounts and changing what is there; `onboarding` adds and removes."""
    rng = rec.rng
    who = rng.choice(["alice", "bob", "carol", "dave"])
    asked = [["id", who], ["getent", "passwd", who], ["getent", "group"], ["passwd", "-S", who], ["passwd", "-Sa"], ["chage", "-l", who],
             ["groups", who], ["lastlog"], ["last", "-n", "5"], ["w"], ["su", "-", who, "-c", "id; ls -la"], ["sudo", "-n", "id"],
             ["sudo", "-u", who, "ls", "/"], ["pwck", "-r"], ["grpck", "-r"], ["useradd", "-D"], ["runuser", "-u", who, "--", "env"],
             ["grep", who, "/etc/passwd"], ["newgrp", "games"], ["visudo", "-c"], ["sudo", "-l", "-U", who], ["sudo", "-u", who, "--", "sh", "-c", "id; ls ~"],
             ["su", who, "-s", "/bin/dash", "-c", "whoami"], ["getent", "shadow", who], ["faillog", "-a"], ["users"], ["lslogins", who], ["lslogins", "-u"], ["finger", who], ["id", "-Gn", who], ["awk", "-F:", "$3 >= 1000 {print $1}", "/etc/passwd"],
             ["logname"], ["who", "-a"], ["runuser", "-l", who, "-c", "pwd"], ["setpriv", "--reuid", who, "--clear-groups", "id"], ["sg", "games", "-c", "id -gn"], ["ls", "-la", f"/home/{who}"], ["expiry", "-c"], ["sudo", "-V"]]
    changed = [["chage", "-M", "90", who], ["chfn", "-f", f"{who} {rng.choice(inputs.WORDS)}", who], ["chsh", "-s", "/bin/sh", who],
               ["passwd", "-l", who], ["passwd", "-u", who], ["gpasswd", "-a", who, "games"], ["gpasswd", "-d", who, "games"],
               ["groupadd", f"g{rec.number}{rng.randint(1, 99)}"], ["usermod", "-c", rng.choice(inputs.WORDS), who],
               ["usermod", "-aG", "users", who], ["chage", "-W", "9", "-I", "30", who], ["groupmod", "-g", str(rng.randint(3000, 4000)), "games"], ["gpasswd", "-A", who, "games"], ["usermod", "-s", "/bin/sh", who],
               ["usermod", "-L", who], ["usermod", "-U", who], ["passwd", "-n", "1", who], ["pwconv"], ["grpconv"], ["groupmems", "-g", "games", "-l"], ["chfn", "-r", str(rng.randint(1, 99)), who]]
    for argv in rng.sample(asked, 5):
        rec.trace(argv)
    for argv in rng.sample(changed, rng.randint(1, 2)):
        rec.trace(argv)
    if rng.random() < 0.5:
        rec.trace(["chpasswd"], stdin=f"{who}:{ACCOUNTS[who]}\n")


@normal_work(12)
def packages(rec: Recording) -> None:
    """Package tools asked, never installing."""
    rng = rec.rng
    package = rng.choice(["bash", "git", "perl-base", "openssh-server", "coreutils", "python3.11", "libc6", "nginx-common"])
    queries = [["dpkg", "-l", f"{package[:3]}*"], ["dpkg", "-L", package], ["dpkg", "-s", package], ["dpkg-query", "-W"], ["dpkg", "-S", "/bin/ls"],
               ["apt-cache", "show", package], ["apt-cache", "policy", package], ["apt-cache", "depends", package], ["apt-get", "-s", "remove", package],
               ["apt-get", "-s", "upgrade"], ["apt-mark", "showmanual"], ["dpkg", "--audit"], ["dpkg", "--verify", package], ["apt-config", "dump"],
               ["apt", "list", "--installed", package], ["apt-get", "check"], ["dpkg", "--print-architecture"], ["dpkg-deb", "--version"], ["apt-cache", "search", package],
               ["apt-cache", "stats"], ["apt-cache", "rdepends", package], ["apt-cache", "pkgnames"], ["dpkg-query", "-f", "${Package} ${Installed-Size}\n", "-W"], ["dpkg", "--get-selections"], ["apt-get", "-s", "autoremove"],
               ["apt-get", "clean"], ["apt-get", "-s", "install", package], ["dpkg-divert", "--list"], ["update-alternatives", "--list", "editor"], ["update-alternatives", "--display", "awk"], ["dpkg-statoverride", "--list"], ["ldconfig", "-p"],
               ["apt-mark", "showhold"], ["dpkg-trigger", "--help"], ["debconf-show", "tzdata"], ["apt-get", "update"], ["sh", "-c", f"dpkg -L {package} | xargs -r ls -ld | head"], ["dpkg", "-V", package], ["apt", "show", package]]
    # A package of our own, made, looked at, installed and removed.
    if rng.random() < 0.4:
        rec.write("made/DEBIAN/control", "Package: made\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.test>\nDescription: made\n made\n")
        rec.write("made/DEBIAN/postinst", "#!/bin/sh\nset -e\ntest -d /etc/made || mkdir /etc/made\nexit 0\n", 0o755)
        rec.write("made/etc/made.conf", inputs.text(rng, rng.randint(1, 30)))
        for argv in (["dpkg-deb", "-b", "made", "made.deb"], ["dpkg", "-i", "made.deb"], rng.choice([["dpkg", "-r", "made"], ["dpkg", "-P", "made"], ["dpkg", "-c", "made.deb"]])):
            rec.trace(argv)
        return
    for argv in rng.sample(queries, rng.randint(2, 4)):
        rec.trace(argv)


@normal_work(14)
def monitoring(rec: Recording) -> None:
    rng = rec.rng
    looks = [["ps", "aux"], ["ps", "-ef", "--forest"], ["top", "-b", "-n1"], ["free", "-m"], ["vmstat", "1", "2"], ["uptime"], ["ss", "-ltn"], ["ss", "-a"],
             ["ip", "addr"], ["ip", "route"], ["df", "-i"], ["mount"], ["findmnt"], ["lsblk"], ["lscpu"], ["dmesg"], ["uname", "-a"], ["hostname"],
             ["pstree"], ["pgrep", "-l", "bash"], ["ls", "-l", "/proc"], ["cat", "/proc/meminfo", "/proc/loadavg"], ["sysctl", "-a"], ["lsmod"],
             ["pmap", "1"], ["date"], ["tty"], ["locale"], ["getconf", "-a"], ["nproc"], ["ulimit"], ["prlimit"], ["lslocks"], ["w"], ["ps", "-eLf"], ["ps", "axo", "pid,ppid,stat,wchan,cmd"], ["pidof", "bash"], ["pgrep", "-a", "."],
             ["ss", "-tanp"], ["ss", "-xl"], ["ip", "-s", "link"], ["ip", "neigh"], ["ip", "rule"], ["lsns"], ["lsipc"], ["lsmem"], ["lscpu", "-e"], ["lsblk", "-f"], ["blkid"], ["fdisk", "-l"], ["swapon", "-s"], ["iostat"], ["mpstat", "1", "1"],
             ["pidstat"], ["sar", "-u", "1", "1"], ["vmstat", "-s"], ["slabtop", "-o"], ["fuser", "-v", "/tmp"], ["peekfd", "-V"], ["cat", "/proc/interrupts", "/proc/stat", "/proc/vmstat"], ["sysctl", "kernel.hostname", "vm.swappiness"],
             ["watch", "--version"], ["top", "-b", "-n2", "-d0.3"], ["tload", "-V"], ["getent", "services"], ["hostname", "-I"], ["hwclock", "--version"], ["timedatectl", "--version"], ["last", "-x"], ["dmesg", "-T", "--level=err"], ["stat", "-f", "/"],
             ["find", "/proc", "-maxdepth", "2", "-name", "status"], ["ls", "-l", "/proc/1/fd"], ["cat", "/proc/self/maps"], ["runlevel"], ["chrt", "-p", "1"], ["taskset", "-p", "1"], ["ionice", "-p", "1"], ["nproc", "--all"], ["xxd", "-l", "16", "/dev/urandom"],
             ["bash", "-c", "ulimit -a"], ["sh", "-c", "ps aux | sort -rnk 3 | head -n 5"], ["sh", "-c", "df -P | awk 'NR > 1 && $5+0 > 80'"], ["sh", "-c", "cat /proc/loadavg | cut -d' ' -f1"], ["sh", "-c", "ss -s | head -n 2"]]
    for argv in rng.sample(looks, rng.randint(6, 9)):
        if argv != ["ulimit"]:
            rec.trace(argv)


@normal_work(14)
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
            ["sh", "-c", "test -e /run/nothing || { sleep 0.2; df -P | awk '$5+0 > 90 {print $6}'; }"],
            ["flock", "-n", str(rec.work / "lock"), "sh", "-c", f"wc -l {rec.work}/log/*.log"], ["sh", "-c", f"cd {rec.work} && gzip -9 -f log/app.log && sha256sum log/* > sums"],
            ["bash", "-c", f"for f in {rec.work}/log/*; do tail -n 100 $f | grep -c amber; done"], ["nice", "-n", "19", "ionice", "-c3", "find", "/usr/share/doc", "-maxdepth", "2", "-newermt", "2020-01-01"],
            ["/usr/bin/python3", "-c", f"import os,time\nfor d,_,f in os.walk('{rec.work}'):\n  for n in f:\n    s=os.stat(os.path.join(d,n))\n    print(n,s.st_size,time.time()-s.st_mtime>0)"],
            ["perl", "-e", f"for (glob '{rec.work}/log/*') {{ open F, $_; $n{{$_}}++ while <F>; print \"$_ $.\\n\"; close F }}"], ["sh", "-c", f"mkdir -p {rec.work}/old && find {rec.work}/log -type f -size +1k -exec mv {{}} {rec.work}/old \\;"],
            ["savelog", "-q", str(rec.work / "log/web.log")], ["tmpreaper", "--version"], ["sh", "-c", "updatedb --version > /dev/null 2>&1; sync"], ["timeout", "2", "sh", "-c", "sleep 0.3; logger -s -t job done"],
            ["logrotate", "-f", "-s", str(rec.work / "state2"), str(rec.work / "rotate.conf")], ["run-parts", "--test", "/etc/cron.daily"], ["sh", "-c", "echo 'sleep 0.1' | batch; atq"], ["sh", "-c", "ntp=$(date +%s); test $((ntp % 2)) = 0 && date -R || date -u"]]
    for argv in rng.sample(jobs, rng.randint(3, 4)):
        rec.trace(argv)


@normal_work(2)
def cron(rec: Recording) -> None:
    """The daemon itself over two minutes, with jobs of three users."""
    for user in ("alice", "bob", "carol"):
        job = rec.rng.choice(["date >> cron.log", "ls -la ~ > /dev/null", "tar -czf b.tgz .bashrc", "wc .profile"])
        rec.quietly(["crontab", "-u", user, "-"], input=f"* * * * * {job}\n".encode())
    rec.trace(["timeout", "130", "cron", "-f"], timeout=150)
