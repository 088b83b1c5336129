//! Captures by eBPF of programs whose calls are known. Each test says `skipped: why` where the kernel or the
//! rights do not allow it.
//!
//! What must make its calls in a process of its own is an ignored test here, run by the test that captures it.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panics and say what they skip")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use traceward_capture::bpf::{Bpf, Options, Scope};
use traceward_capture::{Call, CaptureError, Comm, Event, Losses, Names, Source, Start, State, TaskId};

/// What a test waits for takes far less; only a fault takes so long.
const LONG: Duration = Duration::from_secs(60);

/// An execution, with the text of its own.
#[derive(Debug, PartialEq)]
struct Executed {
    task: TaskId,
    comm: Comm,
    exe: String,
    cmdline: Vec<u8>,
}

/// All that a capture told.
#[derive(Debug, Default)]
struct Told {
    starts: Vec<Start>,
    execs: Vec<Executed>,
    exits: BTreeMap<TaskId, u64>,
    calls: BTreeMap<TaskId, Vec<Call>>,
    /// The index of each task's next call.
    next: BTreeMap<TaskId, u64>,
    gaps: u64,
}

impl Told {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(start) => self.starts.push(start),
            Event::Exec(exec) => self.execs.push(Executed {
                task: exec.task,
                comm: exec.comm,
                exe: String::from_utf8_lossy(exec.exe).into_owned(),
                cmdline: exec.cmdline.to_vec(),
            }),
            Event::Calls { task, first, calls, .. } => {
                let next = self.next.entry(task).or_default();
                self.gaps += first.saturating_sub(*next);
                *next = (*next).max(first);
                let new = calls.get((*next - first) as usize..).unwrap_or_default();
                *next += new.len() as u64;
                self.calls.entry(task).or_default().extend(new);
            }
            Event::Exit { task, calls, .. } => {
                self.gaps += calls - self.next.get(&task).copied().unwrap_or(0);
                assert_eq!(self.exits.insert(task, calls), None, "one exit a task");
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = Call> {
        self.calls.values().flatten().copied()
    }

    fn count(&self, name: &str) -> usize {
        let names = Names::here();
        self.all().filter(|&call| names.name(call) == name).count()
    }
}

/// Whether this machine lets us.
fn allowed() -> bool {
    match Bpf::available() {
        Ok(()) => true,
        Err(error) => {
            println!("skipped: {error}");
            false
        }
    }
}

fn open(scope: Scope) -> Bpf {
    Bpf::open(&Options { scope, ..Options::default() }).unwrap()
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// Polls until something holds, or the capture ends.
fn until(bpf: &mut Bpf, told: &mut Told, mut enough: impl FnMut(&Told) -> bool) -> State {
    let begin = Instant::now();
    while !enough(told) {
        assert!(begin.elapsed() < LONG, "nothing came of it: {told:?}");
        if bpf.poll(Duration::from_millis(50), &mut |event| told.take(event)).unwrap() == State::Ended {
            return State::Ended;
        }
    }
    State::Running
}

/// All that a command does, and how it ended.
fn launch(command: &[&str]) -> (Told, Bpf) {
    let mut bpf = open(Scope::Launch(words(command)));
    let mut told = Told::default();
    assert_eq!(until(&mut bpf, &mut told, |_| false), State::Ended);
    assert_eq!(bpf.losses(), Losses::default());
    assert_eq!((told.gaps, told.all().count() as u64), (0, bpf.seen()));
    assert_eq!(told.exits.len(), told.starts.len());
    (told, bpf)
}

/// The command line that runs an ignored test of this file.
fn work(name: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    [&program, "--ignored", "--exact", name, "--test-threads=1"].map(str::to_owned).to_vec()
}

/// A process of ours, gone at the end.
struct Running(Child);

impl Running {
    /// Starts a shell's script that says a line once all is there.
    fn script(script: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The scripts end with what they read.
        drop(self.0.stdin.take());
        if thread::panicking() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

/// A launched command, ended with the test whatever becomes of that.
struct Ended(u32);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.to_string()).status();
    }
}

#[test]
fn every_call_is_counted() {
    if !allowed() {
        return;
    }
    let copy = |blocks: usize| {
        let count = format!("count={blocks}");
        let (told, bpf) = launch(&["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none", &count]);
        assert_eq!(bpf.exit_code(), Some(0));
        (told.count("read"), told.count("write"))
    };
    // The loader reads headers of libraries; how many is the same each time.
    let (few, many) = (copy(1000), copy(50_000));
    assert_eq!((many.0 - few.0, many.1 - few.1), (49_000, 49_000));
    assert_eq!(few.1, 1000);
}

#[test]
fn strace_counts_the_same() {
    if !allowed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let counts = folder.path().join("counts");
    let command = ["/bin/sh", "-c", "/bin/ls / >/dev/null; /bin/cat /etc/passwd >/dev/null"];
    let strace = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-o"])
        .arg(&counts)
        .args(command)
        .status();
    if !strace.is_ok_and(|status| status.success()) {
        println!("skipped: strace is not here, or may not trace");
        return;
    }
    let (told, _) = launch(&command);
    let table = fs::read_to_string(&counts).unwrap();
    let counted: BTreeMap<&str, usize> = table
        .lines()
        .filter_map(|line| line.trim().split_once(char::is_whitespace))
        .filter_map(|(calls, name)| Some((name.trim(), calls.parse().ok()?)))
        .filter(|&(name, _)| name != "total")
        .collect();
    assert!(counted["execve"] == 3 && counted.len() > 10, "{counted:?}");
    let ours: BTreeMap<&str, usize> = counted.keys().map(|&name| (name, told.count(name))).collect();
    assert_eq!(ours, counted);
    // It counts calls as they return, and these never do.
    assert_eq!(told.all().count() - told.count("exit_group"), counted.values().sum::<usize>());
    assert_eq!(told.count("exit_group"), 3);
}

#[test]
fn children_are_followed() {
    if !allowed() {
        return;
    }
    let (told, bpf) =
        launch(&["/bin/sh", "-c", "i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done; exit 3"]);
    assert_eq!(bpf.exit_code(), Some(3));
    assert_eq!((told.starts.len(), told.execs.len()), (201, 201));
    let shell = told.starts[0];
    assert_eq!((shell.pid, shell.parent, shell.born), (bpf.launched_pid().unwrap(), None, true));
    for child in &told.starts[1..] {
        assert_eq!((child.parent, child.ppid, child.born), (Some(shell.task), shell.pid, true));
        assert_eq!(child.pid, child.tid);
        assert!(child.at >= shell.at && child.pid != 0);
    }
    let distinct: std::collections::BTreeSet<TaskId> = told.starts.iter().map(|start| start.task).collect();
    assert_eq!(distinct.len(), 201, "no number is used twice");
    assert_eq!(told.exits.values().sum::<u64>(), bpf.seen());
}

#[test]
fn executions_say_file_and_arguments() {
    if !allowed() {
        return;
    }
    let long = "x".repeat(2000);
    let (told, _) = launch(&["sh", "-c", "/bin/echo 'two words' '' >/dev/null; exec /bin/true $0", &long]);
    let [shell, echo, last] = &told.execs[..] else { panic!("{:?}", told.execs) };
    assert!(shell.exe.ends_with("/sh") && shell.cmdline.starts_with(b"sh\0-c\0/bin/echo"));
    assert_eq!(told.count("execve"), 3, "the search for the first one does not count");
    assert_eq!(Names::here().name(told.calls[&shell.task][0]), "execve");
    assert_eq!((&*echo.exe, echo.comm), ("/bin/echo", Comm::of(b"echo")));
    assert_eq!(echo.cmdline, b"/bin/echo\0two words\0\0");
    assert_eq!((&*last.exe, last.task), ("/bin/true", shell.task), "a task stays who it is");
    assert_eq!(last.cmdline.len(), 512, "cut short");
    assert!(last.cmdline.starts_with(b"/bin/true\0xxx"));
}

#[test]
fn threads_are_told_apart() {
    if !allowed() {
        return;
    }
    let work = work("work_threads");
    let (told, bpf) = launch(&work.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(bpf.exit_code(), Some(0));
    let pid = bpf.launched_pid().unwrap();
    let names = Names::here();
    let busy = told.starts.iter().filter(|start| {
        let calls = told.calls[&start.task].iter().filter(|&&call| names.name(call) == "getppid").count();
        assert!(calls == 0 || calls == 1000, "{calls}");
        calls > 0
    });
    let busy: Vec<&Start> = busy.collect();
    assert_eq!(busy.len(), 4);
    assert!(busy.iter().all(|start| start.pid == pid && start.tid != pid), "{busy:?}");
}

#[test]
#[ignore = "what the test above captures"]
fn work_threads() {
    let work = || (0..1000).for_each(|_| assert_ne!(std::os::unix::process::parent_id(), 0));
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(work)).collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn i386_calls_are_marked() {
    if !allowed() {
        return;
    }
    let work = work("work_i386");
    let (told, bpf) = launch(&work.iter().map(String::as_str).collect::<Vec<_>>());
    if bpf.exit_code() != Some(0) {
        println!("skipped: this kernel takes no i386 calls");
        return;
    }
    let marked: Vec<Call> = told.all().filter(|call| call.is_i386()).collect();
    assert_eq!(marked, [Call::i386(64); 200]);
}

#[cfg(target_arch = "x86_64")]
#[test]
#[ignore = "what the test above captures"]
fn work_i386() {
    for _ in 0..200 {
        let mut result: u32 = 64;
        // SAFETY: getppid takes no arguments and touches no memory; a call by `int 0x80` may clear r8 to r11.
        unsafe {
            std::arch::asm!("int 0x80", inout("eax") result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
        }
        assert_ne!(result, 64);
    }
}

#[test]
fn what_a_stalled_reader_loses_is_counted() {
    if !allowed() {
        return;
    }
    let command = words(&["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none", "count=200000"]);
    let mut bpf =
        Bpf::open(&Options { scope: Scope::Launch(command), ring_bytes: 1, ..Options::default() }).unwrap();
    let begin = Instant::now();
    while bpf.losses().ring_full < 10_000 {
        assert!(begin.elapsed() < LONG);
        thread::sleep(Duration::from_millis(5));
    }
    let mut told = Told::default();
    assert_eq!(until(&mut bpf, &mut told, |_| false), State::Ended);
    let losses = bpf.losses();
    assert_eq!((losses.events, losses.no_memory), (0, 0), "room is left for what is not calls");
    assert_eq!(told.gaps, losses.ring_full, "each is seen as a gap");
    assert_eq!(told.all().count() as u64 + losses.calls(), bpf.seen());
    assert_eq!(told.exits.values().sum::<u64>(), bpf.seen());
    assert!(bpf.seen() > 400_000);
}

#[test]
fn an_idle_task_is_heard() {
    if !allowed() {
        return;
    }
    let mut bpf = open(Scope::Launch(words(&["sleep", "100"])));
    let sleeper = Ended(bpf.launched_pid().unwrap());
    let mut told = Told::default();
    let asleep = |told: &Told| told.count("clock_nanosleep") == 1;
    assert_eq!(until(&mut bpf, &mut told, asleep), State::Running);
    drop(sleeper);
    assert_eq!(until(&mut bpf, &mut told, |_| false), State::Ended);
    assert_eq!(bpf.exit_code(), Some(128 + 15));
    assert_eq!((told.gaps, told.all().count() as u64), (0, bpf.seen()), "nothing is told or counted twice");
}

#[test]
fn a_running_task_may_be_swept() {
    if !allowed() {
        return;
    }
    let command = words(&["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none", "count=400000"]);
    let options = Options { scope: Scope::Launch(command), sweep: Duration::ZERO, ..Options::default() };
    let mut bpf = Bpf::open(&options).unwrap();
    let (mut told, mut repeated) = (Told::default(), 0);
    let begin = Instant::now();
    // Without a pause: as many sweeps as there can be.
    let mut each = |event: Event<'_>| {
        if let Event::Calls { task, first, .. } = event {
            repeated += u64::from(told.next.get(&task).is_some_and(|&next| first < next));
        }
        told.take(event);
    };
    while bpf.poll(Duration::ZERO, &mut each).unwrap() == State::Running {
        assert!(begin.elapsed() < LONG);
    }
    assert!(repeated > 0, "no sweep met a batch half full");
    assert_eq!((told.gaps, told.all().count() as u64), (0, bpf.seen()), "told once, counted once");
    let names = Names::here();
    let calls: Vec<&str> = told.all().map(|call| names.name(call)).collect();
    let first = calls.iter().position(|&name| name == "write").unwrap();
    let copying = calls[first..].chunks_exact(2).take(399_999);
    assert!(copying.clone().all(|pair| pair == ["write", "read"]), "its calls, in their order");
    assert_eq!(copying.count(), 399_999);
}

#[test]
fn a_capture_ends_with_the_last_descendant() {
    if !allowed() {
        return;
    }
    let (told, bpf) = launch(&["/bin/sh", "-c", "{ sleep 0.3; exec /bin/echo -n; } & exit 4"]);
    assert_eq!(bpf.exit_code(), Some(4));
    assert!(told.execs.iter().any(|exec| exec.exe == "/bin/echo"), "{:?}", told.execs);
}

#[test]
fn what_is_held_back_comes_at_the_end() {
    if !allowed() {
        return;
    }
    let scope = Scope::Launch(words(&["sleep", "100"]));
    let mut bpf = Bpf::open(&Options { scope, sweep: LONG * 1000, ..Options::default() }).unwrap();
    let sleeper = Ended(bpf.launched_pid().unwrap());
    let begin = Instant::now();
    while !asleep(sleeper.0) {
        assert!(begin.elapsed() < LONG);
        thread::sleep(Duration::from_millis(5));
    }
    let mut told = Told::default();
    bpf.finish(&mut |event| told.take(event)).unwrap();
    assert!(told.count("execve") >= 1);
    assert_eq!(told.all().count() as u64, bpf.seen());
    assert_eq!(bpf.poll(Duration::ZERO, &mut |_| panic!("no more")).unwrap(), State::Ended);
}

/// Whether a process waits.
fn asleep(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.contains("State:\tS")
}

#[test]
fn a_running_tree_is_joined() {
    if !allowed() {
        return;
    }
    let running = Running::script("sh -c 'echo there; read line; exec /bin/true'; exit");
    let pid = running.0.id();
    let mut bpf = open(Scope::Tree(vec![pid]));
    let mut told = Told::default();
    until(&mut bpf, &mut told, |told| told.starts.len() >= 2);
    let [outer, inner] = &told.starts[..] else { panic!("{:?}", told.starts) };
    assert_eq!((outer.pid, outer.born, outer.parent, outer.ppid), (pid, false, None, std::process::id()));
    assert_eq!((inner.born, inner.parent, inner.ppid), (false, Some(outer.task), pid));
    drop(running);
    assert_eq!(until(&mut bpf, &mut told, |_| false), State::Ended, "with the last of the tree");
    assert_eq!(told.exits.len(), told.starts.len());
    assert!(
        matches!(Bpf::open(&Options { scope: Scope::Tree(vec![pid]), ..Options::default() }), Err(CaptureError::NoProcess(none)) if none == pid)
    );
}

#[test]
fn the_whole_system_is_all_but_ourselves() {
    if !allowed() {
        return;
    }
    let mut bpf = open(Scope::System);
    let mut told = Told::default();
    let running = Running::script("echo there; read line; exit");
    let pid = running.0.id();
    until(&mut bpf, &mut told, |told| told.starts.iter().any(|start| start.pid == pid));
    let task = told.starts.iter().find(|start| start.pid == pid).unwrap().task;
    drop(running);
    until(&mut bpf, &mut told, |told| told.exits.contains_key(&task));
    assert!(told.starts.iter().all(|start| start.pid != std::process::id()));
}

#[test]
fn a_control_group_is_captured_with_those_below() {
    if !allowed() {
        return;
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount =
        mounts.lines().find(|line| line.contains(" - cgroup2 ")).and_then(|line| line.split(' ').nth(4));
    let name = format!("traceward-test-{}", std::process::id());
    let Some(group) =
        mount.map(|mount| Path::new(mount).join(&name)).filter(|group| fs::create_dir(group).is_ok())
    else {
        println!("skipped: no control group can be made here");
        return;
    };
    let below = group.join("below");
    fs::create_dir(&below).unwrap();
    let mut bpf = open(Scope::Group(name));
    let mut told = Told::default();
    let outside = Running::script("echo there; /bin/true; read line; exit");
    let join = format!("echo $$ > {}/cgroup.procs; echo there; /bin/true; read line; exit", below.display());
    let running = Running::script(&join);
    let (pid, other) = (running.0.id(), outside.0.id());
    drop((running, outside));
    until(&mut bpf, &mut told, |told| told.exits.len() == 2);
    fs::remove_dir(below).unwrap();
    fs::remove_dir(group).unwrap();
    let [shell, child] = &told.starts[..] else { panic!("{:?}", told.starts) };
    assert_eq!((shell.pid, shell.born, child.parent, child.ppid), (pid, false, Some(shell.task), pid));
    assert!(shell.cgroup > 1 && shell.cgroup == child.cgroup);
    assert!(told.starts.iter().all(|start| start.pid != other && start.ppid != other));
    assert!(matches!(
        Bpf::open(&Options { scope: Scope::Group("no/such group".to_owned()), ..Options::default() }),
        Err(CaptureError::NoGroup(_))
    ));
}

#[test]
fn pids_are_those_of_the_agents_namespace() {
    if !allowed() {
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc"]).args(work("work_in_a_namespace")).stdout(Stdio::null());
    match command.status().map(|status| status.code()) {
        Ok(Some(0)) => {}
        Ok(Some(101)) => panic!("the agent in the namespace failed; its message is above"),
        other => println!("skipped: no pid namespace can be made here: {other:?}"),
    }
}

#[test]
#[ignore = "what the test above runs"]
fn work_in_a_namespace() {
    let (told, bpf) = launch(&["/bin/sh", "-c", "/bin/true; exit"]);
    let pid = bpf.launched_pid().unwrap();
    assert!(pid < 100 && std::process::id() == 1, "a namespace of our own");
    let [shell, child] = &told.starts[..] else { panic!("{:?}", told.starts) };
    assert_eq!((shell.pid, shell.tid, shell.ppid), (pid, pid, 1));
    assert_eq!(child.ppid, pid);
    assert!(child.pid > pid && child.pid < 100);
}

#[test]
fn no_rights_are_needed_once_it_runs() {
    if !allowed() {
        return;
    }
    // Capabilities are a thread's own.
    let agent = thread::spawn(|| {
        let mut bpf = open(Scope::Launch(words(&["sleep", "100"])));
        let sleeper = Ended(bpf.launched_pid().unwrap());
        keep_capabilities(&[]);
        assert!(
            matches!(Bpf::available(), Err(CaptureError::Refused { .. }))
                || fs::exists("/proc/thread-self").unwrap()
        );
        let mut told = Told::default();
        until(&mut bpf, &mut told, |told| told.count("clock_nanosleep") == 1);
        drop(sleeper);
        assert_eq!(until(&mut bpf, &mut told, |_| false), State::Ended);
        assert_eq!(told.all().count() as u64, bpf.seen());
    });
    agent.join().unwrap();
}

#[test]
fn two_capabilities_are_enough_and_one_is_not() {
    const CAP_PERFMON: u32 = 38;
    const CAP_BPF: u32 = 39;
    if !allowed() {
        return;
    }
    let agent = thread::spawn(|| {
        keep_capabilities(&[CAP_BPF, CAP_PERFMON]);
        let (told, _) = launch(&["/bin/sh", "-c", "/bin/true; exit"]);
        assert_eq!(told.execs.len(), 2);
        keep_capabilities(&[CAP_BPF]);
        let error = Bpf::open(&Options::default()).unwrap_err().to_string();
        assert_eq!(error, "capturing by eBPF cannot be done: CAP_PERFMON is missing");
        keep_capabilities(&[]);
        assert!(Bpf::available().unwrap_err().to_string().contains("CAP_BPF and CAP_PERFMON are missing"));
    });
    agent.join().unwrap();
}

/// Gives up what else the calling thread has.
fn keep_capabilities(kept: &[u32]) {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    // Effective, permitted, inheritable: the lower halves, then the upper ones.
    let mut sets = [0u32; 6];
    for capability in kept {
        let half = 3 * (capability / 32) as usize;
        sets[half] |= 1 << (capability % 32);
        sets[half + 1] = sets[half];
    }
    // SAFETY: the header says how long the sets are, which are only read.
    let done = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) };
    assert_eq!(done, 0);
}

#[test]
fn it_says_what_it_captures() {
    if !allowed() {
        return;
    }
    assert_eq!(open(Scope::System).describe(), "eBPF, the whole system");
    let (_, bpf) = launch(&["/bin/true"]);
    assert_eq!(bpf.describe(), "eBPF, /bin/true and all that descends from it");
    let error = Bpf::open(&Options { scope: Scope::Launch(words(&["/no/such/file"])), ..Options::default() })
        .unwrap_err();
    assert!(matches!(error, CaptureError::Start { .. }), "{error}");
}
