#!/bin/bash
# A bash stage: `stage.sh PORT COMMANDS [beacon]`. See README.md.
mapfile -t commands <"$2"

answer() {
    case $1 in
    1) uname -srm ;;
    2) echo "$UID $EUID ${GROUPS[*]}" ;;
    3) for name in *; do [ -s "$name" ] && echo "$name"; done ;;
    4) echo "$(<notes.txt)" ;;
    5) while read -r line; do echo "$line"; done <report.csv ;;
    6) for folder in /proc/[0-9]*; do read -r line <"$folder/status" && echo "$line"; done 2>/dev/null ;;
    7) echo "$PWD $$ $PPID" ;;
    8) while IFS=: read -r name _ id _; do echo "$name $id"; done </etc/passwd ;;
    9) echo "$(</proc/net/tcp) $(</proc/net/route)" ;;
    10) echo "$(</proc/net/dev) $HOSTNAME" ;;
    11) for _ in {1..20}; do echo word; done >stored.bin && chmod 600 stored.bin ;;
    12) md5sum notes.txt ;;
    13) rm -f stored.bin ;;
    14) echo "$(</proc/self/status)" ;;
    15) shopt -s globstar && printf '%s\n' ** ;;
    16) printf '%(%c)T\n' -1 ;;
    17) for _ in 1 2 3 4; do echo "word word" >>stored.bin; read -r -t 0.01 <><(:); done ;;
    18) cp notes.txt copy.bin && cmp notes.txt copy.bin && rm copy.bin ;;
    19) echo "$(</etc/group) $(</etc/hosts)" ;;
    20) for port in 1 7 9; do (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && echo "$port"; done ;;
    21) sleep 0.05 ;;
    22) echo "$(</proc/mounts)" ;;
    23) for path in /etc/shadow /root /var/log; do [ -r "$path" ] && echo "$path"; done ;;
    24) set | head -n 40; ulimit -a ;;
    25) mkdir -p stored.d && for i in 1 2 3 4 5; do echo word >"stored.d/$i"; done && rm -r stored.d ;;
    26) echo "$(for ((i = 0, s = 0; i < 500; i++)); do ((s += i)); done; echo "$s")" ;;
    *)
        local words
        read -r -a words <<<"${commands[$1 - 100]}"
        "${words[@]}" 2>/dev/null
        ;;
    esac
}

exec 3<>"/dev/tcp/127.0.0.1/$1"
while read -r -u 3 number && [ "$number" != 0 ]; do
    answer "$number" >&3
    printf '\0' >&3
    if [ -n "${3-}" ]; then
        exec 3>&-
        sleep "0.$((RANDOM % 3 + 1))"
        exec 3<>"/dev/tcp/127.0.0.1/$1"
    fi
done
