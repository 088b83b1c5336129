//! Lines of every tracer, and lines of nobody.

mod folders;

use proptest::prelude::*;

use super::*;
use crate::{Dataset, ReadOptions};

fn read_text(name: &str, text: &str) -> Dataset {
    crate::read::bytes(name, text.as_bytes(), &ReadOptions { strict: true, ..ReadOptions::default() })
        .unwrap()
}

/// Every trace in names.
fn named(data: &Dataset) -> Vec<Vec<&str>> {
    data.traces.iter().map(|trace| trace.calls.iter().map(|&call| data.calls.name(call)).collect()).collect()
}

#[test]
fn strace_in_all_its_options() {
    let cases = [
        (
            "a.txt",
            "execve(\"/bin/true\", [\"true\"], 0x7ffe /* 39 vars */) = 0\nbrk(NULL) = 0x55\nexit_group(0) = ?\n+++ exited with 0 +++\n",
        ),
        (
            "a.txt",
            "7 execve(\"/bin/true\", 0x7) = 0\n7 brk(NULL)         = 0x55\n7 exit_group(0) = ?\n7 +++ exited with 0 +++\n",
        ),
        (
            "a.txt",
            "[pid     7] execve(\"/bin/true\") = 0\n[pid     7] brk(NULL) = 0\n[pid     7] exit_group(0) = ?\n",
        ),
        (
            "a.txt",
            "7 02:40:41.031682 execve(\"a\") = 0 <0.000189>\n7 02:40:41.031682 brk(NULL) = 0 <0.1>\n7 02:40:41 exit_group(0) = ?\n",
        ),
        (
            "t.7",
            "1795401641.432217 execve(\"a\") = 0\n1795401641.432217 brk(NULL) = 0\n1795401641.5 exit_group(0) = ?\n",
        ),
        (
            "a.txt",
            "7      0.000000 execve(\"a\") = 0\n7 16:06:50.911756 (+     0.000282) brk(NULL) = 0\n7 0.1 exit_group(0) = ?\n",
        ),
        (
            "a.txt",
            "7<my cmd> [  59] [00007f7f35836353] execve(\"a\") = 0\n[pid     7<my cmd>] [????????????????] brk(NULL) = 0\n > /lib/libc.so.6(a+0x1) [0xe7]\n7<my cmd> 02:40:41 exit_group(0) = ?\n",
        ),
        ("a.txt", "7 [  59] execve(\"a\") = 0\n7 [  12] brk(NULL) = 0\n7 [ 231] exit_group(0) = ?\n"),
    ];
    for (name, text) in cases {
        let data = read_text(name, text);
        assert_eq!(named(&data), [["execve", "brk", "exit_group"]], "{text}");
        assert_eq!(data.report.format, Some(super::super::Format::Log));
    }
}

#[test]
fn halves_of_a_call_count_once_and_exits_part_threads() {
    let data = read_text(
        "log",
        "\
1 <... read resumed>\"x\", 4) = 1
1 close(4 <unfinished ...>
2 set_robust_list(0x7f, 24 <unfinished ...>
1 <... close resumed>) = 0
2 <... set_robust_list resumed>) = 0
1 --- SIGCHLD {si_signo=SIGCHLD} ---
2 exit_group(0) = ?
2 +++ exited with 0 +++
2 getpid() = 2
1 write(1, \"a = b(c\", 7) = 7
",
    );
    assert_eq!(
        named(&data),
        [vec!["read", "close", "write"], vec!["set_robust_list", "exit_group"], vec!["getpid"]]
    );
    assert_eq!(data.traces[2].source.to_string(), "log:9");
}

#[test]
fn auditd_tells_the_abi_and_is_put_in_order() {
    let line = |time: &str, arch: &str, call: u32, pid: u32| {
        format!(
            "type=SYSCALL msg=audit({time}): arch={arch} syscall={call} success=yes exit=0 items=0 ppid=1 pid={pid} auid=0 comm=\"a\"\n"
        )
    };
    let text = [
        line("100.002:8", "c000003e", 1, 7),
        "type=PATH msg=audit(100.002:8): item=0 name=\"/bin/a syscall=9 pid=3\"\n".to_owned(),
        line("100.001:4294967295", "c000003e", 0, 7),
        line("100.003:0", "c000003e", 3, 7),
    ]
    .concat();
    let data = read_text("audit.log", &text);
    assert_eq!(named(&data), [["read", "write", "close"]]);
    assert_eq!(data.abi, crate::Abi::X86_64);
    let mixed = text + &line("100.004:9", "40000003", 1, 9);
    let data = crate::read::bytes("audit.log", mixed.as_bytes(), &ReadOptions::default()).unwrap();
    assert_eq!((data.traces.len(), data.report.skipped_count), (1, 1), "one data set has one ABI");
}

#[test]
fn lines_with_a_direction_of_all_four_kinds() {
    let cases = [
        // LID-DS 2021, a name with a blank, a number that has no name, an exit without its entry.
        "1631209047762064269 33 37 Web Content 41 open < fd=9(<f>/etc/group) name=/etc/group
1631209047762064270 33 37 Web Content 41 read > fd=9 size=10
1631209047762064271 33 37 Web Content 41 read < res=10
1631209047762064272 33 37 Web Content 41 getuid > ",
        // LID-DS 2019.
        "1 17:38:06.123456789 0 33 apache2 41 < open fd=9
2 17:38:06.123456790 0 33 apache2 41 > read fd=9
3 17:38:06.123456791 0 33 apache2 41 < read res=10
4 17:38:06.123456792 0 33 apache2 41 > getuid",
        // sysdig.
        "1 17:38:06.123456789 0 apache2 (41) < open fd=9
2 17:38:06.123456790 0 apache2 (41) > read fd=9
3 17:38:06.123456791 0 apache2 (41) < read res=10
4 17:38:06.123456792 1 apache2 (41) > getuid",
        // sysdig -p '%thread.tid %evt.dir %syscall.type'.
        "41 < open\n41 > read\n41 < read\n41 > getuid",
    ];
    for text in cases {
        assert_eq!(named(&read_text("a.sc", text)), [["open", "read", "getuid"]], "{text}");
    }
}

#[test]
fn lines_of_two_processors_are_put_in_order_before_halves_are_joined() {
    let text = "\
1786451590189777253 0 15 python 35 getpid < res=1
1786451590189769463 0 15 python 35 getpid > arg0=0x7f
1786451590189824060 0 15 python 35 write > arg0=0x2
1786451590189700000 0 15 python 35 close < res=0
";
    assert_eq!(named(&read_text("a.sc", text)), [["close", "getpid", "write"]]);
}

#[test]
fn perf_in_both_forms() {
    let traced = "\
         ? (         ): sleep/77  ... [continued]: execve())             = 0
     0.012 ( 0.004 ms): sleep/77 brk()                                    = 0x55
     0.310 (         ): sleep/77 clock_nanosleep(rqtp: 0x7ffe)         ...
     0.320 ( 0.001 ms): my cmd/78 close(fd: 3)                        = 0
  1000.390 (1000.1 ms): sleep/77  ... [continued]: clock_nanosleep())  = 0
";
    assert_eq!(named(&read_text("p", traced)), [vec!["execve", "brk", "clock_nanosleep"], vec!["close"]]);
    let scripted = "\
dd 12345 [001]  1234.567890: raw_syscalls:sys_enter: NR 0 (0, 7ffd, 1, 0, 0, 0)
dd 12345/12345 [001]  1234.567891: raw_syscalls:sys_enter: NR 1 (1, 7ffd, 1, 0, 0, 0)
";
    let data = crate::read::bytes(
        "p",
        scripted.as_bytes(),
        &ReadOptions { abi: Some(crate::Abi::X86_64), ..ReadOptions::default() },
    )
    .unwrap();
    assert_eq!(named(&data), [["read", "write"]]);
}

#[test]
fn tracees_and_tetragons_events() {
    let tracee = r#"{"timestamp":2,"processId":9,"hostThreadId":41,"hostProcessId":41,"eventName":"openat","args":[],"container":{"id":"c1"}}
{"timestamp":1,"processId":9,"hostThreadId":41,"eventName":"execve","container":{"id":"c1"}}
{"timestamp":3,"processId":9,"hostThreadId":41,"eventName":"sched_process_exec"}
"#;
    let data = read_text("t.json", tracee);
    assert_eq!(named(&data), [["execve", "openat"]]);
    assert_eq!(data.traces[0].group.as_deref(), Some("c1"));
    let tetragon = r#"{"process_tracepoint":{"process":{"exec_id":"x","pid":9,"tid":41,"docker":"d1"},"subsys":"raw_syscalls","event":"sys_enter","args":[{"syscall_id":{"id":59,"abi":"x64"}}]},"time":"2026-01-01T00:00:00Z"}
{"process_kprobe":{"process":{"pid":9,"tid":41,"docker":"d1"},"function_name":"__x64_sys_openat","args":[]}}
{"process_kprobe":{"process":{"pid":9,"tid":41},"function_name":"tcp_connect"}}
{"process_exit":{"process":{"pid":9,"tid":41}}}
{"process_kprobe":{"process":{"pid":9,"tid":41,"docker":"d1"},"function_name":"sys_close"}}
"#;
    let data = read_text("t.json", tetragon);
    assert_eq!(named(&data), [vec!["execve", "openat"], vec!["close"]]);
}

#[test]
fn tables_with_one_call_a_row() {
    let ngids = "\
date,time,pro_id,path,sys_call,event_id,attack_cat,attack_subcat,label
11/03/2016,2:45:01,1803,/usr/bin/compiz,168,72295,normal,normal,0
11/03/2016,2:45:01,1803,/usr/bin/compiz,265,72296,normal,normal,0
11/03/2016,2:45:02,99,/usr/bin/x,5,72297,Exploits,Browser,1
";
    let data = crate::read::bytes(
        "1.csv",
        ngids.as_bytes(),
        &ReadOptions { abi: Some(crate::Abi::I386), ..ReadOptions::default() },
    )
    .unwrap();
    assert_eq!(named(&data), [vec!["poll", "clock_gettime"], vec!["open"]]);
    assert_eq!(data.classes, ["normal", "Exploits"]);
    let beth = "\
timestamp,processId,threadId,parentProcessId,userId,mountNamespace,processName,hostName,eventId,eventName,stackAddresses,argsNum,returnValue,args,sus,evil
1809.4,381,7337,1,100,4026532231,close,ip-10,157,openat,\"[140, 15]\",5,0,\"[{'name': 'x', 'value': 1}]\",1,0
1809.5,381,7337,1,100,4026532231,close,ip-10,3,close,\"[140, 15]\",5,0,\"[]\",1,1
";
    let data = read_text("b.csv", beth);
    assert_eq!(named(&data), [["openat", "close"]]);
    assert_eq!(
        (data.classes.as_slice(), data.traces[0].group.as_deref()),
        (&["attack".to_owned()][..], Some("ip-10"))
    );
}

#[test]
fn what_is_no_log_is_not_taken_for_one() {
    for text in [
        "read write close\n",
        "1 2\n1 3\n",
        "label,trace\nx,3 4\n",
        "{\"calls\": [1]}\n",
        "a < b and c > d\n",
    ] {
        assert_eq!(dialect(text.as_bytes(), true), None, "{text}");
    }
}

fn readers() -> Vec<Box<dyn Reader>> {
    vec![
        Box::new(strace::Strace::of_file("a.7")),
        Box::new(auditd::Auditd::default()),
        Box::new(sysdig::Sysdig::default()),
        Box::new(perf::Perf::default()),
        Box::new(events::Events::default()),
        Box::new(EventTable::of_header(b"pro_id,sys_call,label").unwrap()),
    ]
}

proptest! {
    /// Whatever stands in a line, there is an answer.
    #[test]
    fn no_line_is_too_strange(line in prop::collection::vec(any::<u8>(), 0..120)) {
        for mut reader in readers() {
            let _ = reader.line(&line);
        }
        let _ = dialect(&line, true);
    }

    /// Nor any line that looks like one of theirs.
    #[test]
    fn no_line_made_of_their_words_is_too_strange(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "1", "77", "1631209047762064269", "17:38:06.1", "read", "(", ")", "<", ">", "<...", "resumed>)", "= 0",
                "<unfinished ...>", "+++", "exited", "type=SYSCALL", "msg=audit(1.2:3):", "arch=c000003e", "syscall=59",
                "pid=4", "[pid", "]", "dd/77", "( 0.004 ms):", "raw_syscalls:sys_enter:", "NR", "{\"process_exit\":", "}",
            ]),
            0..14,
        ),
    ) {
        let line = words.join(" ");
        for mut reader in readers() {
            let _ = reader.line(line.as_bytes());
        }
    }

    /// strace: what is written is read, whatever the arguments.
    #[test]
    fn straces_own_lines_come_back(
        calls in prop::collection::vec((1_u64..5, prop::sample::select(vec!["read", "openat", "rt_sigaction", "_llseek"]), "[ -~&&[^<]]{0,20}"), 1..30),
    ) {
        let text: String = calls.iter().map(|(pid, call, args)| format!("{pid} {call}({args}) = 0\n")).collect();
        let data = crate::read::bytes("s.txt", text.as_bytes(), &ReadOptions::default()).unwrap();
        let mut expected: Vec<(u64, Vec<&str>)> = Vec::new();
        for (pid, call, _) in &calls {
            match expected.iter_mut().find(|(known, _)| known == pid) {
                Some((_, calls)) => calls.push(*call),
                None => expected.push((*pid, vec![*call])),
            }
        }
        let expected: Vec<Vec<&str>> = expected.into_iter().map(|(_, calls)| calls).collect();
        prop_assert_eq!(named(&data), expected);
    }
}

#[test]
fn a_program_that_another_thread_starts_goes_on_by_the_process_number() {
    let text = "\
7 futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>
8 execve(\"/bin/true\", [\"true\"], 0x7 <unfinished ...>
7 +++ superseded by execve in pid 8 +++
7 <... execve resumed>) = 0
7 brk(NULL) = 0x55
";
    assert_eq!(named(&read_text("a.txt", text)), [vec!["futex"], vec!["execve"], vec!["brk"]]);
}

/// As strace 6.1 wrote to a terminal, shortened.
#[test]
fn lines_without_a_number_are_the_first_threads() {
    let text = "\
execve(\"/usr/bin/python3\", [\"python3\"], 0x7) = 0
clone3({flags=CLONE_VM, parent_tid=0x7f94507}strace: Process 98 attached
 => {parent_tid=[98]}, 88) = 98
[pid    98] set_robust_list(0x7f, 24 <unfinished ...>
[pid    97] futex(0x29, FUTEX_WAIT_BITSET, 0 <unfinished ...>
[pid    98] <... set_robust_list resumed>) = 0
[pid    98] exit(0)                     = ?
[pid    98] +++ exited with 0 +++
<... futex resumed>)                    = 0
clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLDstrace: Process 99 attached
, child_tidptr=0x7f94509d0590) = 99
newfstatat(3, \"\", strace: Process 95 attached
strace: Process 94 attached
{st_mode=S_IFREG|0644, st_size=46847, ...}, AT_EMPTY_PATH) = 0
[pid    97] close(4strace: Process 96 attached
)                                = 0
[pid    99] getpid() = 99
[pid    99] +++ exited with 0 +++
exit_group(0)                           = ?
+++ exited with 0 +++
";
    assert_eq!(
        named(&read_text("a.txt", text)),
        [
            vec!["execve", "clone3", "futex", "clone", "newfstatat", "close", "exit_group"],
            vec!["set_robust_list", "exit"],
            vec!["getpid"],
        ]
    );
}

#[test]
fn what_tracers_say_they_lost_is_told() {
    let perf = "     0.012 ( 0.004 ms): sh/77 brk() = 0x55\nLOST 12 events!\n     0.013 (         ): sh/77 exit_group() = ?\n";
    let data = read_text("p", perf);
    assert_eq!(named(&data), [["brk", "exit_group"]]);
    assert_eq!(
        data.report.notes,
        ["p: perf says that it lost 12 events. Which threads they were of is not known."]
    );
}

#[test]
fn a_log_without_calls_says_so() {
    let audit = "type=USER_LOGIN msg=audit(1492896301.818:19955): pid=12635 uid=0 msg='op=login'\n";
    let error =
        crate::read::bytes("a.log", audit.as_bytes(), &ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(
        error,
        "a.log: no trace in it (0 rows skipped; a.log: none of its 1 lines tells of a system call.)"
    );
}
