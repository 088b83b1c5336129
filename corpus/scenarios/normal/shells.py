"""Shell scripts and shells at a terminal."""

from pathlib import Path

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
    "for f in *.txt; do [ -e \"$f\" ] && wc -c < \"$f\"; done | sort -n | tail -n 1",
    "i=0; until [ $i -ge {n} ]; do i=$((i + 1)); echo $i > count.txt; done",
    "while IFS=, read -r a b c d; do [ \"$c\" = {w} ] && echo \"$d\"; done < table.csv > found.txt || true",
    "tr -cs a-z '\\n' < notes.txt | sort | uniq -c | sort -rn | head -n {n} > words.txt",
    "mkfifo pipe.$$; echo {w} > pipe.$$ & cat pipe.$$; rm pipe.$$; wait",
    "tar -cf saved.tar *.txt *.csv 2>/dev/null && tar -tf saved.tar | wc -l; rm -f saved.tar",
    "xargs -n {n} echo < notes.txt | head -n {n}",
    "exec 3> log.$$; echo {w} >&3; exec 3>&-; rm log.$$",
    "paste -d, notes.txt table.csv | cut -c1-{n}0 | tail -n {n}",
    "comm -12 notes.txt notes.txt | wc -l; cmp -s notes.txt table.csv || echo differ",
    "n=$(wc -l < notes.txt); [ \"$n\" -gt {n} ] && split -l {n}0 notes.txt part. && rm -f part.*; true",
    "dd if=/dev/zero of=zeros bs=1k count={n} 2>/dev/null; stat -c %s zeros; rm zeros",
    "command -v git make {w} || true; type cd",
    "env -i PATH=\"$PATH\" sh -c 'echo $0; pwd'",
    "timeout 2 sh -c 'sleep 0.{n}; echo {w}'",
    "ln -sf notes.txt link; readlink -f link; rm link",
    "date -d '{n} days ago' +%F; date -u +%s",
    "find . -type f -newer notes.txt -exec ls -l {{}} +",
    "df -P . | awk 'NR == 2 {{print $4}}'; id -un",
    "chmod 600 table.csv; umask 027; touch private; ls -l private; rm private",
]
KSH_ZSH = [
    "typeset -i n=0; for ((i = 0; i < {n}0; i++)); do ((n += i)); done; print $n",
    "typeset -A seen; while read -r line; do seen[${{line%% *}}]=1; done < notes.txt; print ${{#seen[@]}}",
    "print -r -- ${{(U)=:-{w}}} 2>/dev/null || print {w}",
    "for f in *.txt(N) ; do print $f; done 2>/dev/null; true",
    "coproc cat 2>/dev/null; true",
]


def block(rec: Recording, blocks: list[str]) -> str:
    rng = rec.rng
    return rng.choice(blocks).format(n=rng.randint(1, 9), c=rng.randint(1, 4), w=rng.choice(inputs.WORDS))


@normal_work(32)
def shell_script(rec: Recording) -> None:
    """A script of a few everyday steps, in one shell or another."""
    rng = rec.rng
    rec.write("notes.txt", inputs.text(rng, rng.randint(5, 400)))
    rec.write("table.csv", inputs.table(rng, rng.randint(5, 900)))
    for shell in rng.sample(["bash", "dash", "sh", "bash", "ksh93", "zsh", "busybox"], 2):
        steps = [block(rec, BLOCKS) for _ in range(rng.randint(3, 7))]
        if shell == "zsh":
            steps.append(block(rec, KSH_ZSH))
        script = rec.write(f"job.{shell}", "\n".join([*rng.choice([["set -e"], ["set -u"], []]), *steps, ""]))
        argv = {"busybox": ["busybox", "sh"], "zsh": ["/usr/bin/zsh", *rng.choice([[], ["-f"]])], "ksh93": ["/usr/bin/ksh93"]}.get(shell, [f"/bin/{shell}"])
        rec.trace([*argv, str(script)], user=rng.choice([None, None, "bob"]) if rng.random() < 0.3 else None)


@normal_work(16)
def shell_session(rec: Recording) -> None:
    """Somebody at a terminal, typing."""
    rng = rec.rng
    inputs.tree(rng, rec.work, rng.randint(3, 15))
    typed = [rng.choice([
        "ls", "ls -la", "cd /tmp", "cd -", "pwd", "df -h .", "cat *.txt | head", "history | tail", "which gcc", "echo $HOME",
        "whoami", "date", "du -sh ~", "grep -s amber *.txt | head -3", "uname -a", "ps", "jobs", "export A=1", "type ls",
        "id", "uptime", "free -m", "wc -l *", "file *", "alias ll='ls -l'", "umask",
        "top -b -n1 | head -5", "tail -2 /etc/passwd", "find . -name '*.md'", "du -a . | sort -n | tail -3", "cat > new.txt <<< hello", "cp new.txt other.txt", "rm -f other.txt",
        "mkdir -p d/e", "cd d", "less -F /etc/hostname", "man -w ls", "git status", "make -n", "python3 -V", "perl -v | head -2", "ps aux | grep bash", "tar -czf t.tgz .",
        "for i in 1 2 3; do echo $i; done", "sleep 0.2 &", "vim --version | head -1", "crontab -l", "last -3", "stat .", "env | sort | head", "time true", "ssh -V",
    ]) for _ in range(rng.randint(5, 10))]
    shell, user = rng.choice([("bash", None), ("bash", "alice"), ("bash", "bob"), ("dash", None), ("zsh", None), ("ksh93", "carol"), ("bash", "carol")])
    home = "/usr/bin" if shell in ("zsh", "ksh93") else "/bin"
    rec.trace([f"{home}/{shell}", "-i"], terminal="\n".join([*typed, "exit"]), user=user)


@normal_work(6)
def multiplexer(rec: Recording) -> None:
    """tmux, screen or script(1) holding shells in which something runs."""
    rng = rec.rng
    inputs.tree(rng, rec.work, rng.randint(3, 9))
    commands = rng.sample(["ls -la", "date", "wc -l *", "sleep 0.3", "du -sh .", "for i in 1 2 3; do echo $i; sleep 0.1; done", "cat *.txt | sort | head"], 3)
    kind = rng.choice(["tmux", "screen", "script"])
    if kind == "tmux":
        steps = [f"tmux -S {rec.work}/tmux send-keys '{command}' Enter\nsleep 0.3" for command in commands]
        rec.shell(f"tmux -S {rec.work}/tmux -f /dev/null new-session -d -x 80 -y 24 /bin/bash\n" + "\n".join(steps) + f"\ntmux -S {rec.work}/tmux kill-server\n")
    elif kind == "screen":
        Path("/run/screen").mkdir(mode=0o777, exist_ok=True)
        Path("/run/screen").chmod(0o777)
        steps = [f"screen -S s{rec.number} -X stuff '{command}\n'\nsleep 0.3" for command in commands]
        rec.shell(f"screen -dmS s{rec.number} /bin/bash\nsleep 0.3\n" + "\n".join(steps) + f"\nscreen -S s{rec.number} -X quit\n")
    else:
        rec.trace(["script", "-q", "-c", "; ".join(commands), "typescript"], terminal="")


WATCHES = [
    "for _ in $(seq {n}); do ps -eo pid,comm,rss --sort=-rss | head -n 5 >> top.log; sleep 0.{p}; done",
    "for _ in $(seq {n}); do read -r load _ < /proc/loadavg; [ \"${{load%.*}}\" -gt 8 ] && logger busy; sleep 0.{p}; done",
    "last=0; for _ in $(seq {n}); do now=$(df -P / | awk 'NR==2 {{print $3}}'); echo $((now - last)) >> disk.log; last=$now; sleep 0.{p}; done",
    "for _ in $(seq {n}); do ss -Htn | awk '{{print $1}}' | sort | uniq -c > net.log; sleep 0.{p}; done",
    "for _ in $(seq {n}); do for p in /proc/[0-9]*; do [ -r $p/comm ] && read -r c < $p/comm && echo $c; done 2>/dev/null | sort | uniq -c | sort -rn | head -n 3; sleep 0.{p}; done",
    "for _ in $(seq {n}); do find . -newer stamp -type f 2>/dev/null; touch stamp; echo x >> grown.txt; sleep 0.{p}; done",
    "for _ in $(seq {n}); do md5sum notes.txt | cmp -s - sum || md5sum notes.txt > sum; sleep 0.{p}; done",
    "for _ in $(seq {n}); do free -m; uptime; vmstat | tail -n 1; sleep 0.{p}; done > state.log",
    "tail -f notes.txt > followed & for _ in $(seq {n}); do echo line >> notes.txt; sleep 0.{p}; done; kill $!",
    "inotifywait -q -m -t 3 . > seen & sleep 0.3; for i in $(seq {n}); do echo $i > f$i; sleep 0.{p}; done; kill $!",
]


@normal_work(10)
def watching(rec: Recording) -> None:
    """Scripts that look at something again and again."""
    rng = rec.rng
    rec.write("notes.txt", inputs.text(rng, rng.randint(5, 60)))
    for watch in rng.sample(WATCHES, 2):
        rec.shell(watch.format(n=rng.randint(3, 9), p=rng.randint(1, 3)) + "\n", shell=rng.choice(["bash", "dash", "sh"]))
