//! What a trace's output must not depend on: the batch, the pieces it is read in, the entry that reads it.

use crate::case::{Case, Draw, VOCABULARY};
use proptest::prelude::*;
use traceward_kernel::{Cell, Isa, Output, Prepared, Ragged, Reads, Scratch, Shape, State, Tape, infer};

const LENGTHS: [u32; 7] = [3, 1, 70, 0, 3, 5, 18];

fn without_masks(inputs: usize, units: usize, lengths: &[u32]) -> impl Iterator<Item = Case> {
    Case::all(inputs, units, lengths).into_iter().filter(|case| case.rates == (0.0, 0.0))
}

fn prepared(case: &Case, isa: Isa) -> Prepared {
    match &case.tokens {
        Some(_) => Prepared::tokens(isa, case.shape, case.weights(), &case.values),
        None => Prepared::rows(isa, case.shape, case.weights()),
    }
}

fn reads(case: &Case) -> Reads<'_> {
    case.tokens.as_deref().map_or(Reads::Rows(&case.values), Reads::Tokens)
}

#[test]
fn all_entries_give_the_same_bits() {
    for (inputs, units) in [(64, 32), (5, 17)] {
        for case in without_masks(inputs, units, &LENGTHS) {
            let expected = case.forward(Isa::detect());
            let mut out = vec![f32::NAN; expected.len()];
            infer(&mut Tape::default(), &case.call(), case.weights(), case.input(), &mut out);
            assert_eq!(out, expected, "infer, {}", case.name);
            out.fill(f32::NAN);
            let mut scratch = Scratch::default();
            prepared(&case, Isa::detect()).infer(
                &mut scratch,
                &case.batch,
                reads(&case),
                case.reverse,
                case.output,
                &mut out,
            );
            assert_eq!(out, expected, "prepared, {}", case.name);
        }
    }
}

/// The part of `case` that is trace `trace` alone.
fn alone(case: &Case, trace: usize) -> Case {
    let rows = case.batch.offsets()[trace]..case.batch.offsets()[trace + 1];
    let mut alone = case.clone();
    alone.batch = Ragged::new(&[rows.len() as u32]);
    alone.keys = vec![case.keys[trace]];
    match &case.tokens {
        Some(tokens) => alone.tokens = Some(tokens[rows].to_vec()),
        None => {
            alone.values = case.values[rows.start * case.shape.inputs..rows.end * case.shape.inputs].to_vec();
        }
    }
    alone.d_out = vec![0.0; alone.shape.output_len(&alone.batch, alone.output)];
    alone
}

#[test]
fn a_traces_output_does_not_depend_on_its_batch() {
    for (inputs, units) in [(64, 32), (5, 17)] {
        for case in Case::all(inputs, units, &LENGTHS) {
            for isa in Isa::available() {
                let together = case.forward(isa);
                for trace in 0..LENGTHS.len() {
                    let rows = match case.output {
                        Output::Last => trace..trace + 1,
                        Output::Sequences => case.batch.offsets()[trace]..case.batch.offsets()[trace + 1],
                    };
                    let expected = &together[rows.start * units..rows.end * units];
                    assert_eq!(
                        alone(&case, trace).forward(isa),
                        expected,
                        "{isa:?} trace {trace}: {}",
                        case.name
                    );
                }
            }
        }
    }
}

/// Reads the traces of `case` in chunks whose lengths `chunk` gives, all traces side by side.
fn in_chunks(case: &Case, isa: Isa, mut chunk: impl FnMut(usize) -> usize) -> (Vec<f32>, Vec<State>) {
    let (prepared, mut scratch) = (prepared(case, isa), Scratch::default());
    let (traces, units, inputs) = (case.batch.traces(), case.shape.units, case.shape.inputs);
    let mut states = vec![State::new(&case.shape); traces];
    let mut read = vec![0; traces];
    let mut out = vec![f32::NAN; case.shape.output_len(&case.batch, Output::Sequences)];
    while (0..traces).any(|trace| read[trace] < case.batch.length(trace)) {
        let lengths: Vec<u32> = (0..traces)
            .map(|trace| chunk(trace).min(case.batch.length(trace) - read[trace]) as u32)
            .collect();
        let batch = Ragged::new(&lengths);
        let rows: Vec<usize> = (0..traces)
            .flat_map(|trace| {
                let start = case.batch.offsets()[trace] + read[trace];
                start..start + lengths[trace] as usize
            })
            .collect();
        let mut part = vec![f32::NAN; rows.len() * units];
        let tokens: Vec<u32>;
        let values: Vec<f32>;
        let reads = match &case.tokens {
            Some(all) => {
                tokens = rows.iter().map(|&row| all[row]).collect();
                Reads::Tokens(&tokens)
            }
            None => {
                values =
                    rows.iter().flat_map(|&row| &case.values[row * inputs..][..inputs]).copied().collect();
                Reads::Rows(&values)
            }
        };
        prepared.advance(&mut scratch, &batch, reads, &mut states, Output::Sequences, &mut part);
        for (row, part) in rows.iter().zip(part.chunks_exact(units)) {
            out[row * units..][..units].copy_from_slice(part);
        }
        for (read, length) in read.iter_mut().zip(lengths) {
            *read += length as usize;
        }
    }
    (out, states)
}

#[test]
fn chunks_give_the_bits_of_one_pass() {
    for case in
        without_masks(6, 20, &LENGTHS).filter(|case| !case.reverse && case.output == Output::Sequences)
    {
        for isa in Isa::available() {
            let whole = case.forward(isa);
            let mut draw = Draw(5);
            let (pieces, states) = in_chunks(&case, isa, |_| (draw.next() % 9) as usize);
            assert_eq!(pieces, whole, "{isa:?}: {}", case.name);
            let (calls, calls_states) = in_chunks(&case, isa, |_| 1);
            assert_eq!((calls, calls_states), (pieces, states), "{isa:?}: {}", case.name);
        }
    }
}

#[test]
fn steps_give_the_bits_of_one_pass() {
    for (inputs, units) in [(64, 32), (5, 17)] {
        for case in without_masks(inputs, units, &[9; 5]) {
            if case.reverse || case.output != Output::Sequences {
                continue;
            }
            let expected = case.forward(Isa::detect());
            let (prepared, mut scratch) = (prepared(&case, Isa::detect()), Scratch::default());
            let padded = prepared.padded_units();
            let (mut outputs, mut cells) = (vec![0.0; 5 * padded], vec![0.0; 5 * padded]);
            for step in 0..9 {
                let rows: Vec<usize> = (0..5).map(|trace| trace * 9 + step).collect();
                let (tokens, values): (Vec<u32>, Vec<f32>) = match &case.tokens {
                    Some(all) => (rows.iter().map(|&row| all[row]).collect(), Vec::new()),
                    None => {
                        let row = |&row: &usize| &case.values[row * inputs..][..inputs];
                        (Vec::new(), rows.iter().flat_map(row).copied().collect())
                    }
                };
                let reads = if case.tokens.is_some() { Reads::Tokens(&tokens) } else { Reads::Rows(&values) };
                prepared.step(&mut scratch, reads, &mut outputs, &mut cells);
                for (output, &row) in outputs.chunks_exact(padded).zip(&rows) {
                    assert_eq!(output[..units], expected[row * units..][..units], "{}", case.name);
                }
            }
        }
    }
}

#[test]
fn a_state_goes_through_its_parts_and_back_to_the_start() {
    let shape = Shape { cell: Cell::Lstm, inputs: 3, units: 5 };
    let case = Case::new(shape, &[4], true, (0.0, 0.0), false, Output::Last);
    let (prepared, mut scratch) = (prepared(&case, Isa::detect()), Scratch::default());
    let tokens = case.tokens.clone().expect("the case has tokens");
    let mut states = [State::new(&shape)];
    let mut read = |tokens: &[u32], states: &mut [State]| {
        let mut out = vec![0.0; shape.units];
        let batch = Ragged::new(&[tokens.len() as u32]);
        prepared.advance(&mut scratch, &batch, Reads::Tokens(tokens), states, Output::Last, &mut out);
        out
    };
    let first = read(&tokens, &mut states);
    assert_eq!(states[0].output(), first);
    assert_eq!(State::from_parts(&shape, states[0].output(), states[0].cell()), states[0]);
    assert_eq!(read(&[], &mut states), first, "no new calls change nothing");
    let second = read(&tokens, &mut states);
    assert_ne!(first, second);
    states[0].reset();
    assert_eq!(states[0], State::new(&shape));
    assert_eq!(read(&tokens, &mut states), first);
}

#[test]
fn a_long_trace_needs_no_memory_of_its_own() {
    // Only what the caller holds grows: a tape of this trace would take 300 MB.
    let shape = Shape { cell: Cell::Lstm, inputs: 2, units: 16 };
    let case = Case::new(shape, &[1], true, (0.0, 0.0), false, Output::Last);
    let tokens = Draw(9).tokens(1_000_003, VOCABULARY);
    let batch = Ragged::new(&[tokens.len() as u32]);
    let (mut out, mut pieces) = (vec![0.0; 16], vec![0.0; 16]);
    let prepared = prepared(&case, Isa::detect());
    let mut scratch = Scratch::default();
    prepared.infer(&mut scratch, &batch, Reads::Tokens(&tokens), false, Output::Last, &mut out);
    let mut states = [State::new(&shape)];
    for chunk in tokens.chunks(300_000) {
        let batch = Ragged::new(&[chunk.len() as u32]);
        prepared.advance(&mut scratch, &batch, Reads::Tokens(chunk), &mut states, Output::Last, &mut pieces);
    }
    assert_eq!(out, pieces);
    assert!(out.iter().all(|value| value.is_finite()));
}

#[test]
#[should_panic(expected = "outside the table")]
fn a_token_outside_the_table_is_refused() {
    let shape = Shape { cell: Cell::Gru, inputs: 2, units: 4 };
    let case = Case::new(shape, &[1], true, (0.0, 0.0), false, Output::Last);
    let token = [VOCABULARY as u32];
    let mut out = [0.0; 4];
    let batch = Ragged::new(&[1]);
    prepared(&case, Isa::detect()).infer(
        &mut Scratch::default(),
        &batch,
        Reads::Tokens(&token),
        false,
        Output::Last,
        &mut out,
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Random sizes and lengths: forward and reading agree in bits, and instruction sets within rounding.
    #[test]
    fn any_layer_reads_as_it_trains(
        lengths in prop::collection::vec(0u32..20, 0..12),
        inputs in 1usize..40, units in 1usize..70, gru: bool, tokens: bool, reverse: bool, last: bool,
    ) {
        let shape = Shape { cell: if gru { Cell::Gru } else { Cell::Lstm }, inputs, units };
        let output = if last { Output::Last } else { Output::Sequences };
        let case = Case::new(shape, &lengths, tokens, (0.0, 0.0), reverse, output);
        let mut first: Option<Vec<f32>> = None;
        for isa in Isa::available() {
            let trained = case.forward(isa);
            let mut read = vec![f32::NAN; trained.len()];
            infer(&mut Tape::new(isa), &case.call(), case.weights(), case.input(), &mut read);
            prop_assert_eq!(&trained, &read);
            for (a, b) in first.get_or_insert(trained).iter().zip(&read) {
                prop_assert!((a - b).abs() < 1e-5, "{:?}: {} and {}", isa, a, b);
            }
        }
    }
}
