"""Coreutils, searching, text tools, archives."""

from capture.recording import Recording
from scenarios import inputs, normal_work


def some(rec: Recording, commands: list[list[str]], least: int, most: int) -> None:
    for argv in rec.rng.sample(commands, min(len(commands), rec.rng.randint(least, most))):
        rec.trace(argv)


@normal_work(20)
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
        ["cp", "-a", "--reflink=auto", "in", "kept"], ["cp", "-al", "in", "linked"], ["mv", "-n", "a.txt", "in"], ["rm", "-i", "b.txt"], ["ls", "--sort=time", "-1", "in"], ["ls", "-i", "."],
        ["sort", "--parallel=2", "-u", "a.txt"], ["sort", "-R", "b.txt"], ["sort", "-c", "a.txt"], ["cksum", "a.txt"], ["b2sum", "a.txt", "b.txt"], ["sha512sum", "t.csv"], ["sum", "a.txt"],
        ["csplit", "-s", "a.txt", "5"], ["fmt", "-w", "40", "a.txt"], ["pr", "a.txt"], ["ptx", "b.txt"], ["tsort"], ["factor", "1234567"], ["printf", "%s\n", "x"], ["expr", "3", "+", "4"],
        ["pathchk", "a.txt"], ["basename", "/a/b"], ["dirname", "/a/b"], ["realpath", "in"], ["sync", "a.txt"], ["mkfifo", "pipe"], ["rmdir", "in"], ["unlink", "b.txt"], ["shred", "-u", "b.txt"],
        ["stdbuf", "-oL", "cat", "a.txt"], ["nohup", "true"], ["chgrp", "-R", "games", "in"], ["tail", "-c", "100", "t.csv"], ["head", "-c", "1M", "/dev/zero"], ["base32", "a.txt"],
        ["date", "--iso-8601=ns"], ["arch"], ["hostid"], ["logname"], ["users"], ["pinky"], ["printenv", "HOME"], ["dircolors"], ["sleep", "0.05"], ["yes", "--version"], ["getfacl", "a.txt"],
        ["setfacl", "-m", "u:alice:r", "a.txt"], ["getfattr", "-d", "a.txt"], ["dd", "if=a.txt", "of=b.out", "bs=1", "count=400"], ["dd", "if=/dev/urandom", "of=r", "bs=64k", "count=9", "conv=fsync"],
        ["busybox", "ls", "-l", "in"], ["busybox", "find", "in"], ["busybox", "wc", "a.txt"], ["busybox", "sort", "a.txt"], ["busybox", "vi", "--help"], ["fallocate", "-l", "64k", "f.bin"],
    ], 8, 12)


@normal_work(14)
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
        ["find", place, "-mtime", "-900", "-printf", "%s %p\n"], ["find", "in", "-type", "f", "-exec", "md5sum", "{}", "+"], ["find", "in", "-empty", "-o", "-perm", "600"], ["find", "/proc", "-maxdepth", "1", "-user", "root"],
        ["find", place, "-iname", "*a*", "-prune", "-o", "-print"], ["grep", "-rLi", word, "in"], ["grep", "-P", "^.{20}", "-r", "in"], ["grep", "-z", word, "-r", place], ["zgrep", "a", "/usr/share/doc/git/changelog.Debian.gz"],
        ["whereis", "ls", "git"], ["locate", "--version"], ["sh", "-c", f"grep -rl {word} in | xargs -r wc -l"], ["bash", "-c", f"find {place} -type f -print0 | xargs -0 ls -S | head -n 5"],
        ["bash", "-c", "find in -type f | while read -r f; do stat -c '%s %n' \"$f\"; done | sort -n"], ["bash", "-c", "shopt -s globstar; for f in in/**/*.txt; do head -c 9 \"$f\"; done"],
        ["tree", "-h", "-L", "2", place], ["ls", "-laR", place], ["file", "-i", "in"], ["namei", "-l", "/usr/bin/ls"], ["du", "-sh", place], ["find", "in", "-type", "d", "-exec", "ls", "-d", "{}", ";"],
        ["/usr/bin/python3", "-c", f"import pathlib;print(sum('{word}' in p.read_text() for p in pathlib.Path('in').rglob('*.txt')))"],
    ], 4, 6)


@normal_work(16)
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
        ["sed", "-E", "s/([a-z]+) ([a-z]+)/\\2 \\1/", "a.txt"], ["sed", "-i.old", "/willow/d", "b.txt"], ["sed", "-f", str(rec.write("s.sed", "1!G;h;$!d\n")), "b.txt"], ["sed", "-s", "w out.txt", "a.txt", "b.txt"],
        ["gawk", "{print > (NR % 3) \".part\"}", "a.txt"], ["gawk", "-i", "inplace", "{print NR, $0}", "b.txt"], ["gawk", "{print | \"sort -r\"}", "b.txt"], ["mawk", "-F,", "{n[$3]++} END {for (k in n) print k, n[k]}", "t.csv"],
        ["jq", "-c", "group_by(.w) | map({w: .[0].w, n: length})", "d.json"], ["jq", "--stream", "-c", ".", "d.json"], ["openssl", "genrsa", "1024"], ["openssl", "x509", "-help"], ["openssl", "base64", "-in", "a.txt"],
        ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", "/CN=a", "-keyout", "k.pem", "-out", "c.pem"], ["openssl", "speed", "-seconds", "1", "-bytes", "64", "md5"], ["openssl", "version", "-a"],
        ["datamash", "-t,", "--header-in", "sum", "4", "mean", "4"], ["ts"], ["sponge", "b.txt"], ["xmllint", "--format", str(rec.write("d.xml", "<a>" + "<b>x</b>" * rng.randint(3, 300) + "</a>"))],
        ["diff", "-y", "a.txt", "b.txt"], ["sdiff", "-s", "a.txt", "b.txt"], ["diff3", "a.txt", "b.txt", "a.txt"], ["look", "amber", "a.txt"], ["hexdump", "-C", "b.txt"], ["col", "-b"], ["colrm", "5", "9"],
        ["perl", "-pe", "s/amber/AMBER/g", "a.txt"], ["perl", "-lane", "print $F[0]", "a.txt"], ["perl", "-i", "-ne", "print unless /cedar/", "b.txt"], ["perl", "-MList::Util=sum", "-F,", "-lane", "$s+=$F[3]; END {print $s}", "t.csv"],
        ["iconv", "-f", "latin1", "-t", "utf-8", "b.txt"], ["gpg", "--batch", "--passphrase", "x", "--pinentry-mode", "loopback", "-c", "a.txt"], ["gpg", "--list-keys"], ["m4", "a.txt"], ["busybox", "sed", "s/a/b/", "a.txt"],
        ["busybox", "awk", "{n++} END {print n}", "a.txt"], ["busybox", "grep", "-c", "amber", "a.txt"], ["bc", "-l", str(rec.write("c.bc", "scale=40; 4*a(1)\nquit\n"))], ["uuencode", "--help"], ["envsubst"], ["msgfmt", "--version"],
        ["git", "diff", "--no-index", "a.txt", "b.txt"], ["cmp", "-l", "a.txt", "b.txt"], ["shuf", "-n", "5", "a.txt"], ["paste", "-s", "b.txt"],
    ], 6, 9)


@normal_work(16)
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
        ["zstd", "-q", f"-{rng.randint(1, 12)}", "big.txt"], ["zstd", "-q", "-T2", "big.txt", "-o", "b.zst"], ["lz4", "-q", "big.txt"], ["pigz", "-k", "-p", "2", "big.txt"], ["lzma", "-k", "-1", "big.txt"],
        ["bash", "-c", "find in -depth | cpio -o > a.cpio"], ["bash", "-c", "tar -cf - in | zstd -q > z.tar.zst"], ["bash", "-c", "tar -cf - in | (mkdir -p copy && tar -xf - -C copy)"], ["tar", "--zstd", "-cf", "a.tzst", "in"],
        ["tar", "-czf", "ex.tgz", "--exclude=*.log", "in"], ["tar", "-rf", "a.tar", "big.txt"], ["tar", "--list", "-vf", "given.tgz"], ["tar", "-xzOf", "given.tgz"], ["zip", "-e", "-P", "x", "c.zip", "big.txt"], ["zipinfo", "given.zip"],
        ["unzip", "-l", "given.zip"], ["unzip", "-t", "given.zip"], ["gunzip", "-t", "given.tgz"], ["gzip", "-l", "given.tgz"], ["zless", "given.tgz"], ["rsync", "-avn", "in/", "mirror/"], ["rsync", "-a", "--link-dest=../in", "in/", "linked/"],
        ["rsync", "-az", "--inplace", "big.txt", "there.txt"], ["bash", "-c", "split -b 4k big.txt part. && cat part.* | cmp - big.txt"], ["bash", "-c", "md5sum in/* > sums 2>/dev/null; md5sum -c --quiet sums"], ["mksquashfs", "in", "in.sqfs", "-quiet"],
        ["/usr/bin/python3", "-m", "zipfile", "-c", "p.zip", "in"], ["/usr/bin/python3", "-m", "tarfile", "-c", "p.tar", "in"], ["busybox", "tar", "-cf", "bb.tar", "in"], ["busybox", "gzip", "-c", "big.txt"], ["perl", "-MIO::Compress::Gzip=gzip", "-e", "gzip 'big.txt' => 'p.gz'"],
    ], 5, 8)


@normal_work(12)
def converting(rec: Recording) -> None:
    """Pictures, graphs, pages and catalogues turned from one format into another."""
    rng = rec.rng
    rec.write("a.md", f"# {rng.choice(inputs.WORDS)}\n\n" + "".join(f"* {word}\n" for word in inputs.words(rng, rng.randint(3, 200))))
    rec.write("g.dot", "digraph g {\n" + "".join(f" {a} -> {b};\n" for a, b in zip(inputs.words(rng, 20), inputs.words(rng, 20), strict=True)) + "}\n")
    rec.write("a.ms", ".TL\n" + rng.choice(inputs.WORDS) + "\n.PP\n" + inputs.text(rng, rng.randint(5, 90)))
    rec.write("p.pgm", f"P2\n{16} {16}\n255\n" + " ".join(str(rng.randint(0, 255)) for _ in range(256)) + "\n")
    rec.write("d.xml", "<list>" + "".join(f"<item>{word}</item>" for word in inputs.words(rng, rng.randint(3, 300))) + "</list>")
    rec.write("s.xsl", '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><out><xsl:for-each select="//item"><xsl:sort/><i><xsl:value-of select="."/></i></xsl:for-each></out></xsl:template></xsl:stylesheet>')
    rec.write("l.po", 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n' + "".join(f'\nmsgid "{word}{i}"\nmsgstr "{word}"\n' for i, word in enumerate(inputs.words(rng, rng.randint(3, 200)))))
    rec.write("page.html", "<html><body>" + "".join(f"<p><a href='x'>{word}</a></p>" for word in inputs.words(rng, rng.randint(5, 300))) + "</body></html>")
    some(rec, [
        ["markdown", "a.md"], ["dot", "-Tsvg", "-o", "g.svg", "g.dot"], ["dot", "-Tplain", "g.dot"], ["neato", "-Tdot", "g.dot"], ["groff", "-ms", "-Tascii", "a.ms"], ["groff", "-ms", "-Tps", "a.ms"], ["groff", "-ms", "-Thtml", "a.ms"],
        ["bash", "-c", "pnmscale 4 p.pgm | pnmtopng > p.png"], ["bash", "-c", "pnmrotate 20 p.pgm | pnmsmooth | ppmtoppm > q.ppm"], ["bash", "-c", "pgmtopbm p.pgm | pbmtoascii"], ["pnmflip", "-tb", "p.pgm"], ["pamfile", "p.pgm"],
        ["xsltproc", "-o", "o.xml", "s.xsl", "d.xml"], ["xmllint", "--xpath", "count(//item)", "d.xml"], ["msgfmt", "-o", "l.mo", "l.po"], ["msgcat", "l.po"], ["lynx", "-dump", "-nolist", "page.html"], ["iconv", "-t", "utf-16", "page.html"],
        ["man", "-l", "a.ms"], ["nroff", "a.ms"], ["tbl", "a.ms"], ["gvpr", "N{print(name)}", "g.dot"], ["tred", "g.dot"], ["pnmtops", "p.pgm"], ["pngtopnm", "--version"], ["bash", "-c", "pnmcat -lr p.pgm p.pgm | pnmhisteq > h.pgm"],
    ], 4, 7)


@normal_work(12)
def editing(rec: Recording) -> None:
    """Editors run by scripts and by hands."""
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(5, 300)))
    rec.write("b.txt", inputs.text(rng, rng.randint(5, 300)))
    word = rng.choice(inputs.WORDS)
    ways = [
        lambda: rec.trace(["vim", "-es", "-u", "NONE", "-c", f"%s/{word}/changed/ge", "-c", "wq", "a.txt"]),
        lambda: rec.trace(["vim", "-es", "-c", "sort", "-c", "wqa", "a.txt"]),
        lambda: rec.trace(["vim.tiny", "-es", "-c", "g/^a/d", "-c", "x", "b.txt"]),
        lambda: rec.trace(["vim", "-u", "NONE", "a.txt"], terminal=f"Ghello\x1bo{word}\x1b\n:w\n/{word}\ndd:wq"),
        lambda: rec.trace(["nano", "-I", "b.txt"], terminal=f"{word} {word}\n\x0f\n\x18"),
        lambda: rec.trace(["ed", "-s", "a.txt"], stdin=f"1,$s/{word}/x/g\n$a\nmore\n.\nw\nq\n"),
        lambda: rec.trace(["ex", "-s", "b.txt"], stdin="1d\n$t.\nwq\n"),
        lambda: rec.trace(["view", "-es", "-c", "q", "a.txt"]),
        lambda: rec.trace(["busybox", "vi", "b.txt"], terminal=f"i{word}\x1b:wq"),
        lambda: rec.trace(["vimdiff", "-es", "-c", "qa", "a.txt", "b.txt"]),
        lambda: rec.trace(["less", "a.txt"], terminal=" \nG\nq"),
        lambda: rec.trace(["patch", "-b", "a.txt"], stdin=rec.quietly(["diff", "-u", "a.txt", "b.txt"]).stdout),
        lambda: rec.trace(["vipw", "-p"], terminal=":q", env={**rec.environment, "EDITOR": "vim.tiny"}),
    ]
    for way in rng.sample(ways, rng.randint(3, 4)):
        way()
