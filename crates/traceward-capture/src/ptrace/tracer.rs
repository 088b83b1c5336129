//! The thread that traces: from one stop to the next.

use std::collections::HashMap;
use std::io::{PipeReader, Write};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use crate::processes::host::Host;
use crate::{Call, CaptureError, Comm, Start, TaskId, clock};

use super::child::{self, Child, Command};
use super::kernel::{self, Entry, Stop};
use super::queue::{Kept, Queue};

/// Of `linux/audit.h`: an ELF machine, little-endian, 64 bits wide or not.
const ARCH_I386: u32 = 3 | 0x4000_0000;
const ARCH_X86_64: u32 = 62 | 0xc000_0000;
const ARCH_AARCH64: u32 = 183 | 0xc000_0000;

/// The whole life of the thread: starts the command, says so, and follows it until nothing of it is left.
pub(super) fn run(command: &Command, queue: &Queue, tell: &Sender<Result<(u32, PipeReader), CaptureError>>) {
    let kernel = |error| CaptureError::Kernel { what: "starting a process", error };
    let Child { pid, mut gate, report } = match command.fork() {
        Ok(child) => child,
        Err(error) => return drop(tell.send(Err(kernel(error)))),
    };
    let mut tracer =
        Tracer { queue, root: pid, host: Host::new(PathBuf::from("/proc")), traced: HashMap::new(), next: 1 };
    if let Err(error) = kernel::seize(pid) {
        // It goes when it finds its gate closed, and is waited for below.
        let _ = tell.send(Err(child::refused(&error)));
        drop(gate);
    } else {
        tracer.meet(pid, None);
        let _ = gate.write_all(&[1]);
        let _ = tell.send(Ok((pid, report)));
    }
    while let Some((tid, stop)) = kernel::wait() {
        tracer.stop(tid, stop);
    }
    queue.end();
}

struct Tracer<'q> {
    queue: &'q Queue,
    root: u32,
    host: Host,
    /// By thread.
    traced: HashMap<u32, Traced>,
    next: u64,
}

/// A thread.
#[derive(Clone, Copy, Debug)]
struct Traced {
    task: TaskId,
    calls: u64,
    /// Its exit has been told.
    exited: bool,
}

impl Tracer<'_> {
    /// Takes note of a stop and lets the thread go on.
    fn stop(&mut self, tid: u32, stop: Stop) {
        if self.queue.closed() && !matches!(stop, Stop::Gone(_)) {
            // What was born while all were being killed.
            kernel::kill(tid);
        }
        match stop {
            Stop::Gone(code) => {
                self.exit(tid);
                self.traced.remove(&tid);
                self.queue.lives(tid, false);
                if tid == self.root {
                    self.queue.exited(code);
                }
            }
            Stop::Call => {
                self.call(tid);
                kernel::go_on(tid, 0);
            }
            Stop::Birth => {
                let parent = self.meet(tid, None);
                if let Some(child) = kernel::message(tid) {
                    self.meet(child, parent);
                }
                kernel::go_on(tid, 0);
            }
            Stop::Exec => {
                self.exec(tid);
                kernel::go_on(tid, 0);
            }
            Stop::Exit => {
                self.exit(tid);
                kernel::go_on(tid, 0);
            }
            Stop::Traced => {
                // The child's first stop may be heard of before its parent's word that there is one.
                self.meet(tid, None);
                kernel::go_on(tid, 0);
            }
            Stop::Stopped => kernel::listen(tid),
            Stop::Signal(signal) => kernel::go_on(tid, signal),
        }
    }

    /// A thread's task; tells of it if it is new. `None` if it is gone already and nothing can be known of it.
    fn meet(&mut self, tid: u32, parent: Option<TaskId>) -> Option<TaskId> {
        if let Some(known) = self.traced.get(&tid) {
            return Some(known.task);
        }
        let status = self.host.status(tid)?;
        let pid = status.tgid;
        let of = |tid: u32| self.traced.get(&tid).map(|known| known.task);
        let parent = parent.or_else(|| of(if pid == tid { status.ppid } else { pid }));
        let task = TaskId(self.next);
        self.next += 1;
        self.traced.insert(tid, Traced { task, calls: 0, exited: false });
        self.queue.lives(pid, true);
        let start = Start {
            task,
            parent,
            pid,
            tid,
            ppid: status.ppid,
            at: clock::monotonic(),
            born: true,
            uid: status.uid.unwrap_or_default(),
            comm: Comm::of(status.comm.as_bytes()),
            cgroup: 0,
        };
        self.queue.add(task, Kept::Start(start));
        Some(task)
    }

    fn call(&mut self, tid: u32) {
        let Some(Entry { arch, number }) = kernel::entry(tid) else { return };
        let call = match arch {
            ARCH_I386 => Call::i386(number),
            ARCH_X86_64 | ARCH_AARCH64 => Call::new(number),
            // Of a table that we do not have: 32-bit ARM.
            _ => Call::new(u64::MAX),
        };
        self.meet(tid, None);
        if let Some(known) = self.traced.get_mut(&tid) {
            self.queue.call(known.task, known.calls, call);
            known.calls += 1;
        }
    }

    /// A process executes a program: all its threads are gone but the one that did, which is the first now,
    /// whatever it was before.
    fn exec(&mut self, pid: u32) {
        self.meet(pid, None);
        if let Some(before) = kernel::message(pid).filter(|&before| before != pid) {
            self.exit(pid);
            if let Some(known) = self.traced.remove(&before) {
                self.traced.insert(pid, known);
            }
        }
        let Some(&Traced { task, .. }) = self.traced.get(&pid) else { return };
        // Killed meanwhile.
        let Some(status) = self.host.status(pid) else { return };
        let exec = Kept::Exec {
            task,
            at: clock::monotonic(),
            uid: status.uid.unwrap_or_default(),
            comm: Comm::of(status.comm.as_bytes()),
            exe: self.host.exe(pid).unwrap_or_default().into_bytes(),
            cmdline: self.host.args(pid).unwrap_or_default(),
        };
        self.queue.add(task, exec);
    }

    fn exit(&mut self, tid: u32) {
        let Some(known) = self.traced.get_mut(&tid).filter(|known| !known.exited) else { return };
        known.exited = true;
        let Traced { task, calls, .. } = *known;
        self.queue.add(task, Kept::Exit { task, calls, at: clock::monotonic() });
    }
}
