# A gawk stage: `gawk -f stage.awk PORT COMMANDS`. See README.md.
function slurp(path,    line, text) {
    while ((getline line < path) > 0) text = text line "\n"
    close(path)
    return text
}

function output(command,    line, text) {
    while ((command | getline line) > 0) text = text line "\n"
    close(command)
    return text
}

function own(number,    i) {
    if (number == 4 || number == 12 || number == 18) return slurp("notes.txt")
    if (number == 5 || number == 26) return slurp("report.csv")
    if (number == 8) return slurp("/etc/passwd")
    if (number == 9 || number == 20) return slurp("/proc/net/tcp") slurp("/proc/net/route")
    if (number == 10) return slurp("/proc/net/dev") slurp("/etc/hostname")
    if (number == 11 || number == 17) { for (i = 0; i < 20; i++) print "word" > "stored.bin"; close("stored.bin"); return "stored" }
    if (number == 14) return slurp("/proc/self/status") slurp("/proc/meminfo")
    if (number == 16) return strftime() slurp("/proc/uptime")
    if (number == 19) return slurp("/etc/group") slurp("/etc/hosts")
    if (number == 22) return slurp("/proc/mounts")
    if (number == 24) { for (i in ENVIRON) number = number i ENVIRON[i]; return number }
    return PROCINFO["uid"] " " PROCINFO["pid"] " " PROCINFO["version"] " " systime()
}

BEGIN {
    peer = "/inet/tcp/0/127.0.0.1/" ARGV[1]
    while ((getline line < ARGV[2]) > 0) commands[count++] = line
    close(ARGV[2])
    while ((peer |& getline number) > 0 && number != 0) {
        answer = number >= 100 ? output(commands[number - 100] " 2>/dev/null") : own(number)
        printf "%s%c", answer, 0 |& peer
        fflush(peer)
    }
    close(peer)
}
