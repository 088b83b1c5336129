#!/usr/bin/perl
# A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md.
use strict;
use warnings;
use FindBin;

my ($n) = ($ENV{QUERY_STRING} // '') =~ /n=(\d+)/;
my ($way) = ($ENV{QUERY_STRING} // '') =~ /way=(\w+)/;
open my $list, '<', "$FindBin::Bin/commands.txt" or die;
chomp(my @commands = <$list>);
close $list;
my $command = $commands[ ($n // 0) % @commands ];
$| = 1;
print "Content-Type: text/plain\r\n\r\n";
if (($way // '') eq 'shell') {
    print `$command 2>&1`;
} elsif (($way // '') eq 'own') {
    opendir my $d, '.' or die;
    print join "\n", map { "$_ " . (stat $_)[7] } readdir $d;
    print scalar getpwuid $<, " $> $0\n";
} else {
    system split / /, $command;
}
