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
STAGES = Path("/run/corpus/stages")
SITES = Path("/run/corpus/sites")


def by_connection(rec: Recording, port: int, argv: list[str]):
    """A server that is started for each connection, as inetd does."""
    # With a relay in between, or with the connection itself.
    how = rec.rng.choice(["", ",nofork"])
    return rec.serve(["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr", f"EXEC:{' '.join(argv)}{how}"], port)


SSH_SERVERS = ("openssh", "openssh", "openssh", "openssh by connection", "dropbear", "dropbear by connection", "paramiko")


def ssh(rec: Recording, port: int, *, tries: int | None = None):
    """OpenSSH's, Dropbear's or Paramiko's server. `tries`: what MaxAuthTries is at least."""
    rng = rec.rng
    key = rec.work / "host_key"
    kind = rng.choice(SSH_SERVERS)
    if kind.startswith("dropbear"):
        rec.quietly(["dropbearkey", "-t", rng.choice(["ed25519", "ecdsa", "rsa"]), "-f", str(key)])
        options = rng.sample([["-j"], ["-k"], ["-K", "5"], ["-I", "30"], ["-W", "65536"], ["-b", str(rec.write("banner", inputs.text(rng, 4)))],
                              ["-T", str(max(tries or 0, rng.randint(2, 9)))]], rng.randint(0, 4))
        argv = ["/usr/sbin/dropbear", "-r", str(key), *(word for option in options for word in option)]
        if kind == "dropbear":
            return rec.serve([*argv, "-F", "-p", f"127.0.0.1:{port}", "-P", str(rec.work / "pid"), *rng.choice([[], ["-E"]])], port)
        return by_connection(rec, port, [*argv, "-i"])
    if kind == "paramiko":
        rec.quietly(["ssh-keygen", "-q", "-t", "ecdsa", "-m", "PEM", "-N", "", "-f", str(key)])
        accounts = rec.write("accounts", "".join(f"{name}:{password}\n" for name, password in ACCOUNTS.items()))
        return rec.serve(["/usr/bin/python3", str(STAGES / "ssh_server.py"), str(port), str(key), str(accounts)], port)
    rec.quietly(["ssh-keygen", "-q", "-t", rng.choice(["ed25519", "ecdsa", "rsa"]), "-N", "", "-f", str(key)])
    yes_no = ("yes", "no")
    lines = [
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {key}", f"PidFile {rec.work}/pid",
        f"UsePAM {rng.choice(yes_no)}", f"MaxAuthTries {max(tries or 0, rng.randint(2, 6))}", "PasswordAuthentication yes",
        f"KbdInteractiveAuthentication {rng.choice(yes_no)}", f"PermitRootLogin {rng.choice(yes_no)}", "UseDNS no",
        f"PrintMotd {rng.choice(yes_no)}", f"PrintLastLog {rng.choice(yes_no)}", f"StrictModes {rng.choice(yes_no)}",
        f"Subsystem sftp {rng.choice(['internal-sftp', '/usr/lib/openssh/sftp-server'])}",
        f"LogLevel {rng.choice(['INFO', 'VERBOSE', 'QUIET'])}", "MaxStartups 20",
        f"LoginGraceTime {rng.choice([0, 20, 60])}", f"Compression {rng.choice(['yes', 'no', 'delayed'])}", f"TCPKeepAlive {rng.choice(yes_no)}",
        f"ClientAliveInterval {rng.choice([0, 0, 2, 30])}", f"X11Forwarding {rng.choice(yes_no)}",
        *rng.choice([[], [f"Banner {rec.write('banner', inputs.text(rng, rng.randint(1, 9)))}"]]),
        *rng.choice([[], ["Ciphers aes128-ctr,aes256-gcm@openssh.com"], ["Ciphers chacha20-poly1305@openssh.com", "KexAlgorithms curve25519-sha256"]]),
        *rng.choice([[], ["DenyUsers oracle test"], ["DenyGroups games"], ["Match User dave", "  X11Forwarding no"]]), ""]
    argv = ["/usr/sbin/sshd", "-f", str(rec.write("sshd_config", "\n".join(lines)))]
    return by_connection(rec, port, [*argv, "-i"]) if kind == "openssh by connection" else rec.serve([*argv, "-D"], port)


FTP_SERVERS = ("vsftpd", "vsftpd", "vsftpd by connection", "pure-ftpd", "pure-ftpd", "proftpd", "proftpd", "ftpd", "pyftpdlib")


def ftp(rec: Recording, port: int):
    """vsftpd, pure-ftpd, ProFTPD, the GNU ftpd or a small server on pyftpdlib."""
    rng = rec.rng
    kind = rng.choice(FTP_SERVERS)
    for name in ACCOUNTS:
        home = Path("/home") / name
        if not (home / "shared").exists():
            inputs.tree(rng, home / "shared", 6)
            rec.quietly(["chown", "-R", f"{name}:{name}", str(home / "shared")])
    if kind.startswith("vsftpd"):
        return vsftpd(rec, port, alone=kind == "vsftpd")
    if kind == "pyftpdlib":
        return rec.serve(["/usr/bin/python3", str(STAGES / "ftp_server.py"), str(port), rng.choice(["processes", "threads"])], port)
    if kind == "proftpd":
        return proftpd(rec, port)
    plain = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n"
    Path(f"/etc/pam.d/{kind}").write_text(plain)
    if kind == "ftpd":
        Path("/etc/pam.d/ftp").write_text(plain)
        options = rng.sample(["-l", "-U", "-q"], rng.randint(0, 3))
        return by_connection(rec, port, [str(PROGRAMS / "usr/sbin/ftpd"), *options, "-t", str(rng.randint(20, 90))])
    options = rng.sample(["-H", "-E", "-D", "-A", "-Z", "-r", "-b", "-K", "-d", "-I 3", "-c 20", "-C 9", "-U 022:022", "-k 99", "-s", "-w"], rng.randint(2, 6))
    return rec.serve([str(PROGRAMS / "usr/sbin/pure-ftpd"), "-S", f"127.0.0.1,{port}", "-l", rng.choice(["pam", "unix"]),
                      *" ".join(options).split()], port)


def vsftpd(rec: Recording, port: int, *, alone: bool):
    rng = rec.rng
    yes_no = ("YES", "NO")
    low = rng.randrange(31000, 39000)
    denied = rec.write("denied", "root\nadmin\n")
    lines = [
        "local_enable=YES", "write_enable=YES",
        "anonymous_enable=NO", "pam_service_name=vsftpd", "secure_chroot_dir=/run/vsftpd/empty", f"pasv_min_port={low}", f"pasv_max_port={low + 90}",
        f"max_login_fails={rng.randint(1, 4)}", f"xferlog_enable={rng.choice(yes_no)}", f"chroot_local_user={rng.choice(yes_no)}", "allow_writeable_chroot=YES",
        f"session_support={rng.choice(yes_no)}", f"use_localtime={rng.choice(yes_no)}", f"delay_failed_login={rng.choice([0, 1, 1])}",
        f"setproctitle_enable={rng.choice(yes_no)}", f"isolate={rng.choice(yes_no)}", "isolate_network=NO", f"log_ftp_protocol={rng.choice(yes_no)}",
        f"vsftpd_log_file={rec.work}/vsftpd.log", f"syslog_enable={rng.choice(yes_no)}", f"dual_log_enable={rng.choice(yes_no)}",
        f"hide_ids={rng.choice(yes_no)}", f"userlist_enable={rng.choice(yes_no)}", f"userlist_file={denied}",
        *rng.choice([[], [f"banner_file={rec.write('banner', inputs.text(rng, rng.randint(1, 20)))}"], ["ftpd_banner=Welcome"]]),
        f"max_per_ip={rng.choice([0, 50])}", f"dirmessage_enable={rng.choice(yes_no)}", f"data_connection_timeout={rng.randint(20, 90)}",
        f"lock_upload_files={rng.choice(yes_no)}", f"use_sendfile={rng.choice(yes_no)}"]
    if alone:
        lines += ["listen=YES", "listen_address=127.0.0.1", f"listen_port={port}", "background=NO"]
    else:
        lines += ["listen=NO"]
    argv = ["/usr/sbin/vsftpd", str(rec.write("vsftpd.conf", "\n".join([*lines, ""])))]
    return rec.serve(argv, port) if alone else by_connection(rec, port, argv)


def proftpd(rec: Recording, port: int):
    rng = rec.rng
    on_off = ("on", "off")
    Path("/etc/pam.d/proftpd").write_text("auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_unix.so\n")
    low = rng.randrange(31000, 39000)
    by_pam = rng.random() < 0.5
    config = rec.write("proftpd.conf", "\n".join([
        'ServerName "files"', "ServerType standalone", f"Port {port}", "DefaultAddress 127.0.0.1", "SocketBindTight on", "UseIPv6 off", "User nobody", "Group nogroup",
        f"PidFile {rec.work}/pid", f"ScoreboardFile {rec.work}/score", "RequireValidShell off", f"PassivePorts {low} {low + 90}",
        f"MaxLoginAttempts {rng.randint(1, 5)}", f"UseReverseDNS {rng.choice(on_off)}", f"MultilineRFC2228 {rng.choice(on_off)}",
        f"AuthPAM {'on' if by_pam else 'off'}", *(["AuthPAMConfig proftpd", "AuthOrder mod_auth_pam.c* mod_auth_unix.c"] if by_pam else ["AuthOrder mod_auth_unix.c"]),
        f"SystemLog {rec.work}/system.log", f"TransferLog {rng.choice(['NONE', f'{rec.work}/transfer.log'])}", "WtmpLog off", f"ShowSymlinks {rng.choice(on_off)}",
        f"UseSendfile {rng.choice(on_off)}", f"TimesGMT {rng.choice(on_off)}", f"TimeoutIdle {rng.randint(20, 90)}", *rng.choice([[], ["DefaultRoot ~"]]), ""]))
    return rec.serve([str(PROGRAMS / "usr/sbin/proftpd"), "-n", "-q", "-c", str(config)], port)


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
    "search.php": '<?php header("X-Worker: " . getmypid()); foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator(".", FilesystemIterator::SKIP_DOTS)) as $f) if (str_ends_with($f, ".php")) echo substr_count(file_get_contents($f), "echo"), "$f\\n";',
    "upload.php": '<?php header("X-Worker: " . getmypid()); $n = tempnam("/tmp", "up"); file_put_contents($n, file_get_contents("php://input")); echo filesize($n), mime_content_type($n); rename($n, "/tmp/uploaded"); unlink("/tmp/uploaded");',
    "remote.php": '<?php header("X-Worker: " . getmypid()); $s = @fsockopen("127.0.0.1", 9, $e, $t, 1); echo $s ? "up" : "down"; echo gethostbyname("localhost");',
    "mail.php": '<?php header("X-Worker: " . getmypid()); mail("alice@localhost", "subject", "text"); setlocale(LC_ALL, "C.UTF-8"); echo date_default_timezone_get();',
    "cache.php": '<?php header("X-Worker: " . getmypid()); $f = "/tmp/page.cache"; if (is_file($f) && filemtime($f) > time() - 2) { readfile($f); exit; } $t = str_repeat(uniqid(), 99); file_put_contents("$f.new", $t, LOCK_EX); rename("$f.new", $f); usleep(2000); echo $t;',
    "style.css": "body { color: black }\n",
    "about.html": "<h1>About</h1><p>Nothing to see.</p>\n",
}
CGI = {
    "hello.sh": '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\necho "hello $QUERY_STRING"\ndate\n',
    "list.sh": '#!/bin/bash\nprintf "Content-Type: text/plain\\r\\n\\r\\n"\nfor f in *; do echo "$f"; done\nwc -l < t.csv\n',
    "env.pl": '#!/usr/bin/perl\nprint "Content-Type: text/plain\\r\\n\\r\\n"; print "$_=$ENV{$_}\\n" for sort keys %ENV;\n',
    "sum.pl": '#!/usr/bin/perl\nprint "Content-Type: text/plain\\r\\n\\r\\n"; open F, "t.csv"; while (<F>) { $s += (split /,/)[3] } print "$s\\n", `date`;\n',
    "sum.py": '#!/usr/bin/python3\nimport csv\nprint("Content-Type: text/plain\\r\\n\\r")\nprint(sum(int(r["amount"]) for r in csv.DictReader(open("t.csv"))))\n',
    "count.rb": '#!/usr/bin/ruby\nputs "Content-Type: text/plain\\r\\n\\r"\nputs File.foreach("t.csv").count, Time.now\n',
    "hello.lua": '#!/usr/bin/lua5.4\nio.write("Content-Type: text/plain\\r\\n\\r\\n", "hello ", os.getenv("QUERY_STRING") or "", os.date(), "\\n")\n',
    "table.awk": '#!/usr/bin/gawk -f\nBEGIN {printf "Content-Type: text/plain\\r\\n\\r\\n"; while ((getline l < "t.csv") > 0) {split(l, a, ","); s += a[4]} print s}\n',
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
    flags = rec.rng.choice([[], [], ["-d", "opcache.enable=0"], ["-d", "output_buffering=4096"], ["-n", "-d", "extension=pdo"], ["-d", "zend.assertions=1"]])
    return rec.serve(["/usr/bin/php", *flags, "-S", f"127.0.0.1:{port}", "-t", str(root)], port, cwd=root, env=env, user=rec.rng.choice([None, "www-data"]))


@contextlib.contextmanager
def fpm(rec: Recording, root: Path, port: int, *, watch_nginx: bool):
    """nginx before PHP-FPM, whose workers end after a few requests each. Yields the observed FPM."""
    rng = rec.rng
    socket = f"/run/php/{rec.group}.sock"
    mechanism, manager = rng.choice(["epoll", "poll", "select"]), rng.choice(["static", "ondemand"])
    if manager == "ondemand":
        mechanism = "epoll"  # It works with no other.
    config = rec.write("fpm.conf", "\n".join([
        "[global]", f"error_log = {rec.work}/fpm.log", "daemonize = no", f"events.mechanism = {mechanism}",
        "[www]", "user = www-data", "group = www-data", f"listen = {socket}",
        "listen.owner = www-data", f"pm = {manager}", f"pm.max_children = {rng.randint(2, 3)}",
        f"pm.max_requests = {rng.randint(1, 5)}", "clear_env = yes", f"catch_workers_output = {rng.choice(['yes', 'no'])}",
        *rng.choice([[], [f"access.log = {rec.work}/fpm-access.log"], ["php_admin_value[opcache.enable] = 0"]]), ""]))
    conf = rec.write("nginx.conf", f"""
pid {rec.work}/nginx.pid; error_log {rec.work}/error.log; daemon off; worker_processes {rng.randint(1, 2)}; user www-data;
events {{ worker_connections 64; multi_accept {rng.choice(['on', 'off'])}; }}
http {{ include /etc/nginx/mime.types; access_log {rng.choice(['off', f'{rec.work}/access.log'])}; sendfile {rng.choice(['on', 'off'])}; gzip {rng.choice(['on', 'off'])};
  keepalive_timeout {rng.choice([0, 5, 65])}; client_body_in_file_only {rng.choice(['off', 'off', 'clean'])}; client_body_temp_path {rec.work}/body;
  server {{ listen 127.0.0.1:{port}; root {root}; index index.php;
    location ~ \\.php$ {{ include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:{socket}; }} }} }}
""")
    with rec.serve(["php-fpm8.2", "-y", str(config), "-F"], socket) as service:
        with rec.serve(["nginx", "-c", str(conf)], port) as nginx:
            yield service
        if watch_nginx:
            rec.keep(nginx.tree)


def apache(rec: Recording, root: Path, port: int, *, cgi: bool):
    """Apache's prefork server with PHP inside, or with CGI scripts."""
    rng = rec.rng
    modules = {"mpm_prefork": "mod_mpm_prefork", "authz_core": "mod_authz_core", "mime": "mod_mime", "dir": "mod_dir", "alias": "mod_alias"}
    modules |= {"cgi": "mod_cgi"} if cgi else {"php": "libphp8.2"}
    for extra in rng.sample(["deflate", "status", "headers", "rewrite", "autoindex", "env", "expires"], rng.randint(0, 4)):
        modules[extra] = f"mod_{extra}"
    handler = f'ScriptAlias "/cgi-bin/" "{root}/cgi-bin/"' if cgi else '<FilesMatch "\\.php$">\n SetHandler application/x-httpd-php\n</FilesMatch>'
    config = rec.write("apache.conf", "\n".join([
        *(f"LoadModule {name}_module /usr/lib/apache2/modules/{file}.so" for name, file in modules.items()),
        'ServerRoot "/etc/apache2"', f"Listen 127.0.0.1:{port}", "ServerName server.test", "User www-data", "Group www-data", f"PidFile {rec.work}/httpd.pid",
        f"DefaultRuntimeDir {rec.work}", f"ErrorLog {rec.work}/error.log", f'DocumentRoot "{root}"', "TypesConfig /etc/mime.types", "DirectoryIndex index.php index.html",
        f"StartServers {rng.randint(1, 3)}", "MinSpareServers 1", f"MaxSpareServers {rng.randint(2, 4)}", f"MaxConnectionsPerChild {rng.choice([2, 4, 6, 0])}",
        f"KeepAlive {rng.choice(['On', 'Off'])}", f"EnableSendfile {rng.choice(['On', 'Off'])}", f"EnableMMAP {rng.choice(['On', 'Off'])}",
        f"HostnameLookups {rng.choice(['On', 'Off'])}", "<Directory />", f" Require all granted\n Options {rng.choice(['FollowSymLinks', 'None'])} {'ExecCGI' if cgi else ''}".replace("None ExecCGI", "ExecCGI"),
        f" AllowOverride {rng.choice(['None', 'All'])}", "</Directory>", handler, ""]))
    return rec.serve(["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(config)], port, env={**rec.environment, "APACHE_RUN_DIR": str(rec.work)})


def lighttpd(rec: Recording, root: Path, port: int, *, cgi: bool):
    """lighttpd with php-cgi as its FastCGI workers, or with CGI scripts."""
    rng = rec.rng
    modules = ["mod_cgi" if cgi else "mod_fastcgi", *rng.sample(["mod_access", "mod_accesslog", "mod_deflate", "mod_expire", "mod_setenv"], rng.randint(0, 3))]
    lines = [f'server.modules = ({", ".join(f"{chr(34)}{m}{chr(34)}" for m in modules)})', f'server.document-root = "{root}"', f"server.port = {port}",
             'server.bind = "127.0.0.1"', 'server.username = "www-data"', 'server.groupname = "www-data"', f'server.errorlog = "{rec.work}/error.log"',
             'index-file.names = ("index.php", "about.html")', f'server.network-backend = "{rng.choice(["sendfile", "writev", "write"])}"',
             f'server.event-handler = "{rng.choice(["linux-sysepoll", "poll"])}"']
    if "mod_accesslog" in modules:
        lines.append(f'accesslog.filename = "{rec.work}/access.log"')
    rec.work.chmod(0o777)
    if cgi:
        lines.append('$HTTP["url"] =~ "^/cgi-bin/" { cgi.assign = ("" => "") }')
    else:
        lines.append(f'fastcgi.server = (".php" => (("bin-path" => "/usr/bin/php-cgi", "socket" => "{rec.work}/php.sock", "max-procs" => 1, '
                     f'"bin-environment" => ("PHP_FCGI_CHILDREN" => "{rng.choice([0, 2, 3])}", "PHP_FCGI_MAX_REQUESTS" => "{rng.randint(2, 9)}"))))')
    return rec.serve(["/usr/sbin/lighttpd", "-D", "-f", str(rec.write("lighttpd.conf", "\n".join([*lines, ""])))], port)


def cgi(rec: Recording, root: Path, port: int):
    """A server that starts a process for each request: Python's, busybox', lighttpd's or Apache's."""
    kind = rec.rng.choice(["python", "python", "busybox", "lighttpd", "apache"])
    if kind == "busybox":
        return rec.serve(["busybox", "httpd", "-f", "-p", f"127.0.0.1:{port}", "-h", str(root)], port, cwd=root)
    if kind == "lighttpd":
        return lighttpd(rec, root, port, cgi=True)
    if kind == "apache":
        return apache(rec, root, port, cgi=True)
    return rec.serve(["/usr/bin/python3", "-m", "http.server", "--cgi", "--bind", "127.0.0.1", str(port)], port, cwd=root)


#: The routes of the sites in `sites/`, with one that is missing.
APP_PATHS = ["", "table", "files", "form", "date", "count", "missing"]
#: Frameworks of those sites, and how the file that serves one ends.
APPS = {"flask": "py", "gunicorn": "py", "webrick": "rb", "node": "js", "mojolicious": "pl"}


def app(rec: Recording, kind: str, port: int):
    """A site written in one of `APPS`, in `rec.work / "app"`, with all that is in its `plugins/`."""
    rng = rec.rng
    home = rec.work / "app"
    ends = APPS[kind]
    rec.write(f"app/app.{ends}", (SITES / f"app.{ends}").read_text(), 0o755)
    rec.write("app/t.csv", inputs.table(rng, rng.randint(5, 300)))
    (home / "plugins").mkdir(exist_ok=True)
    argv = {
        "flask": ["/usr/bin/python3", "app.py", str(port), *rng.choice([[], ["threads"]])],
        "gunicorn": ["/usr/bin/gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(rng.randint(1, 3)), "--max-requests", str(rng.randint(3, 12)),
                     *rng.choice([[], ["--preload"], ["-k", "gthread", "--threads", "2"]]), "app:app"],
        "webrick": ["/usr/bin/ruby", "app.rb", str(port)],
        "node": ["/usr/bin/node", "app.js", str(port)],
        "mojolicious": ["/usr/bin/perl", "app.pl", rng.choice(["daemon", "prefork"]), "-l", f"http://127.0.0.1:{port}"],
    }[kind]
    return rec.serve(argv, port, cwd=home, user=rng.choice([None, None, "www-data"]) if kind in ("node", "flask") else None)
