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
//! has a threshold of its own. Looking often is not for free: on ADFA-LD at 1 % false alarms, a linear model
//! of 1-3-grams finds 0.69 of attacks at the end and 0.45 by the highest score of their lives
//! (`tests/coverage.rs` prints it).
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

use crate::drift::Reference;

pub use conformal::{Tail, Threshold};
pub use life::{Course, Life, Moments, Quiet, Watch};
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
    /// The normals' calls and scores at the end, for [`crate::drift`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<Reference>,
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
    /// How many tokens the model's vocabulary has ([`Vocabulary::size`](traceward_trace::Vocabulary::size)).
    pub vocabulary: usize,
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
        Self::of_lives(normals, &lives, watch.moments, options)
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
        let options = Options { far, data: data.to_owned(), temperature, vocabulary: held_out.vocabulary };
        Self::fit(classifier, normal, &normals, &options)
    }

    /// Calibrates on normals that were followed ([`Watch::to_calibrate`]) at `moments`.
    ///
    /// # Errors
    /// As [`Calibration::fit`], but for what cannot be read.
    pub fn of_lives(
        normals: &[&[u32]],
        lives: &[Life],
        moments: Moments,
        options: &Options,
    ) -> Result<Self, CalibrateError> {
        let courses: Vec<Course> = lives.iter().map(|life| life.course).collect();
        let scores: Vec<f64> = courses.iter().map(|course| course.p_attack).collect();
        let usual = || Reference::of(normals, &scores, options.vocabulary);
        Self::of_courses(&courses, moments, options, usual)
    }

    /// The same of normals that nobody kept: what was made of each, and their calls as somebody counted them
    /// ([`crate::drift::Usual`]).
    ///
    /// # Errors
    /// As [`Calibration::of_lives`].
    pub fn of_courses(
        courses: &[Course],
        moments: Moments,
        options: &Options,
        usual: impl FnOnce() -> Reference,
    ) -> Result<Self, CalibrateError> {
        if !(options.far > 0.0 && options.far < 1.0) {
            return Err(CalibrateError::Rate(options.far));
        }
        let shortest = courses.iter().map(|course| course.calls).min().ok_or(CalibrateError::Empty)?;
        let mut exact = FALSE_ALARM_RATES.to_vec();
        exact.push(options.far);
        let tail = |what, score: &dyn Fn(&Course) -> Option<f64>| -> Result<Option<Tail>, CalibrateError> {
            let Some(scores) = courses.iter().map(score).collect::<Option<Vec<f64>>>() else {
                return Ok(None);
            };
            if let Some(trace) = scores.iter().position(|score| score.is_nan()) {
                return Err(CalibrateError::NotANumber { trace, what });
            }
            Ok(Tail::of(scores, &exact))
        };
        let attack = |score: &dyn Fn(&Course) -> f64| {
            tail("P(attack)", &|course| Some(score(course)))?.ok_or(CalibrateError::Empty)
        };
        Ok(Self {
            format: FORMAT,
            temperature: options.temperature,
            far: options.far,
            data: options.data.clone(),
            shortest,
            life: Table {
                moments,
                attack: attack(&|course| course.peak)?,
                novelty: tail("novelty", &|course| course.novelty_peak.map(f64::from))?,
            },
            end: Table {
                moments: Moments::End,
                attack: attack(&|course| course.p_attack)?,
                novelty: tail("novelty", &|course| course.novelty.map(f64::from))?,
            },
            usual: Some(usual()),
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
        let followed =
            watch.follow(some).map_err(|error| Unreadable { trace: chunk * CHUNK + error.trace, ..error })?;
        lives.extend(followed);
    }
    Ok(lives)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use traceward_trace::rng::Rng;

    use super::scripted::Scripted;
    use super::*;

    fn options(far: f64) -> Options {
        Options { far, data: "normals".into(), temperature: Temperature::NONE, vocabulary: 1001 }
    }

    /// Random walks of P(attack): 30 to 300 calls each.
    fn walks(count: usize, seed: u64) -> Vec<Vec<u32>> {
        (0..count as u64)
            .map(|number| {
                let mut rng = Rng::stream(seed, number);
                let mut at = 300_i64;
                (0..30 + rng.below(270))
                    .map(|_| {
                        at = (at + rng.below(41) as i64 - 20).clamp(0, 999);
                        at as u32
                    })
                    .collect()
            })
            .collect()
    }

    fn refs(traces: &[Vec<u32>]) -> Vec<&[u32]> {
        traces.iter().map(Vec::as_slice).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let traces = walks(200, 1);
        for model in [Scripted::WHOLE, Scripted { novelty: true, ..Scripted::STREAM }] {
            let calibration = Calibration::fit(&model, 0, &refs(&traces), &options(0.01)).unwrap();
            let text = calibration.to_json().to_string();
            let read = Calibration::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(read, calibration);
            assert_eq!(read.life.novelty.is_some(), model.novelty);
            assert_eq!(read.normals(), 200);
        }
    }

    #[test]
    fn what_does_not_read_is_said() {
        let good = Calibration::fit(&Scripted::WHOLE, 0, &[&[5, 6]], &options(0.01)).unwrap().to_json();
        let with = |pointer: &str, value: Value| {
            let mut changed = good.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            Calibration::from_json(&changed).unwrap_err().to_string()
        };
        assert!(with("/format", json!(2)).contains("format is 2"));
        assert!(with("/far", json!(0)).contains("calibrate it again"));
        assert!(with("/temperature", json!(-1)).contains("-1"));
        assert!(with("/end/attack/scores", json!([])).contains("contradicts itself"));
        assert!(with("/life/moments", json!("hourly")).contains("hourly"));
        assert!(Calibration::from_json(&json!(null)).is_err());
    }

    #[test]
    fn what_cannot_be_calibrated_is_refused() {
        let model = Scripted::WHOLE;
        let error = |normal, traces: &[&[u32]], far| {
            Calibration::fit(&model, normal, traces, &options(far)).unwrap_err()
        };
        assert_eq!(error(0, &[], 0.01), CalibrateError::Empty);
        assert_eq!(error(0, &[&[1]], 1.0), CalibrateError::Rate(1.0));
        assert_eq!(error(3, &[&[1]], 0.01), CalibrateError::NoNormalClass);
        assert!(matches!(
            error(0, &[&[1], &[]], 0.01),
            CalibrateError::Unreadable(Unreadable { trace: 1, .. })
        ));
    }

    /// One look at the end and many looks are two scores; each keeps its promise by its own threshold, and
    /// not by the other's.
    #[test]
    fn the_highest_score_of_a_life_needs_its_own_threshold() {
        let model = Scripted::STREAM;
        let (mine, others) = (walks(999, 2), walks(4000, 3));
        let calibration = Calibration::fit(&model, 0, &refs(&mine), &options(0.05)).unwrap();
        let watch = Watch::to_calibrate(&model, 0, Temperature::NONE);
        let lives = follow_all(&watch, &refs(&others)).unwrap();
        let rate = |at_end, score: fn(&Course) -> f64| {
            let threshold = calibration.table(at_end).attack.threshold(0.05);
            lives.iter().filter(|life| threshold.flags(score(&life.course))).count() as u64
        };
        let expected = conformal::realised(999, 0.05, 4000, 0.999);
        assert!(expected.contains(&rate(false, |course| course.peak)), "{expected:?}");
        assert!(expected.contains(&rate(true, |course| course.p_attack)), "{expected:?}");
        assert!(rate(true, |course| course.peak) > *expected.end(), "{expected:?}");
    }

    #[test]
    fn a_validation_side_calibrates_too() {
        let normals = walks(150, 4);
        let attacks: Vec<Vec<u32>> = (0..40).map(|i| vec![600 + 10 * i; 50]).collect();
        let held_out = Labelled {
            traces: normals.iter().chain(&attacks).map(Vec::as_slice).collect(),
            labels: (0..190).map(|i| u16::from(i >= 150)).collect(),
            groups: (0..190).collect(),
            classes: 3,
            normal: Some(0),
            vocabulary: 1001,
        };
        let calibration =
            Calibration::of_validation(&Scripted::WHOLE, &held_out, 0.01, "validation").unwrap();
        assert_eq!(calibration.normals(), 150);
        assert_ne!(calibration.temperature, Temperature::NONE);
        let without = Labelled { normal: None, ..held_out };
        let refused = Calibration::of_validation(&Scripted::WHOLE, &without, 0.01, "validation");
        assert_eq!(refused.unwrap_err(), CalibrateError::NoNormalClass);
    }
}
