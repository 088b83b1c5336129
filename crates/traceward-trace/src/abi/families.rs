//! Which names mean the same work, so that a model learnt on one ABI can be asked about another.
//!
//! Two steps, kept apart because they promise different things:
//!
//! 1. **Width.** `stat64`, `mmap2`, `getuid32`, `clock_gettime64` are the same call as `stat`, `mmap`,
//!    `getuid`, `clock_gettime` with other structures. [`canonical`] undoes that; nothing is lost.
//! 2. **Generation.** Today's C libraries call `openat` where older ones called `open`, `ppoll` for
//!    `poll`, `clone` for `fork`; aarch64 has the newer calls only. [`modern`] follows that step as well.
//!    The work is the same; the habits of programs are not, so [`candidates`] tries it second.
//!
//! Three things no name can mend, since they need the arguments: on i386 `socketcall` and `ipc` stand for
//! whole families (so the members fold *into* them, for an i386 model, and never back), and calls that
//! one table lacks altogether (`arch_prctl`) have no counterpart.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Abi;

/// Names of one call in several widths; the first is the canonical one, as x86_64 names it.
const WIDTHS: &[&[&str]] = &[
    &["_sysctl", "sysctl"],
    &["chown", "chown32"],
    &["clock_adjtime", "clock_adjtime64"],
    &["clock_getres", "clock_getres_time64"],
    &["clock_gettime", "clock_gettime64"],
    &["clock_nanosleep", "clock_nanosleep_time64"],
    &["clock_settime", "clock_settime64", "stime"],
    &["fadvise64", "fadvise64_64"],
    &["fchown", "fchown32"],
    &["fcntl", "fcntl64"],
    &["fstat", "fstat64", "oldfstat"],
    &["fstatfs", "fstatfs64"],
    &["ftruncate", "ftruncate64"],
    &["futex", "futex_time64"],
    &["getegid", "getegid32"],
    &["geteuid", "geteuid32"],
    &["getgid", "getgid32"],
    &["getgroups", "getgroups32"],
    &["getresgid", "getresgid32"],
    &["getresuid", "getresuid32"],
    &["getrlimit", "ugetrlimit"],
    &["getuid", "getuid32"],
    &["io_pgetevents", "io_pgetevents_time64"],
    &["lchown", "lchown32"],
    &["lseek", "_llseek"],
    &["lstat", "lstat64", "oldlstat"],
    &["mmap", "mmap2"],
    &["mq_timedreceive", "mq_timedreceive_time64"],
    &["mq_timedsend", "mq_timedsend_time64"],
    &["newfstatat", "fstatat64", "fstatat"],
    &["ppoll", "ppoll_time64"],
    &["pselect6", "pselect6_time64"],
    &["recvmmsg", "recvmmsg_time64"],
    &["rt_sigaction", "sigaction", "signal"],
    &["rt_sigpending", "sigpending"],
    &["rt_sigprocmask", "sigprocmask", "sgetmask", "ssetmask"],
    &["rt_sigreturn", "sigreturn"],
    &["rt_sigsuspend", "sigsuspend"],
    &["rt_sigtimedwait", "rt_sigtimedwait_time64"],
    &["sched_rr_get_interval", "sched_rr_get_interval_time64"],
    &["select", "_newselect"],
    &["semtimedop", "semtimedop_time64"],
    &["sendfile", "sendfile64"],
    &["setfsgid", "setfsgid32"],
    &["setfsuid", "setfsuid32"],
    &["setgid", "setgid32"],
    &["setgroups", "setgroups32"],
    &["setregid", "setregid32"],
    &["setresgid", "setresgid32"],
    &["setresuid", "setresuid32"],
    &["setreuid", "setreuid32"],
    &["setuid", "setuid32"],
    &["stat", "stat64", "oldstat"],
    &["statfs", "statfs64"],
    &["timer_gettime", "timer_gettime64"],
    &["timer_settime", "timer_settime64"],
    &["timerfd_gettime", "timerfd_gettime64"],
    &["timerfd_settime", "timerfd_settime64"],
    &["truncate", "truncate64"],
    &["umount2", "umount"],
    &["uname", "olduname", "oldolduname"],
    &["utimensat", "utimensat_time64"],
    &["wait4", "waitpid"],
];

/// Canonical names of one piece of work in several generations; the first is what aarch64 has and new
/// C libraries call, the others follow in order of how common they are.
const GENERATIONS: &[&[&str]] = &[
    &["accept4", "accept"],
    &["clone", "fork", "vfork", "clone3"],
    &["dup3", "dup2"],
    &["epoll_create1", "epoll_create"],
    &["epoll_pwait", "epoll_wait", "epoll_pwait2"],
    &["eventfd2", "eventfd"],
    &["faccessat", "access", "faccessat2"],
    &["fchmodat", "chmod", "fchmodat2"],
    &["fchownat", "chown", "lchown"],
    &["getdents64", "getdents", "readdir"],
    &["getpgid", "getpgrp"],
    &["gettimeofday", "time"],
    &["inotify_init1", "inotify_init"],
    &["linkat", "link"],
    &["mkdirat", "mkdir"],
    &["mknodat", "mknod"],
    &["newfstatat", "stat", "lstat", "statx"],
    &["openat", "open", "openat2", "creat"],
    &["pipe2", "pipe"],
    &["ppoll", "poll"],
    &["prlimit64", "getrlimit", "setrlimit"],
    &["pselect6", "select"],
    &["readlinkat", "readlink"],
    &["renameat", "rename", "renameat2"],
    &["setitimer", "alarm"],
    &["setpriority", "nice"],
    &["signalfd4", "signalfd"],
    &["symlinkat", "symlink"],
    &["unlinkat", "unlink", "rmdir"],
    &["utimensat", "utime", "utimes", "futimesat"],
];

/// Calls that i386 programs of ADFA-LD's time made through one number, told apart by an argument.
const MULTIPLEXED: &[(&str, &[&str])] = &[
    (
        "socketcall",
        &[
            "accept",
            "accept4",
            "bind",
            "connect",
            "getpeername",
            "getsockname",
            "getsockopt",
            "listen",
            "recv",
            "recvfrom",
            "recvmmsg",
            "recvmsg",
            "send",
            "sendmmsg",
            "sendmsg",
            "sendto",
            "setsockopt",
            "shutdown",
            "socket",
            "socketpair",
        ],
    ),
    (
        "ipc",
        &[
            "msgctl",
            "msgget",
            "msgrcv",
            "msgsnd",
            "semctl",
            "semget",
            "semop",
            "semtimedop",
            "shmat",
            "shmctl",
            "shmdt",
            "shmget",
        ],
    ),
];

static WIDTH_OF: LazyLock<HashMap<&str, &[&str]>> = LazyLock::new(|| by_member(WIDTHS));
static GENERATION_OF: LazyLock<HashMap<&str, &[&str]>> = LazyLock::new(|| by_member(GENERATIONS));

fn by_member(families: &'static [&'static [&'static str]]) -> HashMap<&'static str, &'static [&'static str]> {
    families.iter().flat_map(|family| family.iter().map(move |name| (*name, *family))).collect()
}

/// The name of the same call without its width: `stat` for `stat64`, `mmap` for `mmap2`; a name that has
/// no other width stays as it is.
pub fn canonical(name: &str) -> &str {
    WIDTH_OF.get(name).map_or(name, |family| family[0])
}

/// The canonical name of the call that new C libraries, and aarch64 at all times, make for the same
/// work: `openat` for `open`, `newfstatat` for `stat64`.
pub fn modern(name: &str) -> &str {
    let canonical = canonical(name);
    GENERATION_OF.get(canonical).map_or(canonical, |family| family[0])
}

/// The names under which a model of ABI `to` may know the call `name`, best first: the name itself, the
/// same call in another width, the same work in another generation, and, for i386 alone, the call that
/// multiplexes it (`socketcall` for `connect`).
///
/// Only names that `to`'s table has; a custom ABI has no table, so nothing is left out for it. Look each
/// up in the vocabulary and take the first that is there: which of them a model knows depends on what it
/// was trained on, not on the table alone.
pub fn candidates(name: &str, to: &Abi) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |name: &str| {
        let known = to.table().is_none_or(|t| t.number_of(name).is_some());
        if known && !found.iter().any(|f| f == name) {
            found.push(name.to_owned());
        }
    };
    add(name);
    let canonical = canonical(name);
    for width in widths(canonical) {
        add(width);
    }
    if let Some(generation) = GENERATION_OF.get(canonical) {
        for relative in *generation {
            for width in widths(relative) {
                add(width);
            }
        }
    }
    if *to == Abi::I386 {
        for (multiplexer, members) in MULTIPLEXED {
            if members.contains(&canonical) {
                add(multiplexer);
            }
        }
    }
    found
}

/// All widths of a canonical name, itself first.
fn widths(canonical: &str) -> impl Iterator<Item = &str> {
    let others: &'static [&'static str] = WIDTH_OF.get(canonical).map_or(&[], |family| &family[1..]);
    std::iter::once(canonical).chain(others.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_a_call_of_some_table_and_in_one_family_only() {
        for families in [WIDTHS, GENERATIONS] {
            let mut seen = std::collections::HashSet::new();
            for name in families.iter().copied().flatten() {
                assert!(seen.insert(name), "{name} stands in two families");
                let old_spelling = ["sysctl", "fstatat"].contains(name);
                assert!(
                    old_spelling || Abi::KERNEL.iter().any(|abi| abi.number_of(name).is_some()),
                    "{name} is no call"
                );
            }
        }
    }

    #[test]
    fn generations_are_written_in_canonical_names() {
        for name in GENERATIONS.iter().copied().flatten() {
            assert_eq!(canonical(name), *name);
        }
    }

    #[test]
    fn every_modern_name_is_on_aarch64() {
        for family in GENERATIONS {
            assert!(Abi::Aarch64.number_of(family[0]).is_some(), "{}", family[0]);
        }
    }

    #[test]
    fn widths_go_and_generations_follow() {
        assert_eq!(canonical("stat64"), "stat");
        assert_eq!(canonical("mmap2"), "mmap");
        assert_eq!(canonical("_newselect"), "select");
        assert_eq!(canonical("openat"), "openat");
        assert_eq!(modern("stat64"), "newfstatat");
        assert_eq!(modern("open"), "openat");
        assert_eq!(modern("#412"), "#412");
    }

    #[test]
    fn an_i386_model_is_asked_under_the_names_it_may_know() {
        assert_eq!(candidates("stat", &Abi::I386)[..2], ["stat", "stat64"]);
        assert_eq!(candidates("mmap", &Abi::I386), ["mmap", "mmap2"]);
        assert_eq!(candidates("openat", &Abi::I386), ["openat", "open", "openat2", "creat"]);
        assert_eq!(candidates("connect", &Abi::I386), ["connect", "socketcall"]);
        assert!(candidates("accept", &Abi::I386).ends_with(&["socketcall".to_owned()]));
        assert_eq!(candidates("shmat", &Abi::I386), ["shmat", "ipc"]);
    }

    #[test]
    fn what_needs_arguments_has_no_counterpart() {
        assert!(candidates("socketcall", &Abi::X86_64).is_empty());
        assert!(candidates("arch_prctl", &Abi::Aarch64).is_empty());
        assert_eq!(candidates("connect", &Abi::X86_64), ["connect"]);
    }

    #[test]
    fn aarch64_is_asked_under_newer_names() {
        assert_eq!(candidates("open", &Abi::Aarch64), ["openat", "openat2"]);
        assert_eq!(candidates("stat64", &Abi::Aarch64), ["newfstatat", "statx"]);
        assert_eq!(candidates("poll", &Abi::Aarch64), ["ppoll"]);
    }

    #[test]
    fn a_table_of_ones_own_is_asked_by_any_name() {
        let abi = Abi::Custom("unm".into());
        assert_eq!(candidates("my_call", &abi), ["my_call"]);
        assert_eq!(candidates("fork", &abi), ["fork", "clone", "vfork", "clone3"]);
    }
}
