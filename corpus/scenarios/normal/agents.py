"""Programs that do for good reasons what a stage does for bad ones: connect, ask what to do, look around, report."""

import contextlib
import socket
import threading

from capture.recording import Recording
from scenarios import inputs, normal_work
from scenarios.normal.java import java_flags

PYTHON = """import json, os, platform, socket, subprocess, time, urllib.request
base = "http://127.0.0.1:{port}/"
for _ in range({rounds}):
    jobs = json.load(urllib.request.urlopen(base + "jobs.json"))
    report = {{"host": socket.gethostname(), "load": os.getloadavg(), "system": platform.release()}}
    for job in jobs:
        report[job] = subprocess.run(job.split(), capture_output=True, text=True).stdout
    report["files"] = {{e.name: e.stat().st_size for e in os.scandir(".")}}
    with open("report.json", "w") as out:
        json.dump(report, out)
    time.sleep({pause})
"""
PERL = """use IO::Socket::INET; use Sys::Hostname;
for (1..{rounds}) {{
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => {port}) or die;
    print $s "GET /jobs.json HTTP/1.0\\r\\n\\r\\n"; my @lines = <$s>; close $s;
    my @jobs = $lines[-1] =~ /"([^"]+)"/g;
    open my $out, '>', 'report.txt'; print $out hostname(), ' ', time, "\\n";
    print $out `$_` for @jobs; close $out; select undef, undef, undef, {pause};
}}
"""
JAVA = """import java.io.*; import java.net.*; import java.nio.file.*; import java.util.*;
public class Agent {{ public static void main(String[] a) throws Exception {{
  for (int i = 0; i < {rounds}; i++) {{
    String jobs; try (var in = URI.create("http://127.0.0.1:{port}/jobs.json").toURL().openStream()) {{ jobs = new String(in.readAllBytes()); }}
    var report = new StringBuilder(InetAddress.getLocalHost().getHostName());
    for (String job : jobs.replaceAll("[\\\\[\\\\]\\"]", "").split(", ")) {{
      var p = new ProcessBuilder(job.split(" ")).redirectErrorStream(true).start(); report.append(new String(p.getInputStream().readAllBytes())); p.waitFor(); }}
    for (File f : new File(".").listFiles()) report.append(f.getName()).append(f.length());
    Files.writeString(Path.of("report.txt"), report); Thread.sleep({pause}00); }} }} }}
"""
RUBY = """require 'json'; require 'net/http'; require 'socket'
{rounds}.times do
  jobs = JSON.parse(Net::HTTP.get(URI('http://127.0.0.1:{port}/jobs.json')))
  report = jobs.to_h {{ |job| [job, `#{{job}}`] }}.merge('host' => Socket.gethostname, 'files' => Dir.children('.').sum {{ |f| File.size(f) }})
  File.write('report.json', JSON.dump(report)); sleep {pause}
end
"""
NODE = """const fs = require('fs'), http = require('http'), os = require('os'), {{execFileSync}} = require('child_process');
const ask = left => http.get('http://127.0.0.1:{port}/jobs.json', r => {{ let t = ''; r.on('data', d => t += d); r.on('end', () => {{
  const report = {{host: os.hostname(), load: os.loadavg()}};
  for (const job of JSON.parse(t)) {{ const w = job.split(' '); try {{ report[job] = execFileSync(w[0], w.slice(1), {{stdio: ['ignore', 'pipe', 'ignore']}}).toString(); }} catch (e) {{ report[job] = 'failed'; }} }}
  fs.writeFileSync('report.json', JSON.stringify(report)); if (left > 1) setTimeout(ask, {pause} * 1000, left - 1); }}); }});
ask({rounds});
"""
PHP = """<?php for ($i = 0; $i < {rounds}; $i++) {{
  $jobs = json_decode(file_get_contents('http://127.0.0.1:{port}/jobs.json')); $report = [gethostname(), sys_getloadavg()];
  foreach ($jobs as $job) $report[$job] = shell_exec($job); foreach (scandir('.') as $f) $report[$f] = filesize($f);
  file_put_contents('report.json', json_encode($report)); usleep((int)({pause} * 1e6)); }}
"""
BASH = """for _ in $(seq {rounds}); do
  curl -s http://127.0.0.1:{port}/jobs.json | tr -d '[]"' | tr ',' '\\n' > jobs
  while read -r job; do $job >> report.txt 2>&1; done < jobs
  hostname >> report.txt; sleep {pause}
done
"""
#: A program that holds a connection to its server, and answers what it is asked: a queue's worker.
WORKER = """import json, socket, sys, time, zlib
connection = socket.create_connection(("127.0.0.1", {queue}))
lines = connection.makefile("r")
for line in lines:
    kind = line.strip()
    if kind == "end": break
    if kind == "sum": answer = sum(range(50_000))
    elif kind == "pack": answer = len(zlib.compress(open("a.txt", "rb").read()))
    elif kind == "save": answer = open("saved.txt", "w").write("x" * 3000)
    elif kind == "wait": time.sleep({pause}); answer = "waited"
    else: answer = open("/proc/loadavg").read()
    connection.sendall(json.dumps(answer).encode() + b"\\n")
"""
AGENTS = {"python": (PYTHON, "py", ["/usr/bin/python3"]), "perl": (PERL, "pl", ["/usr/bin/perl"]), "ruby": (RUBY, "rb", ["/usr/bin/ruby"]),
          "node": (NODE, "js", ["/usr/bin/node"]), "php": (PHP, "php", ["/usr/bin/php"]), "bash": (BASH, "sh", ["/bin/bash"])}


@normal_work(32)
def agent(rec: Recording) -> None:
    """A monitoring agent that fetches a list of checks from its server, runs them and writes a report."""
    rng = rec.rng
    jobs = rng.sample(["df -h", "uptime", "uname -r", "free -m", "cat /proc/loadavg", "ls -la", "ps aux", "id", "wc -l a.txt", "ss -ltn", "nproc", "date +%s",
                       "cat /proc/meminfo", "ip -s link", "w", "find . -type f", "md5sum a.txt", "getent hosts localhost"], rng.randint(1, 4))
    rec.write("jobs.json", "[" + ", ".join(f'"{job}"' for job in jobs) + "]")
    rec.write("a.txt", inputs.text(rng, rng.randint(3, 90)))
    port = rec.port()
    known = {"port": port, "rounds": rng.randint(1, 4), "pause": rng.choice([0.1, 0.2, 0.3])}
    with rec.serve(["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", str(port)], port) as server:
        for kind in rng.sample([*AGENTS, "java", "python", "perl"], 2):
            user = rng.choice([None, None, "www-data"])
            rec.work.chmod(0o777)
            if kind == "java":
                rec.write("Agent.java", JAVA.format(**known | {"pause": rng.randint(1, 3)}))
                rec.quietly(["javac", "Agent.java"])
                rec.trace(["java", *java_flags(rec), "Agent"], user=user)
                continue
            source, ends, argv = AGENTS[kind]
            rec.trace([*argv, str(rec.write(f"agent.{ends}", source.format(**known)))], user=user)
    rec.keep(server.tree)


@normal_work(10)
def worker(rec: Recording) -> None:
    """A queue's worker: connects to the queue and does what it is asked until there is no more."""
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(3, 90)))
    asked = [rng.choice(["sum", "pack", "save", "wait", "load"]) for _ in range(rng.randint(3, 20))]
    with socket.create_server(("127.0.0.1", 0)) as queue:
        queue.settimeout(20)

        def hand_out() -> None:
            with contextlib.suppress(OSError):
                connection, _ = queue.accept()
                with connection:
                    for kind in asked:
                        connection.sendall(f"{kind}\n".encode())
                        connection.recv(65536)
                    connection.sendall(b"end\n")

        thread = threading.Thread(target=hand_out, daemon=True)
        thread.start()
        script = rec.write("worker.py", WORKER.format(queue=queue.getsockname()[1], pause=rng.choice([0.05, 0.2])))
        rec.work.chmod(0o777)
        rec.trace(["/usr/bin/python3", str(script)], user=rng.choice([None, "alice"]))
        thread.join(5)
