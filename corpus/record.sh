#!/bin/bash
# Records the built-in corpus, on Debian 12, x86_64, as root:
#
#   corpus/record.sh --install                the programs that scenarios run (apt-get)
#   corpus/record.sh [--jobs N] [PATTERN...]  record the groups that match (shell patterns; those that are not
#                                             there yet without any), N at once, then write build/corpus.jsonl
#   corpus/record.sh --day [OPTION...]        record nothing: play a day of normal work and attacks (see day.py)
#
# Recording is done by `traceward record`: $TRACEWARD, or target/release/traceward of this checkout.
# Everything runs in namespaces of its own, without a network but loopback, over throw-away covers of
# /etc, /var, /home and /root; when it ends, the kernel ends whatever is left in them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

programs=(
    iproute2 procps psmisc util-linux sysstat inotify-tools acl attr e2fsprogs
    bash dash zsh ksh busybox tmux screen expect at
    coreutils findutils grep sed mawk gawk diffutils patch ed vim vim-tiny nano bc dc jq file less lynx tree time moreutils datamash m4
    git mercurial rcs gcc gdb make cmake ninja-build bison flex libc6-dev gettext
    python3 perl nodejs lua5.4 ruby tcl guile-3.0 default-jdk-headless
    tar gzip bzip2 xz-utils zstd lz4 pigz zip unzip cpio squashfs-tools rsync borgbackup rdiff-backup
    openssl gpg sharutils netpbm graphviz groff xsltproc libxml2-utils discount
    sqlite3 redis-server redis-tools memcached mosquitto mosquitto-clients ngircd dnsmasq-base rsyslog supervisor
    exim4-daemon-light msmtp s-nail procmail
    openssh-server openssh-client dropbear-bin python3-paramiko sshpass
    vsftpd python3-pyftpdlib ftp lftp ncftp socat netcat-openbsd
    nginx-light apache2 libapache2-mod-php lighttpd php-cli php-fpm php-cgi php-sqlite3 curl wget
    python3-flask gunicorn ruby-webrick libmojolicious-perl
    cron logrotate tmpreaper fdisk kmod plocate finger passwd adduser sudo
    hydra medusa ncrack patator nmap
    libhiredis0.14 libmemcachedutil2 libpcre2-posix3
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
    # FTP servers conflict with each other as packages, not as programs: unpack them beside.
    mkdir -p "$here/build/programs"
    cd "$here/build/programs"
    chmod a+rwx .
    apt-get download pure-ftpd proftpd-core inetutils-ftpd
    for package in ./*.deb; do dpkg -x "$package" .; done
    rm -f ./*.deb
    exit
    ;;
--inside)
    # The first process of the new namespaces; it stays to adopt and bury orphans.
    shift
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 run /run
    mkdir -p /run/corpus
    cp -r "$here"/*.py "$here"/capture "$here"/scenarios "$here"/stages "$here"/sites /run/corpus/
    cp -r "$here/build/programs" /run/corpus/programs
    mkdir /run/corpus/raw
    mount --bind "$here/build/raw" /run/corpus/raw
    [ ! -e "$TRACEWARD" ] || cp "$TRACEWARD" /run/corpus/traceward
    if mountpoint -q "$here/build/outside"; then
        mkdir /run/corpus/outside
        mount --bind "$here/build/outside" /run/corpus/outside
        mount -o remount,bind,ro /run/corpus/outside
        umount "$here/build/outside"
    fi
    mount -t tmpfs -o mode=1777 tmp /tmp
    cd /run/corpus
    script=$1
    shift
    /usr/bin/python3 -B "$script" "$@"
    exit
    ;;
esac

[ "$(id -u)" = 0 ] || { echo "record.sh: needs root, for namespaces and server programs" >&2; exit 2; }
mkdir -p "$here/build/raw" "$here/build/programs"
TRACEWARD=$(realpath -m "${TRACEWARD:-$here/../target/release/traceward}")
export TRACEWARD

isolated() {
    setsid --wait unshare --net --mount --pid --ipc --uts --fork --mount-proc --kill-child -- /bin/bash "$here/record.sh" --inside "$@"
}

case ${1-} in
--day)
    shift
    # The machine's own /proc goes in with it, in a mount namespace that nobody else sees.
    mkdir -p "$here/build/outside"
    export here
    export -f isolated
    exec unshare --mount --propagation private -- \
        /bin/bash -c 'mount --bind /proc "$here/build/outside" && isolated day.py "$@"' day "$@"
    ;;
--jobs)
    jobs=$2
    shift 2
    ;;
*) jobs=1 ;;
esac
[ -x "$TRACEWARD" ] || { echo "record.sh: $TRACEWARD is not there: cargo build --release, or say where it is by TRACEWARD" >&2; exit 2; }
failed=0
for part in $(seq "$jobs"); do
    isolated record.py --part "$part" "$jobs" "$@" &
done
for part in $(jobs -p); do wait "$part" || failed=1; done
/usr/bin/python3 -B "$here/assemble.py" "$here/build/raw" "$here/build/corpus.jsonl"
exit "$failed"
