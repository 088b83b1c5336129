use std::collections::HashMap;

use super::*;
use crate::{Call, Cut, Cutter, Names, Processes, Start, TaskId};

/// What a command did.
#[derive(Default)]
struct Seen {
    starts: Vec<Start>,
    calls: HashMap<TaskId, Vec<Call>>,
    /// Program and arguments, in order.
    execs: Vec<(TaskId, String, String)>,
    exits: HashMap<TaskId, u64>,
    code: Option<i32>,
}

impl Seen {
    fn count(&self, name: &str) -> usize {
        let names = Names::here();
        self.calls.values().flatten().filter(|&&call| names.name(call) == name).count()
    }

    fn total(&self) -> u64 {
        self.calls.values().map(|calls| calls.len() as u64).sum()
    }
}

/// Starts a command; `None`, saying so, where tracing is forbidden.
fn launch(command: &[&str]) -> Option<Ptrace> {
    let args: Vec<OsString> = command[1..].iter().map(OsString::from).collect();
    match Ptrace::launch(OsStr::new(command[0]), &args) {
        Ok(source) => Some(source),
        Err(CaptureError::Refused { why, .. }) => {
            println!("skipped: tracing is forbidden here: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Polls until the end, with `after` each poll.
fn follow(mut source: Ptrace, mut after: impl FnMut(&Ptrace)) -> Seen {
    let mut seen = Seen::default();
    loop {
        let state = source.poll(Duration::from_millis(20), &mut |event| match event {
            Event::Start(start) => seen.starts.push(start),
            Event::Calls { task, first, calls, .. } => {
                let told = seen.calls.entry(task).or_default();
                assert_eq!(first, told.len() as u64, "calls come in order and once");
                assert!(!seen.exits.contains_key(&task), "nothing calls after its exit");
                told.extend(calls);
            }
            Event::Exec(exec) => {
                let text =
                    |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\0', " ").trim_end().to_owned();
                seen.execs.push((exec.task, text(exec.exe), text(exec.cmdline)));
            }
            Event::Exit { task, calls, .. } => {
                assert_eq!(seen.exits.insert(task, calls), None, "one exit a task");
            }
        });
        after(&source);
        if state.unwrap() == State::Ended {
            break;
        }
    }
    seen.code = source.exit_code();
    assert_eq!(source.seen(), seen.total());
    for start in &seen.starts {
        let calls = seen.calls.get(&start.task).map_or(0, Vec::len);
        assert_eq!(seen.exits.get(&start.task), Some(&(calls as u64)), "every task ends, its calls counted");
    }
    seen
}

fn run(command: &[&str]) -> Option<Seen> {
    launch(command).map(|source| follow(source, |_| {}))
}

/// This test binary, doing one of the works below.
fn work(name: &str) -> Option<Seen> {
    let own = std::env::current_exe().unwrap();
    let test = format!("ptrace::tests::work_{name}");
    run(&[own.to_str().unwrap(), "--ignored", "--exact", &test, "--test-threads=1", "--quiet"])
}

#[test]
fn every_call_is_counted() {
    let dd = |count| {
        let count = format!("count={count}");
        run(&["dd", "if=/dev/zero", "of=/dev/null", "bs=1", &count, "status=none"])
    };
    let (Some(none), Some(many)) = (dd(0), dd(1000)) else { return };
    assert_eq!(many.count("read") - none.count("read"), 1000);
    assert_eq!(many.count("write") - none.count("write"), 1000);
    assert_eq!(many.total() - none.total(), 2000);
    assert_eq!((many.count("execve"), many.count("exit_group"), many.code), (1, 1, Some(0)));
    assert_eq!(many.starts.len(), 1);
    let (_, exe, cmdline) = &many.execs[0];
    assert!(exe.ends_with("/dd") && cmdline.starts_with("dd if=/dev/zero"), "{exe} {cmdline}");
    let names = Names::here();
    assert_eq!(
        names.name(many.calls[&many.starts[0].task][0]),
        "execve",
        "the first call is the program's own"
    );
}

#[test]
fn children_are_followed() {
    let Some(seen) = run(&["sh", "-c", "for i in 1 2 3 4 5; do /bin/true & done; wait; (exit 3); exit 4"])
    else {
        return;
    };
    assert_eq!(seen.code, Some(4));
    assert_eq!(seen.starts.len(), 7, "{:?}", seen.starts);
    let shell = seen.starts[0].task;
    assert!(seen.starts[1..].iter().all(|start| start.parent == Some(shell) && start.born));
    assert!(seen.starts.iter().all(|start| start.pid == start.tid));
    assert_eq!(seen.execs.iter().filter(|(_, exe, _)| exe.ends_with("/true")).count(), 5);
}

#[test]
fn exit_codes_and_signals_are_told() {
    for (script, code) in [("exit 0", 0), ("exit 42", 42), ("kill -KILL $$", 137), ("kill -SEGV $$", 139)] {
        let Some(seen) = run(&["sh", "-c", script]) else { return };
        assert_eq!(seen.code, Some(code), "{script}");
    }
}

#[test]
fn signals_reach_those_for_whom_they_are() {
    let script = "trap 'exit 7' USR1; trap '' TERM; kill -TERM $$; kill -USR1 $$; sleep 9";
    let Some(seen) = run(&["sh", "-c", script]) else { return };
    assert_eq!(seen.code, Some(7));
}

#[test]
fn a_command_that_is_stopped_stays_so_until_it_is_told_to_go_on() {
    let Some(source) = launch(&["sh", "-c", "kill -STOP $$; exit 5"]) else { return };
    let pid = nix::unistd::Pid::from_raw(source.launched_pid().unwrap() as i32);
    let (mut stopped, mut before, mut still) = (false, 0, 0);
    let seen = follow(source, |source| {
        // It calls nothing for a while and yet has not ended: it is stopped.
        still = if source.seen() == before { still + 1 } else { 0 };
        before = source.seen();
        if still >= 5 && source.exit_code().is_none() {
            stopped = true;
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
        }
    });
    assert!(stopped);
    assert_eq!(seen.code, Some(5));
}

#[test]
fn threads_are_tasks_of_their_process() {
    let Some(seen) = work("threads") else { return };
    assert_eq!(seen.code, Some(0));
    let pid = seen.starts[0].pid;
    assert!(seen.starts.iter().all(|start| start.pid == pid));
    let busy = |calls: &&Vec<Call>| {
        let names = Names::here();
        calls.iter().filter(|&&call| names.name(call) == "getppid").count() == 1000
    };
    assert_eq!(seen.calls.values().filter(busy).count(), 4, "each thread's calls are its own");
}

#[test]
#[ignore = "what the test above traces"]
fn work_threads() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                for _ in 0..1000 {
                    nix::unistd::getppid();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_thread_that_executes_takes_its_process_over() {
    let Some(seen) = work("exec_by_thread") else { return };
    assert_eq!(seen.code, Some(6));
    let (task, exe, _) = seen.execs.last().unwrap();
    assert_ne!(*task, seen.starts[0].task, "it was another thread than the first");
    assert!(!exe.ends_with("traceward_capture"), "{exe}");
    let names = Names::here();
    let calls: Vec<&str> = seen.calls[task].iter().map(|&call| names.name(call)).collect();
    assert!(
        calls.contains(&"execve") && calls.last() == Some(&"exit_group"),
        "one task before and after: {calls:?}"
    );
}

#[test]
#[ignore = "what the test above traces"]
fn work_exec_by_thread() {
    use std::os::unix::process::CommandExt;
    let error =
        std::thread::spawn(|| std::process::Command::new("sh").args(["-c", "exit 6"]).exec()).join().unwrap();
    panic!("{error}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn i386_calls_are_marked() {
    let Some(seen) = work("i386") else { return };
    if seen.code == Some(139) {
        println!("skipped: this kernel takes no i386 calls");
        return;
    }
    let marked: Vec<Call> = seen.calls.values().flatten().copied().filter(|call| call.is_i386()).collect();
    assert_eq!(marked, [Call::i386(64); 200]);
    assert_eq!(Names::here().name(marked[0]), "getppid");
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "what the test above traces"]
fn work_i386() {
    for _ in 0..200 {
        let mut result: u32 = 64;
        // SAFETY: getppid takes no arguments and touches no memory; the call by `int 0x80` may clear r8 to r11.
        unsafe {
            std::arch::asm!("int 0x80", inout("eax") result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        assert_ne!(result, 64);
    }
}

#[test]
fn what_cannot_be_started_is_said() {
    let refused = |command: &str| match Ptrace::launch(OsStr::new(command), &[]) {
        Err(CaptureError::Start { command: said, error }) => {
            assert_eq!(said, command);
            Some(error.kind())
        }
        Err(CaptureError::Refused { .. }) => None,
        other => panic!("{other:?}"),
    };
    let kinds = [refused("no-such-command-anywhere"), refused("/no/such/file"), refused("/etc/passwd")];
    let expected = [io::ErrorKind::NotFound, io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
    assert!(
        kinds.iter().zip(expected).all(|(kind, expected)| kind.is_none_or(|kind| kind == expected)),
        "{kinds:?}"
    );
}

#[test]
fn the_end_of_the_capture_is_the_end_of_the_command_with_all_that_it_started() {
    let Some(mut source) = launch(&["sh", "-c", "sleep 1000 & sleep 1000"]) else { return };
    let mut pids = Vec::new();
    while pids.len() < 3 {
        let note = &mut |event: Event<'_>| {
            if let Event::Start(start) = event {
                pids.push(start.pid);
            }
        };
        source.poll(Duration::from_millis(20), note).unwrap();
    }
    let mut exits = 0;
    source.finish(&mut |event| exits += u32::from(matches!(event, Event::Exit { .. }))).unwrap();
    assert_eq!((exits, source.exit_code()), (3, Some(137)));
    assert_eq!(source.poll(Duration::ZERO, &mut |_| panic!("all has been told")).unwrap(), State::Ended);
    for pid in pids {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Orphans may wait for whoever takes them in.
        assert!(state.is_empty() || state.contains(") Z ") || state.contains(") X "), "{state}");
    }
}

#[test]
fn other_children_are_left_to_their_parents() {
    let Some(source) = launch(&["sh", "-c", "sleep 0.2"]) else { return };
    let mut other = std::process::Command::new("true").spawn().unwrap();
    let seen = follow(source, |_| {});
    assert!(other.wait().unwrap().success());
    assert_eq!(seen.code, Some(0));
}

#[test]
fn what_a_command_did_is_known_by_name() {
    let Some(mut source) = launch(&["sh", "-c", "ls / > /dev/null; exit 0"]) else { return };
    let (mut cutter, mut processes) = (Cutter::new(4096, 100), Processes::default());
    let mut ended = Vec::new();
    let mut state = State::Running;
    while state == State::Running {
        let each = &mut |event: Event<'_>| {
            processes.event(&event);
            cutter.event(&event, &mut |cut| match cut {
                Cut::Begin(_, head) => assert!(!head.joined && head.lost == 0),
                Cut::Forget(_, task) => {
                    ended.push(processes.task(task).unwrap().process.clone());
                    processes.forget(task);
                }
                _ => {}
            });
        };
        state = source.poll(Duration::from_millis(50), each).unwrap();
    }
    let ls = ended.iter().find(|process| process.comm == "ls").unwrap();
    assert_eq!(ls.cmdline.as_deref(), Some("ls /"));
    assert_eq!(ls.parent.as_ref().unwrap().cmdline.as_deref(), Some("sh -c ls / > /dev/null; exit 0"));
    assert_eq!(ls.parent.as_ref().unwrap().parent.as_ref().unwrap().pid, std::process::id());
    assert!(processes.is_empty() && cutter.is_empty());
}
