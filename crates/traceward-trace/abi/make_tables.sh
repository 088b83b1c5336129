#!/bin/sh
# Writes the tables of system calls beside this script from the kernel's own headers.
#
# usage: make_tables.sh ROOT
#
# ROOT is where Debian's package linux-libc-dev (6.11 or later: it brings the headers of all
# architectures) was unpacked:
#
#     apt-get download linux-libc-dev        # from trixie or later
#     dpkg-deb -x linux-libc-dev_*.deb ROOT
#     crates/traceward-trace/abi/make_tables.sh ROOT
#
# A table is one call a line, `NUMBER<TAB>NAME`, in order of number. Rerun it for a newer kernel;
# `cargo test -p traceward-trace abi` then says what changed against the crate `syscalls`.
set -eu

root=${1:?usage: make_tables.sh ROOT}
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
version=$(sed -n 's/^#define LINUX_VERSION_CODE //p' "$root/usr/include/linux/version.h")
kernel=$((version >> 16)).$((version >> 8 & 255)).$((version & 255))

table() { # ABI HEADER
    {
        echo "# $1, from Linux $kernel: number, name. Written by make_tables.sh."
        sed -nE 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$/\2\t\1/p' "$root/$2" | sort -n
    } > "$here/$1.tsv"
    echo "$1: $(grep -c '^[0-9]' "$here/$1.tsv") calls"
}

table i386 usr/include/x86_64-linux-gnu/asm/unistd_32.h
table x86_64 usr/include/x86_64-linux-gnu/asm/unistd_64.h
table aarch64 usr/include/aarch64-linux-gnu/asm/unistd_64.h
