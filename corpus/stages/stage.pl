# A Perl stage: `stage.pl PORT COMMANDS [beacon]`. See README.md.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();
use File::Copy ();
use File::Find ();

my ($port, $list, $beacon) = @ARGV;

sub slurp { my ($path) = @_; open my $f, '<', $path or return ''; local $/; my $t = <$f>; close $f; return $t // ''; }

my @commands = split /\n/, slurp($list);
my @own = (
    undef,
    sub { join ' ', POSIX::uname() },
    sub { "$< $> $( $)" },
    sub { opendir my $d, '.' or return ''; join "\n", map { "$_ " . (stat $_)[7] } sort readdir $d },
    sub { slurp('notes.txt') },
    sub { slurp('report.csv') },
    sub { join "\n", map { slurp("$_/status") =~ /^Name:\s*(\S+)/ ? "$1 $_" : $_ } glob '/proc/[0-9]*' },
    sub { POSIX::getcwd() . " $$ " . getppid() },
    sub { join "\n", map { join ':', (getpwnam $_)[0, 2, 7] } qw(root daemon www-data alice) },
    sub { slurp('/proc/net/tcp') . slurp('/proc/net/route') },
    sub { slurp('/proc/net/dev') . slurp('/etc/hostname') },
    sub { open my $f, '>', 'stored.bin' or return ''; print $f 'word ' x 2000; close $f; chmod 0600, 'stored.bin'; 'stored' },
    sub { unpack '%32C*', slurp('notes.txt') },
    sub { unlink 'stored.bin'; 'gone' },
    sub { slurp('/proc/self/status') . slurp('/proc/meminfo') },
    sub { my @found; File::Find::find(sub { push @found, $File::Find::name }, '.'); join "\n", @found },
    sub { localtime() . slurp('/proc/uptime') },
    sub { for (1 .. 4) { open my $f, '>>', 'stored.bin' or return ''; print $f "word word\n"; close $f; select undef, undef, undef, .01 } 'stored' },
    sub { File::Copy::copy('notes.txt', 'copy.tmp'); rename 'copy.tmp', 'copy.bin'; my $t = slurp('copy.bin'); unlink 'copy.bin'; $t },
    sub { slurp('/etc/group') . slurp('/etc/hosts') },
    sub { join ' ', map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $_, Timeout => 1) ? 'open' : 'closed' } 1, 7, 9 },
    sub { select undef, undef, undef, .03 + rand .12; 'waited' },
    sub { slurp('/proc/mounts') },
    sub { join ' ', map { -r $_ ? 'yes' : 'no' } '/etc/shadow', '/root', '/var/log' },
    sub { join "\n", map { "$_=$ENV{$_}" } sort keys %ENV },
    sub { mkdir 'stored.d'; for (1 .. 5) { open my $f, '>', "stored.d/$_" or next; print $f 'word'; close $f; unlink "stored.d/$_" } rmdir 'stored.d'; 'made' },
    sub { my $child = open my $out, '-|' // return ''; if (!$child) { my $s = 0; $s += $_ for 1 .. 10000; print $s; exit } my $t = <$out>; close $out; $t },
);

sub reach {
    my $to = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die 'no listener';
    $to->autoflush(1);
    return $to;
}

my $connection = reach();
while (defined(my $number = <$connection>)) {
    chomp $number;
    last if $number == 0;
    my $answer = '';
    if ($number >= 100) {
        if (open my $out, '-|', split / /, $commands[ $number - 100 ]) {
            local $/;
            $answer = <$out> // '';
            close $out;
        }
    } else {
        $answer = $own[$number]->();
    }
    $answer =~ tr/\0/ /;
    print $connection "$answer\0";
    next unless $beacon;
    close $connection;
    select undef, undef, undef, .01 + rand .3;
    $connection = reach();
}
