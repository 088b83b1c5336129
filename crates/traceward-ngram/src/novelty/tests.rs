use proptest::prelude::*;
use traceward_trace::rng::Rng;

use super::*;

/// Traces of two programs, which loop over calls of their own.
fn normals(count: usize, seed: u64) -> Vec<Vec<u32>> {
    let mut rng = Rng::new(seed);
    let trace = |i: usize| {
        let loops: [&[u32]; 2] =
            if i.is_multiple_of(2) { [&[2, 3, 4], &[2, 3, 3, 4]] } else { [&[5, 6], &[5, 7, 6]] };
        (0..20 + rng.below(20)).flat_map(|_| loops[rng.below(2) as usize]).copied().collect()
    };
    (0..count).map(trace).collect()
}

fn labelled<'a>(traces: &'a [Vec<u32>], labels: Vec<u16>) -> traceward_run::Labelled<'a> {
    traceward_run::Labelled {
        traces: traces.iter().map(Vec::as_slice).collect(),
        groups: (0..traces.len() as u32).collect(),
        labels,
        classes: 3,
        normal: Some(1),
        vocabulary: 12,
    }
}

fn model(config: &NoveltyConfig) -> Novelty {
    let traces = normals(40, 1);
    Novelty::fit(&labelled(&traces, vec![1; 40]), config, 7).unwrap()
}

fn every_figure() -> NoveltyConfig {
    use Figure::{Calls, RareCalls, Surprise, SurpriseFrame, Unseen, UnseenFrame};
    let figures = vec![Unseen, UnseenFrame, Surprise, SurpriseFrame, Calls, RareCalls];
    NoveltyConfig { figures, order: 3, window: 4, frame: 5, folds: 4 }
}

#[test]
fn what_mixes_programs_is_novel_in_every_figure() {
    let held_out = normals(30, 2);
    let mixed: Vec<Vec<u32>> = normals(30, 3)
        .chunks(2)
        .map(|pair| [&pair[0][..30], &pair[1][..30], &pair[0][30..]].concat())
        .collect();
    for figure in every_figure().figures {
        let model = model(&NoveltyConfig { figures: vec![figure], ..every_figure() });
        let most = held_out.iter().map(|t| model.score(t)).fold(f32::MIN, f32::max);
        let median = model.score(&mixed[7]);
        assert!(median > most, "{figure:?}: {median} against {most}");
    }
}

#[test]
fn figures_are_what_they_say() {
    let training = [vec![2, 3, 4, 5], vec![2, 3, 4, 2]];
    let config = NoveltyConfig { order: 2, window: 3, frame: 2, folds: 2, ..every_figure() };
    let model = Novelty::fit(&labelled(&training, vec![1, 1]), &config, 0).unwrap();
    // Windows: 234 known, 344 and 444 not. Call 9 was never seen: left out.
    let figures = model.figures(&[2, 3, 9, 4, 4, 4]);
    let calls = model.calls(&[2, 3, 9, 4, 4, 4]);
    assert_eq!(calls.iter().map(|c| c.known).collect::<Vec<_>>(), [1, 2, 0, 3, 1, 1]);
    let bits: Vec<f32> = [0, 1, 3, 4, 5].map(|i: usize| calls[i].bits).to_vec();
    assert_eq!(figures[..2], [2.0 / 3.0, 1.0]);
    assert!((figures[2] - bits.iter().sum::<f32>() / 5.0).abs() < 1e-6);
    let worst = bits.windows(2).map(|w| (w[0] + w[1]) / 2.0).fold(0.0, f32::max);
    assert!((figures[3] - worst).abs() < 1e-6, "{figures:?}");
    // {2, 3, 4} against {2, 3, 4}.
    assert!(figures[4].abs() < 1e-6 && figures[5].abs() < 1e-6);
}

#[test]
fn only_normals_are_learnt_from_and_copies_count_once() {
    let mut traces = normals(40, 1);
    let alone = Novelty::fit(&labelled(&traces, vec![1; 40]), &every_figure(), 7).unwrap();
    traces.extend([vec![8, 9, 8, 9], vec![10, 10, 8]]);
    traces.extend(normals(40, 1));
    let labels = (0..82)
        .map(|i| {
            if i == 40 {
                0
            } else if i == 41 {
                2
            } else {
                1
            }
        })
        .collect();
    let with_more = Novelty::fit(&labelled(&traces, labels), &every_figure(), 7).unwrap();
    assert_eq!(alone.to_parts(), with_more.to_parts());
    assert_eq!(alone.nearest(&[5, 6, 5, 7], 1)[0].class, 1);
    let nearest = with_more.nearest(&[8, 2, 3, 4], 2)[0];
    assert!((nearest.similarity - 1.0).abs() < 1e-6 && nearest.trace == 0, "{nearest:?}");
}

#[test]
fn probabilities_are_p_values_and_keep_the_order_of_scores() {
    let model = model(&NoveltyConfig::default());
    let traces =
        [vec![2, 3, 4, 2, 3, 4, 2, 3, 4], vec![2, 6, 4, 7, 3], vec![9, 9], vec![7, 7, 7, 7, 2, 7, 7]];
    let slices: Vec<&[u32]> = traces.iter().map(Vec::as_slice).collect();
    let (scores, novelty) = (model.predict(&slices).unwrap(), model.novelty(&slices).unwrap());
    for (row, &score) in scores.rows().zip(&novelty) {
        assert_eq!(row[1], model.p_value(score));
        assert_eq!(row[0], row[2]);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
    assert!(scores.row(0)[1] > scores.row(1)[1], "{scores:?}");
    let unreadable = model.predict(&[&[2], &[12]]).unwrap_err();
    assert_eq!(unreadable.to_string(), "trace 1: token 12 of 12");
    assert_eq!(model.predict(&[&[]]).unwrap_err().to_string(), "trace 0: it is empty");
}

#[test]
fn held_out_normals_are_called_novel_as_often_as_they_should_be() {
    let model = model(&NoveltyConfig::default());
    let fresh = normals(400, 9);
    let low = fresh.iter().filter(|t| model.p_value(model.score(t)) <= 0.2).count();
    // 400 draws at one in five: 80, three standard deviations are 24; the 40 that set the ranks add theirs.
    assert!((20..150).contains(&low), "{low}");
}

#[test]
fn one_normal_or_none() {
    let one = [vec![2, 3, 4]];
    let model = Novelty::fit(&labelled(&one, vec![1]), &NoveltyConfig::default(), 0).unwrap();
    assert!(model.score(&[2, 3, 4]) < model.score(&[4, 4, 4]));
    assert_eq!(model.predict(&[&[2, 3]]).unwrap().row(0), [0.25, 0.5, 0.25]);
    let fit = |labels, config: &NoveltyConfig| Novelty::fit(&labelled(&one, labels), config, 0).map(|_| ());
    assert_eq!(fit(vec![0], &NoveltyConfig::default()), Err(NoveltyError::NoNormals));
    assert_eq!(fit(vec![], &NoveltyConfig::default()), Err(NoveltyError::Trace { trace: 0 }));
    assert_eq!(fit(vec![3], &NoveltyConfig::default()), Err(NoveltyError::Trace { trace: 0 }));
    for wrong in [
        NoveltyConfig { figures: vec![], ..NoveltyConfig::default() },
        NoveltyConfig { order: 0, ..NoveltyConfig::default() },
        NoveltyConfig { window: 17, ..NoveltyConfig::default() },
        NoveltyConfig { frame: 65, ..NoveltyConfig::default() },
        NoveltyConfig { folds: 1, ..NoveltyConfig::default() },
    ] {
        assert!(matches!(fit(vec![1], &wrong), Err(NoveltyError::Config(_))), "{wrong:?}");
    }
}

#[test]
fn a_configuration_is_an_interface() {
    insta::assert_json_snapshot!(NoveltyConfig::default());
    assert_eq!(serde_json::from_str::<NoveltyConfig>("{}").unwrap(), NoveltyConfig::default());
    assert!(serde_json::from_str::<NoveltyConfig>(r#"{"widow": 3}"#).is_err());
}

proptest! {
    #[test]
    fn sessions_give_what_whole_traces_give(trace in prop::collection::vec(0_u32..14, 1..80), again in 0_usize..2) {
        let model = model(&every_figure());
        let mut session = model.follow();
        for _ in 0..again {
            session.push(5);
            traceward_run::classifier::Session::reset(&mut session);
        }
        for (place, &token) in trace.iter().enumerate() {
            session.push(token);
            prop_assert_eq!(session.score(), model.score(&trace[..=place]));
            prop_assert!(session.score().is_finite());
        }
        let never = trace.iter().filter(|t| !(2..8).contains(*t)).count();
        prop_assert_eq!(session.unknown(), never as u64);
        prop_assert_eq!(model.novelty(&[&trace]).unwrap(), vec![session.score()]);
    }

    #[test]
    fn parts_come_back_and_damage_is_an_error_or_a_model(
        which in 0_usize..9,
        at in 0_usize..10_000,
        value in prop_oneof![Just(f32::NAN), Just(-1.0), Just(1e9), Just(0.5), 0.0_f32..30.0],
        cut in any::<bool>(),
    ) {
        let model = model(&every_figure());
        let (document, mut tensors) = model.to_parts();
        let back = Novelty::from_parts(&document, &tensors).unwrap();
        prop_assert_eq!(back.to_parts(), (document.clone(), tensors.clone()));
        let trace = [2, 3, 4, 5, 9, 2, 2, 7];
        prop_assert_eq!(back.score(&trace), model.score(&trace));

        let which = which % tensors.len();
        let (_, shape, values) = &mut tensors[which];
        if cut {
            values.pop();
            shape[0] = shape[0].saturating_sub(1);
        } else {
            let at = at % values.len();
            values[at] = value;
        }
        if let Ok(other) = Novelty::from_parts(&document, &tensors) {
            other.predict(&[&trace]).unwrap();
            other.nearest(&trace, 3);
            other.calls(&trace);
        }
    }
}
