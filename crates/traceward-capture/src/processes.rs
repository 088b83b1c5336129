//! Whose traces they are: program, command line, user, container, ancestors.
//!
//! A capture tells of births, executions and exits as they happen, so that most is known without asking
//! anybody, also of processes that live for a millisecond. What was there before the capture is read from
//! `/proc` when its first event comes, once a process, its ancestors too. A child is what its parent is until
//! it executes a program, and the threads of a process share what is known of it, so that a thread costs little.
//!
//! Memory is bounded by the number of tasks. Beyond it those are dropped first that have exited, in the order
//! in which they did.

mod container;
pub(crate) mod host;

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use crate::{Comm, Cutter, Event, Exec, Start, TaskId};

use host::Host;

/// A process, as far as it is known. What is not known is `None`, and never a reason for anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// The process (tgid).
    pub pid: u32,
    /// Its first thread's name.
    pub comm: String,
    /// The file that it executes: as it was named when it was executed, or, of a process that ran before the
    /// capture and of a name that is not absolute, as `/proc` has it.
    pub exe: Option<String>,
    /// Its arguments, with blanks between them; the first 4 KiB of them.
    pub cmdline: Option<String>,
    /// Whose it is.
    pub uid: Option<u32>,
    /// The container it runs in: a 64-digit id, or what its control group is called.
    pub container: Option<String>,
    /// The process that made it, as that was then; at most some generations are kept.
    pub parent: Option<Arc<Process>>,
}

/// A task: a thread of a process.
#[derive(Clone, Debug)]
pub struct Task {
    /// The thread.
    pub tid: u32,
    /// Its name.
    pub comm: Comm,
    /// When it was met, by the monotonic clock.
    pub at: u64,
    /// Whether the capture saw it being born.
    pub born: bool,
    /// Who made it, if that one was captured.
    pub parent: Option<TaskId>,
    /// Its process.
    pub process: Arc<Process>,
}

/// The tasks that a capture has met and that live, and those that have just died.
#[derive(Debug)]
pub struct Processes {
    host: Host,
    most: usize,
    tasks: HashMap<TaskId, Known>,
    /// What a process is now, by its pid. A process that no task and no child refers to is not kept by this.
    now: HashMap<u32, Weak<Process>>,
    /// The length of `now` at which what is gone is swept out of it.
    sweep_at: usize,
    /// Tasks in the order in which they were met; some may be forgotten by now.
    met: VecDeque<TaskId>,
    /// Tasks in the order in which they exited; some may be forgotten by now.
    exited: VecDeque<TaskId>,
    dropped: u64,
}

#[derive(Debug)]
struct Known {
    task: Task,
    exited: bool,
    /// Somebody follows its traces and will say when they are done with.
    followed: bool,
}

/// The most ancestors that a process is kept with.
const GENERATIONS: usize = 16;

/// How many stay of a longer line. It is cut to the half, so that each of a long line of daemons that fork and
/// exit does not copy all its ancestors anew.
const KEPT: usize = GENERATIONS / 2;

impl Default for Processes {
    fn default() -> Self {
        Self::new(2 * Cutter::MOST, PathBuf::from("/proc"))
    }
}

impl Processes {
    /// Knows at most `most` tasks (at least 1) and asks the proc file system at `proc` about what it did not
    /// see.
    pub fn new(most: usize, proc: PathBuf) -> Self {
        Self {
            host: Host::new(proc),
            most: most.max(1),
            tasks: HashMap::new(),
            now: HashMap::new(),
            sweep_at: 64,
            met: VecDeque::new(),
            exited: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Takes note of what an event says; asks `/proc` about what was there before the capture.
    pub fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(start) => self.start(start),
            Event::Exec(exec) => self.exec(exec),
            Event::Calls { task, .. } => {
                if let Some(known) = self.tasks.get_mut(task) {
                    known.followed = true;
                }
            }
            Event::Exit { task, .. } => self.exit(*task),
        }
    }

    /// What is known of a task. Answers for a task that has exited until [`Processes::forget`].
    pub fn task(&self, task: TaskId) -> Option<&Task> {
        self.tasks.get(&task).map(|known| &known.task)
    }

    /// Nobody will ask about this task again: its traces are done with. One that lives is kept all the same,
    /// since its next calls begin another trace.
    pub fn forget(&mut self, task: TaskId) {
        let Some(known) = self.tasks.get_mut(&task) else { return };
        known.followed = false;
        if known.exited {
            self.tasks.remove(&task);
        }
    }

    /// Whether a task lives, as `/proc` has it. Where nobody can say, because its start was lost or because
    /// `/proc` is not shown, it is taken to live.
    pub fn alive(&self, task: TaskId) -> bool {
        self.task(task).is_none_or(|task| task.tid == 0 || self.host.alive(task.process.pid, task.tid))
    }

    /// How many tasks are known.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// How many tasks were dropped because room was needed: nothing is known of them any more.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn start(&mut self, start: &Start) {
        if self.tasks.contains_key(&start.task) {
            return;
        }
        let made_by =
            start.parent.and_then(|parent| self.tasks.get(&parent)).map(|known| &known.task.process);
        let made_by = made_by.cloned();
        let process = match self.living(start.pid).filter(|_| start.tid != start.pid || !start.born) {
            Some(process) => process,
            None if start.born && start.tid == start.pid => self.child(start, made_by),
            None => match made_by.filter(|process| process.pid == start.pid) {
                Some(process) => process,
                None => self.met(start, 0),
            },
        };
        let task = Task {
            tid: start.tid,
            comm: start.comm,
            at: start.at,
            born: start.born,
            parent: start.parent,
            process,
        };
        if self.tasks.len() >= self.most {
            self.drop_one();
        }
        self.tasks.insert(start.task, Known { task, exited: false, followed: true });
        queue(&mut self.met, start.task, &self.tasks, |_| true);
    }

    /// A process that was just forked: what its parent is, but for the little that a fork changes.
    fn child(&mut self, start: &Start, made_by: Option<Arc<Process>>) -> Arc<Process> {
        let parent = made_by.or_else(|| self.of_pid(start.ppid, 1));
        let as_parent = parent.as_deref().cloned().unwrap_or_default();
        let container = match start.cgroup {
            0 => as_parent.container,
            cgroup => self.host.container(start.pid, cgroup).unwrap_or(as_parent.container),
        };
        let process = Process {
            pid: start.pid,
            comm: start.comm.to_text(),
            exe: as_parent.exe,
            cmdline: as_parent.cmdline,
            uid: Some(start.uid),
            container,
            parent: parent.map(short),
        };
        self.keep(process)
    }

    /// A process that ran before: as `/proc` has it.
    fn met(&mut self, start: &Start, generation: usize) -> Arc<Process> {
        let status = self.host.status(start.pid);
        let parent = status.as_ref().map_or(start.ppid, |status| status.ppid);
        let comm = match &status {
            Some(status) => status.comm.clone(),
            None if start.tid == start.pid => start.comm.to_text(),
            None => String::new(),
        };
        let process = Process {
            pid: start.pid,
            comm,
            exe: self.host.exe(start.pid),
            cmdline: self.host.cmdline(start.pid),
            uid: Some(start.uid),
            container: self.host.container(start.pid, start.cgroup).flatten(),
            parent: self.of_pid(parent, generation + 1).map(short),
        };
        self.keep(process)
    }

    /// The process with this pid, asked of `/proc` if it was not met yet, with its ancestors.
    fn of_pid(&mut self, pid: u32, generation: usize) -> Option<Arc<Process>> {
        if pid == 0 || generation > GENERATIONS {
            return None;
        }
        if let Some(process) = self.living(pid) {
            return Some(process);
        }
        let status = self.host.status(pid)?;
        let process = Process {
            pid,
            comm: status.comm,
            exe: self.host.exe(pid),
            cmdline: self.host.cmdline(pid),
            uid: status.uid,
            container: self.host.container(pid, 0).flatten(),
            parent: self.of_pid(status.ppid, generation + 1).map(short),
        };
        Some(self.keep(process))
    }

    fn exec(&mut self, exec: &Exec<'_>) {
        let Some(known) = self.tasks.get(&exec.task) else { return };
        let before = Arc::clone(&known.task.process);
        let named = Some(String::from_utf8_lossy(exec.exe).into_owned()).filter(|exe| !exe.is_empty());
        let exe = match named {
            Some(exe) if Path::new(&exe).is_absolute() => Some(exe),
            named => self.host.exe(before.pid).or(named),
        };
        let container = match exec.cgroup {
            0 => before.container.clone(),
            cgroup => self.host.container(before.pid, cgroup).unwrap_or_else(|| before.container.clone()),
        };
        let process = self.keep(Process {
            pid: before.pid,
            comm: exec.comm.to_text(),
            exe,
            cmdline: host::joined(exec.cmdline),
            uid: Some(exec.uid),
            container,
            parent: before.parent.clone(),
        });
        if let Some(Known { task, .. }) = self.tasks.get_mut(&exec.task) {
            // Whichever thread executes becomes the first, and only, one.
            task.tid = process.pid;
            task.comm = exec.comm;
            task.process = process;
        }
    }

    fn exit(&mut self, task: TaskId) {
        let Some(known) = self.tasks.get_mut(&task) else { return };
        if known.followed {
            known.exited = true;
            queue(&mut self.exited, task, &self.tasks, |known| known.exited);
        } else {
            self.tasks.remove(&task);
        }
    }

    /// A process in use. Those outside of this pid namespace all have the pid 0.
    fn living(&self, pid: u32) -> Option<Arc<Process>> {
        self.now.get(&pid).and_then(Weak::upgrade)
    }

    /// From now on, this is what the process with its pid is.
    fn keep(&mut self, process: Process) -> Arc<Process> {
        let process = Arc::new(process);
        if process.pid == 0 {
            return process;
        }
        if self.now.len() >= self.sweep_at {
            self.now.retain(|_, process| process.strong_count() > 0);
            self.sweep_at = (2 * self.now.len()).max(64);
        }
        self.now.insert(process.pid, Arc::downgrade(&process));
        process
    }

    fn drop_one(&mut self) {
        let oldest = |queue: &mut VecDeque<TaskId>, tasks: &HashMap<TaskId, Known>| {
            std::iter::from_fn(|| queue.pop_front()).find(|task| tasks.contains_key(task))
        };
        let task = oldest(&mut self.exited, &self.tasks).or_else(|| oldest(&mut self.met, &self.tasks));
        if let Some(task) = task {
            self.tasks.remove(&task);
            self.dropped += 1;
        }
    }
}

/// Puts a task into a queue, and takes out those that were forgotten if they are the most.
fn queue(
    queue: &mut VecDeque<TaskId>,
    task: TaskId,
    tasks: &HashMap<TaskId, Known>,
    belongs: impl Fn(&Known) -> bool,
) {
    queue.push_back(task);
    if queue.len() > 2 * tasks.len() + 64 {
        queue.retain(|task| tasks.get(task).is_some_and(&belongs));
    }
}

/// A line of ancestors that has room for another generation.
fn short(process: Arc<Process>) -> Arc<Process> {
    fn cut(process: &Process, generations: usize) -> Arc<Process> {
        let parent = process.parent.as_deref().filter(|_| generations > 1);
        Arc::new(Process { parent: parent.map(|parent| cut(parent, generations - 1)), ..process.clone() })
    }
    let line = std::iter::successors(Some(&process), |process| process.parent.as_ref());
    if line.count() > GENERATIONS { cut(&process, KEPT) } else { process }
}

#[cfg(test)]
mod tests;
