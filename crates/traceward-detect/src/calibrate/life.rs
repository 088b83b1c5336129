//! A process followed over its life: what a model says of it as its calls come.
//!
//! An alarm can be raised at any moment, so what counts against a normal process is the highest score it
//! ever had. A model that can be asked after each call ([`Classifier::session`]) is; every other is asked
//! after 20, 50, 100, 200, 400, 800, … calls and at the end, which costs about twice what the end alone does.
//! Nothing is asked before call 20 but of a process that ends before it: the first calls are the loader's,
//! the same in every program.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use traceward_run::Classifier;
use traceward_run::classifier::Unreadable;

use super::Temperature;

/// The first moments of [`Moments::Doubling`].
const FIRST: [usize; 4] = [20, 50, 100, 200];

/// When a process is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moments {
    /// Once, at its end.
    End,
    /// After 20, 50, 100, 200, 400, 800, … calls, each twice the one before, and at its end.
    Doubling,
    /// After each call from the 20th on, and at its end.
    EveryCall,
}

impl Moments {
    /// The most that a model allows.
    pub fn best_of(classifier: &dyn Classifier) -> Self {
        if classifier.session().is_some() { Self::EveryCall } else { Self::Doubling }
    }

    /// The lengths, in order, at which [`Moments::Doubling`] looks at a trace of `calls` calls; the last is
    /// `calls`.
    pub fn doubling(calls: usize) -> impl Iterator<Item = usize> {
        let doubled = std::iter::successors(Some(400_usize), |&length| length.checked_mul(2));
        FIRST.into_iter().chain(doubled).take_while(move |&length| length < calls).chain([calls])
    }

    /// The first moment of all but [`Moments::End`].
    pub const FIRST: u32 = FIRST[0] as u32;

    /// The next moment after `calls` calls, if the process makes that many; `None` if only its end is left.
    pub fn after(self, calls: u32) -> Option<u32> {
        match self {
            Self::End => None,
            Self::Doubling => {
                let first = FIRST.into_iter().map(|length| length as u32).find(|&length| length > calls);
                first.or_else(|| {
                    std::iter::successors(Some(400_u32), |&length| length.checked_mul(2)).find(|&l| l > calls)
                })
            }
            Self::EveryCall => Some(calls.checked_add(1)?.max(Self::FIRST)),
        }
    }
}

/// What follows processes.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// The model.
    pub classifier: &'a dyn Classifier,
    /// Its class for no attack.
    pub normal: u16,
    /// What its probabilities are corrected by.
    pub temperature: Temperature,
    /// When processes are looked at. Without a session, [`Moments::EveryCall`] falls back to doubling.
    pub moments: Moments,
    /// P(attack) above this is an alarm.
    pub alarm_above: Option<f64>,
    /// Whether novelty is followed, too: at the moments of [`Moments::Doubling`], not at the end alone.
    pub follow_novelty: bool,
}

/// Rounding moves odds by less than this share of themselves: outputs are `f32`.
const QUIET_MARGIN: f64 = 1e-5;

/// Tells cheaply that a look need not be taken to its end: [`Watch::p_attack`] takes a logarithm and an
/// exponential a class where there is a temperature, and hardly ever is a look the highest so far.
#[derive(Clone, Copy, Debug)]
pub struct Quiet {
    /// Odds of all attacks together, as the model has them.
    odds: f64,
    normal: usize,
}

impl Quiet {
    /// Whether P(attack) of this row is surely no more than the peak was. `false` says nothing.
    #[inline]
    pub fn covers(&self, row: &[f32]) -> bool {
        let normal = f64::from(row[self.normal]);
        let all: f64 = row.iter().map(|&p| f64::from(p)).sum();
        // What is negative or no number does not pass.
        row.iter().all(|&p| p >= 0.0) && all - normal <= self.odds * normal
    }
}

/// What a model said of a process.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// What was made of it, look by look.
    pub course: Course,
    /// Probabilities at its end, one a class.
    pub probabilities: Vec<f64>,
}

/// What is kept of a process from look to look. Whoever follows many at a time keeps one of these of each, and
/// [`Watch::follow`] keeps no other, so both come to the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// How many calls it made.
    pub calls: u32,
    /// P(attack) at its end.
    pub p_attack: f64,
    /// The highest P(attack); NaN if any was.
    pub peak: f64,
    /// After how many calls that was, the first time.
    pub peak_at: u32,
    /// After how many calls P(attack) first was above [`Watch::alarm_above`].
    pub first_alarm: Option<u32>,
    /// Novelty at its end.
    pub novelty: Option<f32>,
    /// The highest novelty.
    pub novelty_peak: Option<f32>,
}

/// Beginnings of traces, to be asked of a model all at once.
struct Looks<'a> {
    parts: Vec<&'a [u32]>,
    /// Which trace each is of.
    of: Vec<usize>,
}

impl<'a> Looks<'a> {
    fn ends(traces: &[&'a [u32]]) -> Self {
        Self { parts: traces.to_vec(), of: (0..traces.len()).collect() }
    }

    fn doubling(traces: &[&'a [u32]]) -> Self {
        let (mut parts, mut of) = (Vec::new(), Vec::new());
        for (owner, trace) in traces.iter().enumerate() {
            parts.extend(Moments::doubling(trace.len()).map(|length| &trace[..length]));
            of.resize(parts.len(), owner);
        }
        Self { parts, of }
    }
}

impl<'a> Watch<'a> {
    /// As closely as the model allows, with novelty and without a threshold.
    pub fn to_calibrate(classifier: &'a dyn Classifier, normal: u16, temperature: Temperature) -> Self {
        let moments = Moments::best_of(classifier);
        Self { classifier, normal, temperature, moments, alarm_above: None, follow_novelty: true }
    }

    /// Follows each of `traces` from its first call to its last.
    ///
    /// # Errors
    /// If one is empty or holds a token outside the vocabulary.
    pub fn follow(&self, traces: &[&[u32]]) -> Result<Vec<Life>, Unreadable> {
        let mut lives = vec![Life::new(self.classifier.classes()); traces.len()];
        if self.moments == Moments::EveryCall && self.classifier.session().is_some() {
            self.call_by_call(traces, &mut lives)?;
        } else {
            let looks =
                if self.moments == Moments::End { Looks::ends(traces) } else { Looks::doubling(traces) };
            let scores = self
                .classifier
                .predict(&looks.parts)
                .map_err(|error| Unreadable { trace: looks.of[error.trace], ..error })?;
            for ((part, row), &of) in looks.parts.iter().zip(scores.rows()).zip(&looks.of) {
                lives[of].look(self, row, part.len());
            }
        }
        let looks = if self.follow_novelty && self.moments != Moments::End {
            Looks::doubling(traces)
        } else {
            Looks::ends(traces)
        };
        for (value, &of) in self.classifier.novelty(&looks.parts).into_iter().flatten().zip(&looks.of) {
            lives[of].course.look_novelty(value);
        }
        Ok(lives)
    }

    /// P(attack) as a row of the model's outputs has it; as [`Watch::follow`] computes it, to the last bit.
    #[inline]
    pub fn p_attack(&self, row: &[f32]) -> f64 {
        1.0 - self.temperature.share(row, usize::from(self.normal))
    }

    /// What a model may say without P(attack) being more than `peak`.
    pub fn quiet(&self, peak: f64) -> Quiet {
        // At temperature T odds are the sum of all odds of single classes to the power of 1/T. For T < 1 that is
        // no more than the power of their sum; else at most as often more as k equal ones make it (the power
        // mean inequality): k^(1 - 1/T).
        let (t, families) = (self.temperature.value(), self.classifier.classes().saturating_sub(1).max(1));
        let spread = (families as f64).powf((1.0 - 1.0 / t).max(0.0));
        let odds = (peak / (1.0 - peak) / spread).powf(t);
        Quiet { odds: odds * (1.0 - QUIET_MARGIN), normal: usize::from(self.normal) }
    }

    fn call_by_call(&self, traces: &[&[u32]], lives: &mut [Life]) -> Result<(), Unreadable> {
        // A session refuses nothing, so the model is asked first about all tokens there are, once each.
        if let Some(trace) = traces.iter().position(|trace| trace.is_empty()) {
            return Err(Unreadable { trace, reason: "it is empty".into() });
        }
        let tokens: Vec<u32> =
            traces.iter().flat_map(|trace| *trace).copied().collect::<BTreeSet<_>>().into_iter().collect();
        if !tokens.is_empty() && self.classifier.predict(&[&tokens]).is_err() {
            self.classifier.predict(traces)?;
        }
        lives.par_iter_mut().zip(traces).for_each_init(
            || (self.classifier.session(), vec![0.0; self.classifier.classes()]),
            |(session, row), (life, trace)| {
                let Some(session) = session else { return };
                session.reset();
                for (calls, &token) in (1..).zip(*trace) {
                    session.push(token);
                    if calls >= FIRST[0] || calls == trace.len() {
                        session.scores(row);
                        life.look(self, row, calls);
                    }
                }
            },
        );
        Ok(())
    }
}

impl Life {
    fn new(classes: usize) -> Self {
        Self { course: Course::default(), probabilities: vec![f64::NAN; classes] }
    }

    /// What a model says after `calls` calls.
    fn look(&mut self, watch: &Watch<'_>, row: &[f32], calls: usize) {
        watch.temperature.apply(row, &mut self.probabilities);
        let p_attack = 1.0 - self.probabilities[usize::from(watch.normal)];
        self.course.look(p_attack, calls as u32, watch.alarm_above);
    }
}

impl Default for Course {
    fn default() -> Self {
        Self {
            calls: 0,
            p_attack: f64::NAN,
            peak: f64::NEG_INFINITY,
            peak_at: 0,
            first_alarm: None,
            novelty: None,
            novelty_peak: None,
        }
    }
}

impl Course {
    /// What a model says after `calls` calls ([`Watch::p_attack`]), and above what it is an alarm.
    #[inline]
    pub fn look(&mut self, p_attack: f64, calls: u32, alarm_above: Option<f64>) {
        self.calls = calls;
        self.p_attack = p_attack;
        let peak = greater(self.peak, p_attack);
        if peak > self.peak || self.peak_at == 0 {
            self.peak_at = calls;
        }
        self.peak = peak;
        if self.first_alarm.is_none() && alarm_above.is_some_and(|above| p_attack > above) {
            self.first_alarm = Some(calls);
        }
    }

    /// A look that [`Quiet`] covers: nothing but the number of calls changes, and P(attack) waits for the next
    /// that is taken to its end, or for [`Course::settle`].
    #[inline]
    pub fn skip(&mut self, calls: u32) {
        self.calls = calls;
    }

    /// What the model says after the last look, in case that was skipped.
    pub fn settle(&mut self, p_attack: f64) {
        self.p_attack = p_attack;
    }

    /// What it says of novelty.
    pub fn look_novelty(&mut self, novelty: f32) {
        self.novelty = Some(novelty);
        let greater =
            |peak: f32| if peak.is_nan() || novelty.is_nan() { f32::NAN } else { peak.max(novelty) };
        self.novelty_peak = Some(self.novelty_peak.map_or(novelty, greater));
    }
}

/// The greater of two, NaN if either is.
fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

#[cfg(test)]
mod tests {
    use traceward_trace::rng::Rng;

    use super::*;
    use crate::calibrate::scripted::Scripted;

    fn watch(classifier: &Scripted, moments: Moments) -> Watch<'_> {
        Watch {
            classifier,
            normal: 0,
            temperature: Temperature::NONE,
            moments,
            alarm_above: Some(0.45),
            follow_novelty: true,
        }
    }

    /// 120 calls: P(attack) 0.9 after 10 calls, 0.5 after 50, 0.7 after 60, 0.2 else.
    fn trace() -> Vec<u32> {
        let mut trace = vec![200; 120];
        (trace[9], trace[49], trace[59]) = (900, 500, 700);
        trace
    }

    #[test]
    fn moments_double() {
        let of = |calls| Moments::doubling(calls).collect::<Vec<_>>();
        assert_eq!(of(7), [7]);
        assert_eq!(of(20), [20]);
        assert_eq!(of(21), [20, 21]);
        assert_eq!(of(900), [20, 50, 100, 200, 400, 800, 900]);
    }

    #[test]
    fn the_next_moment_is_one_of_them() {
        let walk = |moments: Moments, calls| {
            let next = |&at: &u32| moments.after(at).filter(|&next| next <= calls);
            let mut all: Vec<usize> =
                std::iter::successors(next(&0), next).map(|length| length as usize).collect();
            if all.last() != Some(&(calls as usize)) {
                all.push(calls as usize);
            }
            all
        };
        for calls in [1, 19, 20, 21, 49, 50, 399, 400, 401, 4096] {
            assert_eq!(walk(Moments::Doubling, calls), Moments::doubling(calls as usize).collect::<Vec<_>>());
        }
        assert_eq!(walk(Moments::EveryCall, 22), [20, 21, 22]);
        assert_eq!(walk(Moments::End, 900), [900]);
        assert_eq!(Moments::Doubling.after(u32::MAX), None);
    }

    /// Skipping what is covered changes nothing, and most is.
    #[test]
    fn a_covered_look_is_no_peak() {
        let mut rng = Rng::new(7);
        for temperature in [1.0, 0.3, 0.9, 1.1, 4.0] {
            let watch = Watch {
                temperature: Temperature::new(temperature).unwrap(),
                ..watch(&Scripted::STREAM, Moments::EveryCall)
            };
            let (mut all, mut some) = (Course::default(), Course::default());
            let mut quiet = watch.quiet(some.peak);
            let mut skipped = 0;
            for calls in 1..2000 {
                let draws: [f64; 3] = std::array::from_fn(|_| rng.uniform().powi(8) + 1e-9);
                let sum: f64 = draws.iter().sum();
                let row = draws.map(|draw| if calls % 97 == 0 { 0.0 } else { (draw / sum) as f32 });
                let p_attack = if calls % 97 == 0 { 0.5 } else { watch.p_attack(&row) };
                all.look(p_attack, calls, watch.alarm_above);
                if quiet.covers(&row) && calls % 97 != 0 {
                    some.skip(calls);
                    skipped += 1;
                } else {
                    some.look(p_attack, calls, watch.alarm_above);
                    quiet = watch.quiet(some.peak);
                }
                some.settle(p_attack);
                assert_eq!(some, all);
            }
            assert!(skipped > 1500, "{skipped} at {temperature}");
        }
        let quiet = watch(&Scripted::STREAM, Moments::EveryCall).quiet(1.0);
        assert!(quiet.covers(&[0.5, 0.2, 0.3]));
        assert!(!quiet.covers(&[f32::NAN, 0.5, 0.5]) && !quiet.covers(&[1.5, -0.5, 0.0]));
        assert!(
            !watch(&Scripted::STREAM, Moments::EveryCall).quiet(f64::NEG_INFINITY).covers(&[1.0, 0.0, 0.0])
        );
    }

    /// What a session sums up as its calls come is what is followed in one go.
    #[test]
    fn looks_one_by_one_come_to_the_same() {
        for temperature in [1.0, 0.3, 2.7] {
            let watch = Watch {
                temperature: Temperature::new(temperature).unwrap(),
                ..watch(&Scripted::STREAM, Moments::EveryCall)
            };
            let trace = trace();
            let life = watch.follow(&[&trace]).unwrap().remove(0);
            let mut session = Scripted::STREAM.session().unwrap();
            let (mut row, mut course) = ([0.0; 3], Course::default());
            for (calls, &token) in (1..).zip(&trace) {
                session.push(token);
                if calls >= 20 {
                    session.scores(&mut row);
                    course.look(watch.p_attack(&row), calls, watch.alarm_above);
                }
            }
            assert_eq!(course, life.course);
        }
    }

    #[test]
    fn each_way_of_looking_sees_its_own_moments() {
        let trace = trace();
        let seen = |model: Scripted, moments| {
            let life = &watch(&model, moments).follow(&[&trace]).unwrap()[0];
            let course = life.course;
            assert!((course.p_attack - 0.2).abs() < 1e-6);
            ((course.peak * 1000.0).round() as u32, course.peak_at, course.first_alarm)
        };
        assert_eq!(seen(Scripted::WHOLE, Moments::End), (200, 120, None));
        assert_eq!(seen(Scripted::WHOLE, Moments::Doubling), (500, 50, Some(50)));
        assert_eq!(seen(Scripted::STREAM, Moments::EveryCall), (700, 60, Some(50)), "not call 10");
        assert_eq!(seen(Scripted::WHOLE, Moments::EveryCall), (500, 50, Some(50)), "it has no session");
    }

    #[test]
    fn a_short_process_is_looked_at_when_it_ends() {
        for (model, moments) in [(Scripted::WHOLE, Moments::Doubling), (Scripted::STREAM, Moments::EveryCall)]
        {
            let course = watch(&model, moments).follow(&[&[900, 600]]).unwrap()[0].course;
            assert_eq!((course.peak_at, course.first_alarm), (2, Some(2)));
        }
    }

    #[test]
    fn novelty_is_followed_if_it_is_asked_for() {
        let model = Scripted { novelty: true, ..Scripted::STREAM };
        let mut trace = vec![0; 100];
        trace[..10].fill(1000);
        let life = |moments, follow_novelty| {
            let watch = Watch { follow_novelty, ..watch(&model, moments) };
            let course = watch.follow(&[&trace]).unwrap().remove(0).course;
            (course.novelty.unwrap(), course.novelty_peak.unwrap())
        };
        assert_eq!(life(Moments::Doubling, true), (0.1, 0.5));
        assert_eq!(life(Moments::EveryCall, true), (0.1, 0.5));
        assert_eq!(life(Moments::Doubling, false), (0.1, 0.1));
        assert_eq!(life(Moments::End, true), (0.1, 0.1));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (model, moments) in [(Scripted::WHOLE, Moments::Doubling), (Scripted::STREAM, Moments::EveryCall)]
        {
            let good = trace();
            let watch = watch(&model, moments);
            let wrong = |trace: &[u32]| watch.follow(&[&good, trace]).unwrap_err().to_string();
            assert_eq!(wrong(&[]), "trace 1: it is empty");
            assert_eq!(wrong(&[5, 1001]), "trace 1: a token outside the vocabulary");
            let many: Vec<&[u32]> = std::iter::repeat_n(&good[..], 700).chain([&[][..]]).collect();
            assert_eq!(super::super::follow_all(&watch, &many).unwrap_err().trace, 700);
        }
    }

    #[test]
    fn company_changes_nothing() {
        let (long, short) = (trace(), vec![300; 30]);
        for (model, moments) in [(Scripted::WHOLE, Moments::Doubling), (Scripted::STREAM, Moments::EveryCall)]
        {
            let watch = watch(&model, moments);
            let together = watch.follow(&[&short, &long, &short]).unwrap();
            assert_eq!(together[1], watch.follow(&[&long]).unwrap()[0]);
            assert_eq!(together[0], together[2]);
        }
    }
}
