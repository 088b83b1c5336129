//! Cases: which traces train a model, and which it judges.

use std::collections::HashSet;

use traceward_trace::rng::Rng;
use traceward_trace::split::{self, Method, Split, SplitConfig};
use traceward_trace::{Dataset, Trace};

use super::{Config, Protocol, ProtocolError};

/// One training, and what it is judged by, as indices into [`Dataset::traces`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What it is called in progress and errors: `fold 1 of 5`, `without web_shell`.
    pub name: String,
    /// Traces to train on.
    pub train: Vec<u32>,
    /// Traces to judge; none of them trains.
    pub judge: Vec<u32>,
}

/// The cases of a protocol on `data` with one seed.
///
/// # Errors
/// If the data cannot be cut so, or has no normals or no attacks where the protocol asks for them.
pub fn plan(data: &Dataset, config: &Config, seed: u64) -> Result<Vec<Case>, ProtocolError> {
    match config.protocol {
        Protocol::Honest => Ok(split::folds(data, config.folds, seed)?
            .into_iter()
            .enumerate()
            .map(fold_of(config.folds))
            .collect()),
        Protocol::Random => random_folds(data, config.folds, seed),
        Protocol::LeaveOneFamilyOut => leave_one_family_out(data, config, seed),
        Protocol::NormalOnly => normal_only(data, config, seed),
        Protocol::Given => {
            let given =
                SplitConfig { method: Method::Given, validation_share: 0.0, seed, shuffle_first: false };
            let Split { train, validation, .. } = split::split(data, &given)?;
            Ok(vec![Case { name: "the data set's own parts".into(), train, judge: validation }])
        }
    }
}

fn fold_of(folds: usize) -> impl Fn((usize, Split)) -> Case {
    move |(place, Split { train, validation, .. })| Case {
        name: format!("fold {} of {folds}", place + 1),
        train,
        judge: validation,
    }
}

/// Each class shuffled by its own stream and dealt round, each class going on where the last one ended.
fn random_folds(data: &Dataset, folds: usize, seed: u64) -> Result<Vec<Case>, ProtocolError> {
    if folds < 2 {
        return Err(traceward_trace::Error::Split(format!(
            "cross-validation takes two folds or more, not {folds}"
        ))
        .into());
    }
    let mut by_class: Vec<Vec<u32>> = vec![Vec::new(); data.classes.len()];
    for (row, trace) in (0u32..).zip(&data.traces) {
        if let Some(class) = trace.class {
            by_class[usize::from(class)].push(row);
        }
    }
    let mut fold_of_row = vec![None; data.traces.len()];
    let mut next = 0;
    for (stream, members) in (0u64..).zip(&mut by_class) {
        Rng::stream(seed, stream).shuffle(members);
        for &row in &*members {
            fold_of_row[row as usize] = Some(next);
            next = (next + 1) % folds;
        }
    }
    let rows = |keep: &dyn Fn(usize) -> bool| -> Vec<u32> {
        (0u32..).zip(&fold_of_row).filter(|(_, fold)| fold.is_some_and(keep)).map(|(row, _)| row).collect()
    };
    let cases: Vec<Case> = (0..folds)
        .map(|fold| Case {
            name: format!("fold {} of {folds}", fold + 1),
            train: rows(&|of| of != fold),
            judge: rows(&|of| of == fold),
        })
        .collect();
    if cases.iter().any(|case| case.judge.is_empty() || case.train.is_empty()) {
        return Err(traceward_trace::Error::Split(format!(
            "{} has too few labelled traces for {folds} folds",
            data.name
        ))
        .into());
    }
    Ok(cases)
}

/// One case a family: the family leaves a fold's training side and is judged whole, beside that fold's
/// normals. The families take the folds in turn, so that different normals judge them.
fn leave_one_family_out(data: &Dataset, config: &Config, seed: u64) -> Result<Vec<Case>, ProtocolError> {
    let normal = normal_of(data, config.protocol)?;
    let folds = split::folds(data, config.folds, seed)?;
    let kept: HashSet<u32> =
        folds.iter().flat_map(|fold| fold.train.iter().chain(&fold.validation)).copied().collect();
    let mut families: Vec<u16> =
        data.traces.iter().filter_map(|t| t.class).filter(|&c| c != normal).collect();
    families.sort_unstable();
    families.dedup();
    if families.len() < 2 {
        return Err(ProtocolError::Lacks {
            protocol: config.protocol,
            needs: "a second attack family to learn from",
            data: data.name.clone(),
        });
    }
    let class = |row: u32| data.traces[row as usize].class;
    let case = |(place, family): (usize, u16)| {
        let fold = &folds[place % folds.len()];
        let train: Vec<u32> = fold.train.iter().copied().filter(|&row| class(row) != Some(family)).collect();
        let trained: HashSet<&[u16]> = train.iter().map(|&row| calls(data, row)).collect();
        let mut judge: Vec<u32> =
            fold.validation.iter().copied().filter(|&row| class(row) == Some(normal)).collect();
        let left_out = |row: &u32| class(*row) == Some(family) && !trained.contains(calls(data, *row));
        judge.extend(kept.iter().copied().filter(left_out));
        judge.sort_unstable();
        Case { name: format!("without {}", data.classes[usize::from(family)]), train, judge }
    };
    Ok(families.into_iter().enumerate().map(case).collect())
}

/// The data set's training part against all else, where it has such a part of normals; processes dealt into
/// folds otherwise, less the attacks that would train. Both keep copies, as published figures on ADFA-LD and
/// on UNM's data do, whose normals are often one recording; what copies are worth is said in the notes.
fn normal_only(data: &Dataset, config: &Config, seed: u64) -> Result<Vec<Case>, ProtocolError> {
    let normal = normal_of(data, config.protocol)?;
    if let Some(case) = training_part(data, normal) {
        return Ok(vec![case]);
    }
    let mut cases = random_folds(data, config.folds, seed)?;
    for case in &mut cases {
        case.train.retain(|&row| data.traces[row as usize].class == Some(normal));
    }
    cases.retain(|case| !case.train.is_empty());
    Ok(cases)
}

/// A training part that holds normals only, with normals left over to judge.
fn training_part(data: &Dataset, normal: u16) -> Option<Case> {
    let trains = |t: &Trace| {
        t.part
            .as_deref()
            .is_some_and(|part| ["train", "training"].iter().any(|name| part.eq_ignore_ascii_case(name)))
    };
    let labelled = || (0u32..).zip(&data.traces).filter(|(_, t)| t.class.is_some());
    if labelled().any(|(_, t)| trains(t) && t.class != Some(normal)) {
        return None;
    }
    let (train, judge): (Vec<_>, Vec<_>) = labelled().partition(|(_, t)| trains(t));
    let normals_left = judge.iter().any(|(_, t)| t.class == Some(normal));
    let rows = |side: Vec<(u32, &Trace)>| side.into_iter().map(|(row, _)| row).collect();
    (!train.is_empty() && normals_left).then(|| Case {
        name: "the part to train on".into(),
        train: rows(train),
        judge: rows(judge),
    })
}

fn normal_of(data: &Dataset, protocol: Protocol) -> Result<u16, ProtocolError> {
    let lacks = |needs| ProtocolError::Lacks { protocol, needs, data: data.name.clone() };
    let normal = data.normal_class().ok_or_else(|| lacks("a class called normal"))?;
    if data.traces.iter().all(|t| t.class.is_none_or(|class| class == normal)) {
        return Err(lacks("attacks"));
    }
    Ok(normal)
}

fn calls(data: &Dataset, row: u32) -> &[u16] {
    &data.traces[row as usize].calls
}
