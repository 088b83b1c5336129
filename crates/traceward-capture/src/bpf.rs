//! Capture by eBPF: every task's calls, from the kernel, in batches.
//!
//! The programs are `bpf/capture.bpf.c`, compiled into this crate as `bpf/capture.bpf.o`. Each captured task
//! carries its unsent calls itself; a full batch of 128 goes to a ring buffer that is read here. The reader
//! looks every [`LATENCY`] and is woken early only if the ring fills: waking a reader for every event costs
//! several times what capturing costs. What idle tasks hold back is asked for every [`Options::sweep`].
//!
//! Nothing is kept per task on this side. A batch that found no room shows as a gap in its task's index, and the
//! kernel's side counts what is lost.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use aya::maps::{HashMap, MapData, PerCpuArray, RingBuf};
use aya::programs::tp_btf::BtfTracePointLink;
use aya::programs::{BtfTracePoint, Iter};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};

use crate::{Call, CaptureError, Event, Losses, Source, State};

mod bell;
mod group;
mod launch;
mod record;
mod refusal;

use bell::Bell;
use group::Group;
use launch::Launched;
use record::Counters;

static OBJECT: &[u8] = include_bytes_aligned!("../bpf/capture.bpf.o");

/// The longest that what happened waits in the ring.
pub const LATENCY: Duration = Duration::from_millis(25);

/// How many records are passed on by one poll, so that a caller who is slow gets to look around.
const RECORDS_A_POLL: usize = 1024;

/// The tracepoints, and which programs are for them. Whoever forks or exits is known by the time that calls
/// come.
const TRACEPOINTS: [(&str, &str); 4] = [
    ("on_exit", "sched_process_exit"),
    ("on_exec", "sched_process_exec"),
    ("on_fork", "sched_process_fork"),
    ("on_call", "sys_enter"),
];
const ITERATORS: [&str; 3] = ["setup", "mark", "sweep"];

/// What to capture. The capturing process itself is never captured. What it starts is, except under
/// [`Scope::Tree`]: a tree that it is part of ends at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All tasks of the host, those of other pid namespaces included (as pid 0 where they have none here).
    System,
    /// These processes with all that descends from them, now or later.
    Tree(Vec<u32>),
    /// A control group (cgroup2) and those below it: its path, or the id of a container.
    Group(String),
    /// A command, program first, started for the capture with this process' standard streams, and all that
    /// descends from it.
    Launch(Vec<OsString>),
}

/// How to capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What.
    pub scope: Scope,
    /// The ring buffer's size; rounded up to a power of two, at least 64 KiB, at most 1 GiB.
    pub ring_bytes: u32,
    /// How long a task's calls may wait for the batch to fill.
    pub sweep: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { scope: Scope::System, ring_bytes: 16 << 20, sweep: Duration::from_millis(250) }
    }
}

/// A capture by eBPF.
pub struct Bpf {
    programs: Ebpf,
    /// Dropped to detach.
    links: Vec<BtfTracePointLink>,
    ring: RingBuf<MapData>,
    bell: Bell,
    counts: PerCpuArray<MapData, Counters>,
    /// As they were read last, should they be unreadable once.
    counted: Cell<Counters>,
    calls: Vec<Call>,
    scope: Scope,
    launched: Option<Launched>,
    sweep: Duration,
    swept: Instant,
    /// Whether the last poll stopped before the ring was empty.
    behind: bool,
    ended: bool,
}

impl fmt::Debug for Bpf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bpf")
            .field("scope", &self.scope)
            .field("counted", &self.counters())
            .finish_non_exhaustive()
    }
}

impl Bpf {
    /// Whether a capture is likely to work here, without starting one: the kernel, its types, the rights.
    ///
    /// # Errors
    /// [`CaptureError::Refused`], with what is missing.
    pub fn available() -> Result<(), CaptureError> {
        refusal::check()
    }

    /// Starts a capture, and the command if there is one to start.
    ///
    /// # Errors
    /// [`CaptureError::Refused`] where kernel or rights forbid it, and if what is to be captured is not there.
    pub fn open(options: &Options) -> Result<Self, CaptureError> {
        let group = match &options.scope {
            Scope::Group(name) => Some(Group::find(name)?),
            Scope::Tree(pids) => {
                pids.iter().copied().try_for_each(is_process)?;
                None
            }
            Scope::System | Scope::Launch(_) => None,
        };
        Self::available()?;
        let mut programs = load(options, group.as_ref())?;
        let found = iterate(&mut programs, "setup")?;
        if let Some(group) = group.filter(|_| found == 0) {
            return Err(CaptureError::Refused {
                what: "capturing a control group",
                why: format!("{} is outside of this process' own tree of groups", group.folder.display()),
                hint: "run it in the host's cgroup namespace".to_owned(),
            });
        }
        let links = attach(&mut programs)?;
        let ring =
            RingBuf::try_from(map(&mut programs, "ring")?).map_err(|error| refusal::explain(&error))?;
        let counts =
            PerCpuArray::try_from(map(&mut programs, "counts")?).map_err(|error| refusal::explain(&error))?;
        let bell =
            Bell::new(&ring).map_err(|error| CaptureError::Kernel { what: "waiting at the ring", error })?;
        let launched = match &options.scope {
            Scope::Launch(words) => Some(Launched::start(words, |pid| mark(&mut programs, &[pid], true))?),
            Scope::Tree(pids) => {
                mark(&mut programs, pids, false)?;
                None
            }
            Scope::System | Scope::Group(_) => None,
        };
        Ok(Self {
            programs,
            links,
            ring,
            bell,
            counts,
            counted: Cell::default(),
            calls: Vec::with_capacity(128),
            scope: options.scope.clone(),
            launched,
            sweep: options.sweep,
            swept: Instant::now(),
            behind: false,
            ended: false,
        })
    }

    fn counters(&self) -> Counters {
        if let Ok(each) = self.counts.get(&0, 0) {
            self.counted.set(Counters::sum(each.iter()));
        }
        self.counted.get()
    }

    /// Whether there is nothing left to capture.
    fn over(&mut self) -> Result<bool, CaptureError> {
        if let Some(launched) = &mut self.launched {
            let ended = launched.ended();
            if !ended.map_err(|error| CaptureError::Kernel { what: "waiting for the command", error })? {
                return Ok(false);
            }
        } else if !matches!(self.scope, Scope::Tree(_)) {
            return Ok(false);
        }
        // The processors are read one after the other: a task may be born on one that was read and end on one
        // that was not. Twice the same sums were true at once.
        let counters = self.counters();
        Ok(counters.met == counters.gone && counters == self.counters())
    }

    /// Passes on what is in the ring, at most so many records; whether it was emptied.
    fn drain(&mut self, most: usize, each: &mut dyn FnMut(Event<'_>)) -> bool {
        for _ in 0..most {
            let Some(record) = self.ring.next() else { return true };
            if let Some(event) = record::event(&record, &mut self.calls) {
                each(event);
            }
        }
        false
    }
}

impl Source for Bpf {
    fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Event<'_>)) -> Result<State, CaptureError> {
        if self.ended {
            return Ok(State::Ended);
        }
        if !self.behind && !timeout.is_zero() {
            let wait = timeout.min(LATENCY);
            self.bell
                .wait(wait)
                .map_err(|error| CaptureError::Kernel { what: "waiting at the ring", error })?;
        }
        if self.swept.elapsed() >= self.sweep {
            iterate(&mut self.programs, "sweep")?;
            self.swept = Instant::now();
        }
        // Asked before the ring is read: what it holds then is all that there will be.
        let over = self.over()?;
        self.behind = !self.drain(RECORDS_A_POLL, each);
        self.ended = over && !self.behind;
        Ok(if self.ended { State::Ended } else { State::Running })
    }

    fn finish(&mut self, each: &mut dyn FnMut(Event<'_>)) -> Result<(), CaptureError> {
        self.links.clear();
        iterate(&mut self.programs, "sweep")?;
        self.drain(usize::MAX, each);
        self.ended = true;
        Ok(())
    }

    fn losses(&self) -> Losses {
        let Counters { ring_full, events, no_memory, .. } = self.counters();
        Losses { ring_full, events, no_memory }
    }

    fn seen(&self) -> u64 {
        self.counters().seen
    }

    fn exit_code(&self) -> Option<i32> {
        self.launched.as_ref()?.exit_code()
    }

    fn launched_pid(&self) -> Option<u32> {
        self.launched.as_ref().map(Launched::pid)
    }

    fn describe(&self) -> String {
        match &self.scope {
            Scope::System => "eBPF, the whole system".to_owned(),
            Scope::Tree(pids) => {
                let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
                format!("eBPF, process {} and all that descends from it", pids.join(", "))
            }
            Scope::Group(name) => format!("eBPF, control group {name}"),
            Scope::Launch(words) => {
                let command = words.join(OsStr::new(" "));
                format!("eBPF, {} and all that descends from it", command.to_string_lossy())
            }
        }
    }
}

/// Whether there is such a process: a thread's number is none.
fn is_process(pid: u32) -> Result<(), CaptureError> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let process =
        status.lines().find_map(|line| line.strip_prefix("Tgid:")).and_then(|tgid| tgid.trim().parse().ok());
    if process == Some(pid) { Ok(()) } else { Err(CaptureError::NoProcess(pid)) }
}

/// Loads all programs; the kernel's verifier looks at each.
fn load(options: &Options, group: Option<&Group>) -> Result<Ebpf, CaptureError> {
    let scope: u32 = match options.scope {
        Scope::System => 0,
        Scope::Tree(_) | Scope::Launch(_) => 1,
        Scope::Group(_) => 2,
    };
    let ring_bytes = options.ring_bytes.clamp(1 << 16, 1 << 30).next_power_of_two();
    let room = u64::from(ring_bytes);
    let (id, mount, depth) = group.map_or((0, 0, 0), |group| (group.id, group.mount, group.depth));
    let btf = Btf::from_sys_fs().map_err(|error| refusal::explain(&error))?;
    let mut programs = EbpfLoader::new()
        .btf(Some(&btf))
        // Task storage: only the programs touch it.
        .allow_unsupported_maps()
        .map_max_entries("ring", ring_bytes)
        .override_global("scope", &scope, true)
        .override_global("ring_bytes", &room, true)
        .override_global("group", &id, true)
        .override_global("group_mount", &mount, true)
        .override_global("group_depth", &depth, true)
        .load(OBJECT)
        .map_err(|error| refusal::explain(&error))?;
    for (name, tracepoint) in TRACEPOINTS {
        let program: &mut BtfTracePoint = program(&mut programs, name)?;
        program.load(tracepoint, &btf).map_err(|error| refusal::explain(&error))?;
    }
    for name in ITERATORS {
        let program: &mut Iter = program(&mut programs, name)?;
        program.load("task", &btf).map_err(|error| refusal::explain(&error))?;
    }
    Ok(programs)
}

fn attach(programs: &mut Ebpf) -> Result<Vec<BtfTracePointLink>, CaptureError> {
    let attached = TRACEPOINTS.map(|(name, _)| {
        let program: &mut BtfTracePoint = program(programs, name)?;
        program.attach().and_then(|link| program.take_link(link)).map_err(|error| refusal::explain(&error))
    });
    attached.into_iter().collect()
}

/// Puts processes under capture with their descendants; until nobody new is found, as they may be forking.
fn mark(programs: &mut Ebpf, pids: &[u32], launched: bool) -> Result<(), CaptureError> {
    let map = programs.map_mut("roots").ok_or_else(|| foreign("roots"))?;
    let mut roots = HashMap::<_, u32, u32>::try_from(map).map_err(|error| refusal::explain(&error))?;
    for pid in pids {
        roots.insert(pid, u32::from(launched), 0).map_err(|error| refusal::explain(&error))?;
    }
    let mut marked = 0;
    loop {
        match iterate(programs, "mark")? {
            0 if marked == 0 => return Err(CaptureError::NoProcess(pids.first().copied().unwrap_or(0))),
            0 => return Ok(()),
            new => marked += new,
        }
    }
}

/// Runs a program over all tasks; how many bytes it answered.
fn iterate(programs: &mut Ebpf, name: &'static str) -> Result<usize, CaptureError> {
    let program: &mut Iter = program(programs, name)?;
    let link = program
        .attach()
        .and_then(|link| program.take_link(link))
        .map_err(|error| refusal::explain(&error))?;
    let mut tasks = link.into_file().map_err(|error| refusal::explain(&error))?;
    let mut bytes = [0; 4096];
    let mut answered = 0;
    loop {
        match tasks.read(&mut bytes) {
            Ok(0) => return Ok(answered),
            Ok(n) => answered += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(CaptureError::Kernel { what: "walking over the tasks", error }),
        }
    }
}

fn map(programs: &mut Ebpf, name: &'static str) -> Result<aya::maps::Map, CaptureError> {
    programs.take_map(name).ok_or_else(|| foreign(name))
}

fn program<'a, P>(programs: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, CaptureError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program>,
{
    programs.program_mut(name).and_then(|program| program.try_into().ok()).ok_or_else(|| foreign(name))
}

/// The object is not the one that this code was written for.
fn foreign(part: &str) -> CaptureError {
    CaptureError::Refused {
        what: "capturing by eBPF",
        why: format!("the compiled programs lack {part}"),
        hint: "build them again: bpf/build".to_owned(),
    }
}
