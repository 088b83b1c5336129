//! Small data sets and a small model, for the tests of this crate.

use std::sync::Arc;

use traceward_run::classifier::Unreadable;
use traceward_run::{Classifier, Labelled, Scores};
use traceward_trace::rng::Rng;
use traceward_trace::{Abi, CallTable, Dataset, ReadReport, Source, Trace};

use crate::Trainer;

/// A data set from rows of calls, class, group and part; the empty string stands for none.
pub(crate) fn dataset(rows: &[(&str, &str, &str, &str)]) -> Dataset {
    let mut data = Dataset {
        name: "sample".into(),
        abi: Abi::I386,
        calls: CallTable::default(),
        classes: Vec::new(),
        traces: Vec::new(),
        report: ReadReport::default(),
    };
    let some = |text: &str| (!text.is_empty()).then(|| Arc::from(text));
    for (line, &(calls, class, group, part)) in rows.iter().enumerate() {
        let class = (!class.is_empty()).then(|| {
            let known = data.classes.iter().position(|c| c == class);
            known.unwrap_or_else(|| {
                data.classes.push(class.into());
                data.classes.len() - 1
            }) as u16
        });
        data.traces.push(Trace {
            calls: calls.split_whitespace().map(|name| data.calls.intern(name).unwrap()).collect(),
            class,
            group: some(group),
            part: some(part),
            source: Source { file: "sample".into(), line: Some(line as u64 + 1) },
            lost: 0,
        });
    }
    data
}

/// Normals without groups, and three families of ten runs, three traces each, that are fairly but not
/// wholly told apart by how often each call occurs. Some normals have a copy.
pub(crate) fn attacks(normals: usize, seed: u64) -> Dataset {
    let mut random = Rng::new(seed);
    let mut rows: Vec<(String, &str, String)> = Vec::new();
    let mut trace = |favourite: usize, sure: f64| {
        let calls: Vec<String> = (0..12)
            .map(|_| {
                let call = if random.uniform() < sure { favourite as u64 } else { random.below(6) };
                format!("c{call}")
            })
            .collect();
        calls.join(" ")
    };
    for i in 0..normals {
        let text = trace(0, 0.5);
        if i % 10 == 0 {
            rows.push((text.clone(), "normal", String::new()));
        }
        rows.push((text, "normal", String::new()));
    }
    for (family, name) in ["adduser", "web", "ssh"].into_iter().enumerate() {
        for run in 0..10 {
            for _ in 0..3 {
                rows.push((trace(family + 1, 0.45), name, format!("{name}_{run}")));
            }
        }
    }
    let rows: Vec<_> =
        rows.iter().map(|(calls, class, group)| (calls.as_str(), *class, group.as_str(), "")).collect();
    dataset(&rows)
}

/// Judges a trace by the mean call counts of each class; the seed jitters them.
pub(crate) struct Centroids;

pub(crate) struct CentroidModel {
    /// Mean share of each token, by class; `None` for a class without a trace.
    means: Vec<Option<Vec<f64>>>,
    normal: usize,
}

fn shares(trace: &[u32], vocabulary: usize) -> Vec<f64> {
    let mut counts = vec![0.0; vocabulary];
    for &token in trace {
        counts[token as usize] += 1.0 / trace.len() as f64;
    }
    counts
}

impl Trainer for Centroids {
    fn name(&self) -> &str {
        "centroids"
    }

    fn fills_cores(&self) -> bool {
        false
    }

    fn train(&self, data: &Labelled<'_>, seed: u64) -> Result<Box<dyn Classifier>, String> {
        let counts = data.class_counts();
        let mut random = Rng::new(seed);
        let mut means: Vec<Option<Vec<f64>>> =
            counts.iter().map(|&n| (n > 0).then(|| vec![0.0; data.vocabulary])).collect();
        for (trace, &label) in data.traces.iter().zip(&data.labels) {
            let of = usize::from(label);
            if let Some(mean) = &mut means[of] {
                for (sum, share) in mean.iter_mut().zip(shares(trace, data.vocabulary)) {
                    *sum += share / counts[of] as f64;
                }
            }
        }
        for value in means.iter_mut().flatten().flatten() {
            *value += 0.02 * (random.uniform() - 0.5);
        }
        Ok(Box::new(CentroidModel { means, normal: data.normal.map_or(0, usize::from) }))
    }
}

impl CentroidModel {
    fn distance(&self, trace: &[u32], class: usize) -> Option<f64> {
        let mean = self.means[class].as_ref()?;
        Some(mean.iter().zip(shares(trace, mean.len())).map(|(a, b)| (a - b) * (a - b)).sum())
    }
}

impl Classifier for CentroidModel {
    fn classes(&self) -> usize {
        self.means.len()
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        let mut values = Vec::new();
        for trace in traces {
            let odds: Vec<f64> = (0..self.means.len())
                .map(|class| self.distance(trace, class).map_or(0.0, |d| (-12.0 * d).exp()))
                .collect();
            let sum: f64 = odds.iter().sum();
            values.extend(odds.iter().map(|odd| (odd / sum) as f32));
        }
        Ok(Scores::new(self.means.len(), values))
    }

    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        traces.iter().map(|trace| self.distance(trace, self.normal).map(|d| d as f32)).collect()
    }
}
