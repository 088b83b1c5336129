# A command page that adds itself to a WEBrick site: `/PAGE?n=N&way=W` runs line N of commands.txt. See README.md.
require 'open3'
require 'etc'

route("/#{File.basename(__FILE__, '.rb')}") do |request|
  commands = File.readlines("#{__dir__}/commands.txt", chomp: true)
  command = commands[request.query['n'].to_i % commands.size]
  case request.query['way']
  when 'shell' then `#{command} 2>&1`
  when 'popen' then IO.popen(command.split, &:read)
  when 'own' then Dir.children('.').map { |f| "#{f} #{File.stat(f).mode}" }.join("\n") + Etc.uname.to_s + Process.uid.to_s + File.read('/etc/passwd')
  when 'read' then Dir["#{__dir__}/../*.csv"].map { |f| File.read(f) }.join + File.read('/etc/hostname')
  when 'walk' then Dir.glob("#{__dir__}/../**/*").map { |f| "#{f} #{File.size(f)}" }.join("\n")
  when 'store'
    File.write('/tmp/stored.bin', 'word ' * 500)
    File.chmod(0o600, '/tmp/stored.bin')
    File.unlink('/tmp/stored.bin')
  else Open3.capture2e(*command.split).first
  end
end
