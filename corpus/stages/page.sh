#!/bin/bash
# A command page as a CGI script: `?n=N` runs line N of commands.txt. See README.md.
printf 'Content-Type: text/plain\r\n\r\n'
n=${QUERY_STRING//[!0-9]/}
way=${QUERY_STRING##*way=}
mapfile -t commands <"$(dirname "$0")/commands.txt"
read -r -a words <<<"${commands[${n:-0} % ${#commands[@]}]}"
case $way in
shell) eval "$(printf '%q ' "${words[@]}")" 2>&1 ;;
popen) answer=$("${words[@]}" 2>&1) && echo "$answer" ;;
own) for name in *; do [ -r "$name" ] && echo "$name $UID $PWD"; done; echo "$(</etc/passwd)" ;;
read) while read -r line; do echo "$line"; done <t.csv ;;
walk) shopt -s globstar; for name in ../**; do [ -f "$name" ] && echo "$name"; done ;;
store) for _ in {1..50}; do echo word; done >/tmp/stored.bin; chmod 600 /tmp/stored.bin; rm -f /tmp/stored.bin ;;
*) "${words[@]}" 2>&1 ;;
esac
