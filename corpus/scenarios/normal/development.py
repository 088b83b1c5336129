"""git, compilers, make and interpreters."""

from capture.recording import Recording
from scenarios import inputs, normal_work


@normal_work(10)
def git(rec: Recording) -> None:
    rng = rec.rng
    repo = rec.work / "repo"
    repo.mkdir()
    rec.write("repo/.git-placeholder", "")

    def run(*argv: str, traced: bool = True) -> None:
        argv = ("git", "-c", "user.name=a", "-c", "user.email=a@example.test", *argv)
        rec.trace(list(argv), cwd=repo) if traced else rec.quietly(list(argv), cwd=repo)

    run("init", "-q", ".", traced=rng.random() < 0.3)
    for _ in range(rng.randint(1, 3)):
        inputs.tree(rng, repo, rng.randint(2, 12))
        run("add", "-A", traced=rng.random() < 0.3)
        run("commit", "-qm", rng.choice(inputs.WORDS), traced=rng.random() < 0.4)
    inputs.tree(rng, repo, rng.randint(1, 4))
    later = [("status",), ("log", "--stat"), ("diff", "HEAD"), ("branch", "topic"), ("checkout", "-qb", "other"), ("stash", "-u"),
             ("gc", "-q"), ("clone", "-q", ".", str(rec.work / "clone")), ("grep", "amber"), ("blame", "HEAD", "--", "."),
             ("archive", "-o", str(rec.work / "a.tar"), "HEAD"), ("ls-files", "-s"), ("show", "HEAD"), ("tag", "v1"),
             ("rev-list", "--objects", "--all"), ("fsck",), ("shortlog", "-s", "HEAD"), ("commit", "--amend", "-qm", "again")]
    for argv in rng.sample(later, rng.randint(2, 4)):
        run(*argv)


@normal_work(7)
def compiling(rec: Recording) -> None:
    rng = rec.rng
    units = [f"u{i}" for i in range(rng.randint(1, 3))]
    for unit in units:
        rec.write(f"{unit}.c", inputs.c_source(rng, rng.randint(1, 40)))
    flags = rng.choice(["-O0", "-O2", "-O1 -g", "-Os -Wall"])
    rules = "".join(f"{u}: {u}.c\n\tgcc {flags} -o {u} {u}.c\n" for u in units)
    rec.write("Makefile", f"all: {' '.join(units)}\n{rules}clean:\n\trm -f {' '.join(units)}\n")
    way = rng.choice(["make", "make -j2", "gcc"])
    if way == "gcc":
        rec.trace(["gcc", *flags.split(), "-o", "u0", "u0.c"])
    else:
        rec.trace(way.split())
    rec.trace(["make", "clean"]) if rng.random() < 0.3 else rec.trace(["./u0"])
    tool = rng.choice([["nm", "u0"], ["objdump", "-h", "u0"], ["strip", "u0"], ["ldd", "u0"], ["size", "u0"], ["ar", "rc", "x.a", "u0.c"]])
    rec.trace(tool)


PYTHON = [
    "import json,csv\nrows=list(csv.DictReader(open('t.csv')))\njson.dump(rows,open('o.json','w'))",
    "import collections\nprint(collections.Counter(open('a.txt').read().split()).most_common(5))",
    "import sqlite3\nd=sqlite3.connect('x.db')\nd.execute('create table t(a,b)')\nd.executemany('insert into t values(?,?)',[(i,i*i) for i in range({n})])\nd.commit()\nprint(d.execute('select sum(b) from t').fetchone())",
    "import subprocess\nprint(subprocess.run(['{p}'],capture_output=True).stdout)",
    "import os\nfor d,_,f in os.walk('/usr/share/perl5'):\n  pass\nprint(os.getcwd(), os.listdir('.'))",
    "import hashlib\nprint(hashlib.sha256(open('a.txt','rb').read()*{n}).hexdigest())",
    "import threading,queue\nq=queue.Queue()\nt=[threading.Thread(target=lambda i=i:q.put(sum(range(i*1000)))) for i in range(4)]\n[x.start() for x in t];[x.join() for x in t]\nprint(q.qsize())",
    "import tempfile,shutil,pathlib\nwith tempfile.TemporaryDirectory() as d:\n  for i in range({n}): pathlib.Path(d,str(i)).write_text('x'*i)\n  shutil.make_archive('arch','gztar',d)",
    "import socket,threading\ns=socket.create_server(('127.0.0.1',0))\ndef serve():\n  c,_=s.accept()\n  for _ in range({n}): c.sendall(c.recv(99).upper())\nthreading.Thread(target=serve).start()\nc=socket.create_connection(s.getsockname())\nfor i in range({n}): c.sendall(b'hello %d'%i);c.recv(99)\nc.close()",
    "import time,random\nfor _ in range({n}): time.sleep(random.random()/50); print(time.ctime())",
    "import multiprocessing as m\ndef f(x): return x*x\nif __name__=='__main__':\n  with m.Pool(2) as p: print(p.map(f,range({n})))",
    "import platform,os,pwd\nprint(platform.platform(), os.uname(), pwd.getpwuid(os.getuid()), os.cpu_count())",
    "import re,gzip\nt=gzip.compress(open('a.txt','rb').read())\nprint(len(t), len(re.findall('amber',open('a.txt').read())))",
    "import subprocess\nfor c in ('date','ls -l','cat a.txt | wc -l'): subprocess.run(c,shell=True)",
]
PERL = [
    "open F,'a.txt';while(<F>){{$h{{$_}}++ for split}}print map{{\"$_ $h{{$_}}\\n\"}}sort keys %h",
    "print `{p}`; system('wc a.txt'); ",
    "use File::Find;find(sub{{$n++ if -f}},'/usr/share/perl5');print $n",
    "use IO::Socket::INET;$s=IO::Socket::INET->new(Listen=>1,LocalAddr=>'127.0.0.1')or die;if(!fork){{$c=IO::Socket::INET->new(PeerAddr=>'127.0.0.1',PeerPort=>$s->sockport);print $c \"hi\\n\" x {n};exit}}$c=$s->accept;print while <$c>;wait",
    "for(1..{n}){{select undef,undef,undef,.02;print scalar localtime}}",
    "open O,'>o.txt';print O sort{{rand()<=>.5}}1..{n};close O;rename 'o.txt','p.txt';unlink 'p.txt'",
    "use Digest::SHA;print Digest::SHA->new(256)->addfile('a.txt')->hexdigest",
    "print join ',',map{{(stat)[7]}}glob '/etc/*'",
]
NODE = [
    "const fs=require('fs');const r=fs.readFileSync('t.csv','utf8').split('\\n');fs.writeFileSync('o.json',JSON.stringify(r));",
    "const {{execSync}}=require('child_process');console.log(execSync('{p}').toString())",
    "const h=require('http');const s=h.createServer((q,r)=>r.end('x'.repeat({n}))).listen(0,'127.0.0.1',()=>{{h.get({{port:s.address().port,host:'127.0.0.1'}},r=>{{r.resume();r.on('end',()=>s.close())}})}})",
    "let n=0;const t=setInterval(()=>{{if(++n>{n})clearInterval(t)}},5)",
    "console.log(require('crypto').createHash('sha1').update('a'.repeat({n})).digest('hex'))",
]
LUA = [
    "local n=0 for l in io.lines('a.txt') do n=n+#l end print(n)",
    "local f=io.popen('{p}') print(f:read('a')) f:close()",
    "for i=1,{n} do local f=io.open('l'..i,'w') f:write(i) f:close() os.remove('l'..i) end",
    "local t={{}} for i=1,{n}*1000 do t[#t+1]=i*i end table.sort(t) print(#t, os.date(), os.tmpname())",
]
RUBY = [
    "puts File.read('a.txt').split.tally.max_by(5,&:last).inspect",
    "puts `{p}`; system('wc -l a.txt')",
    "require 'csv'; puts CSV.read('t.csv',headers:true).sum{{|r|r['amount'].to_i}}",
    "Dir.glob('/usr/share/doc/git/**/*').each{{|f|File.size(f)}}",
    "t={n}.times.map{{|i|Thread.new{{sleep 0.01*i;i}}}};p t.sum(&:value)",
]


def interpreter(rec: Recording, argv: list[str], programs: list[str], extension: str, least: int, most: int) -> None:
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(5, 900)))
    rec.write("t.csv", inputs.table(rng, rng.randint(5, 900)))
    for number, program in enumerate(rng.sample(programs, rng.randint(least, most))):
        source = program.format(n=rng.randint(3, 40), p=rng.choice(["date", "uname", "ls", "id", "df", "ps", "hostname"]))
        script = rec.write(f"s{number}.{extension}", source)
        rec.trace([*argv, str(script)], user=rng.choice([None, None, "alice"]))


@normal_work(12)
def python(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/python3", *rec.rng.choice([[], ["-B"], ["-u"], ["-S"], ["-I"]])], PYTHON, "py", 3, 5)


@normal_work(9)
def perl(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/perl", *rec.rng.choice([[], ["-w"]])], PERL, "pl", 3, 5)


@normal_work(6)
def node(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/node"], NODE, "js", 1, 2)


@normal_work(6)
def lua(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/lua5.4"], LUA, "lua", 2, 3)


@normal_work(6)
def ruby(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/ruby"], RUBY, "rb", 2, 3)
