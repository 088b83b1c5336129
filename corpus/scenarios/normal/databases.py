"""SQLite, Redis and Memcached, with their clients."""

from capture.recording import Recording
from scenarios import inputs, normal_work


@normal_work(16)
def sqlite(rec: Recording) -> None:
    rng = rec.rng
    rec.write("t.csv", inputs.table(rng, rng.randint(10, 3000)))
    mode = rng.choice(["delete", "wal", "truncate", "memory", "persist", "off"])
    rec.trace(["sqlite3", "x.db", f"pragma journal_mode={mode};", f"pragma synchronous={rng.choice(['off', 'normal', 'full'])};",
               f"pragma mmap_size={rng.choice([0, 0, 1 << 20])};", "create table t(id integer, name, place, amount integer);", ".mode csv", ".import --skip 1 t.csv t"])
    queries = ["select name, sum(amount) from t group by name;", "create index i on t(place); select count(*) from t where place='amber';",
               "update t set amount = amount + 1 where id % 3 = 0;", "delete from t where amount < 100; vacuum;", ".dump", ".schema",
               "with recursive c(n) as (select 1 union all select n+1 from c where n<5000) select sum(n) from c;",
               "begin; insert into t select id+10000,name,place,amount from t; commit;", ".backup copy.db", "analyze; explain query plan select * from t where place='x';",
               "create table u as select * from t order by amount desc limit 50; drop table u;", "pragma integrity_check;", "begin; delete from t; rollback;",
               "attach 'other.db' as o; create table o.t as select * from t; detach o;", ".output out.txt\nselect * from t;", "create virtual table f using fts5(name); insert into f select name from t;",
               "create trigger g after insert on t begin update t set amount=0 where id=new.id; end; insert into t values (1,'a','b',2);", "select json_group_array(name) from t;",
               ".clone cloned.db", ".headers on\nselect * from t limit 9;", "pragma wal_checkpoint; pragma optimize;", "reindex; pragma page_count;"]
    for query in rng.sample(queries, rng.randint(3, 4)):
        rec.trace(["sqlite3", "x.db", query] if "\n" not in query else ["sqlite3", "x.db"], stdin=query + "\n")
    if rng.random() < 0.5:
        rec.trace(["sqlite3", *rng.choice([[], ["-batch"], ["-json"]]), "x.db"], stdin="\n".join(rng.sample(queries, 3)) + "\n.quit\n")


@normal_work(10)
def redis(rec: Recording) -> None:
    """A server that keeps its data in one way or another, and clients that ask and fill it."""
    rng = rec.rng
    port = rec.port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(rec.work), "--save", rng.choice(["", "1 3"]), "--appendonly", rng.choice(["yes", "no"]),
               "--io-threads", rng.choice(["1", "2"]), "--appendfsync", rng.choice(["always", "everysec"])]
    client = ["redis-cli", "-p", str(port)]
    words = inputs.words(rng, 5)
    asked = [["set", words[0], words[1]], ["get", words[0]], ["lpush", "list", *words], ["lrange", "list", "0", "-1"], ["hset", "h", *words[:4]], ["info"], ["save"], ["bgsave"], ["keys", "*"], ["expire", words[0], "1"],
             ["eval", "return redis.call('dbsize')", "0"], ["--scan"], ["--latency-history", "-i", "1"], ["client", "list"], ["config", "get", "*"], ["bgrewriteaof"], ["flushall"], ["zadd", "z", "1", "a", "2", "b"], ["memory", "doctor"]]
    with rec.serve(["redis-server", *options], port) as service:
        for argv in rng.sample(asked, rng.randint(4, 9)):
            rec.trace([*client, *argv], timeout=2) if rng.random() < 0.25 else rec.quietly([*client, *argv], timeout=2)
        if rng.random() < 0.5:
            rec.trace(["redis-benchmark", "-q", "-p", str(port), "-n", str(rng.randint(100, 900)), "-c", "4", "-t", "set,lpush"], timeout=15)
        if rng.random() < 0.5:
            rec.quietly(["redis-cli", "-p", str(port), "--pipe"], input="".join(f"SET k{i} {rng.choice(inputs.WORDS)}\r\n" for i in range(200)).encode())
        rec.pause(0.2, 1.5)
    rec.keep(service.tree)


MEMCACHED = """import socket
c = socket.create_connection(("127.0.0.1", {port}))
f = c.makefile("rwb")
for i in range({n}):
    f.write(b"set k%d 0 0 4\\r\\nword\\r\\n" % i); f.flush(); f.readline()
    f.write(b"get k%d\\r\\n" % i); f.flush(); [f.readline() for _ in range(3)]
f.write(b"stats\\r\\n"); f.flush()
while f.readline().strip() != b"END": pass
"""


@normal_work(4)
def memcached(rec: Recording) -> None:
    rng = rec.rng
    port = rec.port()
    with rec.serve(["memcached", "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", str(rng.randint(1, 3)), "-m", "8", "-u", "www-data"], port) as service:
        for number in range(rng.randint(1, 3)):
            rec.trace(["/usr/bin/python3", str(rec.write(f"ask{number}.py", MEMCACHED.format(port=port, n=rng.randint(3, 60))))])
    rec.keep(service.tree)
