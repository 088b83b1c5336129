//! Captures by eBPF and counts: calls a second, losses, and what the reader itself costs.
//!
//! ```text
//! count [--system | --pid PID | --group PATH] [--ring BYTES] [--stall MS] [--seconds N] [-v] [--] [COMMAND...]
//! ```
//!
//! Without a scope it captures the command; with one, it captures until the command has ended. `--stall` sleeps
//! so long, once, after the first call: what a slow reader loses, and how long it takes until calls come in time
//! again. One line of JSON at the end; `-v` prints every event but the calls.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use traceward_capture::bpf::{Bpf, Options, Scope};
use traceward_capture::{CaptureError, Cut, Cutter, Event, Names, Source, State};

/// What was typed.
#[derive(Default)]
struct Asked {
    options: Options,
    scoped: bool,
    stall: Option<Duration>,
    limit: Option<Duration>,
    verbose: bool,
    command: Vec<OsString>,
}

fn asked() -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        let mut next =
            || words.next().and_then(|word| word.into_string().ok()).ok_or(format!("{text} needs a value"));
        let number = |text: String| text.parse::<u32>().map_err(|error| format!("{text}: {error}"));
        match text.as_str() {
            "--system" => asked.scoped = true,
            "--pid" => (asked.options.scope, asked.scoped) = (Scope::Tree(vec![number(next()?)?]), true),
            "--group" => (asked.options.scope, asked.scoped) = (Scope::Group(next()?), true),
            "--ring" => asked.options.ring_bytes = number(next()?)?,
            "--stall" => asked.stall = Some(Duration::from_millis(number(next()?)?.into())),
            "--seconds" => asked.limit = Some(Duration::from_secs(number(next()?)?.into())),
            "-v" => asked.verbose = true,
            "--" => asked.command = words.by_ref().collect(),
            _ => {
                asked.command = vec![word];
                asked.command.extend(words.by_ref());
            }
        }
    }
    if !asked.scoped {
        if asked.command.is_empty() {
            return Err("a command, or a scope".to_owned());
        }
        asked.options.scope = Scope::Launch(std::mem::take(&mut asked.command));
    }
    Ok(asked)
}

/// User and system time of this process, in seconds.
fn own_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// User and system time of the children that have been waited for, in seconds.
fn command_cpu() -> f64 {
    // SAFETY: a struct of numbers, of which all zeros are a value, and which the call fills in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

#[expect(clippy::print_stdout, reason = "an example prints")]
fn run(asked: &Asked) -> Result<i32, CaptureError> {
    let opening = Instant::now();
    let mut bpf = Bpf::open(&asked.options)?;
    let (opened, cpu) = (opening.elapsed(), own_cpu());
    let mut command: Option<Child> = asked
        .command
        .split_first()
        .and_then(|(program, arguments)| Command::new(program).args(arguments).spawn().ok());
    let names = Names::here();
    let mut cutter = Cutter::new(Cutter::WINDOW, Cutter::MOST);
    let mut kinds =
        BTreeMap::from([("starts", 0u64), ("execs", 0), ("exits", 0), ("calls", 0), ("records", 0)]);
    let (mut told, mut lost, mut by_call) = (0u64, 0u64, vec![0u64; 1 << 16]);
    let mut stall = asked.stall;
    // The end of the stall, the last loss that was seen after it, and the ring emptied.
    let (mut stalled, mut losing, mut recovered) = (None::<Instant>, 0u64, None::<Duration>);
    let begin = Instant::now();
    loop {
        let mut records = 0u64;
        let mut each = |event: Event<'_>| {
            records += 1;
            let kind = match event {
                Event::Start(_) => "starts",
                Event::Exec(_) => "execs",
                Event::Calls { .. } => "calls",
                Event::Exit { .. } => "exits",
            };
            *kinds.entry(kind).or_default() += 1;
            if asked.verbose && kind != "calls" {
                println!("{event:?}");
            }
            cutter.event(&event, &mut |cut| match cut {
                Cut::Calls(_, calls) => {
                    told += calls.len() as u64;
                    calls.iter().for_each(|call| by_call[usize::from(call.bits())] += 1);
                }
                Cut::End(_, tail) => lost += tail.lost,
                Cut::Begin(..) | Cut::Forget(..) => {}
            });
        };
        let state = bpf.poll(Duration::from_millis(100), &mut each)?;
        let over = match &mut command {
            Some(child) => child.try_wait().ok().flatten().is_some(),
            None => false,
        };
        let enough = asked.limit.is_some_and(|limit| begin.elapsed() >= limit);
        if state == State::Ended || over || enough {
            bpf.finish(&mut each)?;
            *kinds.entry("records").or_default() += records;
            break;
        }
        *kinds.entry("records").or_default() += records;
        if let Some(end) = stalled {
            let now = bpf.losses().ring_full;
            // Small records: the ring was as good as empty.
            if now == losing && records < 1024 && recovered.is_none() {
                recovered = Some(end.elapsed());
            }
            losing = now;
        }
        if told > 0
            && let Some(nap) = stall.take()
        {
            std::thread::sleep(nap);
            stalled = Some(Instant::now());
            losing = bpf.losses().ring_full;
        }
    }
    let (seconds, cpu) = (begin.elapsed().as_secs_f64(), own_cpu() - cpu);
    let losses = bpf.losses();
    let mut common: Vec<(usize, u64)> = by_call.into_iter().enumerate().filter(|&(_, n)| n > 0).collect();
    common.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    let calls: serde_json::Map<String, serde_json::Value> = common
        .iter()
        .take(12)
        .map(|&(bits, n)| {
            let call = traceward_capture::Call::from_bits(bits as u16);
            (format!("{}{}", if call.is_i386() { "i386 " } else { "" }, names.name(call)), n.into())
        })
        .collect();
    let report = serde_json::json!({
        "capture": bpf.describe(),
        "open_ms": opened.as_millis() as u64,
        "seconds": (seconds * 1e3).round() / 1e3,
        "reader_cpu_seconds": (cpu * 1e4).round() / 1e4,
        "command_cpu_seconds": (command_cpu() * 1e4).round() / 1e4,
        "seen": bpf.seen(),
        "told": told,
        "gaps": lost,
        "lost": losses,
        "calls_a_second": (told as f64 / seconds).round() as u64,
        "events": kinds,
        "recovered_ms": recovered.map(|time| time.as_millis() as u64),
        "exit_code": bpf.exit_code(),
        "calls": calls,
    });
    println!("{report}");
    Ok(bpf.exit_code().unwrap_or(0))
}

#[expect(clippy::print_stderr, reason = "an example prints")]
fn main() -> ExitCode {
    let result = asked().map_err(|error| (error, String::new())).and_then(|asked| {
        run(&asked).map_err(|error| match &error {
            CaptureError::Refused { hint, .. } => (error.to_string(), hint.clone()),
            _ => (error.to_string(), String::new()),
        })
    });
    match result {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err((error, hint)) => {
            eprintln!("count: {error}\n{hint}");
            ExitCode::from(2)
        }
    }
}
