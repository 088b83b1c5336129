//! Thresholds from a user's own normals, and probabilities that mean what they say.
//!
//! ```text
//! labelled, held out -> Temperature            probabilities that mean what they say
//! normals            -> follow -> Tail         thresholds: at most this share of normals ever alarms
//!                    -> Calibration            both, as JSON in the model file ([`About::calibration`])
//! ```
//!
//! A model's P(attack) becomes an alarm by a threshold, and a threshold that was chosen on other hosts'
//! processes promises nothing here. [`Calibration::fit`] takes traces of the user's own normal processes,
//! follows each over its life ([`life`]) and keeps the distribution of the highest score each reached
//! ([`conformal`]). From it comes, for any false-alarm rate, the threshold that at most that share of normal
//! processes ever passes, and for any score its p-value. The same is done for novelty.
//!
//! Two tables are kept, since a finished trace can be judged once, by all of its calls, and a live process
//! must be judged all along: the maximum of many looks is larger than the last one, so each way of looking
//! has a threshold of its own.
//!
//! [`About::calibration`]: traceward_run::About::calibration

pub mod conformal;
pub mod life;
pub mod reliability;
#[cfg(test)]
pub(crate) mod scripted;
pub mod temperature;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use traceward_run::classifier::Unreadable;
use traceward_run::{Classifier, Labelled};

pub use conformal::{Tail, Threshold};
pub use life::{Life, Moments, Watch};
pub use reliability::Reliability;
pub use temperature::Temperature;

/// The false-alarm rates whose thresholds are always exact, beside the one that was asked for.
pub const FALSE_ALARM_RATES: [f64; 3] = [0.001, 0.01, 0.05];

/// How many traces are followed at a time: bounds memory, changes no result.
const CHUNK: usize = 256;

/// The version of the layout of [`Calibration`] in a model file.
const FORMAT: u32 = 1;

/// What a model's scores mean on somebody's normal processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    format: u32,
    /// What makes the model's probabilities mean what they say; applied before anything else.
    #[serde(default)]
    pub temperature: Temperature,
    /// The false-alarm rate that was asked for.
    pub far: f64,
    /// The data set that the normals came from, for people.
    pub data: String,
    /// The fewest calls of a trace among the normals: of shorter ones nothing is known.
    pub shortest: u32,
    /// For processes that are judged all along: the highest score of each one's life.
    pub life: Table,
    /// For finished traces that are judged once, by all of their calls.
    pub end: Table,
}

/// The distribution of normals' scores for one way of looking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// When a process is looked at.
    pub moments: Moments,
    /// P(attack).
    pub attack: Tail,
    /// Novelty; `None` for a model that cannot say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub novelty: Option<Tail>,
}

/// Why nothing could be calibrated, or a calibration not be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrateError {
    /// No normals.
    #[error("there are no normal traces to calibrate on")]
    Empty,
    /// The model has no such class.
    #[error("the model has no normal class, so it has no P(attack) to be calibrated")]
    NoNormalClass,
    /// A rate that is none.
    #[error("{0} is no false-alarm rate: it must lie between 0 and 1, such as 0.001")]
    Rate(f64),
    /// A trace that the model cannot read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The model does not work.
    #[error("trace {trace}: the model's {what} is not a number")]
    NotANumber {
        /// Which of the traces, from 0.
        trace: usize,
        /// `P(attack)` or `novelty`.
        what: &'static str,
    },
    /// What the model file holds under `calibration`.
    #[error("the model's calibration does not read: {0}; calibrate it again")]
    Damaged(String),
}

/// What to calibrate for.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The share of normal processes that may alarm.
    pub far: f64,
    /// What the normals are called, for people.
    pub data: String,
    /// The model's temperature; [`Temperature::NONE`] takes its probabilities as they are.
    pub temperature: Temperature,
}

impl Calibration {
    /// Calibrates a model on traces of normal processes that it was not trained on.
    ///
    /// `normal` is the model's class for them. The guarantee holds for processes that are exchangeable with
    /// these: of the same hosts and programs, at the same work. It speaks of the average over calibrations:
    /// of one calibration on `n` normals the realised rate is Beta-distributed around the asked one
    /// ([`conformal::realised`]).
    ///
    /// # Errors
    /// If there is no trace, `far` is not in (0, 1), or the model cannot read a trace or answers NaN.
    pub fn fit(
        classifier: &dyn Classifier,
        normal: u16,
        normals: &[&[u32]],
        options: &Options,
    ) -> Result<Self, CalibrateError> {
        if usize::from(normal) >= classifier.classes() {
            return Err(CalibrateError::NoNormalClass);
        }
        let watch = Watch::to_calibrate(classifier, normal, options.temperature);
        let lives = follow_all(&watch, normals)?;
        Self::of_lives(&lives, watch.moments, options)
    }

    /// Calibrates a model on labelled traces that it was not trained on: its temperature on all of them,
    /// then thresholds on the normals among them.
    ///
    /// For the end of a training, so that a model never leaves it without any; its user's own normals make
    /// a better one. The temperature is fitted on the same normals, and an early stop may have watched them:
    /// the promise is a little less exact than that of [`Calibration::fit`].
    ///
    /// # Errors
    /// As [`Calibration::fit`].
    pub fn of_validation(
        classifier: &dyn Classifier,
        held_out: &Labelled<'_>,
        far: f64,
        data: &str,
    ) -> Result<Self, CalibrateError> {
        let normal = held_out.normal.ok_or(CalibrateError::NoNormalClass)?;
        let temperature = Temperature::fit(&classifier.predict(&held_out.traces)?, &held_out.labels);
        let labelled = held_out.traces.iter().zip(&held_out.labels);
        let normals: Vec<&[u32]> =
            labelled.filter(|(_, label)| **label == normal).map(|(trace, _)| *trace).collect();
        Self::fit(classifier, normal, &normals, &Options { far, data: data.to_owned(), temperature })
    }

    /// Calibrates on normals that were followed ([`Watch::to_calibrate`]) at `moments`.
    ///
    /// # Errors
    /// As [`Calibration::fit`], but for what cannot be read.
    pub fn of_lives(lives: &[Life], moments: Moments, options: &Options) -> Result<Self, CalibrateError> {
        if !(options.far > 0.0 && options.far < 1.0) {
            return Err(CalibrateError::Rate(options.far));
        }
        let shortest = lives.iter().map(|life| life.calls).min().ok_or(CalibrateError::Empty)?;
        let mut exact = FALSE_ALARM_RATES.to_vec();
        exact.push(options.far);
        let tail = |what, score: &dyn Fn(&Life) -> Option<f64>| -> Result<Option<Tail>, CalibrateError> {
            let Some(scores) = lives.iter().map(score).collect::<Option<Vec<f64>>>() else {
                return Ok(None);
            };
            if let Some(trace) = scores.iter().position(|score| score.is_nan()) {
                return Err(CalibrateError::NotANumber { trace, what });
            }
            Ok(Tail::of(scores, &exact))
        };
        let attack = |score: &dyn Fn(&Life) -> f64| {
            tail("P(attack)", &|life| Some(score(life)))?.ok_or(CalibrateError::Empty)
        };
        Ok(Self {
            format: FORMAT,
            temperature: options.temperature,
            far: options.far,
            data: options.data.clone(),
            shortest,
            life: Table {
                moments,
                attack: attack(&|life| life.peak)?,
                novelty: tail("novelty", &|life| life.novelty_peak)?,
            },
            end: Table {
                moments: Moments::End,
                attack: attack(&|life| life.p_attack)?,
                novelty: tail("novelty", &|life| life.novelty)?,
            },
        })
    }

    /// The calibration that a model file holds ([`traceward_run::About::calibration`]).
    ///
    /// # Errors
    /// If it does not read, is of a later version, or contradicts itself.
    pub fn from_json(value: &Value) -> Result<Self, CalibrateError> {
        let damaged = |reason: String| CalibrateError::Damaged(reason);
        if let Some(format) = value.get("format").and_then(Value::as_u64)
            && format != u64::from(FORMAT)
        {
            return Err(damaged(format!("its format is {format}, and this version reads {FORMAT}")));
        }
        let read: Self = serde_json::from_value(value.clone()).map_err(|error| damaged(error.to_string()))?;
        if !(read.far > 0.0 && read.far < 1.0) {
            return Err(damaged(format!("its rate is {}", read.far)));
        }
        Ok(read)
    }

    /// The calibration as a model file holds it.
    ///
    /// # Panics
    /// Never: nothing in it has no form in JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// How many normals it rests on.
    pub fn normals(&self) -> u64 {
        self.end.attack.count()
    }

    /// The table for a way of looking: judged once at the end, or all along.
    pub fn table(&self, at_end: bool) -> &Table {
        if at_end { &self.end } else { &self.life }
    }
}

/// Follows traces over their lives, some at a time.
///
/// # Errors
/// If one cannot be read; it is counted among all.
pub fn follow_all(watch: &Watch<'_>, traces: &[&[u32]]) -> Result<Vec<Life>, Unreadable> {
    let mut lives = Vec::with_capacity(traces.len());
    for (chunk, some) in traces.chunks(CHUNK).enumerate() {
        let followed = watch
            .follow(some)
            .map_err(|error| Unreadable { trace: chunk * CHUNK + error.trace, ..error })?;
        lives.extend(followed);
    }
    Ok(lives)
}
