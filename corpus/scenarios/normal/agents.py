"""Programs that do for good reasons what a stage does for bad ones: connect, ask what to do, look around, report."""

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


@normal_work(14)
def agent(rec: Recording) -> None:
    """A monitoring agent that fetches a list of checks from its server, runs them and writes a report."""
    rng = rec.rng
    jobs = rng.sample(["df -h", "uptime", "uname -r", "free -m", "cat /proc/loadavg", "ls -la", "ps aux", "id", "wc -l a.txt"], rng.randint(1, 4))
    rec.write("jobs.json", "[" + ", ".join(f'"{job}"' for job in jobs) + "]")
    rec.write("a.txt", inputs.text(rng, rng.randint(3, 90)))
    port = rec.port()
    known = {"port": port, "rounds": rng.randint(1, 4), "pause": rng.choice([0.1, 0.2, 0.3])}
    with rec.serve(["/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", str(port)], port) as server:
        for kind in rng.sample(["python", "perl", "java"], 2):
            if kind == "python":
                rec.trace(["/usr/bin/python3", str(rec.write("agent.py", PYTHON.format(**known)))])
            elif kind == "perl":
                rec.trace(["/usr/bin/perl", str(rec.write("agent.pl", PERL.format(**known)))])
            else:
                rec.write("Agent.java", JAVA.format(**known | {"pause": rng.randint(1, 3)}))
                rec.quietly(["javac", "Agent.java"])
                rec.trace(["java", *java_flags(rec), "Agent"])
    rec.keep(server.tree)
