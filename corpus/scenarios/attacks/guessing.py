"""Password guessing against our own servers: few tries, on loopback, and the server's side recorded.

Carriers: the server's processes (or threads) for the guesser's connections. The listener is left out,
and so is the guessing program: it runs on another machine in an attack.
"""

from capture.process import Task
from capture.recording import Recording, Service
from capture.sandbox import ACCOUNTS
from scenarios import inputs, servers, simulated_attack

USERS = ["root", "admin", "oracle", "test", "alice", "bob", "www-data", "ubuntu", "carol"]


def wordlists(rec: Recording) -> tuple[str, str, list[str], list[str]]:
    """Files of user names and passwords, and what is in them. At times a guess is right."""
    rng = rec.rng
    users = rng.sample(USERS, rng.randint(1, 2))
    guesses = [rng.choice(inputs.WORDS) + rng.choice(["", "1", "123", "!"]) for _ in range(rng.randint(3, 6))]
    if rng.random() < 0.25:
        guesses[-1] = rng.choice(list(ACCOUNTS.values()))
    return (str(rec.write("users", "\n".join(users) + "\n")), str(rec.write("words", "\n".join(guesses) + "\n")), users, guesses)


def served(service: Service) -> list[Task]:
    """The server's processes and threads but the listener itself."""
    return [task for task in service.children() if task.program == service.root().program]


def guess(rec: Recording, protocol: str, port: int) -> None:
    rng = rec.rng
    users, words, names, guesses = wordlists(rec)
    tasks = str(rng.randint(1, 4))
    tool = rng.choice(["hydra", "hydra", "hydra", "medusa", "ncrack", "loop"])
    extra = rng.choice([[], ["-e", "ns"], ["-e", "r"], ["-u"], ["-f"]])
    if tool == "hydra":
        rec.quietly(["hydra", "-I", "-L", users, "-P", words, "-t", tasks, *extra, "-s", str(port), "127.0.0.1", protocol], timeout=35)
    elif tool == "medusa":
        rec.quietly(["medusa", "-h", "127.0.0.1", "-n", str(port), "-U", users, "-P", words, "-t", tasks, "-M", protocol], timeout=35)
    elif tool == "ncrack":
        rec.quietly(["ncrack", "-U", users, "-P", words, f"{protocol}://127.0.0.1:{port}", "-g", f"CL={tasks},at=2"], timeout=20)
    else:
        for name in names:
            for word in guesses[:4]:
                if protocol == "ftp":
                    rec.quietly(["curl", "-s", "-m", "10", "-u", f"{name}:{word}", f"ftp://127.0.0.1:{port}/"])
                else:
                    rec.quietly(["sshpass", "-p", word, "ssh", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oPubkeyAuthentication=no",
                                 f"-oNumberOfPasswordPrompts={rng.randint(1, 3)}", "-p", str(port), f"{name}@127.0.0.1", "true"], timeout=20)
                rec.pause(0, 0.3)


@simulated_attack(40)
def hydra_ftp(rec: Recording) -> None:
    port = rec.port()
    with servers.ftp(rec, port) as service:
        guess(rec, "ftp", port)
    rec.keep(served(service))


@simulated_attack(32)
def hydra_ssh(rec: Recording) -> None:
    port = rec.port()
    with servers.ssh(rec, port) as service:
        guess(rec, "ssh", port)
    rec.keep(served(service))
