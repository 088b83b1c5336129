"""Coreutils, searching, text tools, archives."""

from capture.recording import Recording
from scenarios import inputs, normal_work


def some(rec: Recording, commands: list[list[str]], least: int, most: int) -> None:
    for argv in rec.rng.sample(commands, min(len(commands), rec.rng.randint(least, most))):
        rec.trace(argv)


@normal_work(10)
def coreutils(rec: Recording) -> None:
    rng = rec.rng
    inputs.tree(rng, rec.work / "in", rng.randint(4, 60))
    rec.write("a.txt", inputs.text(rng, rng.randint(10, 2000)))
    rec.write("b.txt", inputs.text(rng, rng.randint(10, 2000)))
    rec.write("t.csv", inputs.table(rng, rng.randint(10, 2000)))
    some(rec, [
        ["ls", "-l", "in"], ["ls", "-R", "in"], ["ls", "-la", rng.choice(["/usr/bin", "/etc", "/usr/lib", "/usr/share/doc"])],
        ["cp", "-r", "in", "out"], ["cp", "a.txt", "c.txt"], ["mv", "b.txt", "moved.txt"], ["rm", "-rf", "in"],
        ["mkdir", "-p", "x/y/z"], ["cat", "a.txt", "t.csv"], ["sort", "-k2", "a.txt"], ["sort", "-n", "-t,", "-k4", "t.csv"],
        ["uniq", "-c", "a.txt"], ["wc", "a.txt", "t.csv"], ["cut", "-d,", "-f2", "t.csv"], ["head", "-n", "5", "a.txt"],
        ["tail", "-n", "9", "a.txt"], ["sha256sum", "a.txt", "t.csv"], ["md5sum", "a.txt"], ["du", "-a", "in"], ["df", "-h"],
        ["stat", "a.txt", "in"], ["touch", "new1", "new2"], ["ln", "-s", "a.txt", "link"], ["seq", "1", str(rng.randint(10, 90000))],
        ["shuf", "a.txt"], ["split", "-l", str(rng.randint(50, 500)), "t.csv"], ["paste", "a.txt", "t.csv"], ["comm", "a.txt", "t.csv"],
        ["tee", "copy.txt"], ["od", "-c", "a.txt"], ["base64", "a.txt"], ["nl", "a.txt"], ["tac", "a.txt"], ["fold", "-w20", "a.txt"],
        ["dd", "if=/dev/zero", "of=zeros", f"bs={rng.choice([512, 4096])}", f"count={rng.randint(4, 300)}"],
        ["install", "-m", "600", "a.txt", "installed.txt"], ["readlink", "-f", "in"], ["env"], ["chmod", "-R", "go-r", "in"],
        ["chown", "-R", "alice", "in"], ["mktemp", "-d"], ["truncate", "-s", "9000", "a.txt"], ["timeout", "5", "cat", "a.txt"],
        ["nice", "-n", "5", "wc", "a.txt"], ["numfmt", "--to=iec", "12345678"], ["tr", "a", "b"], ["who"], ["groups", "alice"],
    ], 6, 9)


@normal_work(8)
def searching(rec: Recording) -> None:
    rng = rec.rng
    inputs.tree(rng, rec.work / "in", rng.randint(10, 80))
    place = rng.choice(["/usr/share/perl5", "/usr/share/doc/git", "/etc", "/usr/share/vim", "/usr/lib/git-core", "/usr/share/zoneinfo/Europe"])
    word = rng.choice(inputs.WORDS)
    some(rec, [
        ["find", place, "-type", "f", "-size", "+8k"], ["find", "in", "-name", "*.txt", "-exec", "wc", "-l", "{}", ";"],
        ["find", "in", "-newer", "in", "-delete"], ["find", place, "-maxdepth", "1"], ["grep", "-r", word, "in"],
        ["grep", "-rl", word, place], ["grep", "-c", word, "in", "-r"], ["grep", "-E", "^[ab].*e$", "-rh", "in"],
        ["bash", "-c", f"find in -type f -print0 | xargs -0 -n {rng.randint(2, 9)} md5sum"],
        ["bash", "-c", f"find in -type f | xargs grep -l {word} | sort"], ["tree", "in"], ["file", "-b", "in"],
        ["which", "git", "gcc", "perl"], ["diff", "-r", "in", "/usr/share/doc/git"], ["cmp", "/etc/passwd", "/etc/group"],
    ], 3, 5)


@normal_work(7)
def text_tools(rec: Recording) -> None:
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(20, 3000)))
    rec.write("b.txt", inputs.text(rng, rng.randint(20, 300)))
    rec.write("t.csv", inputs.table(rng, rng.randint(20, 3000)))
    rec.write("d.json", "[" + ",".join(f'{{"n":{i},"w":"{w}"}}' for i, w in enumerate(inputs.words(rng, rng.randint(3, 500)))) + "]")
    rec.write("b.patch", rec.quietly(["diff", "-u", "b.txt", "a.txt"]).stdout)
    some(rec, [
        ["sed", "-i", "s/amber/AMBER/g", "a.txt"], ["sed", "-n", "/cedar/p", "a.txt"], ["sed", "-e", "1,5d", "t.csv"],
        ["gawk", "-F,", "{s[$2] += $4} END {for (k in s) print k, s[k]}", "t.csv"], ["mawk", "length > 40", "a.txt"],
        ["gawk", "BEGIN {while ((\"date\" | getline d) > 0) print d}"], ["diff", "-u", "a.txt", "b.txt"], ["patch", "b.txt", "b.patch"],
        ["jq", ".[] | .w", "d.json"], ["jq", "map(.n) | add", "d.json"], ["ed", "-s", "b.txt"], ["bc", "-q"], ["dc", "-e", "2 100 ^ p"],
        ["column", "-t", "-s,", "t.csv"], ["less", "a.txt"], ["tr", "a-z", "A-Z"], ["iconv", "-f", "utf-8", "-t", "utf-16", "a.txt"],
        ["openssl", "dgst", "-sha512", "a.txt"], ["openssl", "rand", "-hex", "16"], ["openssl", "enc", "-aes-256-cbc", "-pass", "pass:x", "-pbkdf2", "-in", "a.txt", "-out", "a.enc"],
        ["xxd", "a.txt"], ["rev", "a.txt"], ["cal"], ["expand", "a.txt"], ["join", "-t,", "t.csv", "t.csv"],
    ], 4, 6)


@normal_work(8)
def archives(rec: Recording) -> None:
    rng = rec.rng
    inputs.tree(rng, rec.work / "in", rng.randint(5, 60))
    rec.write("big.txt", inputs.text(rng, rng.randint(100, 9000)))
    rec.quietly(["tar", "-czf", "given.tgz", "in"])
    rec.quietly(["zip", "-qr", "given.zip", "in"])
    some(rec, [
        ["tar", "-cf", "a.tar", "in"], ["tar", "-czf", "a.tgz", "in"], ["tar", "-cJf", "a.txz", "in"], ["tar", "-cjf", "a.tbz", "in"],
        ["tar", "-tzf", "given.tgz"], ["tar", "-xzf", "given.tgz", "--one-top-level=x"], ["gzip", "-k", f"-{rng.randint(1, 9)}", "big.txt"],
        ["bzip2", "-k", "big.txt"], ["xz", "-k", "-1", "big.txt"], ["zip", "-r", "a.zip", "in"], ["unzip", "-o", "given.zip", "-d", "y"],
        ["bash", "-c", "tar -cf - in | gzip -1 > piped.tgz"], ["zcat", "given.tgz"], ["rsync", "-a", "in/", "mirror/"],
        ["rsync", "-ac", "--delete", "in/", "mirror/"], ["cpio", "--version"], ["bash", "-c", "find in | tar -cf b.tar -T -"],
    ], 3, 5)
