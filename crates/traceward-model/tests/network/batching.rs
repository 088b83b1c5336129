//! A trace's output is its own: the same bits whatever it is batched with, and wherever.

use traceward_trace::rng::Rng;

use crate::nets::{all, built, slices, traces, wide};

#[test]
fn no_output_depends_on_the_batch() {
    let mut rng = Rng::new(2);
    let lengths: Vec<usize> = (0..150).map(|_| 1 + rng.below(40) as usize).collect();
    let traces = traces(&lengths);
    let traces = slices(&traces);
    for spec in all().into_iter().chain([wide()]) {
        let network = built(&spec);
        let together = network.predict(&traces).unwrap();
        let together: Vec<&[f32]> = together.rows().collect();
        let same = |chosen: &[usize]| {
            let members: Vec<&[u32]> = chosen.iter().map(|&t| traces[t]).collect();
            let apart = network.predict(&members).unwrap();
            for (&trace, row) in chosen.iter().zip(apart.rows()) {
                assert_eq!(together[trace], row, "{}: trace {trace} among {}", spec.name, chosen.len());
            }
        };
        (0..traces.len()).for_each(|trace| same(&[trace]));
        for size in [2, 3, 5, 16, 17, 33, 70] {
            let mut chosen: Vec<usize> = (0..traces.len()).collect();
            rng.shuffle(&mut chosen);
            same(&chosen[..size]);
        }
    }
}

#[test]
fn many_traces_and_none_are_predicted() {
    let network = built(&all()[0]);
    assert_eq!(network.predict(&[]).unwrap().rows().len(), 0);
    let traces = traces(&vec![3; 1000]);
    let predictions = network.predict(&slices(&traces)).unwrap();
    assert_eq!(predictions.rows().len(), 1000);
    assert!(predictions.rows().all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
}
