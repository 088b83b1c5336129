//! Events in JSON, one a line: Tracee's and Tetragon's.
//!
//! Both tell of more than system calls, and of those only what their policy chose: a trace of them is the
//! whole sequence only if the policy let every call through. What is no system call is passed over.
//!
//! * Tracee: `{"timestamp", "hostProcessId", "hostThreadId", "eventName", "container": {"id"}, …}`; an event
//!   whose name is a call's is one, and `sched_process_exit` ends a thread.
//! * Tetragon: `process_tracepoint` of `raw_syscalls/sys_enter` (its first argument is the number, as
//!   `long_arg` or `syscall_id` with its ABI) or of `syscalls/sys_enter_NAME`, `process_kprobe` of
//!   `__x64_sys_…` and its kin; a `process_exit` ends a thread, `node_name` tells hosts apart, and
//!   `rate_limit_info` says how many events were left out.

use serde::Deserialize;

use super::{Entered, Reader, Said, Who};
use crate::Abi;
use crate::read::calls::Reason;

/// Reads Tracee's and Tetragon's lines.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Events that Tetragon says it left out.
    dropped: u64,
}

/// Whether a line is one of theirs: a look, not a parse.
pub(super) fn is_line(line: &[u8]) -> bool {
    let has = |what: &[u8]| line.windows(what.len()).any(|window| window == what);
    line.starts_with(b"{")
        && ((has(b"\"eventName\"") && has(b"\"processId\""))
            || has(b"\"process_kprobe\"")
            || has(b"\"process_tracepoint\"")
            || has(b"\"process_exec\"")
            || has(b"\"process_exit\"")
            || has(b"\"rate_limit_info\""))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tracee<'l> {
    #[serde(default)]
    timestamp: u64,
    host_thread_id: Option<u64>,
    thread_id: Option<u64>,
    process_id: u64,
    event_name: &'l str,
    #[serde(borrow, default)]
    container: Option<Container<'l>>,
}

#[derive(Deserialize)]
struct Container<'l> {
    #[serde(default)]
    id: &'l str,
}

#[derive(Deserialize)]
struct Tetragon<'l> {
    #[serde(borrow)]
    process_tracepoint: Option<Probe<'l>>,
    #[serde(borrow)]
    process_kprobe: Option<Probe<'l>>,
    #[serde(borrow)]
    process_exit: Option<Probe<'l>>,
    #[serde(borrow)]
    rate_limit_info: Option<RateLimit<'l>>,
    #[serde(borrow, default)]
    node_name: Option<&'l str>,
}

#[derive(Deserialize)]
struct RateLimit<'l> {
    #[serde(borrow)]
    number_of_dropped_process_events: Count<'l>,
}

/// 64 bits are a string where protobuf writes JSON, and a number where Go does.
#[derive(Deserialize)]
#[serde(untagged)]
enum Count<'l> {
    Number(u64),
    Text(&'l str),
}

#[derive(Deserialize)]
struct Probe<'l> {
    #[serde(borrow)]
    process: Process<'l>,
    #[serde(default)]
    subsys: &'l str,
    #[serde(default)]
    event: &'l str,
    #[serde(default)]
    function_name: &'l str,
    #[serde(default, borrow)]
    args: Vec<Argument<'l>>,
}

#[derive(Deserialize)]
struct Process<'l> {
    pid: u64,
    tid: Option<u64>,
    #[serde(default)]
    docker: &'l str,
}

#[derive(Deserialize)]
struct Argument<'l> {
    #[serde(default)]
    long_arg: Option<&'l str>,
    #[serde(default, borrow)]
    syscall_id: Option<SyscallId<'l>>,
}

#[derive(Deserialize)]
struct SyscallId<'l> {
    id: u32,
    #[serde(default)]
    abi: &'l str,
}

impl Process<'_> {
    fn thread(&self) -> u64 {
        self.tid.unwrap_or(self.pid)
    }
}

fn filled(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The call that a kernel function is the entry of: `__x64_sys_openat`, `__se_sys_read`, `sys_write`.
fn call_of(function: &str) -> Option<&str> {
    let place = function.find("sys_")?;
    let call = &function[place + 4..];
    let prefix = &function[..place];
    (matches!(prefix, "" | "__x64_" | "__ia32_" | "__ia32_compat_" | "__arm64_" | "__se_" | "__do_")
        && !call.is_empty())
    .then_some(call)
}

/// Whether some kernel has a call of this name.
pub(super) fn is_call(name: &str) -> bool {
    Abi::KERNEL.iter().any(|abi| abi.number_of(name).is_some())
}

fn tracee(line: &[u8]) -> Result<Said<'_>, serde_json::Error> {
    let event: Tracee<'_> = serde_json::from_slice(line)?;
    let thread = event.host_thread_id.or(event.thread_id).unwrap_or(event.process_id);
    if event.event_name == "sched_process_exit" {
        return Ok(Said::Exit(thread.into()));
    }
    if !is_call(event.event_name) {
        return Ok(Said::Nothing);
    }
    Ok(Said::Call(Entered {
        thread,
        call: event.event_name.as_bytes(),
        order: event.timestamp.into(),
        group: event.container.and_then(|container| filled(container.id)),
        ..Entered::default()
    }))
}

fn tetragon<'l>(line: &'l [u8], dropped: &mut u64) -> Result<Said<'l>, serde_json::Error> {
    let event: Tetragon<'_> = serde_json::from_slice(line)?;
    let host = event.node_name;
    if let Some(info) = event.rate_limit_info {
        let count = match info.number_of_dropped_process_events {
            Count::Number(count) => count,
            Count::Text(text) => text.parse().unwrap_or(0),
        };
        *dropped = dropped.saturating_add(count);
        return Ok(Said::Nothing);
    }
    if let Some(exit) = event.process_exit {
        return Ok(Said::Exit(Who { host, thread: exit.process.thread() }));
    }
    let (probe, call) = if let Some(probe) = event.process_kprobe {
        let call = call_of(probe.function_name);
        (probe, call)
    } else if let Some(probe) = event.process_tracepoint {
        let call = match (probe.subsys, probe.event) {
            ("raw_syscalls", "sys_enter") => probe.args.first().and_then(first_argument),
            ("syscalls", event) => event.strip_prefix("sys_enter_"),
            _ => None,
        };
        (probe, call)
    } else {
        return Ok(Said::Nothing);
    };
    let Some(call) = call else { return Ok(Said::Nothing) };
    Ok(Said::Call(Entered {
        thread: probe.process.thread(),
        host,
        call: call.as_bytes(),
        group: filled(probe.process.docker),
        ..Entered::default()
    }))
}

/// The call that `sys_enter`'s first argument is: a name where the argument says whose number it is.
fn first_argument<'l>(argument: &Argument<'l>) -> Option<&'l str> {
    let Some(id) = &argument.syscall_id else { return argument.long_arg };
    let abi = match id.abi {
        "i386" | "x86" => &Abi::I386,
        "arm64" | "aarch64" => &Abi::Aarch64,
        _ => &Abi::X86_64,
    };
    abi.name_of(id.id)
}

impl Reader for Events {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        let is_tracee = line.windows(11).any(|window| window == b"\"eventName\"");
        let said = if is_tracee { tracee(line) } else { tetragon(line, &mut self.dropped) };
        said.map_err(|error| format!("The line is no event of Tracee's or Tetragon's: {error}.").into())
    }

    fn notes(&self) -> Vec<String> {
        let note = || {
            format!("Tetragon says that it left out {} events; of which threads is not known.", self.dropped)
        };
        (self.dropped > 0).then(note).into_iter().collect()
    }
}
