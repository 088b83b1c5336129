//! Whose numbers are these? A guess, with its evidence.
//!
//! Real programs spend most of their calls on a few dozen everyday ones. Read under the wrong table the
//! same numbers become `swapoff`, `mq_open` and `lgetxattr` by the hundred thousand, or fall outside it.
//! So each table is tried, and the one under which the calls look most like everyday work wins.

use std::collections::HashSet;

use super::{Abi, modern};

/// What ordinary programs do all day, by [`modern`] name. On most machines these make up over three
/// quarters of all calls; under a wrong table, they rarely reach a third.
const EVERYDAY: &[&str] = &[
    "accept4",
    "arch_prctl",
    "bind",
    "brk",
    "chdir",
    "clock_gettime",
    "clock_nanosleep",
    "clone",
    "close",
    "connect",
    "dup",
    "dup3",
    "epoll_ctl",
    "epoll_pwait",
    "execve",
    "exit",
    "exit_group",
    "faccessat",
    "fcntl",
    "fstat",
    "fsync",
    "futex",
    "getcwd",
    "getdents64",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "gettid",
    "gettimeofday",
    "getuid",
    "ioctl",
    "kill",
    "listen",
    "lseek",
    "madvise",
    "mkdirat",
    "mmap",
    "mprotect",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "pipe2",
    "ppoll",
    "pread64",
    "prlimit64",
    "pselect6",
    "pwrite64",
    "read",
    "readlinkat",
    "readv",
    "recvfrom",
    "recvmsg",
    "rename",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "select",
    "sendmsg",
    "sendto",
    "set_robust_list",
    "set_tid_address",
    "setsockopt",
    "socket",
    "socketcall",
    "time",
    "uname",
    "unlinkat",
    "wait4",
    "write",
    "writev",
];

/// How one table fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The table.
    pub abi: Abi,
    /// The share of all calls, by how often each came, that the table has; 0 to 1.
    pub inside_table: f64,
    /// The share of all calls that are everyday ones under this table; 0 to 1.
    pub everyday: f64,
    /// The most frequent calls under this table with their share, at most five.
    pub top: Vec<(String, f64)>,
}

impl Candidate {
    /// What decides: everyday calls speak for a table, calls it does not have against it.
    fn score(&self) -> f64 {
        self.everyday - (1.0 - self.inside_table)
    }
}

/// Whose numbers a data set's most likely are, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct AbiGuess {
    /// The answer.
    pub abi: Abi,
    /// The reasons, as full sentences, the decisive one first.
    pub evidence: Vec<String>,
    /// All tables that were tried, best first.
    pub candidates: Vec<Candidate>,
}

impl AbiGuess {
    /// How far the best table is ahead of the next: 0 is a coin toss, over 0.2 leaves little doubt.
    pub fn margin(&self) -> f64 {
        match self.candidates.as_slice() {
            [first, second, ..] => first.score() - second.score(),
            _ => 0.0,
        }
    }

    /// Puts `reason` first: something that was known about the data besides its numbers.
    #[must_use]
    pub(crate) fn because(mut self, abi: Abi, reason: &str) -> Self {
        self.abi = abi;
        self.evidence.insert(0, reason.to_owned());
        self
    }
}

/// Guesses the ABI of numbers from how often each came.
///
/// With no calls at all, or a tie, the answer is x86_64, and the evidence says that it is an assumption.
pub fn guess(counts: impl IntoIterator<Item = (u32, u64)>) -> AbiGuess {
    let counts: Vec<(u32, u64)> = counts.into_iter().collect();
    decide("numbers", |abi| figures(abi, counts.iter().map(|&(number, count)| (abi.name_of(number), count))))
}

/// Guesses the ABI of names: the table that has most of them, however everyday they are.
pub fn guess_by_name<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> AbiGuess {
    let counts: Vec<(&str, u64)> = counts.into_iter().collect();
    decide("names", |abi| {
        figures(abi, counts.iter().map(|&(name, count)| (abi.number_of(name).map(|_| name), count)))
    })
}

fn decide(what: &str, figures: impl Fn(&Abi) -> Candidate) -> AbiGuess {
    // Where the evidence is even, the most common machine of today comes first: the sort is stable.
    let mut candidates = [Abi::X86_64, Abi::I386, Abi::Aarch64].map(|abi| figures(&abi)).to_vec();
    candidates.sort_by(|a, b| b.score().total_cmp(&a.score()));
    let best = &candidates[0];
    let guess = AbiGuess { abi: best.abi.clone(), evidence: Vec::new(), candidates: candidates.clone() };
    let mut evidence = Vec::new();
    if guess.margin() < 0.05 {
        evidence.push(format!(
            "The {what} fit {} and {} about equally well; {} is an assumption, name the ABI to be sure.",
            candidates[0].abi, candidates[1].abi, best.abi
        ));
    }
    evidence.extend(candidates.iter().map(sentence));
    AbiGuess { evidence, ..guess }
}

fn figures<'a>(abi: &Abi, calls: impl Iterator<Item = (Option<&'a str>, u64)>) -> Candidate {
    let everyday: HashSet<&str> = EVERYDAY.iter().copied().collect();
    let (mut all, mut inside, mut common) = (0u64, 0u64, 0u64);
    let mut top: Vec<(&str, u64)> = Vec::new();
    for (name, count) in calls {
        all += count;
        let Some(name) = name else { continue };
        inside += count;
        if everyday.contains(modern(name)) || everyday.contains(name) {
            common += count;
        }
        top.push((name, count));
    }
    top.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    top.truncate(5);
    let share = |count: u64| if all == 0 { 0.0 } else { count as f64 / all as f64 };
    Candidate {
        abi: abi.clone(),
        inside_table: share(inside),
        everyday: share(common),
        top: top.into_iter().map(|(name, count)| (name.to_owned(), share(count))).collect(),
    }
}

fn sentence(candidate: &Candidate) -> String {
    let top: Vec<&str> = candidate.top.iter().map(|(name, _)| name.as_str()).collect();
    format!(
        "As {}, {:.1} % of the calls are in the table and {:.1} % are everyday ones{}.",
        candidate.abi,
        100.0 * candidate.inside_table,
        100.0 * candidate.everyday,
        if top.is_empty() { String::new() } else { format!("; the most frequent are {}", top.join(", ")) }
    )
}
