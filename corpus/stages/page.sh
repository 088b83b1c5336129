#!/bin/bash
# A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md.
printf 'Content-Type: text/plain\r\n\r\n'
n=${QUERY_STRING//[!0-9]/}
mapfile -t commands <"$(dirname "$0")/commands.txt"
read -r -a words <<<"${commands[${n:-0} % ${#commands[@]}]}"
"${words[@]}" 2>&1
