//! The few calls to the kernel that tracing takes, each in a safe wrapper.

use std::io;

/// What a traced thread tells when it stops or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is gone: its exit code, or 128 and the signal that ended it.
    Gone(i32),
    /// It enters a call.
    Call,
    /// It made another: a thread, or a process.
    Birth,
    /// It executed a program.
    Exec,
    /// It is about to go.
    Exit,
    /// It has begun to be traced, or has gone on after a stop signal.
    Traced,
    /// It was stopped by a signal, as by Ctrl-Z, with all of its process.
    Stopped,
    /// A signal is about to reach it.
    Signal(i32),
}

/// A call that is about to be entered: by whose numbers, and which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// `AUDIT_ARCH_…` of `linux/audit.h`.
    pub(super) arch: u32,
    pub(super) number: u64,
}

/// `struct ptrace_syscall_info` of `linux/ptrace.h` at a stop by seccomp.
#[repr(C)]
#[derive(Default)]
struct SyscallInfo {
    op: u8,
    pad: [u8; 3],
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    number: u64,
    arguments: [u64; 6],
    filter_data: u32,
    pad_end: u32,
}

// `linux/ptrace.h`; not in libc for every C library.
const CONT: u32 = 7;
const GET_SYSCALL_INFO: u32 = 0x420e;
const SYSCALL_INFO_SECCOMP: u8 = 3;
const SEIZE: u32 = 0x4206;
const LISTEN: u32 = 0x4208;
const EVENT_STOP: i32 = 128;

/// What is to be heard of: calls, children of all kinds, executions, exits; and that the traced die with us.
const WANTED: i32 = libc::PTRACE_O_EXITKILL
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT;

/// A request that takes numbers alone.
fn request(request: u32, tid: u32, data: i32) -> io::Result<()> {
    // SAFETY: of the requests made here, none takes `addr` or `data` for the address of anything.
    let done = unsafe { libc::ptrace(request as _, tid as libc::pid_t, 0_usize, data as usize) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Begins to trace a process, without stopping it.
pub(super) fn seize(pid: u32) -> io::Result<()> {
    request(SEIZE, pid, WANTED)
}

/// Lets a thread go on, with a signal if there is one to deliver. One that was killed meanwhile is no matter.
pub(super) fn go_on(tid: u32, signal: i32) {
    let _ = request(CONT, tid, signal);
}

/// Leaves a thread stopped, but hears of it when it goes on.
pub(super) fn listen(tid: u32) {
    let _ = request(LISTEN, tid, 0);
}

/// The number that came with an event: the new thread's, or the one that a thread had before it executed.
pub(super) fn message(tid: u32) -> Option<u32> {
    let mut message: libc::c_ulong = 0;
    let request = libc::PTRACE_GETEVENTMSG;
    // SAFETY: the kernel writes one unsigned long to where `data` points, which is ours.
    let done = unsafe { libc::ptrace(request as _, tid as libc::pid_t, 0_usize, &raw mut message) };
    if done == -1 { None } else { u32::try_from(message).ok() }
}

/// The call that a thread is stopped at.
pub(super) fn entry(tid: u32) -> Option<Entry> {
    let mut info = SyscallInfo::default();
    let size = size_of::<SyscallInfo>();
    // SAFETY: the kernel writes at most `addr` bytes, the size of `info`, to where `data` points.
    let told = unsafe { libc::ptrace(GET_SYSCALL_INFO as _, tid as libc::pid_t, size, &raw mut info) };
    (told > 0 && info.op == SYSCALL_INFO_SECCOMP).then_some(Entry { arch: info.arch, number: info.number })
}

/// Waits for any child or traced thread of the calling thread. `None`: there are none.
pub(super) fn wait() -> Option<(u32, Stop)> {
    loop {
        let mut status = 0;
        // SAFETY: the kernel writes the status to an integer of ours.
        let tid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
        match u32::try_from(tid) {
            Ok(tid) => return Some((tid, decoded(status))),
            Err(_) if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

fn decoded(status: i32) -> Stop {
    if libc::WIFEXITED(status) {
        return Stop::Gone(libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        return Stop::Gone(128 + libc::WTERMSIG(status));
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_SECCOMP => Stop::Call,
        libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => Stop::Birth,
        libc::PTRACE_EVENT_EXEC => Stop::Exec,
        libc::PTRACE_EVENT_EXIT => Stop::Exit,
        EVENT_STOP if signal == libc::SIGTRAP => Stop::Traced,
        EVENT_STOP => Stop::Stopped,
        _ => Stop::Signal(signal),
    }
}

/// Ends a process, wherever it is.
pub(super) fn kill(pid: u32) {
    // SAFETY: a signal to another process touches no memory of ours.
    unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) };
}
