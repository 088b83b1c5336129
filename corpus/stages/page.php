<?php
// A command page: `?n=N` runs line N of commands.txt, in one of several ways. See README.md.
header('X-Worker: ' . getmypid());
header('Content-Type: text/plain');
$commands = file(__DIR__ . '/commands.txt', FILE_IGNORE_NEW_LINES);
$n = (int)($_REQUEST['n'] ?? 0);
$command = $commands[$n % count($commands)];
switch ($_REQUEST['way'] ?? 'system') {
    case 'shell_exec': echo shell_exec($command); break;
    case 'passthru': passthru($command); break;
    case 'exec': exec($command, $lines); echo implode("\n", $lines); break;
    case 'popen': $p = popen("$command 2>&1", 'r'); fpassthru($p); pclose($p); break;
    case 'proc_open':
        $p = proc_open(explode(' ', $command), [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
        echo stream_get_contents($pipes[1]);
        proc_close($p);
        break;
    case 'own':
        // What needs no other program.
        foreach (scandir('.') as $f) echo $f, ' ', filesize($f), ' ', decoct(fileperms($f)), "\n";
        echo php_uname(), posix_getuid(), get_current_user(), getcwd(), "\n";
        readfile('/etc/passwd');
        file_put_contents('/tmp/stored.bin', str_repeat('word ', 200));
        unlink('/tmp/stored.bin');
        break;
    case 'backtick': echo `$command 2>&1`; break;
    case 'read': foreach (array_merge(glob('*.csv'), ['/etc/passwd', '/etc/hostname']) as $f) readfile($f); break;
    case 'walk':
        foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('..', FilesystemIterator::SKIP_DOTS)) as $f) echo $f, ' ', $f->getSize(), "\n";
        break;
    case 'store':
        foreach (['a', 'b', 'c'] as $name) file_put_contents("/tmp/stored.$name", str_repeat('word ', 200));
        foreach (['a', 'b', 'c'] as $name) { chmod("/tmp/stored.$name", 0600); rename("/tmp/stored.$name", '/tmp/stored.bin'); }
        unlink('/tmp/stored.bin');
        break;
    case 'fetch':
        // A page of this very site, as what looks for other servers would.
        $s = @fsockopen('127.0.0.1', (int)$_SERVER['SERVER_PORT'], $error, $text, 1);
        if ($s) { fclose($s); echo 'there'; }
        foreach ([1, 7, 9] as $port) { $s = @fsockopen('127.0.0.1', $port, $error, $text, 1); echo $s ? 'open' : 'closed'; }
        break;
    default: system($command);
}
