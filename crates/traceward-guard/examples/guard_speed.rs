//! What a guard costs: `cargo run --release -p traceward-guard --example guard_speed [MODEL]`.
//!
//! Calls of 1, 100 and 100,000 tasks, in batches of 128 as a capture hands them over, through the cutter and
//! the guard on one thread, with a look after every call from the 20th of a trace on; for the model file that
//! is named (a network that is read call by call), or for one of the `live` preset's shape with drawn weights,
//! with and without a temperature. Then the memory of 100,000 open traces. Beside it, for comparison:
//!
//! - `cutter`: the cutter alone;
//! - `asked`: the network alone, pushed and asked after every call in one session.
//!
//! Calls follow Zipf's law over the vocabulary, as system calls do. Time is what the process got of the
//! processor, where Linux says it, so that a busy machine does not count.

#![expect(clippy::print_stdout, reason = "a table is what this prints")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use traceward_capture::{Call, Cut, Cutter, Event, Names, Processes, TaskId};
use traceward_detect::calibrate::{Calibration, Options as Wanted, Temperature};
use traceward_detect::verdict::How;
use traceward_guard::{Guard, Model, Options};
use traceward_run::classifier::Session;
use traceward_run::spec::{Activation, Layer, NgramSketch};
use traceward_run::tensors::TensorRef;
use traceward_run::{About, ModelSpec, RawModel};
use traceward_stream::Stream;
use traceward_trace::Abi;
use traceward_trace::rng::Rng;

const CLASSES: [&str; 7] =
    ["normal", "adduser", "hydra_ftp", "hydra_ssh", "java_meterpreter", "meterpreter", "web_shell"];
const BATCH: usize = 128;
const CALLS: usize = 1 << 20;
const ROUNDS: usize = 4;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let names = Names::of(Abi::X86_64);
    let (stream, about) = match std::env::args().nth(1) {
        Some(path) => {
            let path = Path::new(&path);
            (Stream::load(path)?, RawModel::read(path)?.about()?)
        }
        None => drawn(&names)?,
    };
    let stream = Arc::new(stream);
    println!("{stream:?}");
    let few = calls(&about, &names, 32 * 1024);
    let calibration = calibrate(&stream, &about, Temperature::NONE)?;
    memory(
        || Guard::new(Model::Stream(&stream), &about, Some(&calibration), How::default(), &names, options()),
        &few,
    )?;
    let calls = calls(&about, &names, CALLS);
    println!("asked: {:.0} ns a call", asked(&stream));
    for temperature in [1.0, 1.7] {
        let calibration = calibrate(&stream, &about, Temperature::new(temperature)?)?;
        for tasks in [1, 100, 100_000] {
            let guard = Guard::new(
                Model::Stream(&stream),
                &about,
                Some(&calibration),
                How::default(),
                &names,
                options(),
            )?;
            speed(guard, &calls, tasks, temperature);
        }
    }
    Ok(())
}

fn options() -> Options {
    Options {
        calls: 4 << 20,
        ended: false,
        update_every: std::time::Duration::from_secs(60),
        drift_every: std::time::Duration::MAX,
    }
}

/// A network of the `live` preset's shape, and what it says of itself.
fn drawn(names: &Names) -> Result<(Stream, About), Failure> {
    let known: Vec<&str> = names.table().names().iter().take(175).map(|name| &**name).collect();
    let about: About = serde_json::from_value(json!({
        "version": "0",
        "vocabulary": {"abi": names.abi(), "names": known},
        "classes": CLASSES,
    }))?;
    let (width, buckets) = (7, 1 << 16);
    let layers = [Layer::NgramSketch(NgramSketch::new(width, buckets)), Layer::dense(0, Activation::Softmax)];
    let spec = ModelSpec::new("", layers);
    let layer_names = spec.names();
    let mut rng = Rng::new(0);
    let mut draw = |count: usize, spread: f64| -> Vec<f32> {
        (0..count).map(|_| ((rng.uniform() - 0.5) * spread) as f32).collect()
    };
    let classes = CLASSES.len();
    let weights = [
        (format!("{}/embeddings", layer_names[0]), vec![buckets, width], draw(buckets * width, 0.4)),
        (format!("{}/idf", layer_names[0]), vec![buckets], vec![1.0; buckets]),
        (format!("{}/kernel", layer_names[1]), vec![width, classes], draw(width * classes, 2.0)),
        (format!("{}/bias", layer_names[1]), vec![classes], draw(classes, 0.2)),
    ];
    let weights = weights.iter().map(|(name, shape, values)| TensorRef { name, shape, values });
    Ok((Stream::new(&spec, about.vocabulary.size(), classes, weights)?, about))
}

/// Calls by Zipf's law over those that the model knows.
fn calls(about: &About, names: &Names, how_many: usize) -> Vec<Call> {
    let known: Vec<Call> = (0..1024)
        .map(Call::new)
        .filter(|&call| about.vocabulary.names.iter().any(|name| name == names.name(call)))
        .collect();
    let mut rng = Rng::new(1);
    let count = known.len() as f64;
    (0..how_many).map(|_| known[(count.powf(rng.uniform()) - 1.0) as usize]).collect()
}

fn calibrate(stream: &Arc<Stream>, about: &About, temperature: Temperature) -> Result<Calibration, Failure> {
    let mut rng = Rng::new(2);
    let known = about.vocabulary.size() as f64 - 2.0;
    let normals: Vec<Vec<u32>> =
        (0..100).map(|_| (0..4096).map(|_| (known.powf(rng.uniform()) + 1.0) as u32).collect()).collect();
    let normals: Vec<&[u32]> = normals.iter().map(Vec::as_slice).collect();
    let wanted = Wanted { far: 0.01, data: "drawn".into(), temperature, vocabulary: about.vocabulary.size() };
    Ok(Calibration::fit(&**stream, 0, &normals, &wanted)?)
}

fn asked(stream: &Stream) -> f64 {
    let mut rng = Rng::new(3);
    let tokens: Vec<u32> =
        (0..400_000).map(|_| (stream.vocabulary() as f64).powf(rng.uniform()) as u32).collect();
    let mut row = vec![0.0; stream.classes()];
    let mut session = stream.begin();
    let began = now();
    for trace in tokens.chunks(4096) {
        session.reset();
        for &token in trace {
            session.push(token);
            session.scores(&mut row);
            black_box(&row);
        }
    }
    (now() - began) * 1e9 / tokens.len() as f64
}

fn speed(mut guard: Guard<'_>, calls: &[Call], tasks: u64, temperature: f64) {
    let processes = Processes::default();
    let mut findings = 0_u64;
    let mut told = vec![0_u64; tasks as usize];
    let mut rng = Rng::new(4);
    let order: Vec<u64> = (0..ROUNDS * calls.len() / BATCH).map(|_| rng.below(tasks)).collect();
    let mut run = |each: &mut dyn FnMut(Cut<'_>)| {
        let mut cutter = Cutter::new(Cutter::WINDOW, Cutter::MOST);
        let began = now();
        for (batch, &task) in calls.chunks_exact(BATCH).cycle().zip(&order) {
            let first = told[task as usize];
            told[task as usize] += BATCH as u64;
            let event = Event::Calls { task: TaskId(task), first, at: 0, calls: batch };
            cutter.event(&event, each);
        }
        (now() - began) * 1e9 / (ROUNDS * calls.len()) as f64
    };
    let cutter =
        run(&mut |cut| assert!(matches!(black_box(cut), Cut::Begin(..) | Cut::Calls(..) | Cut::End(..))));
    let all = run(&mut |cut| guard.cut(cut, &processes, 0, &mut |_| findings += 1));
    let counts = guard.counts();
    println!(
        "temperature {temperature}, {tasks:>6} tasks: {all:>5.0} ns a call, {:>5.2} M calls/s; cutter {cutter:.0} ns; {} looks, {findings} warnings, calls of {} dropped",
        1e3 / all,
        counts.looks,
        counts.calls_dropped,
    );
}

fn memory<'a, E: Into<Failure>>(
    guard: impl Fn() -> Result<Guard<'a>, E>,
    calls: &[Call],
) -> Result<(), Failure> {
    let before = resident();
    let mut guard = guard().map_err(Into::into)?;
    let processes = Processes::default();
    let mut cutter = Cutter::new(Cutter::WINDOW, Cutter::MOST);
    for round in 0..4_u64 {
        for (task, batch) in (0..Cutter::MOST as u64).zip(calls.chunks_exact(32).cycle()) {
            let event = Event::Calls { task: TaskId(task), first: 32 * round, at: 0, calls: batch };
            cutter.event(&event, &mut |cut| guard.cut(cut, &processes, 0, &mut |_| {}));
        }
    }
    let counts = guard.counts();
    println!(
        "{} open traces of 128 calls: {:.1} MB resident in all, {:.1} MB of it theirs and the cutter's; the guard counts {:.1} MB, {} evictions, calls of {} dropped",
        counts.sessions,
        resident() / 1e6,
        (resident() - before) / 1e6,
        counts.bytes as f64 / 1e6,
        counts.evictions + cutter.evictions(),
        counts.calls_dropped,
    );
    Ok(())
}

/// Bytes of memory that the process holds.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) * 1024.0
}

/// Seconds of processor time, or of the clock where Linux does not say.
fn now() -> f64 {
    thread_local! { static BEGAN: Instant = Instant::now(); }
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let spent = schedstat.and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
    spent.map_or_else(
        || BEGAN.with(|began| began.elapsed().as_secs_f64()),
        |nanoseconds| nanoseconds as f64 * 1e-9,
    )
}
