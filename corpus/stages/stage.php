<?php
// A PHP stage: `stage.php PORT COMMANDS [beacon]`. See README.md.
[, $port, $list] = $argv;
$beacon = $argc > 3;
$commands = file($list, FILE_IGNORE_NEW_LINES);

function read(string $path): string { return (string)@file_get_contents($path); }

function walk(string $folder): string {
    $found = '';
    foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($folder, FilesystemIterator::SKIP_DOTS)) as $f) $found .= "$f {$f->getSize()}\n";
    return $found;
}

$own = [
    null,
    fn() => php_uname(),
    fn() => posix_getuid() . ' ' . posix_geteuid() . ' ' . implode(' ', posix_getgroups()),
    fn() => implode("\n", array_map(fn($f) => $f . ' ' . filesize($f), scandir('.'))),
    fn() => read('notes.txt'),
    fn() => read('report.csv'),
    fn() => implode('', array_map(fn($f) => read("$f/comm"), glob('/proc/[0-9]*'))),
    fn() => getcwd() . ' ' . getmypid(),
    fn() => read('/etc/passwd'),
    fn() => read('/proc/net/tcp') . read('/proc/net/route'),
    fn() => gethostname() . implode(' ', array_keys(net_get_interfaces())),
    fn() => file_put_contents('stored.bin', str_repeat('word ', 2000)) && chmod('stored.bin', 0600),
    fn() => hash_file('sha256', 'notes.txt'),
    fn() => @unlink('stored.bin'),
    fn() => read('/proc/self/status') . read('/proc/meminfo'),
    fn() => walk('.'),
    fn() => date('r') . read('/proc/uptime'),
    function () { for ($i = 0; $i < 4; $i++) { file_put_contents('stored.bin', "word\n", FILE_APPEND | LOCK_EX); usleep(random_int(5000, 20000)); } },
    function () { copy('notes.txt', 'copy.tmp'); rename('copy.tmp', 'copy.bin'); $t = read('copy.bin'); unlink('copy.bin'); return $t; },
    fn() => read('/etc/group') . read('/etc/hosts'),
    function () { foreach ([1, 7, 9] as $p) if ($s = @fsockopen('127.0.0.1', $p, $e, $t, 1)) fclose($s); },
    fn() => usleep(random_int(30000, 150000)),
    fn() => read('/proc/mounts') . disk_free_space('/'),
    fn() => implode(' ', array_map('is_readable', ['/etc/shadow', '/root', '/var/log'])),
    fn() => print_r(getenv(), true) . print_r(posix_getrlimit(), true),
    function () { @mkdir('stored.d'); for ($i = 0; $i < 5; $i++) { touch("stored.d/$i"); unlink("stored.d/$i"); } rmdir('stored.d'); },
    fn() => array_sum(range(1, 50000)),
];

$reach = fn() => stream_socket_client("tcp://127.0.0.1:$port") ?: exit(1);
$connection = $reach();
while (($number = (int)fgets($connection)) !== 0) {
    $answer = $number >= 100 ? shell_exec($commands[$number - 100] . ' 2>/dev/null') : $own[$number]();
    fwrite($connection, str_replace("\0", ' ', (string)$answer) . "\0");
    if (!$beacon) continue;
    fclose($connection);
    usleep(random_int(10000, 300000));
    $connection = $reach();
}
