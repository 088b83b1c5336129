# A Ruby stage: `stage.rb PORT COMMANDS [beacon]`. See README.md.
require 'digest'
require 'etc'
require 'fileutils'
require 'find'
require 'open3'
require 'socket'

PORT, LIST, BEACON = ARGV
COMMANDS = File.readlines(LIST, chomp: true)

def processes
  Dir['/proc/[0-9]*'].map { |d| File.open("#{d}/status", &:readline) rescue '' }.join
end

OWN = [
  nil,
  -> { Etc.uname.to_s },
  -> { [Process.uid, Process.euid, Process.groups].inspect },
  -> { Dir.children('.').map { |f| "#{f} #{File.size?(f)}" }.join("\n") },
  -> { File.read('notes.txt') },
  -> { File.read('report.csv') },
  -> { processes },
  -> { "#{Dir.pwd} #{Process.pid} #{Process.ppid}" },
  -> { Etc.enum_for(:passwd).map(&:name).join(' ') },
  -> { File.read('/proc/net/tcp') + File.read('/proc/net/route') },
  -> { Socket.getifaddrs.map(&:name).join(' ') + Socket.gethostname },
  -> { File.write('stored.bin', 'word ' * 2000, perm: 0o600) },
  -> { Digest::SHA256.file('notes.txt').hexdigest },
  -> { FileUtils.rm_f('stored.bin') },
  -> { File.read('/proc/self/status') + File.read('/proc/meminfo') },
  -> { Find.find('.').to_a.join("\n") },
  -> { Time.now.to_s + File.read('/proc/uptime') },
  -> { 4.times { File.write('stored.bin', "word\n", mode: 'a'); sleep rand(0.005..0.02) } },
  -> { FileUtils.cp('notes.txt', 'copy.tmp'); FileUtils.mv('copy.tmp', 'copy.bin'); t = File.read('copy.bin'); File.unlink('copy.bin'); t },
  -> { File.read('/etc/group') + File.read('/etc/hosts') },
  -> { [1, 7, 9].map { |p| Socket.tcp('127.0.0.1', p, connect_timeout: 0.2, &:close) rescue 'closed' }.inspect },
  -> { sleep rand(0.03..0.15) },
  -> { File.read('/proc/mounts') },
  -> { %w[/etc/shadow /root /var/log].map { |f| File.readable?(f) }.inspect },
  -> { ENV.to_h.inspect + Process.getrlimit(:NOFILE).inspect },
  -> { Dir.mkdir('stored.d'); 5.times { |i| File.write("stored.d/#{i}", 'word') }; FileUtils.rm_r('stored.d') },
  -> { Thread.new { (1..50_000).sum }.value.to_s }
].freeze

connection = TCPSocket.new('127.0.0.1', PORT.to_i)
while (number = connection.gets.to_i) != 0
  answer = number >= 100 ? Open3.capture2e(*COMMANDS[number - 100].split).first : OWN[number].call.to_s
  connection.write(answer.tr("\0", ' '), "\0")
  next unless BEACON

  connection.close
  sleep rand(0.01..0.3)
  connection = TCPSocket.new('127.0.0.1', PORT.to_i)
end
