//! How fast the kernels are: `cargo run --release -p traceward-kernel --example bench`.
//!
//! A table of training steps (forward and backward of both directions, no head, no optimizer) and of reading,
//! by instruction set, threads and shape. Operations counted are the products that cannot be avoided: those
//! with the recurrent weights, and with the input's where the input is rows; tokens are projected once each.
//! Gate functions and all else come on top. `of peak` is the share, by processor time, of what a loop of
//! fused multiply-adds in registers reaches on one thread in the same process.
//!
//! Arguments filter rows by what they contain: `bench avx512 train`. `PHASES=1` also shows forward and
//! backward apart.

#![expect(clippy::print_stdout, reason = "a table is what this prints")]

use std::hint::black_box;
use std::time::Instant;
use traceward_kernel::{
    Call, Cell, Dropout, Gradients, Input, Isa, Output, Prepared, Ragged, Reads, Scratch, Shape, Tape,
    Weights, backward, both, forward,
};

const VOCABULARY: usize = 400;

struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn floats(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| ((self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale).collect()
    }
}

/// Weights, gradients and buffers of one direction.
struct Direction {
    kernel: Vec<f32>,
    recurrent: Vec<f32>,
    bias: Vec<f32>,
    gradients: [Vec<f32>; 4],
    tape: Tape,
    out: Vec<f32>,
    reverse: bool,
}

impl Direction {
    fn new(shape: Shape, isa: Isa, input_len: usize, out_len: usize, reverse: bool, draw: &mut Draw) -> Self {
        let lens = [shape.kernel_len(), shape.recurrent_len(), shape.bias_len(), input_len];
        Self {
            kernel: draw.floats(lens[0], 0.18),
            recurrent: draw.floats(lens[1], 0.19),
            bias: draw.floats(lens[2], 0.05),
            gradients: lens.map(|len| vec![0.0; len]),
            tape: Tape::new(isa),
            out: vec![0.0; out_len],
            reverse,
        }
    }

    fn forward(&mut self, call: &Call, input: Input) {
        let call = Call { reverse: self.reverse, ..*call };
        let weights = Weights { kernel: &self.kernel, recurrent: &self.recurrent, bias: &self.bias };
        forward(&mut self.tape, &call, weights, input, &mut self.out);
    }

    fn backward(&mut self, call: &Call, input: Input, d_out: &[f32]) {
        let call = Call { reverse: self.reverse, ..*call };
        let weights = Weights { kernel: &self.kernel, recurrent: &self.recurrent, bias: &self.bias };
        let [kernel, recurrent, bias, d_input] = &mut self.gradients;
        let gradients = Gradients { kernel, recurrent, bias, input: Some(d_input) };
        backward(&mut self.tape, &call, weights, input, d_out, gradients);
    }
}

/// Milliseconds of a piece of work.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Least and median of the wall clock.
    least: f64,
    median: f64,
    /// Least of the processor's time, all threads: what counts on a machine that others use too.
    processor: f64,
}

/// Runs `work` until there are enough samples.
fn time(mut work: impl FnMut()) -> Times {
    let (mut samples, mut processor) = (Vec::new(), f64::INFINITY);
    work();
    let begin = Instant::now();
    while samples.len() < 5 || (begin.elapsed().as_secs_f64() < 1.5 && samples.len() < 200) {
        let (start, start_processor) = (Instant::now(), processor_ms());
        work();
        samples.push(start.elapsed().as_secs_f64() * 1e3);
        processor = processor.min(processor_ms() - start_processor);
    }
    samples.sort_by(f64::total_cmp);
    Times { least: samples[0], median: samples[samples.len() / 2], processor }
}

/// Milliseconds that this process has had of processors.
#[cfg(target_os = "linux")]
fn processor_ms() -> f64 {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut Timespec) -> i32;
    }
    const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    // SAFETY: the C library's function, with a valid pointer to its structure of 64-bit Linux.
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.seconds as f64 * 1e3 + time.nanoseconds as f64 / 1e6
}

/// Milliseconds that this process has had of processors: not measured here.
#[cfg(not(target_os = "linux"))]
fn processor_ms() -> f64 {
    f64::NAN
}

/// Both directions of `work`, on one thread or two.
fn each(threads: usize, directions: &mut [Direction; 2], work: impl Fn(&mut Direction) + Sync) {
    let [left, right] = directions;
    if threads == 2 {
        both(|| work(left), || work(right));
    } else {
        work(left);
        work(right);
    }
}

/// GFLOP/s of fused multiply-adds that never leave the registers, on one thread.
#[cfg(target_arch = "x86_64")]
fn peak(isa: Isa) -> Option<f64> {
    use std::arch::x86_64::*;
    const TIMES: usize = 1_000_000;
    #[target_feature(enable = "avx512f")]
    fn avx512() {
        let mut sums = [_mm512_set1_ps(black_box(1.0)); 16];
        let (a, b) = (_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.25)));
        for _ in 0..TIMES {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, a, b);
            }
        }
        black_box(sums);
    }
    #[target_feature(enable = "avx2,fma")]
    fn avx2() {
        let mut sums = [_mm256_set1_ps(black_box(1.0)); 12];
        let (a, b) = (_mm256_set1_ps(black_box(0.5)), _mm256_set1_ps(black_box(0.25)));
        for _ in 0..TIMES {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, a, b);
            }
        }
        black_box(sums);
    }
    let (work, floats): (fn(), usize) = match isa.name() {
        // SAFETY: an `Isa` of this name exists only where the processor has these features.
        "avx512" => (|| unsafe { avx512() }, 16 * 16),
        // SAFETY: as above.
        "avx2" => (|| unsafe { avx2() }, 12 * 8),
        _ => return None,
    };
    Some((2 * floats * TIMES) as f64 / time(work).processor / 1e6)
}

/// GFLOP/s of fused multiply-adds that never leave the registers: not measured here.
#[cfg(not(target_arch = "x86_64"))]
fn peak(_isa: Isa) -> Option<f64> {
    None
}

struct Setup {
    name: &'static str,
    cell: Cell,
    inputs: usize,
    units: usize,
    traces: usize,
    calls: u32,
    /// Distinct tokens of a trace; 0 for rows instead of tokens.
    distinct: u64,
    rates: (f32, f32),
    output: Output,
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let article = Setup {
        name: "article",
        cell: Cell::Lstm,
        inputs: 64,
        units: 32,
        traces: 32,
        calls: 500,
        distinct: 18,
        rates: (0.0, 0.1),
        output: Output::Last,
    };
    let setups = [
        Setup { calls: 100, ..article },
        Setup { calls: 25, ..article },
        Setup { name: "one trace", traces: 1, calls: 10_000, ..article },
        Setup { name: "eight traces", traces: 8, calls: 1000, ..article },
        Setup { traces: 128, ..article },
        Setup { name: "input masks", rates: (0.2, 0.2), ..article },
        Setup { name: "gru", cell: Cell::Gru, ..article },
        Setup { name: "second layer", distinct: 0, output: Output::Sequences, ..article },
        Setup { name: "128 units", units: 128, ..article },
        Setup { name: "20 units", units: 20, ..article },
        article,
    ];
    println!(
        "{:<8}{:<7}{:<14}{:>5}{:>6} {:>2} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9}",
        "isa",
        "work",
        "setup",
        "B",
        "L",
        "T",
        "least ms",
        "median",
        "cpu ms",
        "GFLOP/s",
        "of peak",
        "Mcalls/s"
    );
    for isa in Isa::available() {
        let peak = peak(isa);
        for setup in &setups {
            for threads in [1, 2] {
                for work in ["train", "read"] {
                    let row = format!(
                        "{:<8}{:<7}{:<14}{:>5}{:>6} {threads:>2}",
                        isa.name(),
                        work,
                        setup.name,
                        setup.traces,
                        setup.calls
                    );
                    if wanted.iter().all(|word| row.contains(word.as_str())) {
                        let Times { least, median, processor } = if work == "train" {
                            train(isa, setup, threads)
                        } else {
                            read(isa, setup, threads)
                        };
                        let rows = setup.traces as f64 * f64::from(setup.calls);
                        let gates = setup.cell.gates() * setup.units;
                        let passes = if work == "train" { 3.0 } else { 1.0 };
                        let inputs = if setup.distinct > 0 { 0 } else { setup.inputs };
                        let operations = 2.0 * passes * 2.0 * rows * (gates * (inputs + setup.units)) as f64;
                        let speed = operations / least / 1e6;
                        let share = operations / processor / 1e6;
                        let share =
                            peak.map_or(String::new(), |peak| format!("{:.0} %", 100.0 * share / peak));
                        println!(
                            "{row} {least:>9.3} {median:>9.3} {processor:>9.3} {speed:>8.1} {share:>8} {:>9.2}",
                            rows / least / 1e3
                        );
                    }
                }
            }
        }
    }
}

fn tokens(setup: &Setup, draw: &mut Draw) -> Vec<u32> {
    (0..setup.traces)
        .flat_map(|_| {
            let set: Vec<u32> =
                (0..setup.distinct).map(|_| (draw.next() % VOCABULARY as u64) as u32).collect();
            (0..setup.calls).map(|_| set[(draw.next() % setup.distinct) as usize]).collect::<Vec<_>>()
        })
        .collect()
}

fn train(isa: Isa, setup: &Setup, threads: usize) -> Times {
    let mut draw = Draw(88_172_645_463_325_252);
    let shape = Shape { cell: setup.cell, inputs: setup.inputs, units: setup.units };
    let batch = Ragged::new(&vec![setup.calls; setup.traces]);
    let tokens = if setup.distinct > 0 { tokens(setup, &mut draw) } else { Vec::new() };
    let values = draw.floats(if setup.distinct > 0 { VOCABULARY } else { batch.rows() } * setup.inputs, 0.5);
    let input = if setup.distinct > 0 {
        Input::Tokens { tokens: &tokens, table: &values }
    } else {
        Input::Rows(&values)
    };
    let keys: Vec<u64> = (0..setup.traces as u64).collect();
    let dropout = Dropout { input: setup.rates.0, recurrent: setup.rates.1, seed: 1, keys: &keys };
    let call = Call { shape, batch: &batch, dropout: Some(dropout), reverse: false, output: setup.output };
    let d_out = draw.floats(shape.output_len(&batch, setup.output), 0.01);
    let mut directions = [false, true]
        .map(|reverse| Direction::new(shape, isa, values.len(), d_out.len(), reverse, &mut draw));
    if std::env::var_os("PHASES").is_some() {
        let forward = time(|| each(threads, &mut directions, |direction| direction.forward(&call, input)));
        let backward =
            time(|| each(threads, &mut directions, |direction| direction.backward(&call, input, &d_out)));
        println!("forward {:.3} backward {:.3} ms of processor", forward.processor, backward.processor);
    }
    time(|| {
        each(threads, &mut directions, |direction| direction.forward(&call, input));
        each(threads, &mut directions, |direction| direction.backward(&call, input, &d_out));
    })
}

fn read(isa: Isa, setup: &Setup, threads: usize) -> Times {
    let mut draw = Draw(88_172_645_463_325_252);
    let shape = Shape { cell: setup.cell, inputs: setup.inputs, units: setup.units };
    let batch = Ragged::new(&vec![setup.calls; setup.traces]);
    let tokens = if setup.distinct > 0 { tokens(setup, &mut draw) } else { Vec::new() };
    let values = draw.floats(if setup.distinct > 0 { VOCABULARY } else { batch.rows() } * setup.inputs, 0.5);
    let mut directions = [false, true].map(|reverse| {
        let (kernel, recurrent) =
            (draw.floats(shape.kernel_len(), 0.18), draw.floats(shape.recurrent_len(), 0.19));
        let bias = draw.floats(shape.bias_len(), 0.05);
        let weights = Weights { kernel: &kernel, recurrent: &recurrent, bias: &bias };
        let prepared = if setup.distinct > 0 {
            Prepared::tokens(isa, shape, weights, &values)
        } else {
            Prepared::rows(isa, shape, weights)
        };
        (prepared, Scratch::default(), vec![0.0; shape.output_len(&batch, setup.output)], reverse)
    });
    let reads = if setup.distinct > 0 { Reads::Tokens(&tokens) } else { Reads::Rows(&values) };
    let work = |direction: &mut (Prepared, Scratch, Vec<f32>, bool)| {
        let (prepared, scratch, out, reverse) = direction;
        prepared.infer(scratch, &batch, reads, *reverse, setup.output, out);
    };
    time(|| {
        let [left, right] = &mut directions;
        if threads == 2 {
            both(|| work(left), || work(right));
        } else {
            work(left);
            work(right);
        }
    })
}
