"""Legitimate use of the servers that attacks are run against, and of their clients."""

from capture.recording import Recording
from capture.sandbox import ACCOUNTS
from scenarios import inputs, normal_work, servers

REMOTE = ["uptime", "ls -la", "cat .bashrc | wc -l", "df -h", "id", "tar -cf - . | gzip | wc -c", "sleep 0.3; date", "for i in 1 2 3; do echo $i; done",
          "grep -c export .profile", "python3 -c 'print(6*7)'", "w", "find . -type f | wc -l", "md5sum .bashrc", "echo note >> notes.txt; sort notes.txt"]


@normal_work(24)
def ssh_session(rec: Recording) -> None:
    """Logging in with the right password (at times after a wrong one) or a key, to work or copy files."""
    rng = rec.rng
    port = rec.port()
    user = rng.choice(list(ACCOUNTS))
    options = ["-oStrictHostKeyChecking=no", f"-oUserKnownHostsFile={rec.work}/known", "-oGlobalKnownHostsFile=/dev/null", "-oLogLevel=ERROR"]
    key = rec.work / "id"
    rec.quietly(["ssh-keygen", "-q", "-t", rng.choice(["ed25519", "rsa"]), "-N", "", "-f", str(key)])
    rec.quietly(["sh", "-c", f"mkdir -p ~{user}/.ssh && cat {key}.pub >> ~{user}/.ssh/authorized_keys && chown -R {user}: ~{user}/.ssh && chmod -R go= ~{user}/.ssh"])
    inputs.tree(rng, rec.work / "up", rng.randint(1, 10))
    with servers.ssh(rec, port, tries=4) as service:
        for _ in range(rng.randint(2, 4)):
            way = rng.choice(["command", "command", "terminal", "scp", "sftp", "mistyped", "scan"])
            by_key = rng.random() < 0.4 and way != "mistyped"
            login = [] if by_key else ["sshpass", "-p", ACCOUNTS[user]]
            auth = ["-i", str(key)] if by_key else ["-oPubkeyAuthentication=no"]
            to = f"{user}@127.0.0.1"
            if way == "scan":
                rec.quietly(["ssh-keyscan", "-p", str(port), "127.0.0.1"])
                continue
            if way == "mistyped":
                rec.quietly(["sshpass", "-p", ACCOUNTS[user] + "x", "ssh", *options, "-oPubkeyAuthentication=no", "-oNumberOfPasswordPrompts=1", "-p", str(port), to, "true"])
                way = "command"
            argv = {
                "command": [*login, "ssh", *options, *auth, "-p", str(port), to, rng.choice(REMOTE)],
                "terminal": [*login, "ssh", *options, *auth, "-tt", "-p", str(port), to, rng.choice(REMOTE)],
                "scp": [*login, "scp", *options, *auth, "-q", "-r", "-P", str(port), "up", f"{to}:"],
                "sftp": [*login, "sftp", *options, *auth, "-b", str(rec.write("batch", "ls -l\nput -r up\nget .bashrc x\nbye\n")), "-P", str(port), to],
            }[way]
            rec.trace(argv) if rng.random() < 0.3 else rec.quietly(argv)
            rec.pause(0, 0.3)
    rec.keep(service.tree)


@normal_work(28)
def ftp_session(rec: Recording) -> None:
    """Fetching, storing and listing files with the right password; at times a wrong one comes first."""
    rng = rec.rng
    port = rec.port()
    rec.write("up.txt", inputs.text(rng, rng.randint(5, 500)))
    with servers.ftp(rec, port) as service:
        for _ in range(rng.randint(2, 4)):
            user = rng.choice(list(ACCOUNTS))
            password = ACCOUNTS[user]
            url = f"ftp://127.0.0.1:{port}/"
            if rng.random() < 0.2:
                rec.quietly(["curl", "-s", "-u", f"{user}:{password}x", url])
            moves = rng.sample([f"put up.txt -o up{rng.randint(1, 99)}.txt", "ls", "cd shared", "cls -l", "pwd", "nlist", "mkdir -f d", "mirror shared got"], 4)
            script = "\n".join(["import ftplib", "f = ftplib.FTP()", f"f.connect('127.0.0.1', {port})", f"f.login('{user}', '{password}')",
                                *rng.sample(["f.dir(print)", "f.nlst()", "f.pwd()", "f.storbinary('STOR s.txt', open('up.txt', 'rb'))", "f.sendcmd('NOOP')",
                                             "f.retrbinary('RETR .bashrc', len)", "f.size('.profile')"], 4), "f.quit()"])
            argv = rng.choice([
                ["curl", "-s", "-u", f"{user}:{password}", url],
                ["curl", "-s", "-u", f"{user}:{password}", "-T", "up.txt", url],
                ["curl", "-s", "-u", f"{user}:{password}", "-o", "got.txt", url + ".bashrc"],
                ["lftp", "-e", f"set net:timeout 5; set net:max-retries 1; {'; '.join(moves)}; bye", "-u", f"{user},{password}", url],
                ["/usr/bin/python3", "-c", script],
                ["wget", "-q", "-O", "w.txt", f"ftp://{user}:{password}@127.0.0.1:{port}/.profile"],
            ])
            rec.trace(argv, timeout=20) if rng.random() < 0.3 else rec.quietly(argv, timeout=20)
            rec.pause(0, 0.3)
    rec.keep(service.tree)


def visit(rec: Recording, port: int, paths: list[str], least: int, most: int) -> None:
    """Ordinary requests; some clients are recorded too."""
    rng = rec.rng
    for _ in range(rng.randint(least, most)):
        url = f"http://127.0.0.1:{port}/{rng.choice(paths)}"
        argv = rng.choice([["curl", "-s", url], ["curl", "-sI", url], ["curl", "-s", "-d", f"name={rng.choice(inputs.WORDS)}&n={rng.randint(1, 99)}", url],
                           ["curl", "-s", "-b", "PHPSESSID=abc123", "--compressed", url], ["wget", "-q", "-O", "got", url]])
        rec.trace(argv) if rng.random() < 0.15 else rec.quietly(argv)
        rec.pause(0, 0.1)


PHP_PATHS = [name for name in servers.PAGES] + ["missing.html", ""]
CGI_PATHS = [f"cgi-bin/{name}" for name in servers.CGI] + ["about.html", "", "cgi-bin/none.py"]


@normal_work(14)
def web_php(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.php(rec, root, port) as service:
        visit(rec, port, PHP_PATHS, 4, 14)
    rec.keep(service.tree)


@normal_work(24)
def web_fpm(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.fpm(rec, root, port, watch_nginx=True) as service:
        visit(rec, port, PHP_PATHS, 6, 14)
    rec.keep(service.tree)


@normal_work(18)
def web_cgi(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.cgi(rec, root, port) as service:
        visit(rec, port, CGI_PATHS, 4, 9)
    rec.keep(service.tree)
