//! What is said of a trace: normal, a known family, an unknown attack, novel, or abstain.
//!
//! The rules, in order; the first that holds decides:
//!
//! 1. **Abstain** if the model's answer is not a number.
//! 2. Of more than half of the calls the model knows nothing ([`Rules::max_unknown`]): what it says of the
//!    rest is no verdict. **Novel** if its novelty is beyond the threshold, else **abstain**.
//! 3. P(attack) is above its threshold: an attack. Of the **family** that has at least half of all that is
//!    said for attacks ([`Rules::clear_family`]), else an **unknown attack**.
//! 4. The novelty is above its threshold: **novel**, something that neither the normals nor the known
//!    attacks look like.
//! 5. Fewer calls than any normal had that it was calibrated on, or than [`Rules::min_calls`]: **abstain**,
//!    since of such traces nothing is known.
//! 6. P(attack) is above one half, and yet normals score as high: neither normal nor attack can be ruled
//!    out. **Abstain**.
//! 7. **Normal**.
//!
//! The thresholds are the calibration's, each keeping its own promise: at most `far` of normal processes are
//! called attacks (rule 3), and at most as many again novel (rules 2 and 4). A model without a calibration
//! is judged with one half for P(attack) and never says novel; one without a class for normal names the most
//! probable family and nothing else.

use std::sync::Arc;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};
use traceward_run::Classifier;
use traceward_run::classifier::{Unreadable, argmax};
use traceward_trace::{Vocabulary, normal_class};

use crate::calibrate::{
    CalibrateError, Calibration, Course, Life, Moments, Table, Temperature, Threshold, Watch,
};

/// The threshold of P(attack) of a model that nobody calibrated.
pub const UNCALIBRATED: f64 = 0.5;

/// What is said, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Nothing speaks against it.
    Normal,
    /// An attack of a family that the model knows.
    Attack,
    /// An attack that is like no family, or like several.
    UnknownAttack,
    /// Like nothing in training.
    Novel,
    /// Nothing can be said.
    Abstain,
}

impl Word {
    /// All words, in the order of summaries.
    pub const ALL: [Self; 5] = [Self::Normal, Self::Attack, Self::UnknownAttack, Self::Novel, Self::Abstain];

    /// The word as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Attack => "attack",
            Self::UnknownAttack => "unknown-attack",
            Self::Novel => "novel",
            Self::Abstain => "abstain",
        }
    }

    /// How often each was said, in the order of [`Word::ALL`], for people: `12 normal, 3 attack`.
    pub fn tally(counts: &[u64; Self::ALL.len()]) -> String {
        let said = Self::ALL.iter().zip(counts).filter(|(_, n)| **n > 0);
        said.map(|(word, n)| format!("{n} {}", word.name())).collect::<Vec<_>>().join(", ")
    }

    /// Whether somebody should look: an attack of any kind.
    pub fn is_attack(self) -> bool {
        matches!(self, Self::Attack | Self::UnknownAttack)
    }
}

/// What is said of a trace, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What is said.
    pub word: Word,
    /// The family, as an index into the classes, if one is named.
    pub family: Option<u16>,
    /// P(attack) of the whole trace; `None` for a model without a normal class.
    pub p_attack: Option<f64>,
    /// The probabilities of the whole trace, one a class.
    pub probabilities: Vec<f64>,
    /// The score that was held against the threshold: the highest P(attack) of the trace's life, or that of
    /// the whole trace if it was judged once.
    pub score: Option<f64>,
    /// After how many calls that was.
    pub score_at: Option<u32>,
    /// The threshold.
    pub threshold: Option<f64>,
    /// The chance that a normal scores as high; `None` without a calibration.
    pub p_value: Option<f64>,
    /// How unlike anything in training: its highest novelty, likewise.
    pub novelty: Option<f64>,
    /// The chance that a normal is as novel; `None` without a calibration.
    pub novelty_p_value: Option<f64>,
    /// Why, in full sentences.
    pub reasons: Vec<String>,
    /// Whether calls were lost inside the trace.
    pub tainted: bool,
    /// How many calls there are.
    pub calls: u32,
    /// Share of the calls that the model does not know.
    pub unknown_share: f64,
    /// After how many calls P(attack) first was above the threshold.
    pub first_alarm: Option<u32>,
    /// The model's classes.
    pub classes: Arc<[String]>,
}

impl Verdict {
    /// The family's name, if one is named.
    pub fn family_name(&self) -> Option<&str> {
        Some(self.classes.get(usize::from(self.family?))?.as_str())
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Verdict", 15)?;
        fields.serialize_field("verdict", &self.word)?;
        fields.serialize_field("family", &self.family_name())?;
        fields.serialize_field("p_attack", &self.p_attack)?;
        fields.serialize_field("probabilities", &ByClass(&self.classes, &self.probabilities))?;
        fields.serialize_field("novelty", &self.novelty)?;
        fields.serialize_field("reasons", &self.reasons)?;
        fields.serialize_field("tainted", &self.tainted)?;
        fields.serialize_field("score", &self.score)?;
        fields.serialize_field("score_at", &self.score_at)?;
        fields.serialize_field("threshold", &self.threshold)?;
        fields.serialize_field("p_value", &self.p_value)?;
        fields.serialize_field("novelty_p_value", &self.novelty_p_value)?;
        fields.serialize_field("calls", &self.calls)?;
        fields.serialize_field("unknown_share", &self.unknown_share)?;
        fields.serialize_field("first_alarm", &self.first_alarm)?;
        fields.end()
    }
}

struct ByClass<'a>(&'a [String], &'a [f64]);

impl Serialize for ByClass<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (class, &p) in self.0.iter().zip(self.1) {
            map.serialize_entry(class, &(p as f32))?;
        }
        map.end()
    }
}

/// The rules' numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Share of unknown calls beyond which a model's answer means nothing.
    pub max_unknown: f64,
    /// Share of P(attack) that a family needs to be named: at one half it outweighs all others together.
    pub clear_family: f64,
    /// Fewer calls than this are too few for a verdict of normal, calibrated or not: the models' n-grams
    /// have up to 5.
    pub min_calls: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_unknown: 0.5, clear_family: 0.5, min_calls: 5 }
    }
}

/// How to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct How {
    /// The false-alarm rate whose thresholds are used; absent: the one that the model was calibrated for.
    pub far: Option<f64>,
    /// A threshold of P(attack) of the user's own, in place of the calibration's.
    pub threshold: Option<f64>,
    /// Judge each trace once, by all of its calls, not at the highest score of its life.
    pub at_end: bool,
    /// The rules' numbers.
    pub rules: Rules,
}

/// A model, set to judge.
pub struct Judge<'a> {
    classifier: &'a dyn Classifier,
    classes: Arc<[String]>,
    normal: Option<u16>,
    temperature: Temperature,
    moments: Moments,
    shortest: u32,
    table: Option<&'a Table>,
    attack: Option<Threshold>,
    novelty: Option<Threshold>,
    above: f64,
    rules: Rules,
}

impl<'a> Judge<'a> {
    /// A model that judges by its calibration, if it has one.
    ///
    /// Without one, and without a `threshold`, it judges by one half.
    ///
    /// # Errors
    /// If `far` is no rate between 0 and 1.
    pub fn new(
        classifier: &'a dyn Classifier,
        classes: &[String],
        calibration: Option<&'a Calibration>,
        how: How,
    ) -> Result<Self, CalibrateError> {
        if let Some(far) = how.far
            && !(far > 0.0 && far < 1.0)
        {
            return Err(CalibrateError::Rate(far));
        }
        let table = calibration.map(|calibration| calibration.table(how.at_end));
        let far = how.far.or(calibration.map(|calibration| calibration.far));
        let threshold = |tail: Option<&crate::calibrate::Tail>| Some(tail?.threshold(far?));
        let attack = threshold(table.map(|table| &table.attack));
        Ok(Self {
            classifier,
            classes: classes.into(),
            normal: normal_class(classes),
            temperature: calibration.map_or(Temperature::NONE, |calibration| calibration.temperature),
            moments: match table {
                Some(table) => table.moments,
                None if how.at_end => Moments::End,
                None => Moments::best_of(classifier),
            },
            shortest: calibration.map_or(0, |calibration| calibration.shortest),
            table,
            attack,
            novelty: threshold(table.and_then(|table| table.novelty.as_ref())),
            above: how.threshold.or(attack.map(|attack| attack.above)).unwrap_or(UNCALIBRATED),
            rules: how.rules,
        })
    }

    /// P(attack) above this is an attack.
    pub fn above(&self) -> f64 {
        self.above
    }

    /// The calibration's threshold of P(attack), if there is one.
    pub fn attack_threshold(&self) -> Option<Threshold> {
        self.attack
    }

    /// The calibration's threshold of novelty, if there is one.
    pub fn novelty_threshold(&self) -> Option<Threshold> {
        self.novelty
    }

    /// When processes are looked at.
    pub fn moments(&self) -> Moments {
        self.moments
    }

    /// What follows processes as this judge wants it.
    pub fn watch(&self) -> Option<Watch<'a>> {
        Some(Watch {
            classifier: self.classifier,
            normal: self.normal?,
            temperature: self.temperature,
            moments: self.moments,
            alarm_above: Some(self.above),
            follow_novelty: self.novelty.is_some(),
        })
    }

    /// Judges traces, in their order. A trace's verdict does not depend on the traces beside it.
    ///
    /// # Errors
    /// If one is empty or holds a token outside the vocabulary.
    pub fn judge(&self, traces: &[&[u32]]) -> Result<Vec<Verdict>, Unreadable> {
        let Some(watch) = self.watch() else { return self.name_families(traces) };
        let lives = watch.follow(traces)?;
        let judged = lives.into_iter().zip(traces).map(|(Life { course, probabilities }, trace)| {
            let unknown = trace.iter().filter(|&&token| token == Vocabulary::UNKNOWN).count();
            self.conclude(&course, probabilities, unknown as u32)
        });
        Ok(judged.collect())
    }

    /// What is said of a process that somebody followed, call by call as [`Judge::watch`] would: what was made
    /// of it so far, the model's probabilities after its last call ([`Temperature::apply`]), and how many of
    /// its calls are unknown to the model.
    pub fn conclude(&self, course: &Course, probabilities: Vec<f64>, unknown: u32) -> Verdict {
        let novelty_tail = self.table.and_then(|table| table.novelty.as_ref());
        let novelty = self.novelty_of(course);
        let finite = |number: f64| number.is_finite().then_some(number);
        let mut said = Verdict {
            p_attack: finite(course.p_attack),
            probabilities,
            score: finite(course.peak),
            score_at: finite(course.peak).map(|_| course.peak_at),
            threshold: Some(self.above),
            p_value: self.table.map(|table| table.attack.p_value(course.peak)),
            novelty: novelty.and_then(finite),
            novelty_p_value: novelty_tail.zip(novelty).map(|(tail, novelty)| tail.p_value(novelty)),
            first_alarm: course.first_alarm,
            ..self.blank(course.calls, unknown)
        };
        let (word, family, reason) = self.decide(&said);
        (said.word, said.family) = (word, family);
        said.reasons.extend(reason);
        said
    }

    /// Whether [`Judge::conclude`] would speak of an attack or of something novel; costs next to nothing, so
    /// that it can be asked after every call.
    #[inline]
    pub fn raises(&self, course: &Course, unknown: u32) -> bool {
        let known = || unknown_share(unknown, course.calls) <= self.rules.max_unknown;
        (course.peak > self.above && known())
            || self.novelty.is_some_and(|threshold| {
                let novelty = self.novelty_of(course).filter(|novelty| novelty.is_finite());
                course.peak.is_finite() && novelty.is_some_and(|novelty| threshold.flags(novelty))
            })
    }

    fn novelty_of(&self, course: &Course) -> Option<f64> {
        (if self.moments == Moments::End { course.novelty } else { course.novelty_peak }).map(f64::from)
    }

    /// For a model that knows nothing but families.
    fn name_families(&self, traces: &[&[u32]]) -> Result<Vec<Verdict>, Unreadable> {
        let scores = self.classifier.predict(traces)?;
        let verdicts = scores.rows().zip(traces).map(|(row, trace)| {
            let mut probabilities = vec![0.0; row.len()];
            self.temperature.apply(row, &mut probabilities);
            let unknown = trace.iter().filter(|&&token| token == Vocabulary::UNKNOWN).count();
            let said = Verdict { probabilities, ..self.blank(trace.len() as u32, unknown as u32) };
            if row.iter().any(|p| p.is_nan()) {
                return said;
            }
            Verdict { word: Word::Attack, family: Some(argmax(row) as u16), ..said }
        });
        Ok(verdicts.collect())
    }

    fn blank(&self, calls: u32, unknown: u32) -> Verdict {
        Verdict {
            word: Word::Abstain,
            family: None,
            p_attack: None,
            probabilities: Vec::new(),
            score: None,
            score_at: None,
            threshold: None,
            p_value: None,
            novelty: None,
            novelty_p_value: None,
            reasons: Vec::new(),
            tainted: false,
            calls,
            unknown_share: unknown_share(unknown, calls),
            first_alarm: None,
            classes: Arc::clone(&self.classes),
        }
    }

    /// The rules, as the head of this module has them.
    fn decide(&self, said: &Verdict) -> (Word, Option<u16>, Option<String>) {
        let Some(score) = said.score else {
            return (Word::Abstain, None, Some("The model's answer is not a number.".into()));
        };
        let novel =
            self.novelty.filter(|threshold| said.novelty.is_some_and(|novelty| threshold.flags(novelty)));
        let novelty_said = || {
            novel.map(|threshold| {
                format!(
                    "Novelty {:.4} is above {:.4}, which normals pass with a chance of {} at most.",
                    said.novelty.unwrap_or_default(),
                    threshold.above,
                    share(threshold.guaranteed)
                )
            })
        };
        if said.unknown_share > self.rules.max_unknown {
            let word = if novel.is_some() { Word::Novel } else { Word::Abstain };
            let why = format!("The model knows nothing of {} of the calls.", share(said.unknown_share));
            return (word, None, Some(why));
        }
        if score > self.above {
            return self.attack_of(said, score);
        }
        if let Some(why) = novelty_said() {
            return (Word::Novel, None, Some(why));
        }
        let fewest = self.rules.min_calls.max(self.shortest);
        if said.calls < fewest {
            let why = format!("{} calls are too few: nothing is known of traces under {fewest}.", said.calls);
            return (Word::Abstain, None, Some(why));
        }
        if let (Some(p_attack), Some(p_value)) = (said.p_attack, said.p_value)
            && p_attack > UNCALIBRATED
        {
            let why = format!(
                "P(attack) {p_attack:.4} says attack, but {} of normals score as high: neither can be ruled out.",
                share(p_value)
            );
            return (Word::Abstain, None, Some(why));
        }
        (Word::Normal, None, None)
    }

    fn attack_of(&self, said: &Verdict, score: f64) -> (Word, Option<u16>, Option<String>) {
        let when = match said.first_alarm {
            Some(calls) if calls < said.calls => format!(", first after {calls} of {} calls", said.calls),
            _ => String::new(),
        };
        let promise = match self.attack {
            Some(threshold) if threshold.above == self.above => {
                format!(", which normals pass with a chance of {} at most", share(threshold.guaranteed))
            }
            Some(_) => ", a threshold given by hand".into(),
            None => ", and nobody calibrated the model".into(),
        };
        let mut why = format!("P(attack) {score:.4} is above {:.4}{promise}{when}.", self.above);
        let family = self.clear_family(&said.probabilities);
        if family.is_none() {
            why.push_str(" No family stands out.");
        }
        (if family.is_some() { Word::Attack } else { Word::UnknownAttack }, family, Some(why))
    }

    /// The family that has its share of all that is said for attacks.
    fn clear_family(&self, probabilities: &[f64]) -> Option<u16> {
        let families = || (0..).zip(probabilities).filter(|(class, _)| Some(*class) != self.normal);
        let all: f64 = families().map(|(_, p)| p).sum();
        let (best, p) = families().fold(
            (None, 0.0),
            |best, (class, &p)| {
                if p > best.1 { (Some(class), p) } else { best }
            },
        );
        best.filter(|_| p >= self.rules.clear_family * all)
    }
}

fn unknown_share(unknown: u32, calls: u32) -> f64 {
    if calls == 0 { 0.0 } else { f64::from(unknown) / f64::from(calls) }
}

/// `12.5 %`, with as many digits as it takes.
fn share(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 10.0 {
        format!("{percent:.0} %")
    } else if percent >= 0.1 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.2} %")
    }
}

#[cfg(test)]
mod tests {
    use traceward_run::Scores;

    use super::*;
    use crate::calibrate::scripted::{Scripted, classes};
    use crate::calibrate::{Options, Tail};

    /// 60 calls with P(attack) `permille` at the end and `peak` after 50.
    fn trace(permille: u32, peak: u32) -> Vec<u32> {
        let mut trace = vec![100; 60];
        (trace[49], trace[59]) = (peak, permille);
        trace
    }

    /// Normals with P(attack) 0.000 to 0.899, higher by 0.1 at their peak.
    fn calibrated(model: &Scripted) -> Calibration {
        let normals: Vec<Vec<u32>> = (0..900).map(|permille| trace(permille, permille + 100)).collect();
        let normals: Vec<&[u32]> = normals.iter().map(Vec::as_slice).collect();
        let options =
            Options { far: 0.1, data: "normals".into(), temperature: Temperature::NONE, vocabulary: 1001 };
        Calibration::fit(model, 0, &normals, &options).unwrap()
    }

    fn judged(model: Scripted, how: How, trace: &[u32]) -> Verdict {
        let calibration = calibrated(&model);
        Judge::new(&model, &classes(), Some(&calibration), how).unwrap().judge(&[trace]).unwrap().remove(0)
    }

    fn word(model: Scripted, trace: &[u32]) -> Word {
        judged(model, How::default(), trace).word
    }

    #[test]
    fn words_that_nobody_said_are_not_counted_up() {
        assert_eq!(Word::tally(&[12, 3, 0, 0, 1]), "12 normal, 3 attack, 1 abstain");
        assert_eq!(Word::tally(&[0; 5]), "");
    }

    #[test]
    fn each_rule_decides_in_its_turn() {
        let model = Scripted::WHOLE;
        assert_eq!(word(model, &trace(300, 100)), Word::Normal);
        assert_eq!(word(model, &trace(960, 100)), Word::Attack);
        assert_eq!(word(model, &trace(300, 960)), Word::Attack, "it was above once");
        assert_eq!(
            word(model, &trace(700, 100)),
            Word::Abstain,
            "an attack by its model, but normals score so"
        );
        assert_eq!(word(model, &trace(300, 700)), Word::Normal, "what it was once said before is outlived");
        assert_eq!(word(model, &[100; 20]), Word::Abstain, "shorter than all normals");
        assert_eq!(word(model, &[960; 20]), Word::Attack, "but not too short to be an attack");
        assert_eq!(word(model, &[Vocabulary::UNKNOWN; 60]), Word::Abstain, "nothing in it is known");
        let undecided = Scripted { first_family: 0.5, ..model };
        assert_eq!(judged(undecided, How::default(), &trace(960, 100)).family_name(), Some("adduser"));
        // Three families in thirds have no half.
        struct Thirds;
        impl Classifier for Thirds {
            fn classes(&self) -> usize {
                4
            }
            fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
                Ok(Scores::new(4, [0.1, 0.3, 0.3, 0.3].repeat(traces.len())))
            }
        }
        let classes = ["normal", "a", "b", "c"].map(str::to_owned);
        let judge = Judge::new(&Thirds, &classes, None, How::default()).unwrap();
        let said = judge.judge(&[&[5; 30]]).unwrap().remove(0);
        assert_eq!((said.word, said.family), (Word::UnknownAttack, None));
        assert!(said.reasons[0].ends_with("No family stands out."), "{said:?}");
    }

    #[test]
    fn what_is_novel_is_not_called_normal() {
        let model = Scripted { novelty: true, ..Scripted::WHOLE };
        let mut strange = trace(300, 100);
        strange[21..48].fill(1000);
        let said = judged(model, How::default(), &strange);
        assert_eq!(said.word, Word::Novel);
        assert!(said.novelty_p_value.unwrap() < 0.01 && said.novelty.unwrap() > 0.5, "{said:?}");
        strange[59] = 999;
        assert_eq!(word(model, &strange), Word::Attack, "an attack comes first");
        let unknown: Vec<u32> =
            strange.iter().map(|&t| if t == 1000 { t } else { Vocabulary::UNKNOWN }).collect();
        assert_eq!(word(model, &unknown), Word::Novel, "unknown calls, and novel");
    }

    #[test]
    fn the_threshold_is_whose_is_asked_for() {
        let of = |how| {
            let said = judged(Scripted::WHOLE, how, &trace(960, 100));
            (said.word, (said.threshold.unwrap() * 1000.0).round() as u32)
        };
        assert_eq!(of(How::default()), (Word::Attack, 910), "the peaks reach from 0.100 to 0.999");
        assert_eq!(of(How { far: Some(0.01), ..How::default() }), (Word::Abstain, 991));
        assert_eq!(of(How { at_end: true, ..How::default() }), (Word::Attack, 810));
        assert_eq!(of(How { threshold: Some(0.95), ..How::default() }), (Word::Attack, 950));
        let model = Scripted::WHOLE;
        for far in [0.0, 1.0, f64::NAN] {
            let how = How { far: Some(far), ..How::default() };
            assert!(matches!(Judge::new(&model, &classes(), None, how), Err(CalibrateError::Rate(_))));
        }
    }

    #[test]
    fn without_a_calibration_one_half_decides() {
        let model = Scripted::STREAM;
        let how = How { at_end: true, ..How::default() };
        let judge = Judge::new(&model, &classes(), None, how).unwrap();
        assert_eq!(judge.moments(), Moments::End);
        let said = judge.judge(&[&trace(510, 999), &trace(490, 999)]).unwrap();
        assert_eq!((said[0].word, said[1].word), (Word::Attack, Word::Normal));
        assert_eq!((said[0].p_value, said[0].threshold), (None, Some(0.5)));
        assert!(said[0].reasons[0].contains("nobody calibrated"), "{said:?}");
    }

    #[test]
    fn without_a_calibration_a_life_is_judged_all_along() {
        let model = Scripted::STREAM;
        let judge = Judge::new(&model, &classes(), None, How::default()).unwrap();
        assert_eq!(judge.moments(), Moments::EveryCall);
        let said = judge.judge(&[&trace(490, 999)]).unwrap().remove(0);
        assert_eq!((said.word, said.first_alarm), (Word::Attack, Some(50)));
        let judge = Judge::new(&Scripted::WHOLE, &classes(), None, How::default()).unwrap();
        assert_eq!(judge.moments(), Moments::Doubling);
    }

    #[test]
    fn without_a_normal_class_every_trace_is_of_a_family() {
        let classes = ["a", "b", "c"].map(str::to_owned);
        let judge = Judge::new(&Scripted::WHOLE, &classes, None, How::default()).unwrap();
        let said = judge.judge(&[&trace(900, 0)]).unwrap().remove(0);
        assert_eq!((said.word, said.family_name(), said.p_attack), (Word::Attack, Some("b"), None));
    }

    #[test]
    fn an_answer_that_is_no_number_is_no_verdict() {
        struct Broken;
        impl Classifier for Broken {
            fn classes(&self) -> usize {
                2
            }
            fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
                Ok(Scores::new(2, vec![f32::NAN; 2 * traces.len()]))
            }
        }
        let classes = ["normal", "a"].map(str::to_owned);
        let judge = Judge::new(&Broken, &classes, None, How::default()).unwrap();
        let said = judge.judge(&[&[5; 30]]).unwrap().remove(0);
        assert_eq!((said.word, said.p_attack), (Word::Abstain, None));
        let fitted = Calibration::fit(
            &Broken,
            0,
            &[&[5; 30]],
            &Options { far: 0.01, data: String::new(), temperature: Temperature::NONE, vocabulary: 1001 },
        );
        assert_eq!(fitted.unwrap_err().to_string(), "trace 0: the model's P(attack) is not a number");
    }

    /// At most the promised share of normals like those of the calibration is called an attack, and at most
    /// as many again novel.
    #[test]
    fn verdicts_keep_both_promises() {
        let model = Scripted { novelty: true, ..Scripted::WHOLE };
        let calibration = calibrated(&model);
        assert!(matches!(&calibration.life.novelty, Some(tail) if Tail::count(tail) == 900));
        let judge = Judge::new(&model, &classes(), Some(&calibration), How::default()).unwrap();
        let normals: Vec<Vec<u32>> = (0..900).map(|permille| trace(permille, permille + 100)).collect();
        let normals: Vec<&[u32]> = normals.iter().map(Vec::as_slice).collect();
        let said = judge.judge(&normals).unwrap();
        let count = |word: Word| said.iter().filter(|said| said.word == word).count();
        assert!((85..=90).contains(&(count(Word::Attack) + count(Word::UnknownAttack))));
        assert!(count(Word::Novel) <= 90);
    }

    /// What is asked after every call is what the verdict says.
    #[test]
    fn an_alarm_is_raised_where_the_verdict_says_so() {
        let model = Scripted { novelty: true, ..Scripted::STREAM };
        let calibration = calibrated(&model);
        let judge = Judge::new(&model, &classes(), Some(&calibration), How::default()).unwrap();
        let grid = [f64::NAN, f64::NEG_INFINITY, 0.0, 0.5, 0.905, 0.95, 1.0];
        let mut raised = 0;
        for peak in grid {
            for novelty in grid.map(|novelty| Some(novelty as f32)).into_iter().chain([None]) {
                for unknown in [0, 50, 51, 100] {
                    let course = Course { calls: 100, peak, novelty_peak: novelty, ..Course::default() };
                    let word = judge.conclude(&course, vec![0.1, 0.8, 0.1], unknown).word;
                    let loud = word.is_attack() || word == Word::Novel;
                    assert_eq!(judge.raises(&course, unknown), loud, "{course:?} {unknown}");
                    raised += u32::from(loud);
                }
            }
        }
        assert!(raised > 20);
    }

    #[test]
    fn json_is_an_interface() {
        let said = judged(Scripted::STREAM, How::default(), &trace(960, 100));
        insta::assert_json_snapshot!(said);
    }
}
