"""Legitimate use of the servers that attacks are run against, and of their clients."""

from capture.recording import Recording
from capture.sandbox import ACCOUNTS
from scenarios import inputs, normal_work, servers

REMOTE = ["uptime", "ls -la", "cat .bashrc | wc -l", "df -h", "id", "tar -cf - . | gzip | wc -c", "sleep 0.3; date", "for i in 1 2 3; do echo $i; done",
          "grep -c export .profile", "awk -F: '{print $1}' /etc/passwd", "git --version; ls /usr/bin | wc -l", "perl -e 'print 6*7'", "nproc; free -m", "ps -u $USER",
          "head -c 3000 /dev/urandom | sha256sum", "test -d projects || mkdir projects; ls -ld projects", "cat > in.txt < .profile; rm in.txt", "crontab -l; true",
          "rsync --version | head -n 1", "zsh -c 'echo $ZSH_VERSION'", "vim --version | head -n 1", "make --version; true", "uname -a; hostname", "du -sh .", "python3 -c 'print(6*7)'", "w", "find . -type f | wc -l", "md5sum .bashrc", "echo note >> notes.txt; sort notes.txt"]


@normal_work(46)
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
            way = rng.choice(["command", "command", "terminal", "scp", "sftp", "mistyped", "scan", "rsync", "forward", "piped", "idle"])
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
                "rsync": [*login, "rsync", "-a", "-e", " ".join(["ssh", *options, *auth, "-p", str(port)]), "up/", f"{to}:mirror/"],
                "forward": [*login, "ssh", *options, *auth, "-L", f"127.0.0.1:{rec.port()}:127.0.0.1:{port}", "-p", str(port), to, "sleep 0.4"],
                "piped": ["sh", "-c", f"tar -cf - up | {' '.join([*login, 'ssh', *options, *auth, '-p', str(port), to])} 'tar -tf - | wc -l'"],
                "idle": [*login, "ssh", *options, *auth, "-N", "-oServerAliveInterval=1", "-p", str(port), to],
                "sftp": [*login, "sftp", *options, *auth, "-b", str(rec.write("batch", "ls -l\nput -r up\nget .bashrc x\nbye\n")), "-P", str(port), to],
            }[way]
            rec.trace(argv, timeout=3 if way == "idle" else 25) if rng.random() < 0.3 else rec.quietly(argv, timeout=3 if way == "idle" else 25)
            rec.pause(0, 0.3)
    rec.keep(service.tree)


@normal_work(52)
def ftp_session(rec: Recording) -> None:
    """Fetching, storing and listing files with the right password; at times a wrong one comes first."""
    rng = rec.rng
    port = rec.port()
    rec.write("up.txt", inputs.text(rng, rng.randint(5, 500)))
    inputs.tree(rng, rec.work / "up", rng.randint(1, 6))
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
                ["wget", "-q", "-T", "9", "-t", "2", "-O", "w.txt", f"ftp://{user}:{password}@127.0.0.1:{port}/.profile"],
                ["wget", "-q", "-T", "9", "-t", "2", "-r", "-nH", "-P", "got", f"ftp://{user}:{password}@127.0.0.1:{port}/shared"],
                ["ncftpput", "-t", "9", "-u", user, "-p", password, "-P", str(port), "127.0.0.1", ".", "up.txt"],
                ["ncftpls", "-l", "-t", "9", "-u", user, "-p", password, "-P", str(port), "ftp://127.0.0.1/"],
                ["curl", "-s", "-u", f"{user}:{password}", "-l", url + "shared/", "--ftp-method", rng.choice(["nocwd", "multicwd", "singlecwd"])],
                ["curl", "-s", "-u", f"{user}:{password}", "--disable-epsv", "-Q", "PWD", "-r", "0-99", "-o", "part.txt", url + ".bashrc"],
                ["lftp", "-e", "set net:timeout 5; set net:max-retries 1; mirror -R --parallel=2 up; bye", "-u", f"{user},{password}", url],
            ])
            rec.trace(argv, timeout=20) if rng.random() < 0.3 else rec.quietly(argv, timeout=20)
            rec.pause(0, 0.3)
    rec.keep(service.tree)


def visit(rec: Recording, port: int, paths: list[str], least: int, most: int) -> None:
    """Ordinary requests; some clients are recorded too."""
    rng = rec.rng
    rec.write("upload.txt", inputs.text(rng, rng.randint(1, 60)))
    for _ in range(rng.randint(least, most)):
        url = f"http://127.0.0.1:{port}/{rng.choice(paths)}"
        argv = rng.choice([["curl", "-s", url], ["curl", "-sI", url], ["curl", "-s", "-d", f"name={rng.choice(inputs.WORDS)}&n={rng.randint(1, 99)}", url],
                           ["curl", "-s", "-b", "PHPSESSID=abc123", "--compressed", url], ["wget", "-q", "-T", "9", "-t", "1", "-O", "got", url],
                           ["lynx", "-dump", url], ["curl", "-s", "-T", "upload.txt", url], ["curl", "-s", url, url, url], ["curl", "-s", "-H", "Range: bytes=0-20", url],
                           ["/usr/bin/python3", "-c", f"import urllib.request as u\ntry: print(len(u.urlopen('{url}').read()))\nexcept OSError as e: print(e)"]])
        rec.trace(argv, timeout=20) if rng.random() < 0.15 else rec.quietly(argv, timeout=20)
        rec.pause(0, 0.1)


PHP_PATHS = [name for name in servers.PAGES] + ["missing.html", ""]
CGI_PATHS = [f"cgi-bin/{name}" for name in servers.CGI] + ["about.html", "", "cgi-bin/none.py"]


@normal_work(20)
def web_php(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.php(rec, root, port) as service:
        visit(rec, port, PHP_PATHS, 4, 14)
    rec.keep(service.tree)


@normal_work(32)
def web_fpm(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.fpm(rec, root, port, watch_nginx=True) as service:
        visit(rec, port, PHP_PATHS, 6, 14)
    rec.keep(service.tree)


@normal_work(34)
def web_cgi(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.cgi(rec, root, port) as service:
        visit(rec, port, CGI_PATHS, 4, 9)
    rec.keep(service.tree)


@normal_work(16)
def web_apache(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.apache(rec, root, port, cgi=False) as service:
        visit(rec, port, PHP_PATHS, 4, 14)
    rec.keep(service.tree)


@normal_work(16)
def web_lighttpd(rec: Recording) -> None:
    port = rec.port()
    root = servers.site(rec)
    with servers.lighttpd(rec, root, port, cgi=False) as service:
        visit(rec, port, PHP_PATHS, 4, 14)
    rec.keep(service.tree)


@normal_work(30)
def web_app(rec: Recording) -> None:
    """Sites on Flask, gunicorn, WEBrick, Node and Mojolicious; some have a harmless plugin."""
    rng = rec.rng
    port = rec.port()
    kind = list(servers.APPS)[rec.number % len(servers.APPS)]
    paths = list(servers.APP_PATHS)
    if rng.random() < 0.5:
        ends = servers.APPS[kind]
        rec.write(f"app/plugins/extra.{ends}", PLUGINS[ends])
        paths += ["extra", "extra"]
    with servers.app(rec, kind, port) as service:
        visit(rec, port, paths, 4, 12)
    rec.keep(service.tree)


#: A route that starts programs and reads files because its site needs it.
PLUGINS = {
    "py": "import pathlib, subprocess\n@app.get('/extra')\ndef extra():\n    pathlib.Path('/tmp/extra.txt').write_text('x' * 900)\n"
          "    return subprocess.run(['gzip', '-c', 't.csv'], capture_output=True).stdout + subprocess.run('df .; uptime', shell=True, capture_output=True).stdout\n",
    "rb": "route('/extra') { File.write('/tmp/extra.txt', 'x' * 900); `wc -l < #{HERE}/t.csv; uptime` + IO.popen(%w[sort t.csv], &:read) }\n",
    "js": "const fs = require('fs'), {exec, execFile} = require('child_process');\nmodule.exports = routes => { routes['/extra'] = (request, answer) => {\n"
          " fs.writeFileSync('/tmp/extra.txt', 'x'.repeat(900)); exec('wc -l < t.csv; uptime', (e, out) => execFile('gzip', ['-c', 't.csv'], {encoding: 'buffer'}, (f, z) => answer(out + z.length))); }; };\n",
    "pl": "get('/extra' => sub { my ($c) = @_; open my $f, '>', '/tmp/extra.txt'; print $f 'x' x 900; close $f; $c->render(text => `uptime; sort t.csv | head -n 3`) });\n1;\n",
}
