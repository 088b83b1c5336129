//! Runs all rules over the evidence and puts together what they found.
//!
//! Findings come in the order to treat them: the gravest first, and among equals what makes the numbers
//! meaningless before the data, the data before the network, the network before the step, the step before
//! the length of the run, and overfitting last. A later fault cannot be judged while an earlier one is there.
//!
//! One cause can show in several findings: a sigmoid in the script, and a loss that stands still.
//! [`Diagnosis::causes`] adds them up. Findings of one group of rules look at the same thing, so only the
//! surest of them counts; those of different groups (the network, the data, the curve, the inside) count as
//! independent: what is left of the doubt is the product of the doubts. What speaks against a cause takes a
//! share off. A cause that stands in the network or the data, and would make just the curve that is seen,
//! gains by it, and guesses about that curve lose.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::stage::Stage;
use crate::{Cause, CauseKind, Evidence, Finding, Label, Level, Need, Treatment, label, rules};

/// What the doctor says of one training.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The one word for what the curve shows; `None` without a curve.
    pub primary: Option<Label>,
    /// The findings, in the order to treat them.
    pub findings: Vec<Finding>,
    /// Rules that could not be checked, and what each lacks.
    pub not_checked: Vec<NotChecked>,
}

/// A rule that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// Which.
    pub rule: &'static str,
    /// What it lacks.
    pub needs: Need,
}

/// A cause, over all findings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankedCause {
    /// Which.
    pub kind: CauseKind,
    /// How much speaks for it, from 0 (nothing) to 1 (proved).
    pub weight: f64,
    /// What it is here: the sentence of the finding that is surest of it.
    pub text: String,
    /// The findings that name it: indices into [`Diagnosis::findings`].
    pub findings: Vec<usize>,
    /// What speaks for it.
    #[serde(rename = "for")]
    pub speaks_for: Vec<String>,
    /// What speaks against it.
    #[serde(rename = "against")]
    pub speaks_against: Vec<String>,
}

/// Runs all rules.
pub fn diagnose(evidence: &Evidence) -> Diagnosis {
    let mut findings = evidence.reading.clone();
    let mut not_checked = Vec::new();
    for rule in rules::all() {
        match (rule.check)(evidence) {
            Ok(found) => findings.extend(found),
            Err(missing) => not_checked.push(NotChecked { rule: rule.id, needs: missing.0 }),
        }
    }
    let primary = label::primary(evidence, &findings);
    Diagnosis { primary, findings: ordered(merged(findings)), not_checked }
}

/// Findings that say the same of the same place are one: the gravest of them.
fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        let same = |other: &&mut Finding| {
            other.rule == finding.rule
                && other.place == finding.place
                && other.epoch == finding.epoch
                && (other.symptom == finding.symptom || other.place.is_some() && same_causes(other, &finding))
        };
        match kept.iter_mut().find(same) {
            Some(other) if finding.level > other.level => *other = finding,
            Some(_) => {}
            None => kept.push(finding),
        }
    }
    kept
}

fn same_causes(a: &Finding, b: &Finding) -> bool {
    a.causes.iter().map(|cause| cause.kind).eq(b.causes.iter().map(|cause| cause.kind))
}

/// The order of treatment: stable, so that within a stage the catalogue's order holds.
fn ordered(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (Reverse(finding.level), Stage::of_finding(finding)));
    findings
}

/// What a finding's evidence is: findings of one group look at the same thing.
fn group(finding: &Finding) -> char {
    match finding.rule.chars().next() {
        // Metadata of the run belongs to its curve.
        Some('R') => 'C',
        Some(letter) => letter,
        None => ' ',
    }
}

/// A note speaks half as loud as what it is a note of.
const OF_A_NOTE: f64 = 0.5;
/// What is left of a weight for each thing that speaks against it.
const AGAINST: f64 = 0.9;
/// How much of the remaining doubt a curve takes off a cause that would make just that curve.
const EXPLAINED: f64 = 0.35;
/// What is left of a guess about a curve that something seen elsewhere explains.
const EXPLAINED_AWAY: f64 = 0.7;
/// A cause seen outside the curve from this weight on can explain it.
const SURE: f64 = 0.7;
/// What is left of a static doubt where the curve is healthy all the same.
const HARMLESS: f64 = 0.7;

impl Diagnosis {
    /// All causes, likeliest first; of equally likely ones, what is treated first.
    pub fn causes(&self) -> Vec<RankedCause> {
        let mut by_kind: BTreeMap<CauseKind, Gathered<'_>> = BTreeMap::new();
        for (index, finding) in self.findings.iter().enumerate() {
            for cause in &finding.causes {
                // A note on what the whole curve shows is no side remark.
                let aside = finding.level == Level::Note
                    && (finding.label.is_none() || finding.label != self.primary);
                by_kind.entry(cause.kind).or_default().add(index, finding, cause, aside);
            }
        }
        let labels: Vec<Label> = self.findings.iter().filter_map(|finding| finding.label).collect();
        // Whether something was seen elsewhere that makes a curve like this.
        let explained = by_kind
            .iter()
            .any(|(&kind, gathered)| gathered.outside_the_curve() >= SURE && explains(kind, &labels));
        let mut ranked: Vec<RankedCause> = by_kind
            .into_iter()
            .map(|(kind, gathered)| {
                let outside = gathered.outside_the_curve();
                let mut weight = gathered.weight();
                if outside > 0.0 && explains(kind, &labels) {
                    weight += EXPLAINED * outside * (1.0 - weight);
                } else if outside == 0.0 && explained {
                    weight *= EXPLAINED_AWAY;
                } else if self.primary == Some(Label::Healthy) {
                    weight *= HARMLESS;
                }
                gathered.into_ranked(kind, weight)
            })
            .collect();
        ranked.sort_by(|a, b| {
            let stage = |cause: &RankedCause| Stage::of_cause(cause.kind);
            b.weight.total_cmp(&a.weight).then(stage(a).cmp(&stage(b)))
        });
        ranked
    }

    /// What to do, one change at a time: the treatments of all findings in their order, those of a note last,
    /// each once, with the finding that asks for it first.
    pub fn treatments(&self) -> Vec<(&Finding, &Treatment)> {
        let mut found: Vec<(&Finding, &Treatment)> = Vec::new();
        for finding in &self.findings {
            for treatment in &finding.treatments {
                let known = |(_, other): &(&Finding, &Treatment)| match (&other.change, &treatment.change) {
                    (Some(a), Some(b)) => a == b,
                    (None, None) => other.text == treatment.text,
                    _ => false,
                };
                if !found.iter().any(known) {
                    found.push((finding, treatment));
                }
            }
        }
        found
    }

    /// What is lacking, and the rules that would need it: what the most rules need first.
    pub fn missing(&self) -> Vec<(Need, Vec<&'static str>)> {
        let mut by_need: BTreeMap<Need, Vec<&'static str>> = BTreeMap::new();
        for lacking in &self.not_checked {
            by_need.entry(lacking.needs).or_default().push(lacking.rule);
        }
        let mut missing: Vec<_> = by_need.into_iter().collect();
        missing.sort_by_key(|(_, rules)| Reverse(rules.len()));
        missing
    }
}

/// The causes that are part of a document, together with what they were made of.
impl Serialize for Diagnosis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Diagnosis", 4)?;
        document.serialize_field("primary", &self.primary)?;
        document.serialize_field("findings", &self.findings)?;
        document.serialize_field("causes", &self.causes())?;
        document.serialize_field("not_checked", &self.not_checked)?;
        document.end()
    }
}

/// What all findings say of one cause.
#[derive(Default)]
struct Gathered<'a> {
    /// The surest of each group of rules, with its finding.
    groups: BTreeMap<char, (f64, usize, &'a Cause)>,
    findings: Vec<usize>,
    speaks_for: Vec<&'a str>,
    speaks_against: Vec<&'a str>,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, index: usize, finding: &Finding, cause: &'a Cause, aside: bool) {
        let sure = if cause.weight.is_finite() { cause.weight.clamp(0.0, 1.0) } else { 0.0 };
        let against = AGAINST.powi(i32::try_from(cause.speaks_against.len()).unwrap_or(i32::MAX));
        let weight = sure * against * if aside { OF_A_NOTE } else { 1.0 };
        let surest = self.groups.entry(group(finding)).or_insert((weight, index, cause));
        if weight > surest.0 {
            *surest = (weight, index, cause);
        }
        push_new(&mut self.findings, index);
        for text in &cause.speaks_for {
            push_new(&mut self.speaks_for, text.as_str());
        }
        for text in &cause.speaks_against {
            push_new(&mut self.speaks_against, text.as_str());
        }
    }

    /// Groups taken as independent: the doubts multiply.
    fn weight(&self) -> f64 {
        1.0 - self.groups.values().map(|(weight, ..)| 1.0 - weight).product::<f64>()
    }

    /// The same, without what the curve says.
    fn outside_the_curve(&self) -> f64 {
        let outside = self.groups.iter().filter(|(group, _)| **group != 'C');
        1.0 - outside.map(|(_, (weight, ..))| 1.0 - weight).product::<f64>()
    }

    fn into_ranked(self, kind: CauseKind, weight: f64) -> RankedCause {
        let surest = self.groups.values().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        RankedCause {
            kind,
            weight,
            text: surest.map_or_else(|| kind.words().to_owned(), |(_, _, cause)| cause.text.clone()),
            findings: self.findings,
            speaks_for: self.speaks_for.into_iter().map(str::to_owned).collect(),
            speaks_against: self.speaks_against.into_iter().map(str::to_owned).collect(),
        }
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Whether a cause, once it is seen, would make one of these curves.
fn explains(kind: CauseKind, labels: &[Label]) -> bool {
    let would: &[Label] = match kind {
        CauseKind::OutputActivation
        | CauseKind::DoubledActivation
        | CauseKind::Initialization
        | CauseKind::FrozenLayer
        | CauseKind::DeadUnits
        | CauseKind::VanishingGradient
        | CauseKind::LearningRateLow
        | CauseKind::HiddenActivation => &[Label::Stuck, Label::Plateau, Label::Underfit],
        CauseKind::Loss | CauseKind::OutputUnits => {
            &[Label::Stuck, Label::Plateau, Label::Underfit, Label::MetricMismatch, Label::NegLoss]
        }
        CauseKind::HiddenLinear => &[Label::Plateau, Label::Underfit],
        CauseKind::BadLabels => {
            &[Label::Stuck, Label::Underfit, Label::MetricMismatch, Label::NegLoss, Label::Nan]
        }
        CauseKind::LabelNoise | CauseKind::Task => {
            &[Label::Plateau, Label::Underfit, Label::Stuck, Label::Gap]
        }
        CauseKind::LearningRateHigh => &[
            Label::Oscillate,
            Label::Diverge,
            Label::Nan,
            Label::Collapse,
            Label::Spike,
            Label::Stuck,
            Label::Rebound,
        ],
        CauseKind::ExplodingGradient => &[Label::Nan, Label::Diverge, Label::Spike, Label::Collapse],
        CauseKind::BatchSize => &[Label::Oscillate, Label::Spike, Label::StillImproving, Label::TooFewEpochs],
        CauseKind::BadValues => &[Label::Nan],
        CauseKind::Scaling => &[Label::Nan, Label::Diverge, Label::Stuck, Label::Plateau, Label::Oscillate],
        CauseKind::SortedData => {
            &[Label::Oscillate, Label::Stuck, Label::Overfit, Label::Gap, Label::ValPlateau]
        }
        CauseKind::TailSplit | CauseKind::Shift => &[Label::Overfit, Label::Gap, Label::ValPlateau],
        CauseKind::Leak => &[Label::ValBetter],
        CauseKind::TooLittleData | CauseKind::TooLittleRegularization | CauseKind::TooManyEpochs => {
            &[Label::Overfit, Label::Gap, Label::ValPlateau]
        }
        CauseKind::Capacity => &[Label::Overfit, Label::Gap, Label::Underfit, Label::Plateau],
        CauseKind::TooMuchRegularization => &[Label::Underfit, Label::Plateau, Label::ValBetter],
        CauseKind::TooFewEpochs => &[Label::StillImproving, Label::TooFewEpochs],
        CauseKind::SmallValidation => &[Label::ValNoisy],
        CauseKind::Truncation | CauseKind::Vocabulary => &[Label::Plateau, Label::Underfit, Label::Stuck],
        CauseKind::Schedule => &[Label::Plateau, Label::Rebound],
        CauseKind::Metric | CauseKind::Objective => &[Label::MetricMismatch, Label::PenaltyDominated],
        CauseKind::Imbalance => &[Label::Stuck, Label::MetricMismatch],
        CauseKind::Syntax
        | CauseKind::UnknownName
        | CauseKind::DoubledNormalization
        | CauseKind::MissingLayer
        | CauseKind::Optimizer
        | CauseKind::NoValidation
        | CauseKind::Process => &[],
    };
    would.iter().any(|label| labels.contains(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Change, Place};

    fn found(rule: &'static str, level: Level, kind: CauseKind, weight: f64) -> Finding {
        Finding::new(rule, level, format!("{rule} of {kind:?}")).cause(Cause::new(
            kind,
            weight,
            format!("{rule} says so"),
        ))
    }

    fn diagnosis(findings: Vec<Finding>) -> Diagnosis {
        Diagnosis { primary: None, findings: ordered(merged(findings)), not_checked: Vec::new() }
    }

    #[test]
    fn findings_stand_in_the_order_of_treatment() {
        let findings = vec![
            found("C11", Level::Error, CauseKind::TooManyEpochs, 0.5),
            found("C07", Level::Error, CauseKind::LearningRateHigh, 0.5),
            found("S15", Level::Note, CauseKind::NoValidation, 0.2),
            found("S05", Level::Warning, CauseKind::HiddenLinear, 0.8),
            found("S01", Level::Error, CauseKind::OutputActivation, 0.8),
            found("D01", Level::Error, CauseKind::SortedData, 0.8),
            found("C01", Level::Error, CauseKind::LearningRateHigh, 0.5),
        ];
        let order: Vec<_> = diagnosis(findings).findings.iter().map(|finding| finding.rule).collect();
        assert_eq!(order, ["C01", "D01", "S01", "C07", "C11", "S05", "S15"]);
    }

    #[test]
    fn groups_add_up_and_findings_of_one_group_do_not() {
        let one = diagnosis(vec![
            found("C04", Level::Error, CauseKind::LearningRateHigh, 0.5),
            found("C07", Level::Error, CauseKind::LearningRateHigh, 0.4),
        ]);
        assert_eq!(one.causes()[0].weight, 0.5);
        let two = diagnosis(vec![
            found("C04", Level::Error, CauseKind::LearningRateHigh, 0.5),
            found("S09", Level::Warning, CauseKind::LearningRateHigh, 0.6),
        ]);
        let causes = two.causes();
        assert!((causes[0].weight - 0.8).abs() < 1e-12, "{causes:?}");
        assert_eq!(causes[0].findings, [0, 1]);
        assert_eq!(causes[0].text, "S09 says so");
    }

    #[test]
    fn what_is_seen_explains_the_curve_away() {
        let stuck = Finding::new("C04", Level::Error, "stands")
            .label(Label::Stuck)
            .cause(Cause::new(CauseKind::LearningRateHigh, 0.6, "a guess"))
            .cause(Cause::new(CauseKind::OutputActivation, 0.4, "another"));
        let alone = diagnosis(vec![stuck.clone()]).causes();
        assert_eq!(alone[0].kind, CauseKind::LearningRateHigh);
        let seen = found("S01", Level::Warning, CauseKind::OutputActivation, 0.8);
        let both = diagnosis(vec![stuck, seen]).causes();
        assert_eq!(both[0].kind, CauseKind::OutputActivation);
        assert!(both[0].weight > 0.88 && both[0].weight < 1.0, "{both:?}");
        assert!((both[1].weight - 0.42).abs() < 1e-12, "{both:?}");
    }

    #[test]
    fn what_speaks_against_counts() {
        let doubted = Finding::new("S01", Level::Warning, "sigmoid").cause(
            Cause::new(CauseKind::OutputActivation, 0.8, "sigmoid").although("Keras divides by the sum"),
        );
        let note = found("S14", Level::Note, CauseKind::Capacity, 0.8);
        let causes = diagnosis(vec![doubted, note]).causes();
        assert!((causes[0].weight - 0.72).abs() < 1e-12);
        assert_eq!(causes[0].speaks_against, ["Keras divides by the sum"]);
        assert!((causes[1].weight - 0.4).abs() < 1e-12, "a note");
    }

    #[test]
    fn one_finding_twice_is_one() {
        let at = |level| found("S07", level, CauseKind::UnknownName, 0.9).at(Some(Place::Span(3..9)));
        let merged = diagnosis(vec![at(Level::Warning), at(Level::Error)]).findings;
        assert_eq!(merged.iter().map(|finding| finding.level).collect::<Vec<_>>(), [Level::Error]);
        let elsewhere = found("S07", Level::Error, CauseKind::UnknownName, 0.9).at(Some(Place::Span(20..29)));
        assert_eq!(diagnosis(vec![at(Level::Error), elsewhere]).findings.len(), 2);
    }

    #[test]
    fn each_treatment_is_listed_once() {
        let shuffle = |text: &str| Treatment::automatic(Change::Shuffle, text);
        let sorted = found("D01", Level::Error, CauseKind::SortedData, 0.9).treat(shuffle("shuffle"));
        let tail = found("D02", Level::Error, CauseKind::TailSplit, 0.9)
            .treat(shuffle("shuffle before the split"))
            .treat(Treatment::advice("look at the file"));
        let diagnosis = diagnosis(vec![sorted, tail]);
        let texts: Vec<_> = diagnosis
            .treatments()
            .iter()
            .map(|(finding, treatment)| (finding.rule, treatment.text.as_str()))
            .collect();
        assert_eq!(texts, [("D01", "shuffle"), ("D02", "look at the file")]);
    }

    #[test]
    fn without_evidence_every_rule_says_what_it_lacks() {
        let diagnosis = diagnose(&Evidence::default());
        assert!(diagnosis.findings.is_empty(), "{:?}", diagnosis.findings);
        // S00 is found by whoever reads a script, and has nothing to look for.
        assert_eq!(diagnosis.not_checked.len() + 1, rules::all().count());
        let missing = diagnosis.missing();
        assert_eq!(missing.iter().map(|(_, rules)| rules.len()).sum::<usize>(), diagnosis.not_checked.len());
        assert!(missing.windows(2).all(|pair| pair[0].1.len() >= pair[1].1.len()));
    }

    #[test]
    fn the_document_has_causes() {
        let mut diagnosis = diagnosis(vec![found("S01", Level::Warning, CauseKind::OutputActivation, 0.8)]);
        diagnosis.not_checked.push(NotChecked { rule: "C01", needs: Need::Curves });
        insta::assert_json_snapshot!(diagnosis);
    }
}
