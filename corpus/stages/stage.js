// A Node stage: `stage.js PORT COMMANDS [beacon]`. See README.md.
const crypto = require('crypto');
const fs = require('fs');
const net = require('net');
const os = require('os');
const { execFile, spawn } = require('child_process');

const [port, list, beacon] = process.argv.slice(2);
const commands = fs.readFileSync(list, 'utf8').trim().split('\n');
const read = path => { try { return fs.readFileSync(path, 'utf8'); } catch (missing) { return ''; } };
const soon = (least, most) => new Promise(done => setTimeout(done, least + Math.random() * (most - least)));
const walk = (folder, depth) => fs.readdirSync(folder, { withFileTypes: true })
  .flatMap(e => [folder + '/' + e.name, ...(e.isDirectory() && depth > 0 ? walk(folder + '/' + e.name, depth - 1) : [])]);
const tried = number => new Promise(done => {
  const socket = net.connect(number, '127.0.0.1');
  socket.on('connect', () => { socket.destroy(); done('open'); });
  socket.on('error', () => done('closed'));
});

const own = [
  null,
  () => [os.type(), os.release(), os.arch(), os.uptime(), os.cpus().length].join(' '),
  () => [process.getuid(), process.geteuid(), process.getgroups()].join(' '),
  () => fs.readdirSync('.').map(f => `${f} ${fs.statSync(f).size}`).join('\n'),
  () => read('notes.txt'),
  () => read('report.csv'),
  () => fs.readdirSync('/proc').filter(f => /^\d+$/.test(f)).map(f => read(`/proc/${f}/comm`)).join(''),
  () => `${process.cwd()} ${process.pid} ${process.ppid}`,
  () => read('/etc/passwd'),
  () => read('/proc/net/tcp') + read('/proc/net/route'),
  () => JSON.stringify(os.networkInterfaces()) + os.hostname(),
  () => fs.writeFileSync('stored.bin', 'word '.repeat(2000), { mode: 0o600 }),
  () => crypto.createHash('sha256').update(read('notes.txt')).digest('hex'),
  () => fs.rmSync('stored.bin', { force: true }),
  () => read('/proc/self/status') + read('/proc/meminfo'),
  () => walk('.', 2).join('\n'),
  () => new Date().toString() + read('/proc/uptime'),
  async () => { for (let i = 0; i < 4; i++) { fs.appendFileSync('stored.bin', 'word\n'); await soon(5, 20); } },
  async () => { await fs.promises.copyFile('notes.txt', 'copy.bin'); const text = await fs.promises.readFile('copy.bin'); await fs.promises.unlink('copy.bin'); return text; },
  () => read('/etc/group') + read('/etc/hosts'),
  async () => (await Promise.all([1, 7, 9].map(tried))).join(' '),
  () => soon(30, 150),
  () => read('/proc/mounts'),
  () => ['/etc/shadow', '/root', '/var/log'].map(f => { try { fs.accessSync(f, fs.constants.R_OK); return f; } catch (no) { return ''; } }).join(' '),
  () => JSON.stringify(process.env) + JSON.stringify(process.resourceUsage()),
  () => { fs.mkdirSync('stored.d'); for (let i = 0; i < 5; i++) fs.writeFileSync(`stored.d/${i}`, 'word'); fs.rmSync('stored.d', { recursive: true }); },
  () => [...Array(50000).keys()].reduce((a, b) => a + b),
];

const run = words => new Promise(done => Math.random() < 0.5
  ? execFile(words[0], words.slice(1), (failed, out) => done(out))
  : (child => { let text = ''; child.on('error', () => done('')); child.stdout.on('data', part => { text += part; }); child.on('close', () => done(text)); })(spawn(words[0], words.slice(1))));

function reach() {
  const socket = net.connect(Number(port), '127.0.0.1');
  socket.on('error', () => process.exit(1));
  socket.on('data', async data => {
    const number = Number(data.toString().trim());
    if (number === 0) { socket.end(); return; }
    const answer = number >= 100 ? await run(commands[number - 100].split(' ')) : await own[number]();
    socket.write(String(answer).replaceAll('\0', ' ') + '\0');
    if (beacon) { socket.end(); await soon(10, 300); reach(); }
  });
}
reach();
