//! Every kind of model on traces of three programs, of which one is attacked in two ways: that it learns,
//! that it says the same whatever the number of threads, and that it comes back from its parts or not at all.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use traceward_ngram::boost::BoostConfig;
use traceward_ngram::features::FeatureConfig;
use traceward_ngram::forest::ForestConfig;
use traceward_ngram::linear::{LinearConfig, Loss};
use traceward_ngram::neighbours::{Damping, Likeness};
use traceward_ngram::novelty::NoveltyConfig;
use traceward_ngram::recipe::{
    BoostedRecipe, FitError, ForestRecipe, LinearRecipe, NeighboursRecipe, NoveltyRecipe, Similarity,
};
use traceward_ngram::stack::{Member, StackRecipe, Trained};
use traceward_ngram::{Model, Recipe};
use traceward_run::{Classifier, Labelled, Scores};
use traceward_trace::rng::Rng;

const VOCABULARY: usize = 12;

/// Traces that owners hold while [`Labelled`] borrows them.
struct Sample {
    traces: Vec<Vec<u32>>,
    labels: Vec<u16>,
    groups: Vec<u32>,
}

impl Sample {
    /// Normals read and write in a loop, each a group by itself; an attack's runs of three traces do so
    /// too, with its own three calls somewhere among them.
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut sample = Self { traces: Vec::new(), labels: Vec::new(), groups: Vec::new() };
        for trace in 0..96u32 {
            let label = match trace {
                0..60 => 0,
                60..78 => 1,
                _ => 2,
            };
            let length = 12 + rng.below(20) as usize;
            let mut calls: Vec<u32> = (0..length).map(|_| 2 + rng.below(6) as u32).collect();
            let own: &[u32] = match label {
                0 => &[3, 4, 5],
                1 => &[8, 9, 8],
                _ => &[9, 10, 9],
            };
            let at = rng.below(length as u64) as usize;
            calls.splice(at..at, own.iter().copied());
            sample.traces.push(calls);
            sample.labels.push(label);
            sample.groups.push(if label == 0 { trace } else { 1000 + trace / 3 });
        }
        sample
    }

    fn labelled(&self) -> Labelled<'_> {
        Labelled {
            traces: self.traces.iter().map(Vec::as_slice).collect(),
            labels: self.labels.clone(),
            groups: self.groups.clone(),
            classes: 3,
            normal: Some(0),
            vocabulary: VOCABULARY,
        }
    }
}

fn likeness(order: u8) -> Likeness {
    Likeness { features: FeatureConfig::grams(order), damping: Damping::Log }
}

fn linear(loss: Loss) -> Recipe {
    let linear = LinearConfig { loss, ..LinearConfig::default() };
    Recipe::Linear(LinearRecipe {
        features: FeatureConfig::grams(3).with_skips(2).with_ends(&[8], 2),
        linear,
    })
}

fn boosted() -> Recipe {
    Recipe::Boosted(BoostedRecipe {
        features: FeatureConfig::grams(2),
        similarities: vec![Similarity { likeness: likeness(3), nearest: vec![1, 3] }],
        boost: BoostConfig { num_iterations: 12, min_data_in_leaf: 3, ..BoostConfig::default() },
    })
}

fn stack() -> Recipe {
    let member = |recipe, trained, detection, families| Member { recipe, trained, detection, families };
    Recipe::Stack(StackRecipe {
        members: vec![
            member(linear(Loss::SquaredHinge), Trained::OnAll, 1.0, true),
            member(linear(Loss::SquaredHinge), Trained::OnAttacks, 0.0, true),
            member(boosted(), Trained::OnAll, 2.0, false),
        ],
        folds: 3,
        novelty: Some(NoveltyConfig::default()),
    })
}

/// A small one of each kind, and the macro-F1 that it must reach.
fn kinds() -> Vec<(&'static str, Recipe, f64)> {
    let forest = ForestConfig { n_estimators: 40, ..ForestConfig::default() };
    vec![
        ("svm", linear(Loss::SquaredHinge), 0.9),
        ("logistic", linear(Loss::Logistic), 0.9),
        ("boosted", boosted(), 0.9),
        (
            "forest",
            Recipe::Forest(ForestRecipe {
                features: FeatureConfig::grams(1),
                similarities: Vec::new(),
                forest,
            }),
            0.9,
        ),
        ("neighbours", Recipe::Neighbours(NeighboursRecipe { likeness: likeness(1), nearest: 3 }), 0.6),
        ("novelty", Recipe::Novelty(NoveltyRecipe::default()), 0.3),
        ("stack", stack(), 0.9),
    ]
}

fn fit(recipe: &Recipe, sample: &Sample) -> Model {
    recipe.fit(&sample.labelled(), 1, &|_| {}).unwrap()
}

fn scores(model: &Model, sample: &Sample) -> Scores {
    model.predict(&sample.labelled().traces).unwrap()
}

fn macro_f1(labels: &[u16], said: &[u32]) -> f64 {
    let of_class = |class: u16| {
        let both = labels.iter().zip(said).filter(|(l, s)| **l == class && **s == u32::from(class)).count();
        let either = labels.iter().filter(|l| **l == class).count()
            + said.iter().filter(|s| **s == u32::from(class)).count();
        2.0 * both as f64 / either.max(1) as f64
    };
    (0..3).map(of_class).sum::<f64>() / 3.0
}

#[test]
fn every_kind_learns_and_comes_back_from_its_parts() {
    let (train, test) = (Sample::new(1), Sample::new(2));
    for (name, recipe, least) in kinds() {
        let model = fit(&recipe, &train);
        let said = scores(&model, &test);
        let f1 = macro_f1(&test.labels, &said.best());
        assert!(f1 >= least, "{name}: {f1}");
        for row in said.rows() {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{name}: {row:?}");
            assert!(row.iter().all(|p| (0.0..=1.0).contains(p)), "{name}: {row:?}");
        }

        let (document, tensors) = model.to_parts();
        let document = serde_json::from_str(&document.to_string()).unwrap();
        let back = Model::from_parts(&document, &tensors).unwrap();
        assert_eq!(scores(&back, &test), said, "{name}");
        assert_eq!(back.to_parts(), (document, tensors), "{name}");
        let traces = test.labelled().traces;
        assert_eq!(back.novelty(&traces), model.novelty(&traces), "{name}");
        assert_eq!(back.nearest(traces[0], 4), model.nearest(traces[0], 4), "{name}");

        // A row does not depend on the traces beside it.
        let alone = model.predict(&traces[90..91]).unwrap();
        assert_eq!(alone.row(0), said.row(90), "{name}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let sample = Sample::new(3);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            kinds().iter().map(|(_, recipe, _)| fit(recipe, &sample).to_parts()).collect::<Vec<_>>()
        })
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn damaged_parts_are_an_error_or_a_model_that_still_answers() {
    let sample = Sample::new(4);
    let traces = sample.labelled().traces;
    for (name, recipe, _) in kinds() {
        let (document, tensors) = fit(&recipe, &sample).to_parts();
        for at in 0..tensors.len() {
            for damage in 0..7 {
                let mut damaged = tensors.clone();
                let (_, shape, values) = &mut damaged[at];
                match damage {
                    0 => values.truncate(values.len() / 2),
                    1 => shape.push(2),
                    2 => values.iter_mut().for_each(|v| *v = f32::NAN),
                    3 => values.iter_mut().for_each(|v| *v = 1e9),
                    4 => values.iter_mut().for_each(|v| *v += 1.0),
                    5 => values.reverse(),
                    _ => {
                        damaged.remove(at);
                    }
                }
                // What is missing, of another shape or no number is always found.
                match Model::from_parts(&document, &damaged) {
                    Ok(model) => {
                        // An array of all columns may be left out, and one of nothing holds no number.
                        let harmless = tensors[at].2.is_empty() || tensors[at].0.ends_with("grams");
                        assert!((3..=5).contains(&damage) || harmless, "{name}: {} {damage}", tensors[at].0);
                        let _ = model.predict(&traces[..8]);
                        let _ = model.contributions(traces[0], 1);
                        let _ = model.nearest(traces[0], 3);
                    }
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}

#[test]
fn a_damaged_document_is_an_error() {
    let sample = Sample::new(5);
    let (document, tensors) = fit(&stack(), &sample).to_parts();
    let text = document.to_string();
    for (from, to) in [
        ("\"classes\":3", "\"classes\":2"),
        ("\"classes\":3", "\"classes\":0"),
        ("\"vocabulary\":12", "\"vocabulary\":40000000000"),
        ("\"vocabulary\":12", "\"vocabulary\":7"),
        ("\"linear\"", "\"planar\""),
        ("\"order\":3", "\"order\":200"),
        ("\"bank\":0", "\"bank\":9"),
        ("\"temperature\":", "\"temperature\":-"),
        ("\"grams\"", "\"words\""),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let Ok(damaged) = serde_json::from_str(&text.replace(from, to)) else { continue };
        let damaged = Model::from_parts(&damaged, &tensors);
        if from == "\"grams\"" {
            // The novelty model beside it is whole.
            assert!(damaged.unwrap().dictionary().is_none());
        } else {
            assert!(damaged.is_err(), "{from} -> {to}");
        }
    }
    assert!(Model::from_parts(&serde_json::Value::Null, &tensors).is_err());
}

#[test]
fn what_is_laid_to_calls_is_where_the_attack_is() {
    let (train, test) = (Sample::new(6), Sample::new(7));
    for (name, recipe, _) in kinds() {
        let model = fit(&recipe, &train);
        let Some(_) = model.contributions(&test.traces[70], 1) else {
            assert!(["neighbours", "novelty"].contains(&name), "{name}");
            continue;
        };
        let mut found = 0;
        for trace in &test.traces[60..78] {
            let laid = model.contributions(trace, 1).unwrap();
            assert_eq!(laid.len(), trace.len());
            let most = (0..laid.len()).max_by(|&a, &b| laid[a].total_cmp(&laid[b])).unwrap();
            found += usize::from([8, 9].contains(&trace[most]));
        }
        assert!(found >= 16, "{name}: {found} of 18");
    }
    assert_eq!(fit(&linear(Loss::SquaredHinge), &train).contributions(&[], 1), None);
}

#[test]
fn the_nearest_trace_to_a_training_trace_is_itself() {
    let sample = Sample::new(8);
    let model = fit(&stack(), &sample);
    for (place, trace) in sample.traces.iter().enumerate().step_by(7) {
        let nearest = model.nearest(trace, 3);
        assert_eq!((nearest[0].trace, nearest[0].class), (place as u32, sample.labels[place]));
        assert!(nearest[0].similarity > 0.9999 && nearest.is_sorted_by(|a, b| a.similarity >= b.similarity));
    }
}

#[test]
fn what_cannot_be_trained_on_is_said() {
    let sample = Sample::new(9);
    let svm = linear(Loss::SquaredHinge);
    let refused = |data: &Labelled<'_>| svm.fit(data, 0, &|_| {}).unwrap_err();
    let whole = sample.labelled();
    assert_eq!(
        refused(&whole.subset(&(0..60).collect::<Vec<_>>())),
        FitError::TooFew { traces: 60, classes: 1 }
    );
    let mut bad = whole.clone();
    bad.traces[5] = &[];
    assert_eq!(refused(&bad), FitError::Trace { trace: 5, reason: "it is empty" });
    let mut bad = whole.clone();
    bad.vocabulary = 5;
    assert!(matches!(refused(&bad), FitError::Trace { reason: "it has a token outside the vocabulary", .. }));
    let mut bad = whole.clone();
    bad.labels[3] = 9;
    assert!(matches!(refused(&bad), FitError::Trace { trace: 3, .. }));
    let mut bad = whole.clone();
    bad.groups.pop();
    assert!(matches!(refused(&bad), FitError::Trace { trace: 95, .. }));

    let member = Member { recipe: stack(), trained: Trained::OnAll, detection: 1.0, families: true };
    let nested = Recipe::Stack(StackRecipe { members: vec![member], folds: 3, novelty: None });
    assert!(matches!(nested.fit(&whole, 0, &|_| {}), Err(FitError::Recipe(_))));

    let model = fit(&svm, &sample);
    let unreadable = model.predict(&[&[2, 3], &[99]]).unwrap_err();
    assert_eq!((unreadable.trace, unreadable.reason.as_str()), (1, "token 99 of 12"));
    assert_eq!(model.predict(&[&[]]).unwrap_err().reason, "it is empty");
}

/// Without a class that means normal, with one class of attack, with a class that has no trace.
#[test]
fn a_stack_learns_from_other_classes_too() {
    let sample = Sample::new(10);
    let mut data = sample.labelled();
    data.normal = None;
    let model = stack().fit(&data, 1, &|_| {}).unwrap();
    assert!(macro_f1(&sample.labels, &model.predict(&data.traces).unwrap().best()) > 0.9);

    data.normal = Some(0);
    data.labels.iter_mut().for_each(|label| *label = (*label).min(1));
    let model = stack().fit(&data, 1, &|_| {}).unwrap();
    let said = model.predict(&data.traces).unwrap();
    let right = said.best().iter().zip(&data.labels).filter(|(s, l)| **s == u32::from(**l)).count();
    assert!(right >= 90, "{right} of 96");
}

#[test]
fn every_named_recipe_is_written_and_read_back() {
    for name in Recipe::names() {
        let recipe = Recipe::named(name).unwrap();
        let text = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe, "{name}");
    }
    assert_eq!(Recipe::named("no such"), None);
}
