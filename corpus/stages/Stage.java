import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.ZonedDateTime;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;

/** A Java stage: {@code Stage PORT COMMANDS [thread|pool|channel] [beacon]}. See README.md. */
public class Stage {
    private static List<String> commands;
    private static boolean beacon;
    private static boolean channel;

    public static void main(String[] arguments) throws Exception {
        commands = Files.readAllLines(Path.of(arguments[1]));
        int port = Integer.parseInt(arguments[0]);
        var ways = List.of(arguments);
        beacon = ways.contains("beacon");
        channel = ways.contains("channel");
        if (ways.contains("thread")) {
            Thread session = new Thread(() -> serve(port));
            session.start();
            session.join();
        } else if (ways.contains("pool")) {
            var pool = Executors.newFixedThreadPool(2);
            pool.submit(() -> serve(port)).get();
            pool.shutdown();
        } else {
            serve(port);
        }
    }

    private static Socket reach(int port) throws IOException {
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        return channel ? SocketChannel.open(address).socket() : new Socket(address.getAddress(), port);
    }

    private static void serve(int port) {
        try {
            while (session(port) && beacon) {
                Thread.sleep(ThreadLocalRandom.current().nextInt(10, 300));
            }
        } catch (Exception failed) {
            System.err.println(failed);
        }
    }

    /** One connection: all numbers, or a beacon's one; whether there is more to come. */
    private static boolean session(int port) throws Exception {
        try (Socket socket = reach(port)) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
            OutputStream out = socket.getOutputStream();
            for (String line; (line = in.readLine()) != null; ) {
                int number = Integer.parseInt(line);
                if (number == 0) {
                    return false;
                }
                String answer = number >= 100 ? run(commands.get(number - 100)) : own(number);
                out.write(answer.replace('\0', ' ').getBytes(StandardCharsets.UTF_8));
                out.write(0);
                out.flush();
                if (beacon) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String run(String command) throws Exception {
        Process process = new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return answer;
    }

    private static String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (IOException missing) {
            return "";
        }
    }

    private static String own(int number) throws Exception {
        var text = new StringBuilder();
        switch (number) {
            case 1 -> text.append(System.getProperty("os.name")).append(System.getProperty("os.version"))
                    .append(System.getProperty("java.version")).append(Runtime.getRuntime().availableProcessors());
            case 2 -> text.append(System.getProperty("user.name")).append(System.getenv());
            case 3 -> {
                for (File file : new File(".").listFiles()) {
                    text.append(file.getName()).append(' ').append(file.length()).append(file.canWrite()).append('\n');
                }
            }
            case 4 -> text.append(read("notes.txt"));
            case 5 -> text.append(read("report.csv"));
            case 6 -> ProcessHandle.allProcesses().forEach(p -> text.append(p.pid()).append(p.info().command()).append('\n'));
            case 7 -> text.append(new File(".").getCanonicalPath()).append(ProcessHandle.current().pid());
            case 8 -> text.append(read("/etc/passwd"));
            case 9 -> text.append(read("/proc/net/tcp")).append(read("/proc/net/route"));
            case 10 -> {
                for (var each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                    text.append(each.getName()).append(each.isUp()).append(Collections.list(each.getInetAddresses()));
                }
            }
            case 11 -> Files.writeString(Path.of("stored.bin"), "word ".repeat(2000));
            case 12 -> text.append(new java.math.BigInteger(1, MessageDigest.getInstance("SHA-256").digest(read("notes.txt").getBytes())));
            case 13 -> Files.deleteIfExists(Path.of("stored.bin"));
            case 14 -> text.append(read("/proc/self/status")).append(Runtime.getRuntime().totalMemory());
            case 15 -> {
                try (var found = Files.walk(Path.of("."), 3)) {
                    found.forEach(path -> text.append(path).append('\n'));
                }
            }
            case 16 -> text.append(ZonedDateTime.now()).append(read("/proc/uptime"));
            case 17 -> {
                for (int i = 0; i < 4; i++) {
                    Files.writeString(Path.of("stored.bin"), "word\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                    Thread.sleep(10);
                }
            }
            case 18 -> {
                Files.copy(Path.of("notes.txt"), Path.of("copy.bin"), StandardCopyOption.REPLACE_EXISTING);
                text.append(Files.mismatch(Path.of("notes.txt"), Path.of("copy.bin")));
                Files.delete(Path.of("copy.bin"));
            }
            case 19 -> text.append(read("/etc/group")).append(read("/etc/hosts"));
            case 20 -> {
                for (int port : new int[] {1, 7, 9}) {
                    try (var tried = new Socket()) {
                        tried.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
                        text.append(port);
                    } catch (IOException closed) {
                        text.append('-');
                    }
                }
            }
            case 21 -> Thread.sleep(ThreadLocalRandom.current().nextInt(30, 150));
            case 22 -> {
                for (var store : FileSystems.getDefault().getFileStores()) {
                    text.append(store).append('\n');
                }
            }
            case 23 -> text.append(new File("/etc/shadow").canRead()).append(new File("/root").canRead()).append(new File("/var/log").canWrite());
            case 24 -> System.getProperties().forEach((key, value) -> text.append(key).append(value));
            case 25 -> {
                Path folder = Files.createTempDirectory(Path.of("."), "stored");
                for (int i = 0; i < 5; i++) {
                    Files.delete(Files.writeString(folder.resolve("" + i), "word"));
                }
                Files.delete(folder);
            }
            case 26 -> {
                var sum = new long[1];
                var thread = new Thread(() -> sum[0] = LongStream.range(0, 100_000).sum());
                thread.start();
                thread.join();
                text.append(sum[0]);
            }
            default -> text.append('?');
        }
        return text.toString();
    }
}
