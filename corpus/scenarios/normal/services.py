"""Daemons that attacks do not touch, each with somebody who uses it: mail, chat, messages, names, logs, backups."""

import socket
import time

from capture.recording import Recording
from scenarios import inputs, normal_work


@normal_work(8)
def mail(rec: Recording) -> None:
    """Exim delivering on this machine, what hands it mail, and filters."""
    rng = rec.rng
    port = rec.port()
    spool = rec.work / "spool"
    spool.mkdir()
    config = rec.write("exim.conf", f"""
primary_hostname = corpus
spool_directory = {spool}
log_file_path = {spool}/%slog
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
exim_user = root
exim_group = root
never_users =
tls_advertise_hosts =
acl_smtp_rcpt = ok
acl_smtp_data = ok
begin acl
ok:
  accept
begin routers
local:
  driver = accept
  check_local_user
  transport = box
begin transports
box:
  driver = appendfile
  file = {rec.work}/$local_part.box
  user = root
  {rng.choice(['', 'envelope_to_add', 'delivery_date_add'])}
begin retry
* * F,1h,10m
""")
    rec.quietly(["chown", "root:root", str(config)])
    script = ("import smtplib, sys\nfor i in range({n}):\n  with smtplib.SMTP('127.0.0.1', {port}) as s: s.sendmail('a@corpus', ['{who}@corpus'], 'Subject: {word}\\n\\n{word}\\n' * (i + 1))\n")
    filled = {"port": port, "who": rng.choice(["alice", "bob"]), "word": rng.choice(inputs.WORDS), "n": rng.randint(1, 4)}
    with rec.serve(["exim4", "-C", str(config), "-bdf", f"-q{rng.randint(1, 9)}m"], port) as service:
        for way in rng.sample(["python", "sendmail", "msmtp", "curl", "s-nail"], 2):
            text = f"Subject: note\n\n{inputs.text(rng, rng.randint(1, 30))}"
            match way:
                case "python":
                    rec.trace(["/usr/bin/python3", "-c", script.format(**filled)])
                case "sendmail":
                    rec.trace(["exim4", "-C", str(config), "-i", "-odf", "bob@corpus"], stdin=text)
                case "msmtp":
                    rec.trace(["msmtp", "--host=127.0.0.1", f"--port={port}", "--from=a@corpus", "alice@corpus"], stdin=text)
                case "curl":
                    rec.trace(["curl", "-s", f"smtp://127.0.0.1:{port}", "--mail-from", "a@corpus", "--mail-rcpt", "bob@corpus", "-T", str(rec.write("m.txt", text))])
                case "s-nail":
                    rec.trace(["s-nail", "-S", "v15-compat", "-S", f"mta=smtp://127.0.0.1:{port}", "-S", "smtp-auth=none", "-s", "note", "alice@corpus"], stdin=text)
        if rng.random() < 0.4:
            rec.trace(["exim4", "-C", str(config), "-bp"])
        time.sleep(0.5)
    rec.keep(service.tree)
    rec.write("filter.rc", f"DEFAULT={rec.work}/inbox\nMAILDIR={rec.work}\n:0:\n* ^Subject:.*note\nnotes\n:0c\n| wc -l > lines\n")
    rec.trace(["procmail", "-m", "filter.rc"], stdin=f"From a@corpus\nSubject: note\n\n{inputs.text(rng, 5)}")


@normal_work(6)
def chat(rec: Recording) -> None:
    """An IRC server with a few people who talk."""
    rng = rec.rng
    port = rec.port()
    config = rec.write("ngircd.conf", f"[Global]\nName = irc.corpus.test\nInfo = chat\nListen = 127.0.0.1\nPorts = {port}\nServerUID = nobody\nServerGID = nogroup\n[Limits]\nMaxConnectionsIP = 0\n"
                                      "[Options]\nPAM = no\nDNS = no\nIdent = no\nSyslogFacility = user\n[SSL]\n", 0o644)
    rec.work.chmod(0o755)
    with rec.serve(["ngircd", "-n", "-f", str(config)], port) as service:
        people = []
        for name in rng.sample(inputs.WORDS, rng.randint(2, 4)):
            person = socket.create_connection(("127.0.0.1", port))
            person.settimeout(0.2)
            person.sendall(f"NICK {name[:8]}\r\nUSER {name} 0 * :{name}\r\nJOIN #room\r\n".encode())
            people.append(person)
        for _ in range(rng.randint(4, 20)):
            person = rng.choice(people)
            try:
                person.sendall(rng.choice(["PRIVMSG #room :%s\r\n", "TOPIC #room :%s\r\n", "WHO #room %s\r\n", "PING %s\r\n"]).replace("%s", rng.choice(inputs.WORDS)).encode())
                person.recv(65536)
            except OSError:
                pass
            rec.pause(0.02, 0.2)
        if rng.random() < 0.6:
            rec.trace(["sh", "-c", f"(printf 'NICK guest\\r\\nUSER g 0 * :g\\r\\n'; sleep 0.5; printf 'JOIN #room\\r\\nQUIT\\r\\n'; sleep 0.3) | {rng.choice(['nc -q1', 'busybox nc'])} 127.0.0.1 {port}"], timeout=10)
        for person in people:
            person.close()
    rec.keep(service.tree)


@normal_work(5)
def messages(rec: Recording) -> None:
    """An MQTT broker, those who publish and those who listen."""
    rng = rec.rng
    port = rec.port()
    config = rec.write("mosquitto.conf", f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence {rng.choice(['true', 'false'])}\npersistence_location {rec.work}/\nautosave_interval 1\nuser root\n")
    with rec.serve(["mosquitto", "-c", str(config)], port) as service:
        rec.quietly(["sh", "-c", f"mosquitto_sub -p {port} -t 'a/#' -W 4 > got & sleep 0.3; mosquitto_pub -p {port} -t a/b -m {rng.choice(inputs.WORDS)} -q {rng.randint(0, 2)}; wait"], timeout=8)
        rec.trace(["mosquitto_pub", "-p", str(port), "-t", f"a/{rng.choice(inputs.WORDS)}", "-l"], stdin=inputs.text(rng, rng.randint(1, 30)))
        rec.trace(["mosquitto_sub", "-p", str(port), "-t", "$SYS/#", "-W", "1"])
    rec.keep(service.tree)


@normal_work(5)
def names(rec: Recording) -> None:
    """A name server for a made-up zone, and who asks it."""
    rng = rec.rng
    port = rec.port()
    hosts = rec.write("hosts", "".join(f"10.0.0.{i} {word}.test\n" for i, word in enumerate(inputs.words(rng, 20))))
    ask = ("import random, socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)\nfor w in {words!r}:\n  q = random.randbytes(2) + bytes.fromhex('01000001000000000000')"
           " + bytes([len(w)]) + w.encode() + b'\\x04test\\0\\0\\x01\\0\\x01'\n  s.sendto(q, ('127.0.0.1', {port}))\n  try: print(len(s.recv(999)))\n  except OSError: pass\n")
    argv = ["dnsmasq", "-k", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}", "--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}", f"--cache-size={rng.choice([0, 150])}",
            "--user=nobody", f"--pid-file={rec.work}/pid", *rng.choice([[], ["--log-queries", f"--log-facility={rec.work}/log"], ["--local=/test/"]])]
    with rec.serve(argv, port) as service:
        for _ in range(rng.randint(1, 3)):
            rec.trace(["/usr/bin/python3", "-c", ask.format(words=inputs.words(rng, rng.randint(2, 20)), port=port)])
    rec.keep(service.tree)


@normal_work(5)
def logs(rec: Recording) -> None:
    """rsyslogd with files and filters, and programs that log."""
    rng = rec.rng
    config = rec.write("rsyslog.conf", f'module(load="imuxsock" SysSock.Name="{rec.work}/log.sock")\n$WorkDirectory {rec.work}\n*.* {rec.work}/all.log\n:msg, contains, "amber" {rec.work}/amber.log\nauth.* {rng.choice(["-", ""])}{rec.work}/auth.log\n')
    with rec.serve(["rsyslogd", "-n", "-f", str(config), "-i", str(rec.work / "pid")], str(rec.work / "log.sock")) as service:
        for _ in range(rng.randint(3, 12)):
            argv = ["logger", "-u", str(rec.work / "log.sock"), "-t", rng.choice(inputs.WORDS), "-p", rng.choice(["user.info", "auth.notice", "daemon.err"]), rng.choice(inputs.WORDS)]
            rec.trace(argv) if rng.random() < 0.2 else rec.quietly(argv)
    rec.keep(service.tree)


@normal_work(5)
def supervising(rec: Recording) -> None:
    """supervisord keeping programs alive, some of which end."""
    rng = rec.rng
    programs = rng.sample(["sleep 60", "/bin/sh -c 'date; sleep 0.4'", "/usr/bin/python3 -c 'import time; time.sleep(30)'", "/bin/bash -c 'while true; do date; sleep 0.3; done'",
                           "/usr/bin/perl -e 'while (1) { sleep 1; print time }'"], 3)
    sections = "".join(f"[program:p{i}]\ncommand={argv}\nautorestart={rng.choice(['true', 'unexpected'])}\nstartsecs=0\nstdout_logfile={rec.work}/p{i}.log\n" for i, argv in enumerate(programs))
    config = rec.write("supervisord.conf", f"[supervisord]\nnodaemon=true\nlogfile={rec.work}/s.log\npidfile={rec.work}/pid\nchildlogdir={rec.work}\n[unix_http_server]\nfile={rec.work}/s.sock\n"
                                           f"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n[supervisorctl]\nserverurl=unix://{rec.work}/s.sock\n{sections}")
    with rec.serve(["/usr/bin/supervisord", "-c", str(config)], str(rec.work / "s.sock")) as service:
        for argv in rng.sample([["status"], ["restart", "p0"], ["stop", "p1"], ["tail", "p2"]], 2):
            rec.trace(["/usr/bin/supervisorctl", "-c", str(config), *argv], timeout=15)
        rec.pause(0.5, 1.5)
    rec.keep(service.tree)


@normal_work(6)
def relays(rec: Recording) -> None:
    """socat, netcat and busybox passing bytes on, and serving files."""
    rng = rec.rng
    port, other = rec.port(), rec.port()
    rec.write("a.txt", inputs.text(rng, rng.randint(5, 400)))
    kind = rng.choice(["socat echo", "socat relay", "socat exec", "busybox httpd", "nc"])
    argv = {
        "socat echo": ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", "PIPE"],
        "socat relay": ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"TCP:127.0.0.1:{other}"],
        "socat exec": ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"EXEC:{rng.choice(['cat', 'date', 'sort'])}"],
        "busybox httpd": ["busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", str(rec.work)],
        "nc": ["nc", "-lk", "127.0.0.1", str(port)],
    }[kind]
    with rec.serve(argv, port) as service:
        for _ in range(rng.randint(2, 5)):
            client = rng.choice([["socat", "-t1", "-", f"TCP:127.0.0.1:{port}"], ["nc", "-q1", "127.0.0.1", str(port)], ["curl", "-s", "-m", "3", f"http://127.0.0.1:{port}/a.txt"], ["busybox", "nc", "-w", "1", "127.0.0.1", str(port)]])
            rec.trace(client, stdin="hello\n", timeout=5) if rng.random() < 0.4 else rec.quietly(client, input=b"hello\n", timeout=5)
    rec.keep(service.tree)


@normal_work(10)
def backups(rec: Recording) -> None:
    """Backup tools and scripts, over a tree that changes."""
    rng = rec.rng
    rec.environment |= {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_BASE_DIR": str(rec.work / "borg")}
    inputs.tree(rng, rec.work / "in", rng.randint(5, 60))

    def change() -> None:
        inputs.tree(rng, rec.work / "in", rng.randint(1, 6))

    match rng.choice(["borg", "rdiff", "tar", "links", "rsync", "script", "python"]):
        case "borg":
            rec.trace(["borg", "init", "-e", "none", "repo"], timeout=60)
            for name in ("one", "two"):
                rec.trace(["borg", "create", *rng.choice([[], ["-C", "zlib"]]), f"repo::{name}", "in"], timeout=60)
                change()
            rec.trace(["borg", *rng.choice([["list", "repo"], ["check", "repo"], ["prune", "--keep-last", "1", "repo"], ["extract", "repo::one"]])], timeout=60)
        case "rdiff":
            for _ in range(2):
                rec.trace(["rdiff-backup", "in", "kept"], timeout=60)
                change()
                time.sleep(1)
            rec.trace(["rdiff-backup", rng.choice(["--list-increments", "--verify"]), "kept"], timeout=60)
        case "tar":
            for number in range(2):
                rec.trace(["tar", "-g", "state", "-czf", f"b{number}.tgz", "in"])
                change()
            rec.trace(["tar", "-g", "/dev/null", "-xzf", "b0.tgz", "-C", "/tmp", "--one-top-level"])
        case "links":
            rec.shell("set -e\ncp -al in snap.0\nfor n in 3 2 1; do [ -d snap.$n ] && mv snap.$n snap.$((n + 1)); done; true\ncp -al snap.0 snap.1\nrm -rf snap.0\ndu -sh snap.*\n")
        case "rsync":
            for number in range(2):
                rec.trace(["rsync", "-a", "--delete", *([] if number == 0 else ["--link-dest=../d0"]), "in/", f"d{number}/"])
                change()
        case "script":
            rec.shell("set -eu\nd=$(date +%F-%H%M%S)\nmkdir -p kept\ntar -cf - in | gzip > kept/$d.tgz\nsha256sum kept/$d.tgz > kept/$d.sum\nls -t kept/*.tgz | tail -n +4 | xargs -r rm\nsha256sum -c kept/$d.sum\n", shell=rng.choice(["bash", "sh"]))
        case "python":
            source = "import hashlib, os, pathlib, shutil\nkept = pathlib.Path('kept')\nfor p in pathlib.Path('in').rglob('*'):\n  if p.is_file():\n    to = kept / hashlib.sha256(p.read_bytes()).hexdigest()\n    if not to.exists():\n      to.parent.mkdir(exist_ok=True)\n      shutil.copy2(p, to)\nprint(len(list(kept.iterdir())))\n"
            rec.trace(["/usr/bin/python3", str(rec.write("keep.py", source))])
            change()
            rec.trace(["/usr/bin/python3", "keep.py"])
