#!/usr/bin/env python3
"""What the guard does under load and abuse: capture and scoring together, by `traceward watch`. Needs root.

    bench/guard.py MODEL speed            two dd at once, captured and scored; pairs with untraced runs
    bench/guard.py MODEL stall            the guard stopped for some seconds: what is lost, tainted, and how soon it is back
    bench/guard.py MODEL abuse            kill -9, a webhook killed, a full disk, SIGHUP with a broken file, a clock step, forks
    bench/guard.py MODEL soak --seconds N ordinary work for so long: memory, losses, alerts
    bench/guard.py MODEL threads          100,000 live threads: memory

The clock step sets this machine's clock two seconds on and back. Everything runs on loopback and ends by itself.
"""
import argparse
import http.server
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DD = "dd if=/dev/zero of=/dev/null bs=1 count={} 2>/dev/null"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Watch:
    """`traceward watch` at work, and its numbers."""

    def __init__(self, program, model, work, *options, command=()):
        self.port = free_port()
        self.log = open(work / "watch.log", "ab")
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [program, "watch", model, "--metrics", f"127.0.0.1:{self.port}", *options, *(["--", *command] if command else [])],
            stdout=self.log, stderr=self.log)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read().decode()

    def ready(self, patience=60):
        end = time.monotonic() + patience
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.get("/readyz")
                return self
            except OSError:
                time.sleep(0.05)
        raise SystemExit("watch does not get ready: " + Path(self.log.name).read_text()[-2000:])

    def numbers(self):
        found = {}
        for line in self.get("/metrics").splitlines():
            if match := re.match(r"traceward_(\w+?)(?:\{(.*?)\})? ([0-9.e+]+)$", line):
                found[match[1] + (f"[{match[2]}]" if match[2] else "")] = float(match[3])
        return found

    def resident(self):
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        return code


def lost(numbers):
    return sum(value for name, value in numbers.items() if name.startswith("lost_calls_total"))


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def speed(args, work):
    # The unit in packaging/ runs the guard at nice -10; here the load is as much nicer.
    one = f"nice -n {args.nicer} {DD.format(args.calls)}"
    two = f"{one} & {one}; wait"
    ratios, everything, rates, drops = [], [], [], 0
    for _ in range(args.pairs):
        before, begin = cpu_of_children(), time.monotonic()
        subprocess.run(["sh", "-c", two], check=True)
        alone, wall_alone = cpu_of_children() - before, time.monotonic() - begin
        before, begin = cpu_of_children(), time.monotonic()
        log = work / "speed.txt"
        with open(log, "w") as out:
            subprocess.run([args.program, "watch", args.model, "--threshold", "1", "--metrics", "off", "--", "sh", "-c", two],
                           stdout=out, stderr=out, check=True)
        watched, wall = cpu_of_children() - before, time.monotonic() - begin
        text = log.read_text()
        calls = int(re.search(r"(\d+) calls? of", text)[1])
        drops += int(found[1]) if (found := re.search(r"(\d+) calls? and .* lost", text)) else 0
        ratios.append(wall / wall_alone)
        everything.append(watched / alone)
        rates.append(calls / wall)
    print(f"two dd at once, {calls} calls: {min(rates) / 1e6:.2f} to {max(rates) / 1e6:.2f} M calls/s captured and scored, start and "
          f"end of the guard included; wall x{statistics.median(ratios):.2f}, CPU with the guard x{statistics.median(everything):.2f} "
          f"(medians of {args.pairs} pairs); {drops} lost")


def stall(args, work):
    verdicts = work / "stall.jsonl"
    watch = Watch(args.program, args.model, work, "--threshold", "1", "--ring", args.ring, "--verdicts", str(verdicts)).ready()
    time.sleep(1)
    # About a million calls a second, which the guard keeps up with.
    load = subprocess.Popen(["sh", "-c", f"while :; do {DD.format(100_000)}; sleep 0.1; done"], start_new_session=True)
    time.sleep(2)
    watch.process.send_signal(signal.SIGSTOP)
    time.sleep(args.stop)
    watch.process.send_signal(signal.SIGCONT)
    resumed = time.monotonic()
    back, before = None, None
    while time.monotonic() - resumed < 30 and back is None:
        time.sleep(0.25)
        try:
            now = watch.numbers()
        except OSError:
            continue
        if before and lost(now) == lost(before) and now["calls_total"] > before["calls_total"] and now["calls_total"] - lost(now) - now["scored_calls_total"] < 300_000:
            back = time.monotonic() - resumed
        before = now
    os.killpg(load.pid, signal.SIGKILL)
    load.wait()
    time.sleep(1.5)
    watch.end()
    rows = [json.loads(line) for line in open(verdicts)]
    told, tainted = sum(row["calls"] for row in rows), [row for row in rows if row["tainted"]]
    ends = [row for row in rows if row["end"] == "lost"]
    print(f"stopped for {args.stop} s with a ring of {args.ring}, about a million calls a second: {lost(before):.0f} calls lost and counted, {told} scored, "
          f"{len(ends)} traces end at a hole, {len(tainted)} of {len(rows)} verdicts tainted; "
          + (f"no more lost and up to date {back:.2f} s after it went on" if back else "NOT up to date 30 s after it went on"))


class Receiver:
    """A webhook's other end that can be killed and come back."""

    def __init__(self):
        self.port, self.ids, self.server = free_port(), [], None

    def start(self):
        ids = self.ids

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                ids.extend(alert["id"] for alert in (body if isinstance(body, list) else [body]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def work_for(seconds, a_second=20):
    """Ordinary small programs; how many were run."""
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        subprocess.run(["/usr/bin/id"], stdout=subprocess.DEVNULL, check=True)
        runs += 1
        time.sleep(1 / a_second)
    return runs


def abuse(args, work):
    receiver = Receiver()
    receiver.start()
    disk = work / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "small", str(disk)], check=True)
    suppress = work / "suppress.toml"
    suppress.write_text("")
    options = ["--threshold", "0.0001", "--fold", "0", "--alerts-a-minute", "1000000", "--suppress", str(suppress), "--state", str(work / "state"),
               "--pid", str(os.getpid()), "--alert", f"webhook:http://127.0.0.1:{receiver.port}/", "--alert", f"file:{disk}/alerts.jsonl"]
    try:
        watch = Watch(args.program, args.model, work, *options).ready()
        runs = work_for(3)
        print(f"kill -9 of the agent after {runs} programs")
        watch.process.kill()
        watch.process.wait()
        watch = Watch(args.program, args.model, work, *options).ready()
        receiver.stop()
        runs = work_for(3)
        time.sleep(1)
        spooled = sum(value for name, value in watch.numbers().items() if name.startswith("spool_alerts"))
        receiver.start()
        begin = time.monotonic()
        while sum(value for name, value in watch.numbers().items() if name.startswith("spool_alerts")) > 5 and time.monotonic() < begin + 60:
            time.sleep(0.25)
        print(f"webhook down during {runs} programs: {spooled:.0f} alerts wait in the spool; all sent {time.monotonic() - begin:.1f} s after it came back")
        suppress.write_text("this is [ no TOML")
        watch.process.send_signal(signal.SIGHUP)
        time.sleep(2)
        print("SIGHUP with a broken file:", "told, goes on" if "stay in force" in Path(watch.log.name).read_text() and watch.process.poll() is None else "NOT TOLD")
        suppress.write_text('[[suppress]]\ncomm = "id"\nreason = "a test"\n')
        watch.process.send_signal(signal.SIGHUP)
        time.sleep(2)
        before = watch.numbers()
        runs = work_for(2)
        time.sleep(2)
        now = watch.numbers()
        quiet = sum(value for name, value in now.items() if name.startswith("suppress")) - sum(value for name, value in before.items() if name.startswith("suppress"))
        print(f"SIGHUP with a good one: {quiet:.0f} alerts suppressed over {runs} programs")
        suppress.write_text("")
        watch.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        try:
            with open(disk / "filler", "wb", buffering=0) as filler:
                while filler.write(bytes(4096)):
                    pass
        except OSError:
            pass
        runs = work_for(3)
        time.sleep(2)
        alive = watch.process.poll() is None
        os.unlink(disk / "filler")
        time.sleep(4)
        lines = (disk / "alerts.jsonl").read_bytes().split(b"\n")
        good = sum(1 for line in lines if line and json.loads(line))
        print(f"full disk: {'goes on' if alive else 'DIED'}; {good} whole lines in the file afterwards, none torn")
        now = time.time()
        subprocess.run(["date", "-s", f"@{now + 2:.3f}"], stdout=subprocess.DEVNULL, check=True)
        work_for(1)
        subprocess.run(["date", "-s", f"@{time.time() - 2:.3f}"], stdout=subprocess.DEVNULL, check=True)
        work_for(1)
        print("clock two seconds on and back:", "goes on" if watch.process.poll() is None else "DIED")
        forks = compiled(work, "forks", FORKS)
        suppress.write_text('[[suppress]]\ncomm = "forks"\nreason = "a storm, not an alarm"\n')
        watch.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        before, begin = watch.numbers(), time.monotonic()
        # Two at a time, one a processor.
        storm = [subprocess.Popen([forks, str(args.forks // 2)]) for _ in range(2)]
        for one in storm:
            one.wait()
        took = time.monotonic() - begin
        time.sleep(2)
        after = watch.numbers()
        print(f"{args.forks} forks in {took:.1f} s ({args.forks / took:.0f}/s): {lost(after) - lost(before):.0f} calls, "
              f"{after['lost_events_total'] - before['lost_events_total']:.0f} events lost, {after['threads']:.0f} threads followed, "
              f"{watch.resident() / 1e6:.0f} MB resident")
        watch.end()
        # What was left in the spool goes out at the next start.
        watch = Watch(args.program, args.model, work, *options).ready()
        time.sleep(3)
        lines = (disk / "alerts.jsonl").read_bytes().split(b"\n")
        time.sleep(3)
        watch.end()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)
    told = [json.loads(line)["id"] for line in lines if line]
    missing = set(told) - set(receiver.ids)
    print(f"webhook: {len(set(receiver.ids))} alerts, {len(receiver.ids) - len(set(receiver.ids))} sent twice with the same id; "
          f"{len(missing)} that are in the file did not reach it")


FORKS = r"""
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
int main(int argc, char **argv) {
    for (int left = atoi(argv[1]); left > 0; left--) {
        pid_t child = vfork();
        if (child == 0) _exit(0);
        if (child < 0) { perror("vfork"); return 1; }
        waitpid(child, NULL, 0);
    }
    return 0;
}
"""


THREADS = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *work(void *calls) {
    for (long left = (long)calls; left > 0; left--) syscall(left % 3 ? SYS_getppid : SYS_getuid);
    pause();
    return NULL;
}
int main(int argc, char **argv) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    pthread_attr_setguardsize(&small, 0);
    pthread_t thread;
    for (long left = atol(argv[1]); left > 0; left--)
        if (pthread_create(&thread, &small, work, (void *)atol(argv[2]))) { perror("pthread_create"); return 1; }
    puts("all there");
    fflush(stdout);
    pause();
}
"""


def compiled(work, name, source):
    (work / f"{name}.c").write_text(source)
    subprocess.run(["cc", "-O2", "-pthread", "-o", str(work / name), str(work / f"{name}.c")], check=True)
    return str(work / name)


def threads(args, work):
    program = compiled(work, "threads", THREADS)
    watch = Watch(args.program, args.model, work, "--threshold", "1", "--most-threads", "110000").ready()
    before = watch.resident() / 1e6
    crowd = subprocess.Popen([program, str(args.threads), "300"], stdout=subprocess.PIPE, text=True)
    crowd.stdout.readline()
    time.sleep(5)
    now, after = watch.numbers(), watch.resident() / 1e6
    crowd.kill()
    crowd.wait()
    print(f"{now['threads']:.0f} threads followed, {now['open_traces']:.0f} traces open, {now['open_traces_memory_bytes'] / 1e6:.0f} MB for them; "
          f"resident {before:.0f} MB before, {after:.0f} MB now; {lost(now):.0f} calls lost, {now['thread_evictions_total']:.0f} evictions")
    watch.end()


def soak(args, work):
    watch = Watch(args.program, args.model, work, "--threshold", "0.9", "--state", str(work / "state"), "--record", str(work / "recorded"),
                  "--alert", f"file:{work}/alerts.jsonl").ready()
    begin, sizes = time.monotonic(), []
    while time.monotonic() - begin < args.seconds:
        work_for(10, 5)
        subprocess.run(["sh", "-c", "find /usr/share -name '*.gz' | head -50 >/dev/null; ls -lR /etc >/dev/null 2>&1"], check=False)
        sizes.append(watch.resident() / 1e6)
    now = watch.numbers()
    quarter = max(1, len(sizes) // 4)
    print(f"{args.seconds} s: {now['scored_calls_total']:.0f} calls scored, {lost(now):.0f} lost, {now['traces_total']:.0f} traces; resident {sizes[0]:.0f} MB at first, "
          f"{statistics.mean(sizes[quarter:2 * quarter]):.0f} in the second quarter, {statistics.mean(sizes[-quarter:]):.0f} in the last, {max(sizes):.0f} at most; "
          f"own CPU {now['process_cpu_seconds_total'] / args.seconds * 100:.2f} % of a core")
    watch.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("what", choices=["speed", "stall", "abuse", "soak", "threads"])
    parser.add_argument("--program", default=str(ROOT / "target/release/traceward"))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--calls", type=int, default=2_000_000, help="bytes that each dd copies, two calls each")
    parser.add_argument("--nicer", type=int, default=10, help="how much nicer the load of `speed` is than the guard")
    parser.add_argument("--ring", default="16M")
    parser.add_argument("--stop", type=float, default=2.0)
    parser.add_argument("--forks", type=int, default=200_000)
    parser.add_argument("--threads", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=3600)
    args = parser.parse_args()
    args.model = os.path.abspath(args.model)
    work = Path(tempfile.mkdtemp(prefix="guard-"))
    try:
        globals()[args.what](args, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
