//! What a capture tells, in the order in which it happened to each task.
//!
//! Times are the kernel's monotonic clock in nanoseconds, so that a step of the wall clock moves nothing.

use std::fmt;

/// A task (a thread, in the kernel's word) as a capture numbers it: never used twice while it runs, as thread
/// ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// A system call as it was entered: its number, and whose number it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Call(u16);

impl Call {
    /// Set for a call by i386's numbers on an x86_64 kernel.
    const I386: u16 = 0x8000;
    /// The number of what is no call of any table, such as one that a tracer cancelled.
    const NONE: u16 = 0x7fff;

    /// A call of the machine's own ABI.
    pub fn new(number: u64) -> Self {
        Self(u16::try_from(number).unwrap_or(Self::NONE).min(Self::NONE))
    }

    /// A call by i386's numbers.
    pub fn i386(number: u64) -> Self {
        Self(Self::new(number).0 | Self::I386)
    }

    /// As a capture packs it: the number, and the highest bit for i386.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The packed form, an index below 2^16.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// The number.
    pub fn number(self) -> u16 {
        self.0 & !Self::I386
    }

    /// Whether it is i386's number.
    pub fn is_i386(self) -> bool {
        self.0 & Self::I386 != 0
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_i386() { "i386 " } else { "" }, self.number())
    }
}

/// A task's name, at most 15 bytes (`TASK_COMM_LEN`).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Comm([u8; 16]);

impl Comm {
    /// The kernel's 16 bytes, ended by NUL.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The first 15 bytes of a name.
    pub fn of(name: &[u8]) -> Self {
        let mut bytes = [0; 16];
        let length = name.iter().position(|&byte| byte == 0).unwrap_or(name.len()).min(15);
        bytes[..length].copy_from_slice(&name[..length]);
        Self(bytes)
    }

    /// For people; bytes that are no UTF-8 are replaced.
    pub fn to_text(self) -> String {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        String::from_utf8_lossy(&self.0[..end]).into_owned()
    }
}

impl fmt::Debug for Comm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

/// Something that happened to a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// A task was born, or is met for the first time.
    Start(Start),
    /// It executed a program.
    Exec(Exec<'a>),
    /// It entered calls.
    Calls {
        /// Which task.
        task: TaskId,
        /// How many calls it had made before the first of these since it was met. A capture may repeat calls;
        /// where this is more than what was told so far, the calls in between were lost.
        first: u64,
        /// When the first of them was entered.
        at: u64,
        /// The calls.
        calls: &'a [Call],
    },
    /// It is gone.
    Exit {
        /// Which task.
        task: TaskId,
        /// How many calls it made since it was met.
        calls: u64,
        /// When.
        at: u64,
    },
}

/// A task appears.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// The task.
    pub task: TaskId,
    /// Who made it, if that one is captured, too.
    pub parent: Option<TaskId>,
    /// Its process (the kernel's tgid).
    pub pid: u32,
    /// The thread; equal to `pid` for a process's first one.
    pub tid: u32,
    /// The parent's process; 0 where nobody knows.
    pub ppid: u32,
    /// When.
    pub at: u64,
    /// Whether the capture saw it being born; otherwise it ran before, and its first calls are unknown.
    pub born: bool,
    /// Whose it is (the real user id).
    pub uid: u32,
    /// Its name.
    pub comm: Comm,
    /// Its control group's id (the inode of its folder in the cgroup2 tree); 0 where nobody knows.
    pub cgroup: u64,
}

/// A task executed a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exec<'a> {
    /// The task.
    pub task: TaskId,
    /// When.
    pub at: u64,
    /// Whose it is now.
    pub uid: u32,
    /// Its new name.
    pub comm: Comm,
    /// The file, as it was named in the call.
    pub exe: &'a [u8],
    /// The arguments, each ended by NUL; may be cut short.
    pub cmdline: &'a [u8],
    /// Its control group's id; 0 where nobody knows.
    pub cgroup: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_carry_whose_number_they_are() {
        assert_eq!((Call::new(59).number(), Call::new(59).is_i386()), (59, false));
        assert_eq!((Call::i386(11).number(), Call::i386(11).is_i386()), (11, true));
        assert_eq!(Call::new(u64::MAX).number(), 0x7fff, "a cancelled call is none");
        assert_eq!(Call::from_bits(Call::i386(3).bits()), Call::i386(3));
    }

    #[test]
    fn names_end_at_nul() {
        assert_eq!(Comm::of(b"bash").to_text(), "bash");
        assert_eq!(Comm::of(b"a name that is much too long").to_text(), "a name that is ");
        assert_eq!(Comm::from_bytes(*b"sh\0rubbish\0\0\0\0\0\0").to_text(), "sh");
    }
}
