"""Shell scripts and shells at a terminal."""

from capture.recording import Recording
from scenarios import inputs, normal_work

BLOCKS = [
    "for i in $(seq 1 {n}); do echo \"$i {w}\" >> out.txt; done",
    "total=0; while read -r line; do total=$((total + ${{#line}})); done < notes.txt; echo \"$total\"",
    "cut -d, -f{c} table.csv | sort | uniq -c | sort -rn | head -n {n}",
    "if [ -f notes.txt ]; then cp notes.txt backup.txt; gzip -f backup.txt; fi",
    "case {w} in a*) echo first;; *) echo other;; esac",
    "cat <<END > letter.txt\ndear {w}\nall is well\nEND",
    "f() {{ echo \"$1\" | tr a-z A-Z; }}; f {w}; f {w}{n}",
    "grep -c {w} notes.txt || true",
    "sed 's/{w}/other/g' notes.txt > changed.txt; diff notes.txt changed.txt > changes.patch || true",
    "mkdir -p d/{w} && mv out.txt d/{w}/ 2>/dev/null || true",
    "find . -name '*.txt' | wc -l",
    "sleep 0.{n}",
    "awk -F, '{{s += $4}} END {{print s}}' table.csv",
    "tail -n {n} notes.txt | tee last.txt | wc -w",
    "printf '%s\\n' {w} {w} {w} | sort -u",
    "(cd d 2>/dev/null && ls -l) || ls",
    "x=$(date +%s); echo $((x % {n}))",
    "trap 'rm -f tmp.$$' EXIT; touch tmp.$$",
    "expr {n} + {c}; test {n} -gt {c} && echo more",
    "wait & wait; (sleep 0.1 & wait)",
]


def block(rec: Recording) -> str:
    rng = rec.rng
    return rng.choice(BLOCKS).format(n=rng.randint(1, 9), c=rng.randint(1, 4), w=rng.choice(inputs.WORDS))


@normal_work(16)
def shell_script(rec: Recording) -> None:
    """A bash, dash or sh script of a few everyday steps."""
    rec.write("notes.txt", inputs.text(rec.rng, rec.rng.randint(5, 400)))
    rec.write("table.csv", inputs.table(rec.rng, rec.rng.randint(5, 900)))
    for shell in rec.rng.sample(["bash", "dash", "sh"], 2):
        steps = "\n".join(block(rec) for _ in range(rec.rng.randint(3, 7)))
        rec.shell(f"set -e\n{steps}\n", shell=shell)


@normal_work(6)
def shell_session(rec: Recording) -> None:
    """Somebody at a terminal, typing."""
    rng = rec.rng
    inputs.tree(rng, rec.work, rng.randint(3, 15))
    typed = [rng.choice([
        "ls", "ls -la", "cd /tmp", "cd -", "pwd", "df -h .", "cat *.txt | head", "history | tail", "which gcc", "echo $HOME",
        "whoami", "date", "du -sh ~", "grep -s amber *.txt | head -3", "uname -a", "ps", "jobs", "export A=1", "type ls",
        "id", "uptime", "free -m", "wc -l *", "file *", "alias ll='ls -l'", "umask",
    ]) for _ in range(rng.randint(5, 10))]
    shell, user = rng.choice([("bash", None), ("bash", "alice"), ("bash", "bob"), ("dash", None)])
    rec.trace([f"/bin/{shell}", "-i"], terminal="\n".join([*typed, "exit"]), user=user)
