//! The debug record: what `traceward debug` saw, found, changed, and what came of it.
//!
//! A debugging is a story of steps. In each, a training is looked at and diagnosed; treatments are tried
//! one at a time, in the order in which they should be; one is kept, or none helps; the next step begins
//! from what was kept. Treatments that failed belong to the story too: they say what the cause is not.
//!
//! These types are the story as data. They own all that they say, so that a record can be written after
//! every step, read again and rendered by another program, and they know nothing of how a training is
//! run. Rendering is the report's.

mod diff;

use serde::{Deserialize, Serialize};
use traceward_run::History;

use crate::curve::Curve;
use crate::{CauseKind, Diagnosis, Label, Level, Place};

pub use diff::unified_diff;

/// A debugging, from the first training to the last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DebugRecord {
    /// The version that wrote it.
    pub traceward: String,
    /// What was debugged: a preset's name, a configuration's.
    pub name: String,
    /// On which data.
    pub data: String,
    /// When it began, in seconds since 1970, UTC; `None` keeps the time out of the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<u64>,
    /// How long it may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<f64>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What holds in all steps, as label and value: the split, the seeds, how trials are judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<(String, String)>,
    /// What happened.
    pub steps: Vec<Step>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a debugging ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes on: the record is written after every step.
    #[default]
    Running,
    /// The last training is healthy.
    Healthy,
    /// There are findings left, and no treatment that was not tried.
    OutOfTreatments,
    /// The time is used up.
    OutOfBudget,
    /// Somebody stopped it.
    Interrupted,
    /// It could not go on, and why.
    Failed(String),
}

/// A training, what was found in it, and what was tried against that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which, from 1.
    pub number: usize,
    /// Its run directory, as the record's reader would find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What was trained, in the words that matter: label and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub summary: Vec<(String, String)>,
    /// The configuration as a `traceward.toml`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub config: String,
    /// What its curves were.
    pub curves: RecordedCurves,
    /// The one word for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<Label>,
    /// What was found, in the order to treat it.
    pub findings: Vec<RecordedFinding>,
    /// What else was seen: a probe's answer, the learning rate that the range test suggests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What was tried, in order. The one that was accepted is what the next step begins from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<Trial>,
    /// How long training and trials of this step took, in seconds.
    pub seconds: f64,
}

impl Step {
    /// What was kept, if anything was.
    pub fn accepted(&self) -> Option<&Trial> {
        self.trials.iter().find(|trial| trial.verdict == Verdict::Accepted)
    }
}

/// A finding as a record keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedFinding {
    /// Which rule's.
    pub rule: String,
    /// The rule's name; empty if the finding is no rule's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How bad it is.
    pub level: Level,
    /// What was computed.
    pub symptom: String,
    /// The row of the history that it points at, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<usize>,
    /// Where it is besides that, in words: a layer, a row of data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What may lie behind it, likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<RecordedCause>,
    /// What it proposes, in the order to try it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub treatments: Vec<String>,
}

impl RecordedFinding {
    /// The findings of a diagnosis, in its order.
    pub fn of(diagnosis: &Diagnosis) -> Vec<Self> {
        diagnosis.findings.iter().map(Self::from).collect()
    }
}

impl From<&crate::Finding> for RecordedFinding {
    fn from(finding: &crate::Finding) -> Self {
        let causes = finding.causes.iter().map(|cause| RecordedCause {
            kind: cause.kind,
            text: cause.text.clone(),
            weight: cause.weight,
            speaks_for: cause.speaks_for.clone(),
            speaks_against: cause.speaks_against.clone(),
        });
        let place = match &finding.place {
            Some(Place::Layer { index, name }) => Some(format!("layer {index}, {name}")),
            Some(Place::Row(row)) => Some(row.clone()),
            Some(Place::Span(_) | Place::Epoch(_)) | None => None,
        };
        Self {
            rule: finding.rule.into(),
            name: crate::rules::by_id(finding.rule).map_or_else(String::new, |rule| rule.name.into()),
            level: finding.level,
            symptom: finding.symptom.clone(),
            epoch: finding.epoch,
            place,
            causes: causes.collect(),
            treatments: finding.treatments.iter().map(|treatment| treatment.text.clone()).collect(),
        }
    }
}

/// A hypothesis as a record keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCause {
    /// Which.
    pub kind: CauseKind,
    /// What it is here.
    pub text: String,
    /// How much spoke for it, from 0 to 1.
    pub weight: f64,
    /// What spoke for it.
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    pub speaks_for: Vec<String>,
    /// What spoke against it.
    #[serde(default, rename = "against", skip_serializing_if = "Vec::is_empty")]
    pub speaks_against: Vec<String>,
}

/// A treatment tried: same split, several seeds, before and after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What was changed, as one sentence in the imperative.
    pub treatment: String,
    /// The rule whose finding it answers.
    pub rule: String,
    /// The cause that it would remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseKind>,
    /// Why this one, and why now.
    pub reason: String,
    /// The change as a [unified diff](unified_diff) of the configuration.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub change: String,
    /// What is compared: a column of the history, or a figure of the evaluation.
    pub metric: String,
    /// Whether more of it is better.
    pub larger_is_better: bool,
    /// The metric without the treatment, by seed.
    pub before: Vec<Score>,
    /// The metric with it, by seed.
    pub after: Vec<Score>,
    /// How much better it is with the treatment; below 0: worse. `None` if one side has no number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// What the gain must exceed: the seeds' noise, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, as one sentence with its numbers.
    pub why: String,
    /// The curves with the treatment, of its first seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curves: Option<RecordedCurves>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What was decided of a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It helps, and is kept.
    Accepted,
    /// It does not help, or not beyond the noise.
    #[default]
    Rejected,
    /// It could not be trained, or came to no number.
    Failed,
}

/// The metric of one training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// With which seed.
    pub seed: u64,
    /// How it came out; `None` if it came to no number.
    pub value: Option<f64>,
}

/// Curves as a record keeps them: NaN and infinities are written as words, which JSON numbers cannot say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordedCurves {
    /// Training loss.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "points")]
    pub loss: Option<Curve>,
    /// Validation loss.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "points")]
    pub val_loss: Option<Curve>,
    /// Training accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "points")]
    pub accuracy: Option<Curve>,
    /// Validation accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "points")]
    pub val_accuracy: Option<Curve>,
}

impl RecordedCurves {
    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        [&self.loss, &self.val_loss, &self.accuracy, &self.val_accuracy]
            .into_iter()
            .flatten()
            .all(|curve| curve.values.is_empty())
    }
}

impl From<&crate::curve::Curves> for RecordedCurves {
    fn from(curves: &crate::curve::Curves) -> Self {
        Self {
            loss: curves.loss.clone(),
            val_loss: curves.val_loss.clone(),
            accuracy: curves.accuracy.clone(),
            val_accuracy: curves.val_accuracy.clone(),
        }
    }
}

impl From<&History> for RecordedCurves {
    /// The columns under their names in Keras; rows count from 0, whatever the counter says.
    fn from(history: &History) -> Self {
        let curve = |name: &str| {
            let column = history.column(name)?.iter().enumerate();
            let (rows, values) = column.filter_map(|(row, value)| Some((row, (*value)?))).unzip();
            Some(Curve { rows, values })
        };
        Self {
            loss: curve("loss"),
            val_loss: curve("val_loss"),
            accuracy: curve("accuracy"),
            val_accuracy: curve("val_accuracy"),
        }
    }
}

/// A curve as pairs of row and value.
mod points {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::curve::Curve;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Value {
        Number(f64),
        Word(String),
    }

    impl From<f64> for Value {
        fn from(value: f64) -> Self {
            if value.is_finite() { Self::Number(value) } else { Self::Word(value.to_string()) }
        }
    }

    #[expect(clippy::ref_option, reason = "what serde asks for")]
    pub(super) fn serialize<S: Serializer>(curve: &Option<Curve>, serializer: S) -> Result<S::Ok, S::Error> {
        let points = curve.as_ref().map(|curve| {
            let values = curve.values.iter().map(|value| Value::from(*value));
            curve.rows.iter().zip(values).collect::<Vec<_>>()
        });
        points.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Curve>, D::Error> {
        let Some(points) = Option::<Vec<(usize, Value)>>::deserialize(deserializer)? else { return Ok(None) };
        let mut curve = Curve::default();
        for (row, value) in points {
            curve.rows.push(row);
            curve.values.push(match value {
                Value::Number(value) => value,
                Value::Word(word) => word.parse().map_err(serde::de::Error::custom)?,
            });
        }
        Ok(Some(curve))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Finding};

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let finding = Finding::new("S03", Level::Error, "softmax over 1 unit")
            .at_epoch(2)
            .cause(Cause::new(CauseKind::OutputActivation, 0.98, "always 1").because("it is constant"));
        let curve = Curve { rows: vec![0, 2, 3], values: vec![1.0 / 3.0, f64::INFINITY, f64::NEG_INFINITY] };
        let record = DebugRecord {
            name: "article-1".into(),
            steps: vec![Step {
                number: 1,
                curves: RecordedCurves { loss: Some(curve), ..RecordedCurves::default() },
                primary: Some(Label::Stuck),
                findings: vec![(&finding).into()],
                trials: vec![Trial {
                    before: vec![Score { seed: 1, value: None }],
                    after: vec![Score { seed: 1, value: Some(0.25) }],
                    verdict: Verdict::Accepted,
                    ..Trial::default()
                }],
                ..Step::default()
            }],
            outcome: Outcome::Failed("no memory".into()),
            ..DebugRecord::default()
        };
        assert_eq!(record.steps[0].findings[0].name, "softmax over one unit");
        let written = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<DebugRecord>(&written).unwrap(), record, "{written}");
    }

    #[test]
    fn what_is_not_a_number_is_kept_in_words() {
        let history = History::parse("epoch,loss,val_loss\n0,1.5,\n1,nan,inf\n").unwrap();
        let curves = RecordedCurves::from(&history);
        let written = serde_json::to_string(&curves).unwrap();
        assert_eq!(written, r#"{"loss":[[0,1.5],[1,"NaN"]],"val_loss":[[1,"inf"]]}"#);
        let read: RecordedCurves = serde_json::from_str(&written).unwrap();
        assert!(read.loss.unwrap().values[1].is_nan());
        assert!(serde_json::from_str::<RecordedCurves>(r#"{"loss":[[0,"much"]]}"#).is_err());
    }
}
