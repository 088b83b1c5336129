#!/usr/bin/ruby
# A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md.
query = ENV['QUERY_STRING'].to_s
commands = File.readlines("#{__dir__}/commands.txt", chomp: true)
command = commands[query[/n=(\d+)/, 1].to_i % commands.size]
print "Content-Type: text/plain\r\n\r\n"
case query[/way=(\w+)/, 1]
when 'shell' then puts `#{command} 2>&1`
when 'popen' then puts IO.popen(command.split, &:read)
when 'own'
  Dir.children('.').each { |f| puts "#{f} #{File.size(f)}" }
  puts Process.uid, Dir.pwd, File.read('/etc/passwd')
when 'read' then puts Dir['*.csv'].map { |f| File.read(f) }
when 'walk' then puts Dir.glob('**/*').map { |f| "#{f} #{File.mtime(f)}" }
else
  $stdout.flush
  system(*command.split)
end
