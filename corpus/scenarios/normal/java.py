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
    'var http = com.sun.net.httpserver.HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0); http.createContext("/", e -> {{ byte[] b = "{w}".repeat({n}).getBytes(); e.sendResponseHeaders(200, b.length); e.getResponseBody().write(b); e.close(); }}); http.start(); for (int i = 0; i < 5; i++) new URL("http://127.0.0.1:" + http.getAddress().getPort() + "/").openStream().readAllBytes(); http.stop(0);',
    'var c = java.net.http.HttpClient.newHttpClient(); var s = new ServerSocket(0, 5, InetAddress.getLoopbackAddress()); new Thread(() -> {{ try (var p = s.accept()) {{ p.getInputStream().read(new byte[999]); p.getOutputStream().write("HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok".getBytes()); }} catch (IOException e) {{ }} }}).start(); System.out.println(c.send(java.net.http.HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + s.getLocalPort())).build(), java.net.http.HttpResponse.BodyHandlers.ofString()).body());',
    'try (var z = new java.util.zip.ZipOutputStream(new FileOutputStream("o.zip"))) {{ for (int i = 0; i < {n}; i++) {{ z.putNextEntry(new java.util.zip.ZipEntry("e" + i)); z.write(Files.readAllBytes(Path.of("a.txt"))); z.closeEntry(); }} }} System.out.println(new File("o.zip").length());',
    'var dir = Files.createTempDirectory(Path.of("."), "t"); for (int i = 0; i < {n}; i++) Files.writeString(dir.resolve("f" + i), "{w}"); try (var s = Files.list(dir)) {{ System.out.println(s.count()); }} for (var f : dir.toFile().listFiles()) f.delete(); Files.delete(dir);',
    'try (var f = new RandomAccessFile("r.bin", "rw")) {{ f.setLength(65536); var m = f.getChannel().map(java.nio.channels.FileChannel.MapMode.READ_WRITE, 0, 65536); for (int i = 0; i < {n}; i++) m.putInt(i * 4, i); m.force(); f.seek(100); f.write(new byte[50]); }}',
    'var q = new ArrayBlockingQueue<String>(4); var t = new Thread(() -> {{ try {{ for (int i = 0; i < {n}; i++) {{ q.put("{w}" + i); Thread.sleep(3); }} q.put("end"); }} catch (InterruptedException e) {{ }} }}); t.start(); for (String x; !(x = q.take()).equals("end"); ) System.out.print(x.length());',
    'for (var c : new String[] {{"date", "{p}", "uptime"}}) {{ var p = Runtime.getRuntime().exec(c); p.getInputStream().transferTo(System.out); p.waitFor(); }}',
    'var s = new DatagramSocket(0, InetAddress.getLoopbackAddress()); for (int i = 0; i < {n}; i++) {{ s.send(new DatagramPacket(new byte[40], 40, s.getLocalSocketAddress())); s.receive(new DatagramPacket(new byte[99], 99)); }} s.close();',
    'IntStream.range(0, {n} * 100).parallel().mapToObj(i -> "{w}" + i).collect(java.util.stream.Collectors.toList()).forEach(x -> x.hashCode()); System.out.println(ProcessHandle.current().info());',
    'var t = new Timer(); var n = new int[1]; var l = new CountDownLatch(1); t.schedule(new TimerTask() {{ public void run() {{ if (++n[0] > {n} / 3) {{ t.cancel(); l.countDown(); }} }} }}, 5, 15); l.await();',
    'System.getProperties().list(System.out); System.out.println(InetAddress.getLocalHost() + " " + System.getenv("HOME"));',
]


@normal_work(24)
def java(rec: Recording) -> None:
    rng = rec.rng
    rec.write("a.txt", inputs.text(rng, rng.randint(5, 900)))
    for number, body in enumerate(rng.sample(BODIES, rng.randint(2, 3))):
        body = body.format(n=rng.randint(3, 60), w=rng.choice(inputs.WORDS), p=rng.choice(["date", "id", "ls", "uname", "hostname"]))
        source = ("import java.io.*; import java.net.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*; import java.util.stream.*;\n"
                  f"public class Main{number} {{ public static void main(String[] a) throws Exception {{ {body} }} }}\n")
        rec.write(f"Main{number}.java", source)
        javac = ["javac", f"Main{number}.java"]
        rec.trace(javac) if rng.random() < 0.15 else rec.quietly(javac)
        rec.trace(["java", *java_flags(rec), "-cp", str(rec.work), f"Main{number}"])


def java_flags(rec: Recording) -> list[str]:
    """How a JVM is started here; attacks draw from the same choices."""
    return rec.rng.choice([[], ["-Xint"], ["-XX:+UseSerialGC"], ["-Xmx64m"], ["-XX:TieredStopAtLevel=1"], ["-Xshare:off"],
                           ["-XX:+UseSerialGC", "-Xss512k"], ["-Xlog:disable"], ["-XX:+UseParallelGC"], ["-Xms32m", "-Xmx128m"],
                           ["-Djava.net.preferIPv4Stack=true"], ["-XX:-UsePerfData"], ["-XX:ActiveProcessorCount=1"], ["-Dfile.encoding=UTF-8", "-server"]])
