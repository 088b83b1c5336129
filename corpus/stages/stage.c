/* A native stage: `stage PORT COMMANDS [beacon]`. See README.md.
 *
 * Built in several ways (see attacks/stages.py): -DWAIT_POLL, -DWAIT_EPOLL or neither choose how it
 * waits; -DRUN_SPAWN, -DRUN_POPEN or neither choose how it starts a command; -DFORKS does every doing in a
 * process of its own, -DTHREAD all of them in a thread, -DDAEMON behind the program that started it; static
 * or not. As a beacon it connects anew for each number, and sleeps between. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static int peer;
static char commands[64][128];
static int arguments;
static char **words_given;

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

static void walk(const char *root, int depth)
{
    DIR *folder = opendir(root);
    struct dirent *entry;
    struct stat about;
    char path[400];
    while (folder && (entry = readdir(folder))) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", root, entry->d_name);
        if (lstat(path, &about)) continue;
        say(path);
        if (S_ISDIR(about.st_mode) && depth > 0) walk(path, depth - 1);
    }
    if (folder) closedir(folder);
}

static void pause_ms(long least, long most)
{
    struct timespec time = {0, (least + random() % (most - least + 1)) * 1000000L};
    nanosleep(&time, NULL);
}

static void store_slowly(void)
{
    for (int i = 0; i < 4; i++) {
        int fd = open("stored.bin", O_CREAT | O_WRONLY | O_APPEND, 0600);
        if (fd < 0) return;
        if (write(fd, "word word\n", 10) < 0) i = 4;
        close(fd);
        pause_ms(5, 20);
    }
}

static void copy(void)
{
    char block[512];
    ssize_t got;
    int from = open("notes.txt", O_RDONLY), to = open("copy.tmp", O_CREAT | O_RDWR | O_TRUNC, 0600);
    while (from >= 0 && to >= 0 && (got = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)got) < 0) break;
    if (to >= 0 && lseek(to, 0, SEEK_SET) == 0) forward(to);
    if (from >= 0) close(from);
    if (to >= 0) close(to);
    rename("copy.tmp", "copy.bin");
    unlink("copy.bin");
}

/* Whether something listens at a few low ports of this machine. */
static void ports(void)
{
    static const unsigned short tried[] = {1, 7, 9, 13, 19};
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(tried[i]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof address) && errno == EINPROGRESS) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            poll(&wait, 1, 100);
        }
        close(fd);
    }
}

static void folder_of_files(void)
{
    char path[64];
    if (mkdir("stored.d", 0700)) return;
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "stored.d/%d", i);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        if (fd >= 0 && write(fd, "word", 4) == 4) close(fd);
        unlink(path);
    }
    rmdir("stored.d");
}

static void child_sums(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return;
    pid_t child = fork();
    if (child == 0) {
        long sum = 0;
        for (long i = 0; i < 1000000; i++) sum += i % 7;
        if (write(ends[1], &sum, sizeof sum) < 0) _exit(1);
        _exit(0);
    }
    close(ends[1]);
    long sum = 0;
    if (read(ends[0], &sum, sizeof sum) > 0) say("sum");
    close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
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
    case 14: forward_file("/proc/self/status"); forward_file("/proc/meminfo"); break;
    case 15: walk(".", 2); break;
    case 16: {
        time_t now = time(NULL);
        say(ctime(&now));
        forward_file("/proc/uptime");
        break;
    }
    case 17: store_slowly(); break;
    case 18: copy(); break;
    case 19: forward_file("/etc/group"); forward_file("/etc/hosts"); forward_file("/etc/resolv.conf"); break;
    case 20: ports(); break;
    case 21: pause_ms(30, 150); break;
    case 22: {
        struct statvfs room;
        forward_file("/proc/mounts");
        if (statvfs("/", &room) == 0) say("room");
        break;
    }
    case 23:
        if (access("/etc/shadow", R_OK) == 0) say("shadow");
        if (access("/root", X_OK) == 0) say("root");
        if (access("/var/log", W_OK) == 0) say("log");
        break;
    case 24: {
        struct rlimit limit;
        for (int i = 0; i < 8; i++) getrlimit(i, &limit);
        for (char **each = environ; *each; each++) say(*each);
        break;
    }
    case 25: folder_of_files(); break;
    case 26: child_sums(); break;
    default: break;
    }
}

static void do_number(int number)
{
#ifdef FORKS
    pid_t child = fork();
    if (child > 0) {
        waitpid(child, NULL, 0);
        return;
    }
#endif
    if (number >= 100 && number < 164) run(commands[number - 100]);
    else do_own(number);
#ifdef FORKS
    if (child == 0) _exit(0);
#endif
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

static int reach(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(words_given[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    peer = socket(AF_INET, SOCK_STREAM, 0);
    return connect(peer, (struct sockaddr *)&address, sizeof address);
}

static void *serve(void *unused)
{
    if (reach()) return unused;
    for (int number; (number = next_number()) != 0;) {
        do_number(number);
        if (write(peer, "", 1) != 1) break;
        if (arguments > 3) {
            close(peer);
            pause_ms(10, 300);
            if (reach()) return unused;
        }
    }
    close(peer);
    return unused;
}

int main(int argc, char **argv)
{
    if (argc < 3) return 2;
    arguments = argc;
    words_given = argv;
    srandom((unsigned)getpid());
    FILE *list_file = fopen(argv[2], "r");
    for (int i = 0; list_file && i < 64 && fgets(commands[i], sizeof commands[i], list_file); i++)
        commands[i][strcspn(commands[i], "\n")] = 0;
    if (list_file) fclose(list_file);
#ifdef DAEMON
    if (daemon(1, 0)) return 1;
#endif
#ifdef THREAD
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, NULL)) return 1;
    pthread_join(thread, NULL);
#else
    serve(NULL);
#endif
    return 0;
}
