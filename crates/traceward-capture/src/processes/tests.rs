use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::Call;

const ID: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A proc file system of our own.
struct Proc(TempDir);

impl Proc {
    fn new() -> Self {
        let proc = Self(tempfile::tempdir().unwrap());
        proc.add(1, 0, "init", 0, "/");
        proc
    }

    fn add(&self, pid: u32, ppid: u32, comm: &str, uid: u32, cgroup: &str) {
        let folder = self.0.path().join(pid.to_string());
        fs::create_dir_all(folder.join(format!("task/{pid}"))).unwrap();
        fs::write(
            folder.join("status"),
            format!("Name:\t{comm}\nTgid:\t{pid}\nPPid:\t{ppid}\nUid:\t{uid}\t0\t0\t0\n"),
        )
        .unwrap();
        fs::write(folder.join("cmdline"), format!("/usr/bin/{comm}\0-x\0")).unwrap();
        fs::write(folder.join("cgroup"), format!("0::{cgroup}\n")).unwrap();
        std::os::unix::fs::symlink(format!("/usr/bin/{comm}"), folder.join("exe")).unwrap();
    }

    fn remove(&self, pid: u32) {
        fs::remove_dir_all(self.0.path().join(pid.to_string())).unwrap();
    }

    fn processes(&self, most: usize) -> Processes {
        Processes::new(most, self.0.path().to_path_buf())
    }
}

fn start(task: u64, parent: Option<u64>, pid: u32, tid: u32, born: bool) -> Event<'static> {
    Event::Start(Start {
        task: TaskId(task),
        parent: parent.map(TaskId),
        pid,
        tid,
        ppid: 1,
        at: 1000 + task,
        born,
        uid: 7,
        comm: Comm::of(b"comm"),
        cgroup: 0,
    })
}

fn exec(task: u64, exe: &'static str, cmdline: &'static [u8]) -> Event<'static> {
    Event::Exec(Exec {
        task: TaskId(task),
        at: 5,
        uid: 8,
        comm: Comm::of(b"new"),
        exe: exe.as_bytes(),
        cmdline,
        cgroup: 0,
    })
}

fn exit(task: u64) -> Event<'static> {
    Event::Exit { task: TaskId(task), calls: 0, at: 9 }
}

fn process(processes: &Processes, task: u64) -> &Process {
    &processes.task(TaskId(task)).unwrap().process
}

fn ancestors(process: &Process) -> Vec<u32> {
    std::iter::successors(process.parent.as_deref(), |p| p.parent.as_deref()).map(|p| p.pid).collect()
}

#[test]
fn what_ran_before_is_read_from_proc_with_its_ancestors() {
    let proc = Proc::new();
    proc.add(10, 1, "sshd", 0, "/system.slice/ssh.service");
    proc.add(20, 10, "bash", 1000, &format!("/system.slice/docker-{ID}.scope"));
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 20, 20, false));
    let bash = process(&processes, 1);
    assert_eq!((bash.pid, bash.comm.as_str(), bash.uid), (20, "bash", Some(7)));
    assert_eq!(bash.exe.as_deref(), Some("/usr/bin/bash"));
    assert_eq!(bash.cmdline.as_deref(), Some("/usr/bin/bash -x"));
    assert_eq!(bash.container.as_deref(), Some(ID));
    assert_eq!(ancestors(bash), [10, 1]);
    assert_eq!(bash.parent.as_ref().unwrap().container, None);
    let Task { at, born, parent, tid, .. } = processes.task(TaskId(1)).unwrap();
    assert_eq!((*at, *born, *parent, *tid), (1001, false, None, 20));
    // Once: its threads do not ask again, nor do its children about it.
    proc.remove(20);
    processes.event(&start(2, None, 20, 21, false));
    processes.event(&start(3, Some(1), 30, 30, true));
    assert!(Arc::ptr_eq(
        &processes.task(TaskId(1)).unwrap().process,
        &processes.task(TaskId(2)).unwrap().process
    ));
    assert_eq!(ancestors(process(&processes, 3)), [20, 10, 1]);
}

#[test]
fn a_child_is_what_its_parent_is_until_it_executes() {
    let proc = Proc::new();
    proc.add(20, 1, "bash", 1000, &format!("/docker/{ID}"));
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 20, 20, false));
    processes.event(&start(2, Some(1), 21, 21, true));
    let child = process(&processes, 2).clone();
    assert_eq!((child.pid, child.exe.as_deref(), child.uid), (21, Some("/usr/bin/bash"), Some(7)));
    assert_eq!((child.container.as_deref(), ancestors(&child)), (Some(ID), vec![20, 1]));
    processes.event(&exec(2, "/bin/ls", b"ls\0-l\0"));
    let ls = process(&processes, 2).clone();
    assert_eq!((ls.exe.as_deref(), ls.cmdline.as_deref(), ls.uid), (Some("/bin/ls"), Some("ls -l"), Some(8)));
    assert_eq!((ls.comm.as_str(), ls.container.as_deref(), ancestors(&ls)), ("new", Some(ID), vec![20, 1]));
    // The parent as it was then: what it becomes later is nothing to the child.
    processes.event(&exec(1, "/bin/other", b"other\0"));
    assert_eq!(process(&processes, 2).parent.as_ref().unwrap().exe.as_deref(), Some("/usr/bin/bash"));
    assert_eq!(process(&processes, 1).exe.as_deref(), Some("/bin/other"));
}

#[test]
fn a_name_that_is_not_absolute_is_looked_up_while_the_process_lives() {
    let proc = Proc::new();
    proc.add(20, 1, "prog", 0, "/");
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 20, 20, true));
    processes.event(&exec(1, "./prog", b"./prog\0"));
    assert_eq!(process(&processes, 1).exe.as_deref(), Some("/usr/bin/prog"));
    proc.remove(20);
    processes.event(&exec(1, "./gone", b"./gone\0"));
    assert_eq!(process(&processes, 1).exe.as_deref(), Some("./gone"));
}

#[test]
fn threads_share_and_the_one_that_executes_becomes_the_first() {
    let proc = Proc::new();
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 20, 20, true));
    processes.event(&start(2, Some(1), 20, 22, true));
    let of = |processes: &Processes, task| Arc::clone(&processes.task(TaskId(task)).unwrap().process);
    assert!(Arc::ptr_eq(&of(&processes, 1), &of(&processes, 2)));
    processes.event(&exec(2, "/bin/x", b"x\0"));
    processes.event(&exit(1));
    let task = processes.task(TaskId(2)).unwrap();
    assert_eq!((task.tid, task.process.pid, task.comm), (20, 20, Comm::of(b"new")));
    processes.event(&start(3, Some(2), 20, 23, true));
    assert!(Arc::ptr_eq(&of(&processes, 2), &of(&processes, 3)), "a later thread is of the new program");
}

#[test]
fn a_pid_used_again_is_another_process() {
    let proc = Proc::new();
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 20, 20, true));
    processes.event(&exec(1, "/bin/old", b"old\0"));
    processes.event(&start(2, None, 20, 20, true));
    assert_eq!(process(&processes, 2).exe, Some("/usr/bin/init".into()), "its parent's");
    assert_eq!(process(&processes, 1).exe.as_deref(), Some("/bin/old"));
}

#[test]
fn a_task_stays_until_its_last_trace_is_done_with() {
    let proc = Proc::new();
    let mut processes = proc.processes(100);
    let task = TaskId(1);
    processes.event(&start(1, None, 20, 20, true));
    processes.event(&exit(1));
    assert!(processes.task(task).is_some());
    processes.forget(task);
    assert!(processes.task(task).is_none());
    // One that lives is kept: the next calls are another trace of it.
    processes.event(&start(1, None, 20, 20, true));
    processes.forget(task);
    assert!(processes.task(task).is_some());
    processes.event(&Event::Calls { task, first: 0, at: 0, calls: &[Call::new(0)] });
    processes.event(&exit(1));
    assert!(processes.task(task).is_some());
    processes.forget(task);
    // And one that nobody follows goes when it exits.
    processes.event(&start(1, None, 20, 20, true));
    processes.forget(task);
    processes.event(&exit(1));
    assert!(processes.is_empty());
    processes.event(&exit(5));
    processes.event(&exec(5, "/bin/x", b""));
    processes.forget(TaskId(5));
    assert!(processes.is_empty());
}

#[test]
fn processes_of_other_namespaces_are_not_taken_for_one() {
    let proc = Proc::new();
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 0, 0, false));
    processes.event(&exec(1, "/bin/one", b"one\0"));
    processes.event(&start(2, None, 0, 0, false));
    processes.event(&start(3, Some(1), 0, 0, true));
    assert_eq!(process(&processes, 2).exe, None);
    assert_eq!(process(&processes, 3).exe.as_deref(), Some("/bin/one"));
    assert!(processes.alive(TaskId(1)), "nobody knows");
}

#[test]
fn the_oldest_exited_go_first_then_the_oldest() {
    let proc = Proc::new();
    let mut processes = proc.processes(3);
    for task in 1..=3 {
        processes.event(&start(task, None, task as u32, task as u32, true));
    }
    processes.event(&exit(2));
    processes.event(&start(4, None, 4, 4, true));
    let known = |p: &Processes| (1..=6).filter(|&task| p.task(TaskId(task)).is_some()).collect::<Vec<_>>();
    assert_eq!(known(&processes), [1, 3, 4]);
    processes.event(&start(5, None, 5, 5, true));
    assert_eq!(known(&processes), [3, 4, 5]);
    assert_eq!((processes.len(), processes.dropped()), (3, 2));
}

#[test]
fn ancestors_are_at_most_sixteen() {
    let proc = Proc::new();
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 101, 101, true));
    for task in 2..80 {
        processes.event(&start(task, Some(task - 1), 100 + task as u32, 100 + task as u32, true));
        let line = ancestors(process(&processes, task));
        assert!((KEPT.min(task as usize)..=GENERATIONS).contains(&line.len()), "{task}: {line:?}");
        assert_eq!(line[0], 99 + task as u32);
    }
}

#[test]
fn alive_is_as_proc_has_it() {
    let proc = Proc::new();
    proc.add(20, 1, "bash", 0, "/");
    let mut processes = proc.processes(100);
    processes.event(&start(1, None, 20, 20, false));
    processes.event(&start(2, None, 20, 21, false));
    assert!(processes.alive(TaskId(1)));
    assert!(!processes.alive(TaskId(2)));
    assert!(processes.alive(TaskId(9)), "nobody knows");
    let mut hidden = Processes::new(9, proc.0.path().join("20"));
    hidden.event(&start(2, None, 20, 21, false));
    assert!(hidden.alive(TaskId(2)), "where other users' processes are hidden, nobody knows either");
}

#[test]
fn ourselves_by_the_real_proc() {
    let mut processes = Processes::default();
    let pid = std::process::id();
    processes.event(&start(1, None, pid, pid, false));
    let own = process(&processes, 1);
    assert_eq!(own.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    assert!(own.parent.is_some() && own.cmdline.is_some(), "{own:?}");
    assert!(processes.alive(TaskId(1)));
}

#[test]
fn a_task_is_small() {
    assert!(size_of::<Task>() <= 64, "{}", size_of::<Task>());
    assert!(size_of::<Known>() <= 64, "{}", size_of::<Known>());
}

proptest! {
    /// Whatever comes in whatever order, memory is bounded and nothing is left of what was forgotten.
    #[test]
    fn any_events_are_borne(events in prop::collection::vec((0..5_u8, 0..20_u64, 1..6_u32, 0..20_u64), 0..300)) {
        let mut processes = Processes::new(8, "/nowhere".into());
        for (kind, task, pid, other) in events {
            match kind {
                0 => processes.event(&start(task, Some(other), pid, pid, true)),
                1 => processes.event(&start(task, None, pid, pid + other as u32, other % 2 == 0)),
                2 => processes.event(&exec(task, "/bin/x", b"x\0")),
                3 => processes.event(&exit(task)),
                _ => processes.forget(TaskId(task)),
            }
            prop_assert!(processes.len() <= 8);
            prop_assert!(processes.met.len() <= 2 * 8 + 65 && processes.exited.len() <= 2 * 8 + 65);
        }
        for task in 0..20 {
            processes.event(&exit(task));
            processes.forget(TaskId(task));
        }
        prop_assert!(processes.is_empty());
    }
}
