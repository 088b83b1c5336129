# A small site on Ruby's WEBrick: `app.rb PORT`. Files in plugins/ add routes.
require 'webrick'
require 'csv'
require 'json'

HERE = __dir__
SITE = WEBrick::HTTPServer.new(BindAddress: '127.0.0.1', Port: ARGV[0].to_i, Logger: WEBrick::Log.new('/dev/null'), AccessLog: [])

def route(path)
  SITE.mount_proc(path) do |request, response|
    response['X-Worker'] = Thread.current.native_thread_id.to_s
    response.body = yield(request).to_s
  end
end

route('/') { (1..20).map { |i| "<p>line #{i}</p>" }.join }
route('/table') { CSV.read("#{HERE}/t.csv", headers: true).first(50).map(&:to_h).to_json }
route('/files') { Dir.children(HERE).map { |f| "#{f} #{File.size("#{HERE}/#{f}")}" }.join("\n") }
route('/form') { |r| File.write('/tmp/guests', "#{r.query}\n", mode: 'a') }
route('/date') { `date +%F` }
Dir["#{HERE}/plugins/*.rb"].sort.each { |plugin| load plugin }
trap('TERM') { SITE.shutdown }
SITE.start
