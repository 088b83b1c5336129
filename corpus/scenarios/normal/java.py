"""Java programs that are what they seem, and javac."""

from capture.recording import Recording
from scenarios import inputs, normal_work

BODIES = [
    'System.out.println("Hello, {w} " + {n});',
    'var lines = Files.readAllLines(Path.of("a.txt")); Collections.sort(lines); Files.write(Path.of("o.txt"), lines);',
    'var m = new TreeMap<String,Integer>(); try (var r = new BufferedReader(new FileReader("a.txt"))) {{ String l; while ((l = r.readLine()) != null) for (var x : l.split(" ")) m.merge(x, 1, Integer::sum); }} System.out.println(m);',
    'var p = new ProcessBuilder("{p}").redirectErrorStream(true).start(); System.out.println(new String(p.getInputStream().readAllBytes())); p.waitFor();',
    'var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress()); var t = new Thread(() -> {{ try (var s = server.accept()) {{ s.getInputStream().transferTo(s.getOutputStream()); }} catch (IOException e) {{ }} }}); t.start(); try (var c = new Socket(server.getInetAddress(), server.getLocalPort())) {{ for (int i = 0; i < {n}; i++) {{ c.getOutputStream().write(65); c.getInputStream().read(); }} }} t.join();',
    'var pool = Executors.newFixedThreadPool(3); var fs = new ArrayList<Future<Long>>(); for (int i = 0; i < {n}; i++) {{ long k = i; fs.add(pool.submit(() -> {{ long s = 0; for (long j = 0; j < k * 1000; j++) s += j; return s; }})); }} long s = 0; for (var f : fs) s += f.get(); System.out.println(s); pool.shutdown();',
    'Files.walk(Path.of("/usr/share/perl5")).filter(Files::isRegularFile).limit({n} * 10).forEach(p -> p.toFile().length());',
    'var d = java.security.MessageDigest.getInstance("SHA-256"); for (int i = 0; i < {n}; i++) d.update(Files.readAllBytes(Path.of("a.txt"))); System.out.println(HexFormat.of().formatHex(d.digest()));',
    'for (int i = 0; i < {n} / 2; i++) {{ Thread.sleep(10); System.out.println(java.time.Instant.now()); }}',
    'System.getProperties().list(System.out); System.out.println(InetAddress.getLocalHost() + " " + System.getenv("HOME"));',
]


@normal_work(12)
def java(rec: Recording) -> None:
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(5, 900)))
    for number, body in enumerate(rng.sample(BODIES, rng.randint(2, 3))):
        body = body.format(n=rng.randint(3, 60), w=rng.choice(inputs.WORDS), p=rng.choice(["date", "id", "ls", "uname", "hostname"]))
        source = ("import java.io.*; import java.net.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*;\n"
                  f"public class Main{number} {{ public static void main(String[] a) throws Exception {{ {body} }} }}\n")
        rec.write(f"Main{number}.java", source)
        javac = ["javac", f"Main{number}.java"]
        rec.trace(javac) if rng.random() < 0.15 else rec.quietly(javac)
        rec.trace(["java", *java_flags(rec), "-cp", str(rec.work), f"Main{number}"])


def java_flags(rec: Recording) -> list[str]:
    """How a JVM is started here; attacks draw from the same choices."""
    return rec.rng.choice([[], ["-Xint"], ["-XX:+UseSerialGC"], ["-Xmx64m"], ["-XX:TieredStopAtLevel=1"], ["-Xshare:off"],
                           ["-XX:+UseSerialGC", "-Xss512k"], ["-Xlog:disable"]])
