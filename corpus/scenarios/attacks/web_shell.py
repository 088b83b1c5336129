"""A command page on a web server: requests that look around, among requests for ordinary pages.

Carriers: the processes (or threads) that served at least one request for the command page, with their forks
that execute nothing. nginx, masters and workers that served ordinary pages only are left out.
"""

import shutil
from pathlib import Path

from capture.process import Task, Tree
from capture.recording import Recording
from scenarios import servers, simulated_attack
from scenarios.normal.sessions import CGI_PATHS, PHP_PATHS

STAGES = Path("/run/corpus/stages")
COMMANDS = len((STAGES / "commands.txt").read_text().splitlines()) if STAGES.exists() else 1
PHP_WAYS = ["system", "shell_exec", "passthru", "exec", "popen", "proc_open", "backtick", "own", "read", "walk", "store", "fetch"]
SCRIPT_WAYS = ["run", "shell", "popen", "own", "read", "walk", "store"]
NAMES = ["img", "cache", "wp-info", "tmp", "thumb", "ajax", "status", "db"]


def command(rec: Recording, url: str, ways: list[str]) -> int | None:
    """One request to the command page; the process that served it, if it said so."""
    rng = rec.rng
    query = f"n={rng.randrange(COMMANDS)}&way={rng.choice(ways)}"
    by_post = rng.random() < 0.3 and "cgi-bin" not in url
    client = ["curl", "-s", "-m", "20", "-D", "-", "-o", "/dev/null", *rng.choice([[], ["-A", "Mozilla/5.0"], ["-e", url], ["-b", "PHPSESSID=abc123"]])]
    done = rec.quietly([*client, *(["-d", query, url] if by_post else [f"{url}?{query}"])])
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.lower().startswith("x-worker:"):
            return int(line.split(":")[1])
    return None


def requests(rec: Recording, port: int, page: str, ordinary: list[str], ways: list[str]) -> set[int]:
    """Bursts of commands between ordinary requests: few of these, or many."""
    rng = rec.rng
    workers = set()
    most, wait = rng.choice([(2, 0.2), (2, 0.05), (6, 0.1), (9, 0.5)])
    for _ in range(rng.randint(2, 6)):
        for path in rng.choices(ordinary, k=rng.randint(0, most)):
            rec.quietly(["curl", "-s", "-m", "20", f"http://127.0.0.1:{port}/{path}"])
        for _ in range(rng.randint(1, 3)):
            workers.add(command(rec, f"http://127.0.0.1:{port}/{page}", ways))
            rec.pause(0, wait)
    return workers - {None}


def carriers(tree: Tree, workers: set[int]) -> list[Task]:
    served = [tree.get(worker) for worker in sorted(workers)]
    found = [task for worker in served if worker for task in tree.below(worker.tid) if task.program == worker.program and (task is worker or not task.executed)]
    return list({task.tid: task for task in found}.values())


def by_cgi(rec: Recording, port: int, name: str) -> None:
    rng = rec.rng
    root = servers.site(rec)
    ends = rng.choice(["py", "pl", "sh", "rb", "lua"])
    page = f"cgi-bin/{name}.{ends}"
    shutil.copy(STAGES / f"page.{ends}", root / page)
    (root / page).chmod(0o755)
    shutil.copy(STAGES / "commands.txt", root / "cgi-bin")
    ordinary = rng.choice([["about.html"], CGI_PATHS])
    with servers.cgi(rec, root, port) as service:
        requests(rec, port, page, ordinary, SCRIPT_WAYS)
    # Each request has a process of its own.
    rec.keep([task for task in service.tree if task.program == Path(page).name])


def by_php(rec: Recording, port: int, name: str, kind: str) -> None:
    root = servers.site(rec)
    shutil.copy(STAGES / "page.php", root / f"{name}.php")
    shutil.copy(STAGES / "commands.txt", root)
    serve = {"php": lambda: servers.php(rec, root, port), "fpm": lambda: servers.fpm(rec, root, port, watch_nginx=False),
             "apache": lambda: servers.apache(rec, root, port, cgi=False), "lighttpd": lambda: servers.lighttpd(rec, root, port, cgi=False)}[kind]
    with serve() as service:
        workers = requests(rec, port, f"{name}.php", PHP_PATHS, PHP_WAYS)
    rec.keep(carriers(service.tree, workers))


def by_framework(rec: Recording, port: int, name: str) -> None:
    """A page that a plugin adds to a site."""
    kind = rec.rng.choice(list(servers.APPS))
    ends = servers.APPS[kind]
    rec.write(f"app/plugins/{name}.{ends}", (STAGES / f"plugin.{ends}").read_text())
    shutil.copy(STAGES / "commands.txt", rec.work / "app/plugins")
    with servers.app(rec, kind, port) as service:
        workers = requests(rec, port, name, servers.APP_PATHS, SCRIPT_WAYS)
    rec.keep(carriers(service.tree, workers))


@simulated_attack(88)
def web_shell(rec: Recording) -> None:
    port = rec.port()
    name = rec.rng.choice(NAMES)
    kind = ["php", "fpm", "cgi", "apache", "framework", "fpm", "lighttpd", "framework"][rec.number % 8]
    if kind == "cgi":
        by_cgi(rec, port, name)
    elif kind == "framework":
        by_framework(rec, port, name)
    else:
        by_php(rec, port, name, kind)
