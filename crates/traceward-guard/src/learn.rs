//! What is normal on this host, and what threshold keeps its false alarms rare.
//!
//! A threshold that was chosen in a laboratory promises nothing here. A learner follows all traces for a while as
//! the guard will, takes each for a normal one, and calibrates on them: if nothing attacked meanwhile, and the
//! host goes on with the same work, at most the asked share of its traces will alarm.
//!
//! Memory is bounded: of many traces a random sample is kept, which promises the same as all of them would with as
//! many. Of each trace its scores are kept; its calls are counted for [`traceward_detect::drift`] and forgotten.
//! Traces beside a loss are left out: what the model says of them may be about a hole.

use traceward_capture::{Cut, Names};
use traceward_detect::calibrate::{
    Calibration, Course, Moments, Options as Wanted, Temperature, Threshold, Watch,
};
use traceward_detect::drift::Usual;
use traceward_detect::verdict::How;
use traceward_run::About;
use traceward_trace::rng::Rng;

use crate::session::Sessions;
use crate::{GuardError, Model};

/// Traces of which the scores are kept: enough for one false alarm in 100,000 traces, 10 MB.
const KEPT: usize = 200_000;
/// What the sample is drawn by.
const SEED: u64 = 1;

/// Follows normal traces.
#[derive(Debug)]
pub struct Learner<'a> {
    sessions: Sessions<'a>,
    moments: Moments,
    wanted: Wanted,
    courses: Vec<Course>,
    random: Rng,
    usual: Usual,
    seen: u64,
    calls: u64,
    tainted: u64,
    given_up: u64,
    /// How many traces' scores are kept.
    most: usize,
}

/// What was learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// The calibration.
    pub calibration: Calibration,
    /// The threshold for the rate that was asked for, over a trace's whole life, and what it promises.
    pub threshold: Threshold,
    /// Traces that it rests on.
    pub traces: u64,
    /// Their calls.
    pub calls: u64,
    /// Traces left out because calls were lost beside them.
    pub tainted: u64,
    /// Traces left out because there was no room for their calls.
    pub given_up: u64,
    /// The highest score of any, for the eye: one near 1 was an attack, or will hide some.
    pub highest: f64,
}

impl<'a> Learner<'a> {
    /// Learns for a model, for a false-alarm rate of `far`: at most this share of normal traces shall alarm.
    /// `host` is what the normals are called; `calls` bounds the bytes for open traces' calls.
    ///
    /// # Errors
    /// If the model has no normal class, or `far` is no rate.
    pub fn new(
        model: Model<'a>,
        about: &'a About,
        names: &Names,
        far: f64,
        host: &str,
        calls: usize,
    ) -> Result<Self, GuardError> {
        let classifier = model.classifier();
        let normal = crate::model::check(classifier, about)?;
        if !(far > 0.0 && far < 1.0) {
            return Err(traceward_detect::calibrate::CalibrateError::Rate(far).into());
        }
        // The model's own temperature stays: it was fitted on labelled traces, which are not to be had here.
        let kept = about.calibration.as_ref().map(Calibration::from_json).transpose()?;
        let temperature = kept.map_or(Temperature::NONE, |kept| kept.temperature);
        let watch = Watch::to_calibrate(classifier, normal, temperature);
        crate::model::check_moments(model, watch.moments)?;
        let wanted = Wanted { far, data: host.to_owned(), temperature, vocabulary: about.vocabulary.size() };
        Ok(Self {
            moments: watch.moments,
            sessions: Sessions::new(model, watch, about, names, calls),
            usual: Usual::new(wanted.vocabulary),
            wanted,
            courses: Vec::new(),
            random: Rng::new(SEED),
            seen: 0,
            calls: 0,
            tainted: 0,
            given_up: 0,
            most: KEPT,
        })
    }

    /// How many traces it rests on so far.
    pub fn traces(&self) -> u64 {
        self.seen
    }

    /// Takes what the cutter tells of a trace. At the end of the time let the cutter finish, so that open
    /// traces count as far as they came.
    pub fn cut(&mut self, cut: Cut<'_>) {
        match cut {
            Cut::Begin(slot, head) => self.sessions.begin(slot, head),
            Cut::Calls(slot, calls) => drop(self.sessions.calls(slot, calls, |_, _| false)),
            Cut::End(slot, tail) => {
                let lost = tail.lost + self.sessions.head(slot).map_or(0, |head| head.lost);
                match self.sessions.finish(slot) {
                    Some(_) if lost > 0 => self.tainted += 1,
                    Some(state) => {
                        if let Some(tokens) = self.sessions.tokens(slot, u32::MAX) {
                            self.usual.add(&tokens);
                        }
                        self.take(state.course);
                    }
                    None => self.given_up += 1,
                }
                self.sessions.close(slot);
            }
            Cut::Forget(..) => {}
        }
    }

    /// Keeps a sample in which each trace stands with the same chance (Vitter's algorithm R, 1985).
    fn take(&mut self, course: Course) {
        self.seen += 1;
        self.calls += u64::from(course.calls);
        if self.courses.len() < self.most {
            self.courses.push(course);
        } else if let Some(place) = self.courses.get_mut(self.random.below(self.seen) as usize) {
            *place = course;
        }
    }

    /// The calibration.
    ///
    /// # Errors
    /// If no trace has ended, or the model answers NaN.
    pub fn finish(&self) -> Result<Learnt, GuardError> {
        let scores: Vec<f64> = self.courses.iter().map(|course| course.p_attack).collect();
        let calibration = Calibration::of_courses(&self.courses, self.moments, &self.wanted, || {
            self.usual.finish(&scores)
        })?;
        let attack = &calibration.table(How::default().at_end).attack;
        Ok(Learnt {
            threshold: attack.threshold(self.wanted.far),
            highest: attack.highest(),
            calibration,
            traces: self.seen,
            calls: self.calls,
            tainted: self.tainted,
            given_up: self.given_up,
        })
    }
}

impl Learnt {
    /// What was learnt and what it is worth, in full sentences.
    pub fn sentences(&self) -> Vec<String> {
        let Threshold { above, far, guaranteed, normals, enough } = self.threshold;
        let mut said = vec![format!(
            "Learnt from {} traces of {} calls; P(attack) above {above:.4} will alarm.",
            self.traces, self.calls
        )];
        said.push(if enough {
            format!(
                "At most {} of traces like these alarm by chance ({normals} normals are enough for the rate asked for).",
                percent(guaranteed)
            )
        } else {
            format!(
                "These are too few for a false-alarm rate of {}: at most {} of traces like these alarm by chance. {} would be enough.",
                percent(far),
                percent(guaranteed),
                traceward_detect::calibrate::conformal::normals_for(far)
            )
        });
        if self.highest > SURE {
            said.push(format!(
                "One of them scored {:.4}: if that was an attack, its like will not be seen.",
                self.highest
            ));
        }
        if self.tainted > 0 {
            said.push(format!("{} traces were left out because calls beside them were lost.", self.tainted));
        }
        if self.given_up > 0 {
            said.push(format!(
                "{} traces were left out because there was no room for their calls.",
                self.given_up
            ));
        }
        said
    }
}

/// A normal that scores more than this is worth a look.
const SURE: f64 = 0.9;

/// `0.1 %`.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let digits = if percent >= 1.0 { 1 } else { 3 };
    let text = format!("{percent:.digits$}");
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use traceward_capture::{Call, Head, Tail, TaskId, Why};
    use traceward_run::classifier::Unreadable;
    use traceward_run::{Classifier, Scores};
    use traceward_trace::Abi;

    use super::*;

    /// P(attack) is the number of calls in thousandths.
    struct Length;

    impl Classifier for Length {
        fn classes(&self) -> usize {
            2
        }

        fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
            let row = |trace: &&[u32]| [1.0 - trace.len() as f32 / 1000.0, trace.len() as f32 / 1000.0];
            Ok(Scores::new(2, traces.iter().flat_map(row).collect()))
        }
    }

    #[test]
    fn of_many_traces_a_fair_sample_is_kept() {
        let names = Names::of(Abi::X86_64);
        let about: About = serde_json::from_value(json!({
            "version": "0",
            "vocabulary": {"abi": names.abi(), "names": ["read"]},
            "classes": ["normal", "attack"],
        }))
        .unwrap();
        let mut learner = Learner::new(Model::Whole(&Length), &about, &names, 0.1, "host", 1 << 16).unwrap();
        learner.most = 200;
        for calls in 1..=900 {
            let head = Head { task: TaskId(1), first: 0, at: 0, lost: 0, joined: false };
            learner.cut(Cut::Begin(0, head));
            learner.cut(Cut::Calls(0, &vec![Call::new(0); calls]));
            learner.cut(Cut::End(0, Tail { why: Why::Exit, at: 0, lost: 0 }));
        }
        let learnt = learner.finish().unwrap();
        assert_eq!((learnt.traces, learnt.threshold.normals), (900, 200));
        assert_eq!(learnt.calibration.usual.as_ref().map(|usual| usual.traces), Some(900), "all are counted");
        // The mean of 200 of 1..900 is 450 with a standard error of 18.
        let mean = learner.courses.iter().map(|course| f64::from(course.calls)).sum::<f64>() / 200.0;
        assert!((mean - 450.5).abs() < 70.0, "{mean}");
    }
}
