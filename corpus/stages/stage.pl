# A Perl stage: `stage.pl PORT COMMANDS`. See README.md.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

my ($port, $list) = @ARGV;

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
);

my $connection = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die 'no listener';
$connection->autoflush(1);
while (defined(my $number = <$connection>)) {
    chomp $number;
    last if $number == 0;
    my $answer;
    if ($number >= 100) {
        open my $out, '-|', split / /, $commands[ $number - 100 ] or next;
        local $/;
        $answer = <$out> // '';
        close $out;
    } else {
        $answer = $own[$number]->();
    }
    $answer =~ tr/\0/ /;
    print $connection "$answer\0";
}
