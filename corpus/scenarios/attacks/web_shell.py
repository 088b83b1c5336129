"""A command page on a web server: requests that look around, among requests for ordinary pages.

Carriers: the processes that served at least one request for the command page, with their forks that
execute nothing. nginx, FPM's master and workers that served ordinary pages only are left out.
"""

import shutil
from pathlib import Path

from capture.process import Task, Tree
from capture.recording import Recording
from scenarios import servers, simulated_attack
from scenarios.normal.sessions import PHP_PATHS

STAGES = Path("/run/corpus/stages")
WAYS = ["system", "shell_exec", "passthru", "exec", "popen", "proc_open", "own"]


def command(rec: Recording, url: str, ways: list[str]) -> int | None:
    """One request to the command page; the process that served it, if it said so."""
    rng = rec.rng
    query = f"n={rng.randint(0, 17)}&way={rng.choice(ways)}"
    by_post = rng.random() < 0.3 and url.endswith(".php")
    done = rec.quietly(["curl", "-s", "-m", "20", "-D", "-", "-o", "/dev/null", *(["-d", query, url] if by_post else [f"{url}?{query}"])])
    rec.pause(0, 0.2)
    for line in done.stdout.decode(errors="replace").splitlines():
        if line.lower().startswith("x-worker:"):
            return int(line.split(":")[1])
    return None


def requests(rec: Recording, port: int, page: str, ordinary: list[str], ways: list[str]) -> set[int]:
    rng = rec.rng
    workers = set()
    for _ in range(rng.randint(3, 6)):
        for path in rng.choices(ordinary, k=rng.randint(0, 2)):
            rec.quietly(["curl", "-s", "-m", "20", f"http://127.0.0.1:{port}/{path}"])
        for _ in range(rng.randint(1, 3)):
            workers.add(command(rec, f"http://127.0.0.1:{port}/{page}", ways))
    return workers - {None}


def carriers(tree: Tree, workers: set[int]) -> list[Task]:
    served = [tree.get(worker) for worker in sorted(workers)]
    return [task for worker in served if worker for task in tree.below(worker.tid) if task.program == worker.program]


@simulated_attack(44)
def web_shell(rec: Recording) -> None:
    rng = rec.rng
    port = rec.port()
    root = servers.site(rec)
    name = rng.choice(["img", "cache", "wp-info", "tmp"])
    kind = ["php", "fpm", "cgi", "fpm"][rec.number % 4]
    if kind == "cgi":
        ends = rng.choice(["py", "pl", "sh"])
        page = f"cgi-bin/{name}.{ends}"
        shutil.copy(STAGES / f"page.{ends}", root / page)
        (root / page).chmod(0o755)
        shutil.copy(STAGES / "commands.txt", root / "cgi-bin")
        with servers.cgi(rec, root, port) as service:
            requests(rec, port, page, ["about.html"], ["run", "shell", "popen", "own"])
        # Each request has a process of its own.
        rec.keep([task for task in service.tree if task.program == Path(page).name])
        return
    page = f"{name}.php"
    shutil.copy(STAGES / "page.php", root / page)
    shutil.copy(STAGES / "commands.txt", root)
    serve = servers.php(rec, root, port) if kind == "php" else servers.fpm(rec, root, port, watch_nginx=False)
    with serve as service:
        workers = requests(rec, port, page, PHP_PATHS, WAYS)
    rec.keep(carriers(service.tree, workers))
