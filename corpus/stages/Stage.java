import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Collections;
import java.util.List;

/** A Java stage: {@code Stage PORT COMMANDS [thread]}. See README.md. */
public class Stage {
    private static List<String> commands;

    public static void main(String[] arguments) throws Exception {
        commands = Files.readAllLines(Path.of(arguments[1]));
        int port = Integer.parseInt(arguments[0]);
        if (arguments.length > 2) {
            Thread session = new Thread(() -> serve(port));
            session.start();
            session.join();
        } else {
            serve(port);
        }
    }

    private static void serve(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            var in = new BufferedReader(new InputStreamReader(socket.getInputStream()));
            OutputStream out = socket.getOutputStream();
            for (String line; (line = in.readLine()) != null; ) {
                int number = Integer.parseInt(line);
                if (number == 0) {
                    break;
                }
                String answer = number >= 100 ? run(commands.get(number - 100)) : own(number);
                out.write(answer.replace('\0', ' ').getBytes(StandardCharsets.UTF_8));
                out.write(0);
                out.flush();
            }
        } catch (Exception failed) {
            System.err.println(failed);
        }
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
            default -> text.append('?');
        }
        return text.toString();
    }
}
