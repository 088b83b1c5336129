#!/bin/bash
# A bash stage: `stage.sh PORT COMMANDS`. See README.md.
mapfile -t commands <"$2"
exec 3<>"/dev/tcp/127.0.0.1/$1"
while read -r -u 3 number; do
    case $number in
    0) break ;;
    1) uname -srm >&3 ;;
    2) echo "$UID $EUID ${GROUPS[*]}" >&3 ;;
    3) for name in *; do [ -s "$name" ] && echo "$name" >&3; done ;;
    4) echo "$(<notes.txt)" >&3 ;;
    5) while read -r line; do echo "$line" >&3; done <report.csv ;;
    6) for folder in /proc/[0-9]*; do read -r line <"$folder/status" && echo "$line" >&3; done 2>/dev/null ;;
    7) echo "$PWD $$ $PPID" >&3 ;;
    8) while IFS=: read -r name _ id _; do echo "$name $id" >&3; done </etc/passwd ;;
    9) echo "$(</proc/net/tcp) $(</proc/net/route)" >&3 ;;
    10) echo "$(</proc/net/dev) $HOSTNAME" >&3 ;;
    11) for _ in {1..20}; do echo word; done >stored.bin && chmod 600 stored.bin ;;
    12) md5sum notes.txt >&3 ;;
    13) rm -f stored.bin ;;
    *)
        read -r -a words <<<"${commands[number - 100]}"
        "${words[@]}" >&3 2>/dev/null
        ;;
    esac
    printf '\0' >&3
done
