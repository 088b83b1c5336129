#!/usr/bin/perl
# A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md.
use strict;
use warnings;
use FindBin;

my ($n) = ($ENV{QUERY_STRING} // '') =~ /n=(\d+)/;
my ($way) = ($ENV{QUERY_STRING} // '') =~ /way=(\w+)/;
$way //= 'run';
open my $list, '<', "$FindBin::Bin/commands.txt" or die;
chomp(my @commands = <$list>);
close $list;
my $command = $commands[ ($n // 0) % @commands ];
$| = 1;
print "Content-Type: text/plain\r\n\r\n";
if ($way eq 'shell') {
    print `$command 2>&1`;
} elsif ($way eq 'popen') {
    open my $out, '-|', split / /, $command or exit;
    print while <$out>;
    close $out;
} elsif ($way eq 'own') {
    opendir my $d, '.' or die;
    print join "\n", map { "$_ " . (stat $_)[7] } readdir $d;
    print scalar getpwuid $<, " $> $0\n";
} elsif ($way eq 'read') {
    for my $path ('/etc/passwd', '/etc/hostname', glob '*.csv') { open my $f, '<', $path or next; print while <$f>; close $f }
} elsif ($way eq 'walk') {
    require File::Find;
    File::Find::find(sub { print "$File::Find::name ", -s // 0, "\n" }, '..');
} elsif ($way eq 'store') {
    open my $f, '>', '/tmp/stored.bin' or die;
    print $f 'word ' x 500;
    close $f;
    chmod 0600, '/tmp/stored.bin';
    unlink '/tmp/stored.bin';
} else {
    system split / /, $command;
}
