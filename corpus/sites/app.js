// A small site on Node: `app.js PORT`. Files in plugins/ add routes.
const fs = require('fs');
const http = require('http');
const path = require('path');
const { execFile } = require('child_process');

const routes = {
  '/': (request, answer) => answer(Array.from({ length: 20 }, (_, i) => `<p>line ${i}</p>`).join('')),
  '/table': (request, answer) => fs.readFile(path.join(__dirname, 't.csv'), 'utf8', (e, text) => answer(JSON.stringify(text.split('\n')))),
  '/files': (request, answer) => answer(fs.readdirSync(__dirname).map(f => `${f} ${fs.statSync(path.join(__dirname, f)).size}`).join('\n')),
  '/form': (request, answer) => {
    let text = '';
    request.on('data', part => { text += part; });
    request.on('end', () => fs.appendFile('/tmp/guests', text + '\n', () => answer('thanks')));
  },
  '/date': (request, answer) => execFile('date', ['+%F'], (e, out) => answer(out)),
};
for (const plugin of fs.readdirSync(path.join(__dirname, 'plugins')).filter(name => name.endsWith('.js')).sort()) {
  require(path.join(__dirname, 'plugins', plugin))(routes);
}
http.createServer((request, response) => {
  const url = new URL(request.url, 'http://server.test');
  const handler = routes[url.pathname];
  response.setHeader('X-Worker', process.pid);
  if (!handler) { response.statusCode = 404; response.end('none'); return; }
  request.search = url.searchParams;
  handler(request, text => response.end(text));
}).listen(Number(process.argv[2]), '127.0.0.1');
