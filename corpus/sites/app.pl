#!/usr/bin/perl
# A small site on Mojolicious: `app.pl daemon|prefork -l http://127.0.0.1:PORT`. Files in plugins/ add routes.
use Mojolicious::Lite -signatures;
use FindBin;

app->log->level('fatal');
app->hook(before_dispatch => sub ($c) { $c->res->headers->header('X-Worker' => $$) });
get '/' => sub ($c) { $c->render(text => join '', map {"<p>line $_</p>"} 1 .. 20) };
get '/table' => sub ($c) { open my $f, '<', "$FindBin::Bin/t.csv"; my @rows = map { chomp; [split /,/] } <$f>; $c->render(json => \@rows) };
get '/files' => sub ($c) { $c->render(text => join "\n", map { "$_ " . -s $_ } glob "$FindBin::Bin/*") };
post '/form' => sub ($c) { open my $f, '>>', '/tmp/guests'; print $f $c->req->body, "\n"; close $f; $c->render(text => 'thanks') };
get '/date' => sub ($c) { $c->render(text => scalar `date +%F`) };
for my $plugin (sort glob "$FindBin::Bin/plugins/*.pl") { do $plugin or die "$plugin: $@" }
app->start;
