#!/bin/bash
# Records the built-in corpus, on Debian 12, x86_64, as root:
#
#   corpus/record.sh --install     the programs that scenarios run (apt-get)
#   corpus/record.sh [PATTERN...]  record the groups that match (shell patterns; all without any),
#                                  then write build/corpus.jsonl
#
# Everything runs in namespaces of its own, without a network but loopback, over throw-away covers of
# /etc, /var, /home and /root; when it ends, the kernel ends whatever is left in them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

programs=(
    strace iproute2 procps psmisc util-linux
    bash dash coreutils findutils grep sed mawk gawk diffutils patch ed bc dc jq file less tree time
    git gcc make libc6-dev python3 perl nodejs lua5.4 ruby default-jdk-headless
    tar gzip bzip2 xz-utils zip unzip rsync sqlite3 openssl
    openssh-server openssh-client dropbear-bin sshpass
    vsftpd python3-pyftpdlib ftp lftp
    nginx-light php-cli php-fpm php-cgi curl wget
    cron logrotate passwd sudo
    hydra medusa ncrack
)

case ${1-} in
--install)
    # policy-rc.d keeps apt from starting the daemons that it installs.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends "${programs[@]}"
    # pure-ftpd conflicts with vsftpd as a package, not as a program: unpack it beside.
    mkdir -p "$here/build/programs"
    cd "$here/build/programs"
    chmod a+rwx .
    apt-get download pure-ftpd
    dpkg -x pure-ftpd_*.deb .
    exit
    ;;
--inside)
    # The first process of the new namespaces; it stays to adopt and bury orphans.
    shift
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 run /run
    mkdir -p /run/corpus
    cp -r "$here"/*.py "$here"/capture "$here"/scenarios "$here"/stages /run/corpus/
    cp -r "$here/build/programs" /run/corpus/programs
    mkdir /run/corpus/raw
    mount --bind "$here/build/raw" /run/corpus/raw
    mount -t tmpfs -o mode=1777 tmp /tmp
    cd /run/corpus
    /usr/bin/python3 -B record.py "$@"
    exit
    ;;
esac

[ "$(id -u)" = 0 ] || { echo "record.sh: needs root, for namespaces and server programs" >&2; exit 2; }
mkdir -p "$here/build/raw" "$here/build/programs"
unshare --net --mount --pid --ipc --uts --fork --mount-proc --kill-child -- \
    /bin/bash "$here/record.sh" --inside "$@"
/usr/bin/python3 -B "$here/assemble.py" "$here/build/raw" "$here/build/corpus.jsonl"
