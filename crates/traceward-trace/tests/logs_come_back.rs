//! What tracers would write of random threads is read back to exactly those threads' calls: whole and in halves,
//! out of order, with exits and numbers that come back, over midnight and the end of a count.

#![expect(clippy::unwrap_used, reason = "helpers of tests; clippy knows test functions only")]

use std::collections::HashMap;
use std::fmt::Write;

use proptest::prelude::*;
use traceward_trace::{Abi, Dataset, ReadOptions, read};

const CALLS: [&str; 7] = ["read", "openat", "rt_sigaction", "futex", "clone", "execve", "close"];

/// What one of the threads does next.
#[derive(Clone, Copy, Debug)]
enum Act {
    Call(&'static str),
    /// The thread ends; what comes by its number then is another's.
    Exit,
}

/// One step: which number, and what.
type Step = (usize, Act);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let act = prop_oneof![
        12 => prop::sample::select(CALLS.to_vec()).prop_map(Act::Call),
        1 => Just(Act::Exit),
    ];
    prop::collection::vec((0_usize..4, act), 1..60)
}

/// Where lines are put that may come in any order.
fn keys() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(any::<u32>(), 200)
}

/// The lines in the order of the keys.
fn shuffled(lines: &[String], keys: &[u32]) -> String {
    let mut places: Vec<usize> = (0..lines.len()).collect();
    places.sort_by_key(|&place| keys[place % keys.len()]);
    places.into_iter().map(|place| format!("{}\n", lines[place])).collect()
}

/// The traces there should be, in order of their first calls; `last` is a call that ends a thread.
fn expected(steps: &[Step], last: Option<&'static str>) -> Vec<Vec<&'static str>> {
    let mut traces: Vec<Vec<&'static str>> = Vec::new();
    let mut live: HashMap<usize, usize> = HashMap::new();
    for &(thread, act) in steps {
        let call = match act {
            Act::Call(call) => Some(call),
            Act::Exit => last,
        };
        if let Some(call) = call {
            let place = *live.entry(thread).or_insert(traces.len());
            if place == traces.len() {
                traces.push(Vec::new());
            }
            traces[place].push(call);
        }
        if matches!(act, Act::Exit) {
            live.remove(&thread);
        }
    }
    traces
}

fn named(data: &Dataset) -> Vec<Vec<&str>> {
    data.traces.iter().map(|trace| trace.calls.iter().map(|&call| data.calls.name(call)).collect()).collect()
}

/// Reads without a skipped line. No call at all is no trace.
fn read_all(text: &str, abi: Option<Abi>) -> Option<Dataset> {
    match read::bytes("a.log", text.as_bytes(), &ReadOptions { strict: true, abi, ..ReadOptions::default() })
    {
        Ok(data) => Some(data),
        Err(traceward_trace::Error::Empty { .. } | traceward_trace::Error::UnknownFormat { .. }) => None,
        Err(error) => panic!("{error}:\n{text}"),
    }
}

/// Compares, in order where lines stand in it.
fn compare(text: &str, abi: Option<Abi>, mut wanted: Vec<Vec<&'static str>>, in_order: bool) {
    let data = read_all(text, abi);
    let mut found = data.as_ref().map(named).unwrap_or_default();
    if !in_order {
        wanted.sort();
        found.sort();
    }
    assert_eq!(found, wanted, "{text}");
}

fn number(call: &str) -> u32 {
    Abi::X86_64.number_of(call).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// strace: halves, signals and strace's own words between the calls, all kinds of times.
    #[test]
    fn strace(
        steps in steps(),
        halves in prop::collection::vec(0_u8..6, 60),
        time in prop::sample::select(vec![
            "", "02:40:41 ", "02:40:41.031682 ", "1795401641.432217 ", "     0.000282 ", "16:06:50.9 (+     0.000620) ",
            "02:40:41 [  59] ", "[ 59] [00007f7f35836353] ", "[????????????????] ",
        ]),
        bracketed in any::<bool>(),
        comm in prop::sample::select(vec!["", "<sh>", "<my cmd>"]),
    ) {
        let mut text = String::new();
        let mut inside: HashMap<usize, &str> = HashMap::new();
        for (&(thread, act), half) in steps.iter().zip(halves) {
            let pid = if bracketed { format!("[pid {:>5}{comm}] {time}", 100 + thread) } else { format!("{}{comm} {time}", 100 + thread) };
            if let Some(call) = inside.remove(&thread) {
                let resumed = ["", " => {parent_tid=[7]}, 88"][usize::from(call == "clone")];
                writeln!(text, "{pid}<... {call} resumed>{resumed}) = 0 <0.000011>").unwrap();
            }
            match (act, half) {
                (Act::Exit, _) => writeln!(text, "{pid}+++ exited with 0 +++").unwrap(),
                (Act::Call(call), 0) => {
                    writeln!(text, "{pid}{call}(3, \"a = (b\", <unfinished ...>").unwrap();
                    inside.insert(thread, call);
                }
                (Act::Call(call), 1) => {
                    writeln!(text, "{pid}{call}({{flags=A|B}}strace: Process 77 attached").unwrap();
                    inside.insert(thread, call);
                }
                (Act::Call(call), 2) => {
                    writeln!(text, "{pid}--- SIGCHLD {{si_signo=SIGCHLD, si_pid=7}} ---\n{pid}{call}() = ?").unwrap();
                }
                (Act::Call(call), _) => writeln!(text, "{pid}{call}(1, [\"resumed>\"], 0x7f) = -1 ENOENT").unwrap(),
            }
        }
        compare(&text, None, expected(&steps, None), true);
    }

    /// auditd: any order of records, the count's end anywhere, other records between, several a millisecond.
    #[test]
    fn auditd(steps in steps(), keys in keys(), start in prop_oneof![any::<u32>(), u32::MAX - 50..=u32::MAX], hosts in any::<bool>(), each in 1_u64..20) {
        let mut lines = Vec::new();
        for (place, &(thread, act)) in (0_u64..).zip(&steps) {
            let call = if let Act::Call(call) = act { call } else { "exit_group" };
            let serial = start.wrapping_add(place as u32);
            let time = 1_492_037_289_295 + place / each;
            let stamp = format!("msg=audit({}.{:03}:{serial})", time / 1000, time % 1000);
            // Two threads of one number on two hosts.
            let (node, pid) = if hosts { (["", "node=b "][thread % 2], 100 + thread / 2) } else { ("", 100 + thread) };
            let number = number(call);
            lines.push(format!(
                "{node}type=SYSCALL {stamp}: arch=c000003e syscall={number} success=yes items=0 ppid=1 pid={pid} comm=\"a pid=1\""
            ));
            if place % 3 == 0 {
                lines.push(format!("{node}type=PROCTITLE {stamp}: proctitle=\"syscall=9 pid=1\""));
            }
        }
        let text = shuffled(&lines, &keys);
        compare(&text, None, expected(&steps, Some("exit_group")), false);
        if !hosts {
            let data = read_all(&text, None).unwrap();
            prop_assert!(data.report.notes.is_empty(), "{:?}", data.report.notes);
        }
    }

    /// LID-DS 2021: entries and exits of calls in any order of lines.
    #[test]
    fn lid_ds_2021(steps in steps(), keys in keys(), comm in "[a-z<>]{1,6}( [A-Z]{1,4})?") {
        let comm = comm.replace(['<', '>'], "_");
        let mut lines = Vec::new();
        let line = |place: u64, thread: usize, rest: &str| {
            format!("{} 33 900 {comm} {} {rest}", 1_631_209_047_762_064_269 + place, 100 + thread)
        };
        for (place, &(thread, act)) in (0_u64..).zip(&steps) {
            let call = if let Act::Call(call) = act { call } else { "exit_group" };
            lines.push(line(10 * place, thread, &format!("{call} > fd=9(<f>/etc/group) name=< >")));
            if matches!(act, Act::Call(_)) {
                lines.push(line(10 * place + 3, thread, &format!("{call} < res=0 data=x")));
            }
            lines.push(line(10 * place + 5, thread, "switch > next=7"));
        }
        compare(&shuffled(&lines, &keys), None, expected(&steps, Some("exit_group")), false);
    }

    /// LID-DS 2019 and sysdig: a clock that passes midnight, neighbouring lines changed round.
    #[test]
    fn lid_ds_2019_and_sysdig(steps in steps(), start in 0_u64..60, swaps in prop::collection::vec(any::<bool>(), 60), sysdig in any::<bool>()) {
        let mut lines = Vec::new();
        for (place, &(thread, act)) in (0_u64..).zip(&steps) {
            let second = (24 * 3600 - 60 + start + place) % (24 * 3600);
            let clock = format!("{:02}:{:02}:{:02}.000000{place:03}", second / 3600, second / 60 % 60, second % 60);
            let who = if sysdig { format!("apache2 ({})", 100 + thread) } else { format!("33 apache2 {}", 100 + thread) };
            let call = if let Act::Call(call) = act { call } else { "exit_group" };
            lines.push(format!("{place} {clock} 3 {who} > {call} fd=12(<4t>172.17.0.1:41097->172.17.0.3:443) size=31"));
        }
        for (place, swap) in swaps.into_iter().enumerate() {
            if swap && place + 1 < lines.len() {
                lines.swap(place, place + 1);
            }
        }
        compare(&(lines.join("\n") + "\n"), None, expected(&steps, Some("exit_group")), false);
    }

    /// perf trace: halves of calls; perf script: numbers.
    #[test]
    fn perf(steps in steps(), halves in prop::collection::vec(any::<bool>(), 60)) {
        let (mut traced, mut scripted) = (String::new(), String::new());
        let mut inside: HashMap<usize, &str> = HashMap::new();
        for (&(thread, act), half) in steps.iter().zip(halves) {
            let who = format!("my cmd/{}", 100 + thread);
            if let Some(call) = inside.remove(&thread) {
                writeln!(traced, "   71.902 (34.436 ms): {who}  ... [continued]: {call}())   = 15222 (sleep)").unwrap();
            }
            let call = if let Act::Call(call) = act { call } else { "exit_group" };
            if half && matches!(act, Act::Call(_)) {
                writeln!(traced, "     0.310 (         ): {who} {call}(fd: 3 (a), op: WAIT)     ...").unwrap();
                inside.insert(thread, call);
            } else {
                writeln!(traced, "     0.012 ( 0.004 ms): {who} {call}(buf: 0x7f, count: 1) = ?").unwrap();
            }
            writeln!(scripted, "  cmd {} [001]  1234.567890: raw_syscalls:sys_enter: NR {} (0, 7ffd)", 100 + thread, number(call)).unwrap();
        }
        compare(&traced, None, expected(&steps, Some("exit_group")), true);
        compare(&scripted, Some(Abi::X86_64), expected(&steps, Some("exit_group")), true);
    }

    /// Tracee's events in any order, Tetragon's in order, with what is no call between them.
    #[test]
    fn tracee_and_tetragon(steps in steps(), keys in keys()) {
        let (mut tracee, mut tetragon) = (Vec::new(), String::new());
        for (place, &(thread, act)) in (1_u64..).zip(&steps) {
            let call = if let Act::Call(call) = act { call } else { "exit_group" };
            let tid = 100 + thread;
            tracee.push(format!(
                r#"{{"timestamp":{place},"processId":9,"hostThreadId":{tid},"eventName":"{call}","args":[{{"name":"x","value":"eventName"}}],"container":{{"id":"c"}}}}"#
            ));
            tracee.push(format!(r#"{{"timestamp":{place},"processId":9,"hostThreadId":{tid},"eventName":"security_file_open"}}"#));
            let process = format!(r#""process":{{"exec_id":"x","pid":9,"tid":{tid},"docker":"d"}}"#);
            match act {
                Act::Call(call) => writeln!(
                    tetragon,
                    r#"{{"process_tracepoint":{{{process},"subsys":"raw_syscalls","event":"sys_enter","args":[{{"syscall_id":{{"id":{},"abi":"x64"}}}}]}},"node_name":"a"}}"#,
                    number(call)
                ),
                Act::Exit => writeln!(tetragon, r#"{{"process_exit":{{{process}}},"node_name":"a"}}"#),
            }
            .unwrap();
        }
        compare(&shuffled(&tracee, &keys), None, expected(&steps, Some("exit_group")), false);
        compare(&tetragon, None, expected(&steps, None), true);
    }

    /// NGIDS-DS and BETH: rows of calls, of two hosts with the same numbers.
    #[test]
    fn tables(steps in steps()) {
        let mut ngids = "date,time,pro_id,path,sys_call,event_id,attack_cat,attack_subcat,label\n".to_owned();
        let mut beth = "timestamp,processId,threadId,parentProcessId,userId,mountNamespace,processName,hostName,eventId,eventName,stackAddresses,argsNum,returnValue,args,sus,evil\n".to_owned();
        for (place, &(thread, act)) in (0_u64..).zip(&steps) {
            let call = if let Act::Call(call) = act { call } else { "exit_group" };
            writeln!(ngids, "11/03/2016,2:45:01,{},/usr/bin/x,{},{place},normal,normal,0", 100 + thread, number(call)).unwrap();
            let event = if let Act::Call(call) = act { call } else { "sched_process_exit" };
            let (tid, host) = (100 + thread / 2, ["ip-1", "ip-2"][thread % 2]);
            writeln!(beth, "{place}.5,381,{tid},1,100,4026532231,sh,{host},1,{event},\"[1, 2]\",1,0,\"[{{'name': 'a', 'value': 1}}]\",0,0").unwrap();
            writeln!(beth, "{place}.6,381,{tid},1,100,4026532231,sh,{host},1,cap_capable,\"[1, 2]\",1,0,\"[]\",0,0").unwrap();
        }
        compare(&ngids, Some(Abi::X86_64), expected(&steps, Some("exit_group")), true);
        compare(&beth, None, expected(&steps, None), true);
    }
}

/// Threads that go from one ABI to another become a trace in each, and those of the lesser are told of.
#[test]
fn of_two_architectures_that_of_most_calls_is_read() {
    let line = |serial: u32, arch: &str, call: u32, pid: u32| {
        format!(
            "type=SYSCALL msg=audit(100.00{serial}:{serial}): arch={arch} syscall={call} success=yes items=0 ppid=1 pid={pid} comm=\"a\"\n"
        )
    };
    let log = [
        line(1, "40000003", 11, 7),
        line(2, "c000003e", 59, 8),
        line(3, "c000003e", 0, 8),
        line(4, "40000003", 3, 8),
        line(5, "c000003e", 3, 8),
        line(6, "c000003e", 3, 7),
    ]
    .concat();
    let read =
        |abi| read::bytes("a.log", log.as_bytes(), &ReadOptions { abi, ..ReadOptions::default() }).unwrap();
    let data = read(None);
    assert_eq!(
        (data.abi.clone(), named(&data)),
        (Abi::X86_64, vec![vec!["execve", "read", "close"], vec!["close"]])
    );
    let skipped: Vec<String> =
        data.report.skipped.iter().map(|skipped| format!("{}: {}", skipped.source, skipped.reason)).collect();
    assert_eq!(data.report.skipped_count, 2);
    assert!(skipped[0].starts_with("a.log:1: The trace is i386, the data set x86_64"), "{skipped:?}");
    assert!(skipped[1].starts_with("a.log:4: The trace is i386"), "{skipped:?}");
    let data = read(Some(Abi::I386));
    assert_eq!(named(&data), [["execve"], ["read"]]);
}
