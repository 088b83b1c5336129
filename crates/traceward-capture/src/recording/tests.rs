use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use serde_json::Value;
use traceward_trace::{Abi, Dataset, ReadOptions};

use super::*;
use crate::{Comm, Cutter, Event, Exec, Start, TaskId};

fn options(target: Target) -> Options {
    Options {
        names: Names::of(Abi::X86_64),
        class: Some("normal".into()),
        ..Options::new(target, "host-1".into())
    }
}

fn read(path: &Path) -> Dataset {
    traceward_trace::read(path, &ReadOptions { strict: true, ..ReadOptions::default() }).unwrap()
}

fn names(data: &Dataset, trace: usize) -> Vec<&str> {
    data.traces[trace].calls.iter().map(|&id| data.calls.name(id)).collect()
}

/// A capture's events through a cutter into a recording, as a program does it.
struct Capture {
    cutter: Cutter,
    processes: Processes,
    recorder: Recorder,
}

impl Capture {
    fn new(window: u32, options: Options) -> Self {
        Self {
            cutter: Cutter::new(window, 100),
            processes: Processes::new(100, "/nowhere".into()),
            recorder: Recorder::new(options).unwrap(),
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        let Self { cutter, processes, recorder } = self;
        processes.event(event);
        cutter.event(event, &mut |cut| {
            recorder.cut(&cut, processes);
            if let Cut::Forget(_, task) = cut {
                processes.forget(task);
            }
        });
    }

    fn stop(&mut self) {
        let Self { cutter, processes, recorder } = self;
        cutter.finish(0, &mut |cut| recorder.cut(&cut, processes));
    }

    fn start(&mut self, task: u64, pid: u32) {
        self.event(&Event::Start(Start {
            task: TaskId(task),
            parent: (task > 1).then(|| TaskId(task - 1)),
            pid,
            tid: pid,
            ppid: 0,
            at: 0,
            born: true,
            uid: 1000,
            comm: Comm::of(b"sh"),
            cgroup: 0,
        }));
    }

    fn calls(&mut self, task: u64, first: u64, calls: &[u64]) {
        let calls: Vec<Call> = calls.iter().map(|&number| Call::new(number)).collect();
        self.event(&Event::Calls { task: TaskId(task), first, at: clock::monotonic(), calls: &calls });
    }

    fn exit(&mut self, task: u64, calls: u64) {
        self.event(&Event::Exit { task: TaskId(task), calls, at: 7 });
    }
}

fn exec<'a>(task: u64, exe: &'a str, cmdline: &'a str) -> Event<'a> {
    let (exe, cmdline) = (exe.as_bytes(), cmdline.as_bytes());
    Event::Exec(Exec { task: TaskId(task), at: 0, uid: 1001, comm: Comm::of(b"ls"), exe, cmdline, cgroup: 0 })
}

#[test]
fn a_recording_says_whose_calls_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.jsonl");
    let mut capture =
        Capture::new(3, Options { format: Format::JsonLines, ..options(Target::File(file.clone())) });
    capture.start(1, 10);
    capture.start(2, 20);
    capture.calls(2, 0, &[59]);
    capture.event(&exec(2, "/bin/ls", "ls\0-l\0"));
    capture.calls(2, 1, &[0, 1, 3]);
    capture.calls(2, 9, &[231]);
    capture.exit(2, 10);
    capture.calls(1, 0, &[61, 5000]);
    capture.stop();
    capture.recorder.finish(0).unwrap();
    let lines = std::fs::read_to_string(&file).unwrap();
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            let start = row.as_object_mut().unwrap().remove("start").unwrap().as_i64().unwrap();
            assert!((clock::wall() - start).abs() < 3_600_000_000_000, "{start}");
            row
        })
        .collect();
    compare(&rows);
    let tally = capture.recorder.tally();
    assert_eq!((tally.traces, tally.calls, tally.tainted, tally.files), (4, 7, 2, 1));
    assert_eq!(tally.first_files, [file]);
}

/// The whole of what stands in the file.
fn compare(rows: &[Value]) {
    let ls = |calls: Value, first: u64, lost: u64, end: &str| {
        let mut row = serde_json::json!({
            "calls": calls, "class": "normal", "group": "host-1", "abi": "x86_64",
            "source": format!("host-1!2-{first} ls[20]"), "lost": lost,
            "task": 2, "parent": 1, "first": first, "pid": 20, "tid": 20, "ppid": 10, "uid": 1001,
            "comm": "ls", "exe": "/bin/ls", "cmdline": "ls -l", "born": 1, "end": end,
        });
        if lost == 0 {
            row.as_object_mut().unwrap().remove("lost");
        }
        row
    };
    assert_eq!(rows[0], ls(serde_json::json!(["execve", "read", "write"]), 0, 0, "window"));
    assert_eq!(rows[1], ls(serde_json::json!(["close"]), 3, 5, "lost"));
    assert_eq!(rows[2], ls(serde_json::json!(["exit_group"]), 9, 5, "exit"));
    let sh = serde_json::json!({
        "calls": ["wait4", "#32767"], "class": "normal", "group": "host-1", "abi": "x86_64",
        "source": "host-1!1-0 sh[10]", "task": 1, "first": 0, "pid": 10, "tid": 10, "uid": 1000,
        "comm": "sh", "born": 1, "end": "stopped",
    });
    assert_eq!(rows[3], sh);
}

#[test]
fn files_in_a_folder_follow_each_other_by_size_and_by_age() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new/recording");
    let age = Duration::from_secs(60);
    let asked = Options {
        file_calls: 10 * (TRACE_COSTS + 2),
        file_age: age,
        ..options(Target::Folder(target.clone()))
    };
    let mut capture = Capture::new(2, asked);
    for n in 0..25 {
        capture.calls(1, 2 * n, &[0, 1]);
        capture.recorder.tick(1).unwrap();
    }
    capture.recorder.tick(age.as_nanos() as u64 / 2).unwrap();
    assert_eq!(capture.recorder.held(), 5, "neither many nor old");
    capture.calls(1, 50, &[0]);
    capture.recorder.tick(u64::MAX / 2).unwrap();
    capture.recorder.finish(0).unwrap();
    capture.stop();
    capture.recorder.finish(0).unwrap();
    capture.recorder.finish(0).unwrap();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let lengths: Vec<usize> = files.iter().map(|file| read(file).traces.len()).collect();
    assert_eq!(lengths, [10, 10, 5, 1]);
    assert_eq!(files, capture.recorder.tally().first_files, "names sort by time");
    assert_eq!(read(&target).traces.len(), 26, "the folder is a data set");
}

#[test]
fn one_file_that_would_be_too_large_goes_on_in_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.parquet");
    let mut capture = Capture::new(2, Options { file_calls: 1, ..options(Target::File(file.clone())) });
    for n in 0..3 {
        capture.calls(1, 2 * n, &[0, 1]);
        capture.recorder.tick(1).unwrap();
    }
    capture.recorder.finish(0).unwrap();
    assert_eq!(
        capture.recorder.tally().first_files,
        [file, folder.path().join("r-2.parquet"), folder.path().join("r-3.parquet")]
    );
}

#[test]
fn much_at_once_is_no_reason_to_drop_anything() {
    let folder = tempfile::tempdir().unwrap();
    let asked =
        Options { file_calls: 2 * (TRACE_COSTS + 2), ..options(Target::Folder(folder.path().into())) };
    let mut capture = Capture::new(2, asked);
    for n in 0..20 {
        capture.calls(1, 2 * n, &[0, 1]);
    }
    capture.recorder.tick(0).unwrap();
    capture.recorder.finish(0).unwrap();
    let tally = capture.recorder.tally();
    assert_eq!((tally.traces, tally.dropped_traces), (20, 0));
    assert_eq!(read(folder.path()).traces.len(), 20);
}

#[test]
fn what_cannot_be_written_is_kept_and_tried_again_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("recording");
    let asked = Options { file_calls: 4 * (TRACE_COSTS + 2), ..options(Target::Folder(target.clone())) };
    let mut capture = Capture::new(2, asked);
    // A folder that is gone stands for a disk that is full: the file cannot be made.
    std::fs::remove_dir(&target).unwrap();
    for n in 0..4 {
        capture.calls(1, 2 * n, &[0, 1]);
    }
    capture.recorder.tick(0).unwrap();
    let error = capture.recorder.finish(0).unwrap_err().to_string();
    assert!(error.contains("cannot write") && error.contains("No such file"), "{error}");
    assert_eq!(capture.recorder.held(), 4);
    capture.recorder.tick(RETRY - 1).unwrap();
    assert_eq!(capture.recorder.held(), 4, "not before ten seconds have passed");
    for n in 4..9 {
        capture.calls(1, 2 * n, &[0, 1]);
    }
    assert_eq!(capture.recorder.held(), 4, "the oldest make room");
    let tally = capture.recorder.tally().clone();
    assert_eq!((tally.traces, tally.dropped_traces, tally.dropped_calls, tally.files), (9, 5, 10, 0));
    std::fs::create_dir(&target).unwrap();
    capture.recorder.tick(RETRY).unwrap();
    capture.recorder.finish(0).unwrap();
    let data = read(&target);
    assert_eq!(data.traces.len(), 4);
    assert!(data.traces[0].source.file.ends_with("1-10"), "{:?}", data.traces[0].source);
}

#[test]
fn a_full_disk_is_said_to_be_one_and_nothing_half_written_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path();
    let run = |command: &mut std::process::Command| command.status().is_ok_and(|status| status.success());
    let mount = ["-t", "tmpfs", "-o", "size=16k", "none"];
    if !nix::unistd::geteuid().is_root() || !run(std::process::Command::new("mount").args(mount).arg(disk)) {
        println!("skipped: no small disk can be mounted here");
        return;
    }
    let mut capture = Capture::new(4096, options(Target::File(disk.join("r.parquet"))));
    // Hard to pack: the numbers of a generator.
    let mut state = 1_u64;
    let calls: Vec<u64> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % 335
    })
    .take(60_000)
    .collect();
    capture.calls(1, 0, &calls);
    capture.stop();
    let error = capture.recorder.finish(0).unwrap_err().to_string();
    let left = std::fs::read_dir(disk).unwrap().count();
    let grown = run(std::process::Command::new("mount").args(["-o", "remount,size=1m"]).arg(disk));
    let again = capture.recorder.finish(0);
    let read = grown.then(|| read(&disk.join("r.parquet")));
    assert!(run(std::process::Command::new("umount").arg(disk)));
    assert!(error.contains("No space left on device"), "{error}");
    assert_eq!(left, 0, "nothing half-written");
    again.unwrap();
    assert_eq!(read.unwrap().call_count(), 60_000, "all was kept until there was room");
}

#[test]
fn where_nothing_can_be_written_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |target| Recorder::new(options(target)).unwrap_err().to_string();
    let said = refused(Target::File("/nowhere/at/all.parquet".into()));
    assert!(said.contains("/nowhere/at/all.parquet"), "{said}");
    assert!(refused(Target::File(folder.path().into())).contains("directory"));
    std::fs::write(folder.path().join("file"), "").unwrap();
    refused(Target::Folder(folder.path().join("file")));
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    if !nix::unistd::geteuid().is_root() {
        assert!(refused(Target::File(locked.join("r"))).contains("ermission denied"));
    }
}

#[test]
fn a_task_of_which_nothing_is_known_is_recorded_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.parquet");
    let mut capture = Capture::new(9, Options { class: None, ..options(Target::File(file.clone())) });
    capture.calls(u64::MAX, 3, &[0]);
    capture.stop();
    capture.recorder.finish(0).unwrap();
    let data = read(&file);
    assert_eq!((&*data.traces[0].source.file, data.traces[0].class), ("host-1!18446744073709551615-3", None));
    assert_eq!(names(&data, 0), ["read"]);
}

proptest! {
    /// What is read back is what was cut, by either format.
    #[test]
    fn what_is_read_back_is_what_was_captured(
        pieces in prop::collection::vec((1..4_u64, 0..3_u64, prop::collection::vec(0..2000_u64, 1..30)), 1..30),
        window in 1..50_u32,
        jsonl: bool,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("r");
        let format = if jsonl { Format::JsonLines } else { Format::Parquet };
        let mut capture = Capture::new(window, Options { format, ..options(Target::File(file.clone())) });
        let names = Names::of(Abi::X86_64);
        let mut expected: BTreeMap<u64, Vec<(u64, &str)>> = BTreeMap::new();
        let mut next: BTreeMap<u64, u64> = BTreeMap::new();
        for (task, gap, calls) in &pieces {
            let first = next.get(task).map_or(0, |next| next + gap);
            capture.calls(*task, first, calls);
            let told = expected.entry(*task).or_default();
            told.extend((first..).zip(calls.iter().map(|&number| names.name(Call::new(number)))));
            next.insert(*task, first + calls.len() as u64);
        }
        capture.stop();
        capture.recorder.finish(0).unwrap();
        let data = read(&file);
        let mut found: BTreeMap<u64, Vec<(u64, &str)>> = BTreeMap::new();
        for trace in &data.traces {
            prop_assert!(trace.calls.len() <= window as usize);
            prop_assert_eq!(trace.group.as_deref(), Some("host-1"));
            let (task, first) = trace.source.file["host-1!".len()..].split_once('-').unwrap();
            let first: u64 = first.parse().unwrap();
            found
                .entry(task.parse().unwrap())
                .or_default()
                .extend((first..).zip(trace.calls.iter().map(|&id| data.calls.name(id))));
        }
        for told in found.values_mut() {
            told.sort_unstable();
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(data.traces.len() as u64, capture.recorder.tally().traces);
        prop_assert_eq!(data.traces.iter().filter(|trace| trace.lost > 0).count() as u64, capture.recorder.tally().tainted);
    }
}
