"""The servers that both legitimate sessions and attacks talk to, each under observation.

Every function draws the server's configuration from the recording's seed: what differs between two
recordings of a family should also differ between two of normal work.
"""

import contextlib
import stat
from pathlib import Path

from capture.recording import Recording
from capture.sandbox import ACCOUNTS
from scenarios import inputs

PROGRAMS = Path("/run/corpus/programs")


def ssh(rec: Recording, port: int, *, tries: int | None = None):
    """OpenSSH's or Dropbear's server. `tries`: what MaxAuthTries is at least."""
    rng = rec.rng
    key = rec.work / "host_key"
    if rng.random() < 0.25:
        rec.quietly(["dropbearkey", "-t", rng.choice(["ed25519", "ecdsa"]), "-f", str(key)])
        return rec.serve(["/usr/sbin/dropbear", "-F", "-p", f"127.0.0.1:{port}", "-r", str(key), "-P", str(rec.work / "pid")], port)
    rec.quietly(["ssh-keygen", "-q", "-t", rng.choice(["ed25519", "ecdsa"]), "-N", "", "-f", str(key)])
    yes_no = ("yes", "no")
    config = rec.write("sshd_config", "\n".join([
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {key}", f"PidFile {rec.work}/pid",
        f"UsePAM {rng.choice(yes_no)}", f"MaxAuthTries {max(tries or 0, rng.randint(2, 6))}", "PasswordAuthentication yes",
        f"KbdInteractiveAuthentication {rng.choice(yes_no)}", f"PermitRootLogin {rng.choice(yes_no)}", "UseDNS no",
        f"PrintMotd {rng.choice(yes_no)}", f"PrintLastLog {rng.choice(yes_no)}", f"StrictModes {rng.choice(yes_no)}",
        f"Subsystem sftp {rng.choice(['internal-sftp', '/usr/lib/openssh/sftp-server'])}",
        f"LogLevel {rng.choice(['INFO', 'VERBOSE', 'QUIET'])}", "MaxStartups 20", "",
    ]))
    return rec.serve(["/usr/sbin/sshd", "-D", "-f", str(config)], port)


FTP_SERVERS = ("vsftpd", "vsftpd", "pure-ftpd", "pyftpdlib")


def ftp(rec: Recording, port: int):
    """vsftpd, pure-ftpd or a small server on pyftpdlib."""
    rng = rec.rng
    kind = rng.choice(FTP_SERVERS)
    for name in ACCOUNTS:
        home = Path("/home") / name
        if not (home / "shared").exists():
            inputs.tree(rng, home / "shared", 6)
            rec.quietly(["chown", "-R", f"{name}:{name}", str(home / "shared")])
    if kind == "vsftpd":
        yes_no = ("YES", "NO")
        low = rng.randrange(31000, 39000)
        denied = rec.write("denied", "root\nadmin\n")
        config = rec.write("vsftpd.conf", "\n".join([
            "listen=YES", "listen_address=127.0.0.1", f"listen_port={port}", "background=NO", "local_enable=YES", "write_enable=YES",
            "anonymous_enable=NO", "pam_service_name=vsftpd", "secure_chroot_dir=/run/vsftpd/empty", f"pasv_min_port={low}", f"pasv_max_port={low + 90}",
            f"max_login_fails={rng.randint(1, 4)}", f"xferlog_enable={rng.choice(yes_no)}", f"chroot_local_user={rng.choice(yes_no)}", "allow_writeable_chroot=YES",
            f"session_support={rng.choice(yes_no)}", f"use_localtime={rng.choice(yes_no)}", f"delay_failed_login={rng.choice([0, 1, 1])}",
            f"setproctitle_enable={rng.choice(yes_no)}", f"isolate={rng.choice(yes_no)}", "isolate_network=NO", f"log_ftp_protocol={rng.choice(yes_no)}",
            f"vsftpd_log_file={rec.work}/vsftpd.log", f"syslog_enable={rng.choice(yes_no)}", f"dual_log_enable={rng.choice(yes_no)}",
            f"hide_ids={rng.choice(yes_no)}", f"userlist_enable={rng.choice(yes_no)}", f"userlist_file={denied}",
            *rng.choice([[], [f"banner_file={rec.write('banner', inputs.text(rng, rng.randint(1, 20)))}"], ["ftpd_banner=Welcome"]]),
            f"max_per_ip={rng.choice([0, 50])}", f"dirmessage_enable={rng.choice(yes_no)}", f"data_connection_timeout={rng.randint(20, 90)}", ""]))
        return rec.serve(["/usr/sbin/vsftpd", str(config)], port)
    if kind == "pure-ftpd":
        Path("/etc/pam.d/pure-ftpd").write_text("auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n")
        options = rng.sample(["-H", "-E", "-D", "-A", "-Z", "-r"], rng.randint(1, 4))
        return rec.serve([str(PROGRAMS / "usr/sbin/pure-ftpd"), "-S", f"127.0.0.1,{port}", "-l", rng.choice(["pam", "unix"]), *options], port)
    return rec.serve(["/usr/bin/python3", "/run/corpus/stages/ftp_server.py", str(port), rng.choice(["processes", "threads"])], port)


#: What pages do that has nothing to hide. `X-Worker` tells the recorder who served a request.
PAGES = {
    "index.php": '<?php header("X-Worker: " . getmypid()); echo "<h1>Welcome</h1>", date("r"); for ($i = 0; $i < 20; $i++) echo "<p>line $i</p>";',
    "list.php": '<?php header("X-Worker: " . getmypid()); foreach (scandir(__DIR__) as $f) { $s = stat($f); echo "$f {$s["size"]}\\n"; }',
    "table.php": '<?php header("X-Worker: " . getmypid()); $f = fopen("t.csv", "r"); while ($r = fgetcsv($f)) echo "<tr><td>", implode("<td>", $r), "\\n";',
    "form.php": '<?php header("X-Worker: " . getmypid()); file_put_contents("/tmp/guests", json_encode($_POST) . "\\n", FILE_APPEND | LOCK_EX); echo htmlspecialchars(print_r($_POST, true));',
    "session.php": '<?php header("X-Worker: " . getmypid()); session_start(); $_SESSION["n"] = ($_SESSION["n"] ?? 0) + 1; echo $_SESSION["n"];',
    "database.php": '<?php header("X-Worker: " . getmypid()); $d = new PDO("sqlite:/tmp/web.db"); $d->exec("create table if not exists v(t)"); $d->exec("insert into v values (1)"); echo $d->query("select count(*) from v")->fetchColumn();',
    "image.php": '<?php header("X-Worker: " . getmypid()); header("Content-Type: text/plain"); echo md5_file("t.csv"), " ", filesize("t.csv"); readfile("t.csv");',
    "convert.php": '<?php header("X-Worker: " . getmypid()); $p = popen("gzip -c t.csv", "r"); echo strlen(stream_get_contents($p)); pclose($p);',
    "version.php": '<?php header("X-Worker: " . getmypid()); echo shell_exec("date +%F"), PHP_VERSION;',
    "style.css": "body { color: black }\n",
    "about.html": "<h1>About</h1><p>Nothing to see.</p>\n",
}
CGI = {
    "hello.sh": '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho "hello $QUERY_STRING"\ndate\n',
    "list.sh": '#!/bin/bash\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nfor f in *; do echo "$f"; done\nwc -l < t.csv\n',
    "env.pl": '#!/usr/bin/perl\nprint "Content-Type: text/plain\\r\\n\\r\\n"; print "$_=$ENV{$_}\\n" for sort keys %ENV;\n',
    "sum.pl": '#!/usr/bin/perl\nprint "Content-Type: text/plain\\r\\n\\r\\n"; open F, "t.csv"; while (<F>) { $s += (split /,/)[3] } print "$s\\n", `date`;\n',
    "sum.py": '#!/usr/bin/python3\nimport csv\nprint("Content-Type: text/plain\\r\\n\\r")\nprint(sum(int(r["amount"]) for r in csv.DictReader(open("t.csv"))))\n',
    "disk.py": '#!/usr/bin/python3\nimport subprocess\nprint("Content-Type: text/plain\\r\\n\\r")\nprint(subprocess.run(["df", "."], capture_output=True, text=True).stdout)\n',
}


def site(rec: Recording) -> Path:
    """A folder of pages that any of the servers can serve."""
    root = rec.work / "www"
    for name, page in PAGES.items():
        rec.write(f"www/{name}", page)
    rec.write("www/t.csv", inputs.table(rec.rng, rec.rng.randint(5, 400)))
    rec.write("www/cgi-bin/t.csv", inputs.table(rec.rng, rec.rng.randint(5, 400)))
    for name, script in CGI.items():
        rec.write(f"www/cgi-bin/{name}", script, 0o755)
    for path in (root, root / "cgi-bin"):
        path.chmod(path.stat().st_mode | stat.S_IRWXO)
    return root


def php(rec: Recording, root: Path, port: int):
    """PHP's own web server: one process for everything, or a few workers."""
    env = dict(rec.environment)
    if rec.rng.random() < 0.3:
        env["PHP_CLI_SERVER_WORKERS"] = str(rec.rng.randint(2, 3))
    flags = rec.rng.choice([[], [], ["-d", "opcache.enable=0"], ["-d", "output_buffering=4096"]])
    return rec.serve(["/usr/bin/php", *flags, "-S", f"127.0.0.1:{port}", "-t", str(root)], port, cwd=root, env=env, user=rec.rng.choice([None, "www-data"]))


@contextlib.contextmanager
def fpm(rec: Recording, root: Path, port: int, *, watch_nginx: bool):
    """nginx before PHP-FPM, whose workers end after a few requests each. Yields the observed FPM."""
    rng = rec.rng
    socket = f"/run/php/{rec.group}.sock"
    config = rec.write("fpm.conf", "\n".join([
        "[global]", f"error_log = {rec.work}/fpm.log", "daemonize = no", "[www]", "user = www-data", "group = www-data", f"listen = {socket}",
        "listen.owner = www-data", f"pm = {rng.choice(['static', 'ondemand'])}", f"pm.max_children = {rng.randint(2, 3)}",
        f"pm.max_requests = {rng.randint(1, 5)}", "clear_env = yes", ""]))
    conf = rec.write("nginx.conf", f"""
pid {rec.work}/nginx.pid; error_log {rec.work}/error.log; daemon off; worker_processes {rng.randint(1, 2)}; user www-data;
events {{ worker_connections 64; }}
http {{ include /etc/nginx/mime.types; access_log {rec.work}/access.log; sendfile {rng.choice(['on', 'off'])}; gzip {rng.choice(['on', 'off'])};
  server {{ listen 127.0.0.1:{port}; root {root}; index index.php;
    location ~ \\.php$ {{ include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:{socket}; }} }} }}
""")
    with rec.serve(["php-fpm8.2", "-y", str(config), "-F"], socket) as service:
        with rec.serve(["nginx", "-c", str(conf)], port) as nginx:
            yield service
        if watch_nginx:
            rec.keep(nginx.tree)


def cgi(rec: Recording, root: Path, port: int):
    """Python's http.server running CGI scripts, one process a request."""
    return rec.serve(["/usr/bin/python3", "-m", "http.server", "--cgi", "--bind", "127.0.0.1", str(port)], port, cwd=root)

