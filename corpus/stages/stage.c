/* A native stage: `stage PORT COMMANDS`. See README.md.
 *
 * Built in several ways (see attacks/meterpreter.py): -DWAIT_POLL, -DWAIT_EPOLL or neither choose how it
 * waits; -DRUN_SPAWN, -DRUN_POPEN or neither choose how it starts a command; static or not. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static int peer;
static char commands[64][128];

static void say(const char *text) { if (write(peer, text, strlen(text)) < 0) exit(1); }

static void forward(int fd)
{
    char block[4096];
    ssize_t got;
    while ((got = read(fd, block, sizeof block)) > 0)
        if (send(peer, block, (size_t)got, MSG_NOSIGNAL) < 0) exit(1);
}

static void forward_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0) return;
    forward(fd);
    close(fd);
}

static void list(void)
{
    DIR *folder = opendir(".");
    struct dirent *entry;
    struct stat about;
    char line[400];
    while (folder && (entry = readdir(folder)))
        if (lstat(entry->d_name, &about) == 0) {
            snprintf(line, sizeof line, "%s %ld\n", entry->d_name, (long)about.st_size);
            say(line);
        }
    if (folder) closedir(folder);
}

static void processes(void)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    char path[400];
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') {
            snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
            forward_file(path);
            snprintf(path, sizeof path, "/proc/%s/exe", entry->d_name);
            char target[256];
            ssize_t length = readlink(path, target, sizeof target - 1);
            if (length > 0) { target[length] = 0; say(target); }
        }
    if (folder) closedir(folder);
}

static void interfaces(void)
{
    struct ifaddrs *first, *each;
    if (getifaddrs(&first)) return;
    for (each = first; each; each = each->ifa_next) say(each->ifa_name);
    freeifaddrs(first);
}

static void store(void)
{
    int fd = open("stored.bin", O_CREAT | O_WRONLY | O_TRUNC, 0600);
    if (fd < 0) return;
    for (int i = 0; i < 20; i++) if (write(fd, "word word word word ", 20) < 0) break;
    fsync(fd);
    close(fd);
}

/* Runs one line of our own list, words split at blanks, no shell unless popen brings it. */
static void run(const char *line)
{
#ifdef RUN_POPEN
    FILE *out = popen(line, "r");
    if (!out) return;
    forward(fileno(out));
    pclose(out);
#else
    char copy[128], *words[12] = {0};
    int count = 0, ends[2], status;
    pid_t child;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word && count < 11; word = strtok(NULL, " ")) words[count++] = word;
    if (!words[0] || pipe(ends)) return;
#ifdef RUN_SPAWN
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    if (posix_spawnp(&child, words[0], &actions, NULL, words, environ)) child = -1;
    posix_spawn_file_actions_destroy(&actions);
#else
    child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        close(peer);
        execvp(words[0], words);
        _exit(127);
    }
#endif
    close(ends[1]);
    forward(ends[0]);
    close(ends[0]);
    if (child > 0) waitpid(child, &status, 0);
#endif
}

static void do_own(int number)
{
    char line[600];
    struct utsname names;
    struct sysinfo info;
    switch (number) {
    case 1:
        uname(&names);
        sysinfo(&info);
        snprintf(line, sizeof line, "%s %s %s %ld", names.sysname, names.release, names.machine, info.uptime);
        say(line);
        break;
    case 2:
        snprintf(line, sizeof line, "%u %u %u %u", getuid(), geteuid(), getgid(), getegid());
        say(line);
        break;
    case 3: list(); break;
    case 4: forward_file("notes.txt"); break;
    case 5: forward_file("report.csv"); break;
    case 6: processes(); break;
    case 7:
        if (getcwd(line, sizeof line)) say(line);
        break;
    case 8:
#ifdef STATIC
        forward_file("/etc/passwd"); /* getpwent needs the shared C library at run time */
#else
        for (struct passwd *user; (user = getpwent());) say(user->pw_name);
        endpwent();
#endif
        break;
    case 9: forward_file("/proc/net/tcp"); forward_file("/proc/net/route"); break;
    case 10: interfaces(); break;
    case 11: store(); break;
    case 12: forward_file("/proc/self/maps"); forward_file("/proc/cpuinfo"); break;
    case 13: unlink("stored.bin"); break;
    default: break;
    }
}

static void wait_for_peer(void)
{
#if defined WAIT_POLL
    struct pollfd wait = {.fd = peer, .events = POLLIN};
    while (poll(&wait, 1, 50) == 0) {}
#elif defined WAIT_EPOLL
    struct epoll_event event = {.events = EPOLLIN};
    int waiter = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(waiter, EPOLL_CTL_ADD, peer, &event);
    while (epoll_wait(waiter, &event, 1, 50) == 0) {}
    close(waiter);
#else
    fd_set set;
    FD_ZERO(&set);
    FD_SET(peer, &set);
    select(peer + 1, &set, NULL, NULL, NULL);
#endif
}

/* The next number; several may have come at once. */
static int next_number(void)
{
    static char text[64];
    static size_t held;
    char *end;
    while (!(end = memchr(text, '\n', held))) {
        wait_for_peer();
        ssize_t got = recv(peer, text + held, sizeof text - 1 - held, 0);
        if (got <= 0) return 0;
        held += (size_t)got;
    }
    int number = atoi(text);
    held -= (size_t)(end + 1 - text);
    memmove(text, end + 1, held);
    text[held] = 0;
    return number;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    FILE *list_file = fopen(argv[2], "r");
    for (int i = 0; list_file && i < 64 && fgets(commands[i], sizeof commands[i], list_file); i++)
        commands[i][strcspn(commands[i], "\n")] = 0;
    if (list_file) fclose(list_file);

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    peer = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer, (struct sockaddr *)&address, sizeof address)) return 1;
    for (int number; (number = next_number()) != 0;) {
        if (number >= 100 && number < 164) run(commands[number - 100]);
        else do_own(number);
        if (write(peer, "", 1) != 1) break;
    }
    close(peer);
    return 0;
}
