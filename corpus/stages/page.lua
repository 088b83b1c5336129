#!/usr/bin/lua5.4
-- A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md.
local query = os.getenv('QUERY_STRING') or ''
local commands = {}
for line in io.lines((arg[0]:match('^.*/') or './') .. 'commands.txt') do commands[#commands + 1] = line end
local command = commands[(tonumber(query:match('n=(%d+)')) or 0) % #commands + 1]
local way = query:match('way=(%w+)')
io.write('Content-Type: text/plain\r\n\r\n')
if way == 'shell' then
  io.flush()
  os.execute(command .. ' 2>&1')
elseif way == 'own' or way == 'read' then
  for _, path in ipairs { '/etc/passwd', '/etc/hostname', 't.csv', 'missing' } do
    local file = io.open(path)
    if file then io.write(file:read('a')) file:close() end
  end
  local stored = os.tmpname()
  local file = io.open(stored, 'w')
  file:write(('word '):rep(500)) file:close() os.rename(stored, stored .. 'x') os.remove(stored .. 'x')
else
  local out = io.popen(command)
  io.write(out:read('a'))
  out:close()
end
