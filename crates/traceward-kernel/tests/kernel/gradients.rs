//! The kernels against the plain `f64` reference, and the reference against finite differences.

use crate::case::{Case, wide};
use traceward_kernel::{Cell, Gradients, Isa, Output, Shape, Tape, backward, reference};

/// Ragged, with a trace of one call, one of none, and equal lengths.
const LENGTHS: [u32; 6] = [3, 1, 7, 0, 3, 5];

fn loss(case: &Case, layer: &reference::Layer, input: &reference::Input) -> f64 {
    reference::forward(&case.call(), layer, input)
        .iter()
        .zip(&case.d_out)
        .map(|(out, d)| out * f64::from(*d))
        .sum()
}

/// Which of a layer's arrays.
#[derive(Clone, Copy, Debug)]
enum Array {
    Kernel,
    Recurrent,
    Bias,
    Input,
}

const ARRAYS: [Array; 4] = [Array::Kernel, Array::Recurrent, Array::Bias, Array::Input];

impl Array {
    fn of<'a>(self, layer: &'a mut reference::Layer, input: &'a mut reference::Input) -> &'a mut [f64] {
        match (self, input) {
            (Self::Kernel, _) => &mut layer.kernel,
            (Self::Recurrent, _) => &mut layer.recurrent,
            (Self::Bias, _) => &mut layer.bias,
            (Self::Input, reference::Input::Tokens { table, .. }) => table,
            (Self::Input, reference::Input::Rows(rows)) => rows,
        }
    }

    fn gradient(self, gradients: &reference::Gradients) -> &[f64] {
        match self {
            Self::Kernel => &gradients.kernel,
            Self::Recurrent => &gradients.recurrent,
            Self::Bias => &gradients.bias,
            Self::Input => &gradients.input,
        }
    }
}

#[test]
fn the_reference_agrees_with_finite_differences() {
    const STEP: f64 = 1e-5;
    for case in Case::all(3, 2, &LENGTHS) {
        let (mut layer, mut input) = (case.reference_layer(), case.reference_input());
        let found = reference::backward(&case.call(), &layer, &input, &wide(&case.d_out));
        for array in ARRAYS {
            for (place, &analytic) in array.gradient(&found).iter().enumerate() {
                let value = array.of(&mut layer, &mut input)[place];
                let mut at = |value: f64| {
                    array.of(&mut layer, &mut input)[place] = value;
                    loss(&case, &layer, &input)
                };
                let numeric = (at(value + STEP) - at(value - STEP)) / (2.0 * STEP);
                at(value);
                let allowed = 1e-8 * (1.0 + analytic.abs());
                let off = (numeric - analytic).abs();
                assert!(off < allowed, "{array:?}[{place}]: {analytic}, but {numeric}: {}", case.name);
            }
        }
    }
}

/// The gradients that the kernels find, in the order of [`ARRAYS`].
fn kernel_gradients(case: &Case, tape: &mut Tape) -> [Vec<f32>; 4] {
    let mut found = [case.kernel.len(), case.recurrent.len(), case.bias.len(), case.values.len()]
        .map(|len| vec![f32::NAN; len]);
    let [kernel, recurrent, bias, input] = &mut found;
    let gradients = Gradients { kernel, recurrent, bias, input: Some(input) };
    backward(tape, &case.call(), case.weights(), case.input(), &case.d_out, gradients);
    found
}

/// Largest difference, as a share of the largest value.
fn relative(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-3f64, |most, value| most.max(value.abs()));
    // A NaN must count as a difference, which `f64::max` would hide.
    found.iter().zip(expected).fold(0.0, |most, (&found, &expected)| {
        let off = (f64::from(found) - expected).abs() / scale;
        if off > most || off.is_nan() { off } else { most }
    })
}

fn agrees(case: &Case) {
    let (layer, input) = (case.reference_layer(), case.reference_input());
    let expected = reference::forward(&case.call(), &layer, &input);
    let gradients = reference::backward(&case.call(), &layer, &input, &wide(&case.d_out));
    for isa in Isa::available() {
        let mut tape = Tape::new(isa);
        // Twice: the second pass finds a used tape.
        for _ in 0..2 {
            let mut out = vec![f32::NAN; case.d_out.len()];
            traceward_kernel::forward(&mut tape, &case.call(), case.weights(), case.input(), &mut out);
            let off = relative(&out, &expected);
            assert!(off < 3e-6, "{isa:?} output off by {off:e}: {}", case.name);
            for (array, found) in ARRAYS.into_iter().zip(kernel_gradients(case, &mut tape)) {
                let off = relative(&found, array.gradient(&gradients));
                assert!(off < 1e-5, "{isa:?} {array:?} off by {off:e}: {}", case.name);
            }
        }
    }
}

#[test]
fn small_and_odd_sizes_agree_with_the_reference() {
    for (inputs, units) in [(1, 1), (3, 2), (5, 17)] {
        for case in Case::all(inputs, units, &LENGTHS) {
            agrees(&case);
        }
    }
}

#[test]
fn sizes_of_whole_vectors_agree_with_the_reference() {
    for (inputs, units) in [(64, 32), (16, 16), (20, 48)] {
        for case in Case::all(inputs, units, &[9, 12, 1, 12, 12, 4, 12, 11, 30]) {
            agrees(&case);
        }
    }
}

#[test]
fn more_traces_than_a_chunk_and_long_traces_agree_with_the_reference() {
    let many: Vec<u32> = (0..150).map(|trace| trace % 7).collect();
    let long = [400, 399, 1, 150];
    for lengths in [&many[..], &long[..]] {
        for cell in [Cell::Lstm, Cell::Gru] {
            for tokens in [true, false] {
                let shape = Shape { cell, inputs: 7, units: 64 };
                agrees(&Case::new(shape, lengths, tokens, (0.1, 0.1), true, Output::Sequences));
                agrees(&Case::new(shape, lengths, tokens, (0.0, 0.0), false, Output::Last));
            }
        }
    }
}

#[test]
fn a_batch_without_calls_has_zero_output_and_gradients() {
    for lengths in [&[][..], &[0, 0, 0]] {
        for case in Case::all(4, 5, lengths) {
            agrees(&case);
        }
    }
}

#[test]
fn the_same_call_gives_the_same_bits() {
    for case in Case::all(5, 17, &LENGTHS) {
        for isa in Isa::available() {
            let passes: Vec<_> = (0..2)
                .map(|_| {
                    let mut tape = Tape::new(isa);
                    let mut out = vec![0.0; case.d_out.len()];
                    traceward_kernel::forward(
                        &mut tape,
                        &case.call(),
                        case.weights(),
                        case.input(),
                        &mut out,
                    );
                    (out, kernel_gradients(&case, &mut tape))
                })
                .collect();
            assert_eq!(passes[0], passes[1], "{isa:?}: {}", case.name);
        }
    }
}

#[test]
fn gradients_of_weights_do_not_change_when_the_inputs_is_not_wanted() {
    for case in Case::all(5, 17, &LENGTHS) {
        let mut tape = Tape::default();
        let mut out = vec![0.0; case.d_out.len()];
        traceward_kernel::forward(&mut tape, &case.call(), case.weights(), case.input(), &mut out);
        let expected = kernel_gradients(&case, &mut tape);
        let mut found =
            [case.kernel.len(), case.recurrent.len(), case.bias.len()].map(|len| vec![f32::NAN; len]);
        let [kernel, recurrent, bias] = &mut found;
        let gradients = Gradients { kernel, recurrent, bias, input: None };
        backward(&mut tape, &case.call(), case.weights(), case.input(), &case.d_out, gradients);
        assert_eq!(found, expected[..3], "{}", case.name);
    }
}

#[test]
fn nan_weights_give_nan_output() {
    let mut case = Case::new(
        Shape { cell: Cell::Lstm, inputs: 4, units: 16 },
        &[5],
        true,
        (0.0, 0.0),
        false,
        Output::Last,
    );
    case.kernel.fill(f32::NAN);
    for isa in Isa::available() {
        assert!(case.forward(isa).iter().all(|value| value.is_nan()), "{isa:?}");
    }
}

#[test]
fn gradients_vanish_before_they_become_subnormal() {
    // With sums near zero each step halves the gradient, so after 1500 calls some 2^-1500 of it would be left.
    for cell in [Cell::Lstm, Cell::Gru] {
        let shape = Shape { cell, inputs: 3, units: 16 };
        let mut case = Case::new(shape, &[1500], false, (0.0, 0.0), false, Output::Last);
        for weights in [&mut case.kernel, &mut case.recurrent, &mut case.bias] {
            weights.iter_mut().for_each(|weight| *weight *= 0.1);
        }
        for isa in Isa::available() {
            let mut tape = Tape::new(isa);
            let mut out = vec![0.0; case.d_out.len()];
            traceward_kernel::forward(&mut tape, &case.call(), case.weights(), case.input(), &mut out);
            let [.., input] = kernel_gradients(&case, &mut tape);
            assert!(input.iter().all(|value| !value.is_subnormal()), "{isa:?} {cell:?}");
            assert!(input[..3].iter().all(|&value| value == 0.0), "{isa:?} {cell:?}");
            assert!(input[3 * 1499..].iter().all(|&value| value != 0.0), "{isa:?} {cell:?}");
        }
    }
}
