"""git, compilers, make and interpreters."""

from capture.recording import Recording
from scenarios import inputs, normal_work


@normal_work(18)
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
             ("rev-list", "--objects", "--all"), ("fsck",), ("shortlog", "-s", "HEAD"), ("commit", "--amend", "-qm", "again"),
             ("merge", "-q", "HEAD"), ("rebase", "-q", "HEAD"), ("worktree", "add", "-q", str(rec.work / "tree")), ("bundle", "create", str(rec.work / "b"), "--all"),
             ("format-patch", "-1", "--stdout"), ("reset", "-q", "--hard"), ("clean", "-fdq"), ("describe", "--always"), ("cherry", "HEAD"), ("repack", "-adq"),
             ("count-objects", "-v"), ("config", "-l"), ("bisect", "start"), ("notes", "add", "-m", "n"), ("diff", "--stat", "--cached"), ("mv", "-k", ".", "x"),
             ("log", "-p", "-S", "amber"), ("reflog",), ("submodule", "status"), ("sparse-checkout", "list")]
    for argv in rng.sample(later, rng.randint(2, 4)):
        run(*argv)


@normal_work(14)
def compiling(rec: Recording) -> None:
    rng = rec.rng
    units = [f"u{i}" for i in range(rng.randint(1, 3))]
    for unit in units:
        rec.write(f"{unit}.c", inputs.c_source(rng, rng.randint(1, 40)))
    flags = rng.choice(["-O0", "-O2", "-O1 -g", "-Os -Wall", "-O3 -flto", "-pipe -g3", "-save-temps", "-static", "-fsanitize=undefined"])
    rules = "".join(f"{u}: {u}.c\n\tgcc {flags} -o {u} {u}.c\n" for u in units)
    rec.write("Makefile", f"all: {' '.join(units)}\n{rules}clean:\n\trm -f {' '.join(units)}\n")
    way = rng.choice(["make", "make -j2", "make -j4 -k", "make -B", "gcc"])
    if way == "gcc":
        rec.trace(["gcc", *flags.split(), "-o", "u0", "u0.c"])
    else:
        rec.trace(way.split())
    rec.trace(["make", "clean"]) if rng.random() < 0.3 else rec.trace(["./u0"])
    tool = rng.choice([["nm", "u0"], ["objdump", "-h", "u0"], ["strip", "u0"], ["ldd", "u0"], ["size", "u0"], ["ar", "rc", "x.a", "u0.c"], ["gdb", "-batch", "-ex", "info line main", "u0"],
                       ["readelf", "-a", "u0"], ["strings", "u0"], ["objcopy", "-S", "u0", "u0.s"], ["gcc", "-E", "u0.c"], ["gcc", "-S", "u0.c"], ["cpp", "u0.c"], ["addr2line", "-e", "u0", "0"],
                       ["gcov", "--version"], ["gdb", "-batch", "-ex", "run", "-ex", "bt", "u0"], ["ld", "--version"], ["m4", "u0.c"]])
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
    "import asyncio\nasync def main():\n  s=await asyncio.start_server(lambda r,w:(w.write(b'x'*{n}),w.close()),'127.0.0.1',0)\n  p=s.sockets[0].getsockname()[1]\n  for _ in range(5):\n    r,w=await asyncio.open_connection('127.0.0.1',p);print(len(await r.read()));w.close()\n  q=await asyncio.create_subprocess_exec('{p}');await q.wait()\nasyncio.run(main())",
    "import http.server,threading,urllib.request\nclass H(http.server.SimpleHTTPRequestHandler):\n  def log_message(s,*a): pass\ns=http.server.ThreadingHTTPServer(('127.0.0.1',0),H)\nthreading.Thread(target=s.serve_forever,daemon=True).start()\nfor _ in range(3): print(len(urllib.request.urlopen('http://127.0.0.1:%d/a.txt'%s.server_port).read()))\ns.shutdown()",
    "import zipfile,glob\nwith zipfile.ZipFile('o.zip','w',zipfile.ZIP_DEFLATED) as z:\n  [z.write(f) for f in glob.glob('*.txt')*{n}]\nprint(zipfile.ZipFile('o.zip').testzip())",
    "import mmap\nf=open('m.bin','w+b');f.truncate(65536)\nwith mmap.mmap(f.fileno(),0) as m:\n  for i in range({n}): m[i*9:i*9+4]=b'word'\n  m.flush()",
    "import os,signal,time\nr,w=os.pipe()\nif os.fork()==0:\n  signal.signal(signal.SIGUSR1,lambda *_:os.write(w,b'got'))\n  os.write(w,b'up');time.sleep(.2);os._exit(0)\nos.read(r,9);os.wait();print('done')",
    "import concurrent.futures as c,hashlib\nwith c.ThreadPoolExecutor(3) as e: print(len(list(e.map(lambda i:hashlib.md5(b'x'*i*1000).hexdigest(),range({n})))))",
    "import pickle,shelve\nwith shelve.open('s') as d:\n  for i in range({n}): d[str(i)]=list(range(i))\nprint(len(shelve.open('s')))",
    "import logging,logging.handlers\nh=logging.handlers.RotatingFileHandler('l.log',maxBytes=500,backupCount=3)\nl=logging.getLogger();l.addHandler(h)\nfor i in range({n}): l.warning('line %d',i)",
    "import socket\na,b=socket.socketpair(socket.AF_UNIX,socket.SOCK_DGRAM)\nfor i in range({n}): a.send(b'x'*i);b.recv(999)\nu=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);u.bind(('127.0.0.1',0));u.sendto(b'hi',u.getsockname());print(u.recvfrom(9))",
    "import email.mime.text,mailbox\nm=mailbox.mbox('box')\nm.lock()\nfor i in range({n}): m.add(email.mime.text.MIMEText('t'*i))\nm.flush();m.unlock();print(len(m))",
    "import unittest,os\nclass T(unittest.TestCase):\n  def setUp(s): open('t.tmp','w').write('x')\n  def test_a(s): s.assertTrue(os.path.getsize('t.tmp'))\n  def test_b(s): s.assertEqual(1,1)\n  def tearDown(s): os.unlink('t.tmp')\nunittest.main()",
    "import configparser,pathlib\nc=configparser.ConfigParser()\nc['a']={{str(i):'x' for i in range({n})}}\nc.write(open('c.ini','w'));c.read('c.ini');print(sorted(pathlib.Path('/etc').glob('*.conf'))[:3])",
    "import py_compile,compileall,ast\nopen('m.py','w').write('x=1\\n'*{n})\npy_compile.compile('m.py');import m;print(len(ast.dump(ast.parse(open('m.py').read()))))",
    "import selectors,os\ns=selectors.DefaultSelector();r,w=os.pipe();s.register(r,selectors.EVENT_READ)\nfor i in range({n}):\n  os.write(w,b'x');[os.read(k.fd,1) for k,_ in s.select(1)]",
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
    "use Storable;store({{a=>[1..{n}]}},'s.bin');print scalar @{{retrieve('s.bin')->{{a}}}}",
    "pipe R,W;if(!fork){{close R;print W $_ x 99 for 1..{n};exit}}close W;while(<R>){{$n+=length}}wait;print $n",
    "use File::Copy;use File::Temp 'tempdir';$d=tempdir(CLEANUP=>1);copy 'a.txt',\"$d/$_\" for 1..{n};print scalar(()=glob \"$d/*\")",
    "use Time::HiRes 'sleep';$SIG{{ALRM}}=sub{{print 'tick'}};alarm 1;sleep .02 for 1..{n};alarm 0",
    "use HTTP::Tiny;print HTTP::Tiny->new(timeout=>1)->get('http://127.0.0.1:9/')->{{status}}",
    "open P,'-|','sort','a.txt';while(<P>){{last if $.>{n}}}close P;open Q,'|-','gzip -c > o.gz';print Q 'x' x 9999;close Q",
    "use Fcntl ':flock';for(1..{n}){{open F,'>>l.txt';flock F,LOCK_EX;print F \"$_\\n\";flock F,LOCK_UN;close F}}",
    "use Encode;use JSON::PP;open F,'t.csv';@r=map{{[split /,/]}}<F>;open O,'>o.json';print O encode_json(\\@r)",
]
NODE = [
    "const fs=require('fs');const r=fs.readFileSync('t.csv','utf8').split('\\n');fs.writeFileSync('o.json',JSON.stringify(r));",
    "const {{execSync}}=require('child_process');console.log(execSync('{p}').toString())",
    "const h=require('http');const s=h.createServer((q,r)=>r.end('x'.repeat({n}))).listen(0,'127.0.0.1',()=>{{h.get({{port:s.address().port,host:'127.0.0.1'}},r=>{{r.resume();r.on('end',()=>s.close())}})}})",
    "let n=0;const t=setInterval(()=>{{if(++n>{n})clearInterval(t)}},5)",
    "console.log(require('crypto').createHash('sha1').update('a'.repeat({n})).digest('hex'))",
    "const {{Worker}}=require('worker_threads');new Worker('require(\"worker_threads\").parentPort.postMessage({n})',{{eval:true}}).on('message',console.log)",
    "const z=require('zlib'),fs=require('fs');fs.createReadStream('a.txt').pipe(z.createGzip()).pipe(fs.createWriteStream('o.gz')).on('finish',()=>console.log(fs.statSync('o.gz').size))",
    "const fs=require('fs').promises;(async()=>{{for(let i=0;i<{n};i++){{await fs.writeFile('f'+i,'x');await fs.stat('f'+i)}}await Promise.all((await fs.readdir('.')).filter(f=>/^f\\d/.test(f)).map(f=>fs.unlink(f)))}})()",
    "const n=require('net');const s=n.createServer(c=>c.pipe(c)).listen(0,'127.0.0.1',()=>{{const c=n.connect(s.address().port,'127.0.0.1');let k=0;c.on('data',()=>{{if(++k>{n}){{c.end();s.close()}}else c.write('x')}});c.write('x')}})",
    "const {{spawn}}=require('child_process');const p=spawn('sort');p.stdout.on('data',d=>console.log(d.length));p.stdin.end(require('fs').readFileSync('a.txt'))",
    "require('dns').lookup('localhost',(e,a)=>console.log(a));require('fs').watch('.',()=>{{}}).close();console.log(require('os').cpus().length)",
]
LUA = [
    "local n=0 for l in io.lines('a.txt') do n=n+#l end print(n)",
    "local f=io.popen('{p}') print(f:read('a')) f:close()",
    "for i=1,{n} do local f=io.open('l'..i,'w') f:write(i) f:close() os.remove('l'..i) end",
    "local t={{}} for i=1,{n}*1000 do t[#t+1]=i*i end table.sort(t) print(#t, os.date(), os.tmpname())",
    "local s={{}} for l in io.lines('t.csv') do for w in l:gmatch('[^,]+') do s[w]=(s[w] or 0)+1 end end local f=io.open('o.txt','w') for k,v in pairs(s) do f:write(k,v) end f:close()",
    "local co=coroutine.wrap(function() for l in io.lines('a.txt') do coroutine.yield(l) end end) for i=1,{n} do local l=co() if not l then break end print(l) end",
    "os.execute('{p}') os.rename('a.txt','b.txt') print(os.getenv('HOME'), os.clock(), os.time())",
    "local p=io.popen('sort','w') for i=1,{n} do p:write(i,'\\n') end p:close()",
]
RUBY = [
    "puts File.read('a.txt').split.tally.max_by(5,&:last).inspect",
    "puts `{p}`; system('wc -l a.txt')",
    "require 'csv'; puts CSV.read('t.csv',headers:true).sum{{|r|r['amount'].to_i}}",
    "Dir.glob('/usr/share/doc/git/**/*').each{{|f|File.size(f)}}",
    "t={n}.times.map{{|i|Thread.new{{sleep 0.01*i;i}}}};p t.sum(&:value)",
    "require 'socket'; s=TCPServer.new('127.0.0.1',0); t=Thread.new{{c=s.accept; {n}.times{{c.puts c.gets}}; c.close}}; c=TCPSocket.new('127.0.0.1',s.addr[1]); {n}.times{{|i|c.puts i;c.gets}}; t.join",
    "require 'zlib'; Zlib::GzipWriter.open('o.gz'){{|g|g.write File.read('a.txt')}}; p File.size('o.gz')",
    "require 'json'; require 'fileutils'; FileUtils.mkdir_p 'd/e'; {n}.times{{|i|File.write(\"d/e/#{{i}}\",i.to_json)}}; p Dir['d/**/*'].size; FileUtils.rm_rf 'd'",
    "r,w=IO.pipe; pid=fork{{r.close; w.puts 'x'*{n}; exit!}}; w.close; p r.read.size; Process.wait pid",
    "require 'erb'; require 'yaml'; File.write('o.yml',(1..{n}).to_h{{|i|[i,'x'*i]}}.to_yaml); puts ERB.new('<%= YAML.load_file(\"o.yml\").size %>').result",
]
TCL = [
    "set f [open a.txt]; set n 0; while {{[gets $f line] >= 0}} {{ incr n [string length $line] }}; close $f; puts $n",
    "puts [exec {p}]; puts [exec sort a.txt | head -n {n}]",
    "for {{set i 0}} {{$i < {n}}} {{incr i}} {{ set f [open f$i w]; puts $f $i; close $f; file delete f$i }}",
    "proc serve {{c args}} {{ puts $c hello; close $c }}; set s [socket -server serve -myaddr 127.0.0.1 0]; set c [socket 127.0.0.1 [lindex [fconfigure $s -sockname] 2]]; after 50 {{set done 1}}; vwait done; puts [gets $c]",
    "after 20 {{set x 1}}; vwait x; puts [clock format [clock seconds]]; foreach f [lsort [glob /etc/*.conf]] {{ puts [file size $f] }}",
]
PHP = [
    "<?php $f = fopen('t.csv', 'r'); $s = 0; while ($r = fgetcsv($f)) $s += (int)$r[3]; echo $s;",
    "<?php echo shell_exec('{p}'); system('wc -l a.txt');",
    "<?php $d = new PDO('sqlite:x.db'); $d->exec('create table t(a)'); $q = $d->prepare('insert into t values (?)'); for ($i = 0; $i < {n}; $i++) $q->execute([$i]); echo $d->query('select sum(a) from t')->fetchColumn();",
    "<?php for ($i = 0; $i < {n}; $i++) {{ $n = tempnam('.', 'x'); file_put_contents($n, str_repeat('x', $i)); unlink($n); }}",
    "<?php file_put_contents('o.json', json_encode(array_count_values(str_word_count(file_get_contents('a.txt'), 1)))); echo date('r'), memory_get_usage();",
    "<?php $s = stream_socket_server('tcp://127.0.0.1:0'); $c = stream_socket_client('tcp://' . stream_socket_get_name($s, false)); $a = stream_socket_accept($s); for ($i = 0; $i < {n}; $i++) {{ fwrite($c, \"x\\n\"); fgets($a); }}",
    "<?php $p = proc_open(['sort'], [['pipe', 'r'], ['pipe', 'w']], $pipes); fwrite($pipes[0], file_get_contents('a.txt')); fclose($pipes[0]); echo strlen(stream_get_contents($pipes[1])); proc_close($p);",
]
GUILE = [
    "(use-modules (ice-9 rdelim)) (call-with-input-file \"a.txt\" (lambda (p) (let loop ((n 0)) (if (eof-object? (read-line p)) (begin (display n) (newline)) (loop (+ n 1))))))",
    "(use-modules (ice-9 popen) (ice-9 rdelim)) (let ((p (open-input-pipe \"{p}\"))) (display (read-line p)) (close-pipe p))",
    "(let loop ((i 0)) (when (< i {n}) (call-with-output-file (string-append \"g\" (number->string i)) (lambda (p) (write i p))) (loop (+ i 1))))",
]


def interpreter(rec: Recording, argv: list[str], programs: list[str], extension: str, least: int, most: int) -> None:
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(5, 900)))
    rec.write("t.csv", inputs.table(rng, rng.randint(5, 900)))
    for number, program in enumerate(rng.sample(programs, rng.randint(least, most))):
        source = program.format(n=rng.randint(3, 40), p=rng.choice(["date", "uname", "ls", "id", "df", "ps", "hostname", "uptime", "free", "nproc", "who"]))
        script = rec.write(f"s{number}.{extension}", source)
        rec.trace([*argv, str(script)], user=rng.choice([None, None, "alice"]))


@normal_work(24)
def python(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/python3", *rec.rng.choice([[], ["-B"], ["-u"], ["-S"], ["-I"]])], PYTHON, "py", 3, 5)


@normal_work(16)
def perl(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/perl", *rec.rng.choice([[], ["-w"]])], PERL, "pl", 3, 5)


@normal_work(14)
def node(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/node"], NODE, "js", 1, 2)


@normal_work(8)
def lua(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/lua5.4"], LUA, "lua", 2, 3)


@normal_work(14)
def ruby(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/ruby"], RUBY, "rb", 2, 3)


@normal_work(8)
def tcl(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/tclsh"], TCL, "tcl", 2, 4)


@normal_work(12)
def php(rec: Recording) -> None:
    interpreter(rec, ["/usr/bin/php", *rec.rng.choice([[], ["-n"], ["-d", "memory_limit=64M"]])], PHP, "php", 3, 5)


@normal_work(3)
def guile(rec: Recording) -> None:
    rec.environment["GUILE_AUTO_COMPILE"] = rec.rng.choice(["0", "1"])
    interpreter(rec, ["/usr/bin/guile"], GUILE, "scm", 1, 3)


@normal_work(8)
def versions(rec: Recording) -> None:
    """Mercurial and RCS."""
    rng = rec.rng
    rec.environment["HGUSER"] = "a <a@example.test>"
    repo = rec.work / "repo"
    inputs.tree(rng, repo, rng.randint(2, 9))
    if rng.random() < 0.6:
        for argv in (["init"], ["addremove", "-q"], ["commit", "-m", "first"]):
            rec.quietly(["hg", *argv], cwd=repo, env=rec.environment)
        inputs.tree(rng, repo, 2)
        for argv in rng.sample([["status"], ["log"], ["diff"], ["addremove"], ["branch", "topic"], ["archive", "../a"], ["clone", ".", "../c"], ["verify"], ["annotate", "-r", "0", "."]], 3):
            rec.trace(["hg", *argv], cwd=repo)
        return
    rec.write("notes.txt", inputs.text(rng, 30))
    for argv in (["ci", "-u", "-t-notes", "-m1", "notes.txt"], ["co", "-l", "notes.txt"], ["rlog", "notes.txt"], ["rcsdiff", "notes.txt"]):
        rec.trace(argv)


CMAKE = """cmake_minimum_required(VERSION 3.10)
project(made C)
add_library(part STATIC {parts})
add_executable(main main.c)
target_link_libraries(main part)
enable_testing()
add_test(NAME runs COMMAND main)
"""
GRAMMAR = """%{{
#include <stdio.h>
int yylex(void); void yyerror(const char *s) {{ puts(s); }}
%}}
%token NUMBER
%%
sum: NUMBER | sum '+' NUMBER {{ $$ = $1 + $3; printf("%d\\n", $$); }} ;
%%
int yylex(void) {{ int c = getchar(); if (c >= '0' && c <= '9') {{ yylval = c - '0'; return NUMBER; }} return c == EOF || c == '\\n' ? 0 : c; }}
int main(void) {{ return yyparse(); }}
"""


@normal_work(10)
def building(rec: Recording) -> None:
    """CMake with make or ninja, generated parsers, ninja by itself, a makefile of many small steps."""
    rng = rec.rng
    way = rng.choice(["cmake", "cmake", "bison", "flex", "ninja", "steps"])
    if way == "cmake":
        parts = [f"p{i}.c" for i in range(rng.randint(1, 4))]
        for number, part in enumerate(parts):
            rec.write(part, f"int part{number}(int n) {{ return n * {rng.randint(2, 99)}; }}\n")
        rec.write("main.c", inputs.c_source(rng, 3))
        rec.write("CMakeLists.txt", CMAKE.format(parts=" ".join(parts)))
        maker = rng.choice(["Ninja", "Unix Makefiles"])
        rec.trace(["cmake", "-S", ".", "-B", "build", "-G", maker, f"-DCMAKE_BUILD_TYPE={rng.choice(['Debug', 'Release'])}"], timeout=60)
        rec.trace(["cmake", "--build", "build", "-j", "2"], timeout=60)
        rec.trace(["ctest", "--test-dir", "build"])
    elif way == "bison":
        rec.write("sum.y", GRAMMAR.format())
        rec.trace(["bison", "-o", "sum.c", "sum.y"])
        rec.trace(["gcc", "-o", "sum", "sum.c"])
        rec.trace(["./sum"], stdin="1+2+3\n")
    elif way == "flex":
        rec.write("count.l", "%option noyywrap\n%{\nint words;\n%}\n%%\n[a-z]+ words++;\n.|\\n ;\n%%\nint main(void) { yylex(); printf(\"%d\\n\", words); return 0; }\n")
        rec.trace(["flex", "-o", "count.c", "count.l"])
        rec.trace(["gcc", "-O1", "-o", "count", "count.c"])
        rec.trace(["./count"], stdin=inputs.text(rng, 50))
    elif way == "ninja":
        units = [f"u{i}" for i in range(rng.randint(2, 5))]
        for unit in units:
            rec.write(f"{unit}.c", inputs.c_source(rng, rng.randint(1, 9)))
        rec.write("build.ninja", "rule cc\n  command = gcc -O1 -o $out $in\n" + "".join(f"build {u}: cc {u}.c\n" for u in units))
        rec.trace(["ninja", f"-j{rng.randint(1, 3)}"], timeout=60)
        rec.trace(["ninja", "-t", rng.choice(["clean", "graph", "targets"])])
    else:
        inputs.tree(rng, rec.work / "in", rng.randint(4, 12))
        rules = "SRC := $(wildcard in/*.* in/*/*.*)\nall: $(SRC:%=%.sum) total\n%.sum: %\n\t@md5sum $< > $@\ntotal: $(SRC:%=%.sum)\n\t@cat $^ | sort > total\n\t@wc -l < total\n"
        rec.write("Makefile", rules)
        rec.trace(["make", f"-j{rng.randint(1, 4)}"])
        rec.trace(["make", rng.choice(["-n", "-q", "-B", "-d"])])
