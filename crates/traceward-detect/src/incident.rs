//! Related traces judged together: an attack run, a recording, a process tree, a session, a container.
//!
//! An attack is many processes, most of which look ordinary; one that is judged alone is often missed, and
//! its family guessed wrong, since families share their helpers. An [`Incident`] adds up what its traces
//! say, one verdict after the other, and remembers which of them carried it.
//!
//! **The rule.** A trace's *evidence* is -ln p, where p is its conformal p-value: the share of calibration
//! normals that score as much or more, the trace counted in. Whatever the model and however it is
//! calibrated, a normal's evidence follows the exponential distribution of mean 1 or less. The level of an
//! incident is Page's cumulative sum ("Continuous inspection schemes", Biometrika 1954),
//!
//! ```text
//! level <- max(0, level + max(-1, evidence - ln 20))
//! ```
//!
//! so that only a trace that fewer than one normal in twenty resembles adds to it, an ordinary one takes
//! a little away, and a session of a thousand ordinary processes stays near 0 for ever. An alarm is raised
//! when the level reaches a height that is chosen on the calibration normals, such that both alone and dealt
//! at random into long sessions they raise no more than the wanted number of alarms *per normal process*.
//! One trace that no normal resembles is enough by itself; several that are merely rare add up.
//!
//! **The family** is that of the greatest sum of log-probabilities over the traces since the level was
//! last 0, each weighted by its P(attack), so that ordinary processes in between have no say.

mod evaluate;

use serde::{Deserialize, Serialize};
use traceward_trace::rng::Rng;

pub use evaluate::{Delay, IncidentFigures, RunVerdict, judge_incidents};

/// Evidence that a trace must pass to add to the level: what one normal in twenty reaches.
const DRIFT: f64 = 2.995_732_273_553_991;
/// The most that an ordinary trace takes away.
const FLOOR: f64 = -1.0;
/// Processes of the simulated sessions, and how many make a session: long enough for sums to matter.
const SIMULATED: usize = 200_000;
const SESSION: usize = 64;
/// Probabilities are clipped before their logarithm is taken: one trace cannot rule a family out.
const LEAST: f64 = 1e-6;
/// Traces that an incident remembers as carriers.
const REMEMBERED: usize = 256;

/// What an incident is raised by: the scores of calibration normals, and the level of an alarm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRule {
    /// The greatest scores of the calibration normals, falling: those whose evidence matters.
    tail: Vec<f64>,
    /// How many calibration normals there were.
    pub normals: usize,
    /// The level at which an incident is raised.
    pub alarm: f64,
    /// False incidents per normal process that the level was chosen for.
    pub rate: f64,
}

impl IncidentRule {
    /// Chooses the level on the scores of normals that the model was not trained on, one a process: at most
    /// `rate` false incidents per normal process. Greater scores are more like an attack, of whatever scale.
    pub fn choose(normals: &[f64], rate: f64) -> Self {
        let mut sorted = normals.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        // Beyond this share, a trace takes away as much as any.
        sorted.truncate((normals.len() as f64 * (-(DRIFT + FLOOR)).exp()).ceil() as usize);
        Self { tail: sorted, normals: normals.len(), alarm: alarm_level(normals.len(), rate), rate }
    }

    /// -ln of the conformal p-value of a score; 0 for a score that is not a number.
    pub fn evidence(&self, score: f64) -> f64 {
        if score.is_nan() {
            return 0.0;
        }
        let as_much = self.tail.partition_point(|normal| normal.total_cmp(&score).is_ge());
        ((self.normals + 1) as f64 / (as_much + 1) as f64).ln()
    }
}

/// What a trace adds to the level or takes away.
fn step(evidence: f64) -> f64 {
    (evidence - DRIFT).max(FLOOR)
}

/// The least level that keeps to the rate, for single processes and for sessions. It depends on the number
/// of calibration normals alone: their p-values are 1/(n+1), 2/(n+1), ….
fn alarm_level(normals: usize, rate: f64) -> f64 {
    let all = (normals + 1) as f64;
    let rank = (rate * all + 1e-9).floor();
    let alone = -(if rank >= 1.0 { rank / all } else { rate }).ln() - DRIFT;
    if normals == 0 {
        return alone;
    }
    let mut random = Rng::new(normals as u64);
    let steps: Vec<f64> =
        (0..SIMULATED).map(|_| step((all / (1 + random.below(normals as u64 + 1)) as f64).ln())).collect();
    let within = |level: f64| {
        let mut alarms = 0;
        for session in steps.chunks(SESSION) {
            let mut sum = 0.0_f64;
            for step in session {
                sum = (sum + step).max(0.0);
                if sum >= level {
                    alarms += 1;
                    sum = 0.0;
                }
            }
        }
        f64::from(alarms) <= rate * SIMULATED as f64
    };
    // What one trace in all can reach, and some more: beyond, nothing alarms by luck.
    let (mut low, mut high) = (alone, alone.max(all.ln()) + 20.0);
    if within(low) {
        return low;
    }
    while high - low > 1e-3 {
        let middle = f64::midpoint(low, high);
        *(if within(middle) { &mut high } else { &mut low }) = middle;
    }
    high
}

/// What is said of one trace of an incident.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Whose verdict it is: a process, a row of the data. A second verdict on the same takes the place of
    /// the first, as when a process goes on.
    pub id: u64,
    /// The attack score that the rule was chosen for.
    pub score: f64,
    /// Class probabilities; empty where there are none.
    pub probabilities: &'a [f32],
    /// How many calls the verdict rests on.
    pub calls: u64,
}

/// A trace that carries an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Carrier {
    /// Whose verdict it is.
    pub id: u64,
    /// -ln p.
    pub evidence: f64,
    calls: u64,
    /// What it says of each class: P(attack) ln P(class).
    says: Vec<f64>,
}

/// When an incident was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// After how many traces.
    pub traces: u64,
    /// After how many calls of those traces, the last one's included.
    pub calls: u64,
}

/// Traces that belong together, as their verdicts come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    normal: Option<usize>,
    /// Traces since the level was last 0, or since the alarm's beginning.
    carriers: Vec<Carrier>,
    /// The level that carriers too old to remember have left.
    base: f64,
    /// What they said.
    base_says: Vec<f64>,
    level: f64,
    highest: f64,
    traces: u64,
    calls: u64,
    alarm: Option<Alarm>,
}

impl Incident {
    /// An incident without a trace, of a model whose class `normal` means "no attack".
    pub fn new(normal: Option<usize>) -> Self {
        Self {
            normal,
            carriers: Vec::new(),
            base: 0.0,
            base_says: Vec::new(),
            level: 0.0,
            highest: 0.0,
            traces: 0,
            calls: 0,
            alarm: None,
        }
    }

    /// Adds a verdict, or changes one; says whether the alarm was raised by it.
    pub fn add(&mut self, rule: &IncidentRule, member: &Member<'_>) -> bool {
        let carrier = Carrier {
            id: member.id,
            evidence: rule.evidence(member.score),
            calls: member.calls,
            says: self.says(member.probabilities),
        };
        match self.carriers.iter_mut().find(|known| known.id == member.id) {
            Some(known) => {
                self.calls = self.calls - known.calls + member.calls;
                *known = carrier;
            }
            None => {
                self.traces += 1;
                self.calls += member.calls;
                self.carriers.push(carrier);
            }
        }
        self.settle();
        let raised = self.alarm.is_none() && self.level >= rule.alarm;
        if raised {
            self.alarm = Some(Alarm { traces: self.traces, calls: self.calls });
        }
        raised
    }

    fn says(&self, probabilities: &[f32]) -> Vec<f64> {
        let attack = self.normal.map_or(1.0, |normal| {
            let others = probabilities.iter().enumerate().filter(|(class, _)| *class != normal);
            others.map(|(_, p)| f64::from(*p)).sum()
        });
        probabilities.iter().map(|p| attack * f64::from(*p).max(LEAST).ln()).collect()
    }

    /// Adds the carriers up again, and forgets those before the level was last 0: they change nothing any
    /// more. Once raised, an incident keeps what it has.
    fn settle(&mut self) {
        let mut level = self.base;
        let mut forgotten = 0;
        for (place, carrier) in self.carriers.iter().enumerate() {
            level = (level + step(carrier.evidence)).max(0.0);
            if level == 0.0 {
                forgotten = place + 1;
            }
        }
        self.level = level;
        self.highest = self.highest.max(level);
        if self.alarm.is_some() {
            forgotten = 0;
            // What adds nothing to a raised incident need not be remembered.
            self.carriers.retain(|carrier| step(carrier.evidence) > 0.0);
        }
        if forgotten > 0 {
            self.carriers.drain(..forgotten);
            (self.base, self.base_says) = (0.0, Vec::new());
        }
        while self.carriers.len() > REMEMBERED {
            let oldest = self.carriers.remove(0);
            self.base = (self.base + step(oldest.evidence)).max(0.0);
            add_to(&mut self.base_says, &oldest.says);
        }
    }

    /// The level now.
    pub fn level(&self) -> f64 {
        self.level
    }

    /// The highest level that it has reached.
    pub fn highest(&self) -> f64 {
        self.highest
    }

    /// When it was raised; `None` while it is none.
    pub fn alarm(&self) -> Option<Alarm> {
        self.alarm
    }

    /// How many traces it has.
    pub fn traces(&self) -> u64 {
        self.traces
    }

    /// The traces that carry it, those with the most evidence first.
    pub fn carriers(&self) -> Vec<&Carrier> {
        let mut carriers: Vec<&Carrier> = self.carriers.iter().filter(|c| step(c.evidence) > 0.0).collect();
        carriers.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.id.cmp(&b.id)));
        carriers
    }

    /// The most likely family of what carries it; `None` without a trace, or without attack classes.
    pub fn family(&self) -> Option<usize> {
        let mut sums = self.base_says.clone();
        for carrier in &self.carriers {
            add_to(&mut sums, &carrier.says);
        }
        most_likely(&sums, self.normal)
    }
}

fn add_to(sums: &mut Vec<f64>, more: &[f64]) {
    if sums.len() < more.len() {
        sums.resize(more.len(), 0.0);
    }
    for (sum, value) in sums.iter_mut().zip(more) {
        *sum += value;
    }
}

fn most_likely(sums: &[f64], normal: Option<usize>) -> Option<usize> {
    let families = sums.iter().enumerate().filter(|(class, _)| Some(*class) != normal);
    families.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map(|(class, _)| class)
}

/// The family of traces that are known to be one attack: the greatest sum of log-probabilities among the
/// attack classes. `None` without a trace or without attack classes.
pub fn family_of<'a>(rows: impl IntoIterator<Item = &'a [f32]>, normal: Option<usize>) -> Option<usize> {
    let mut sums = Vec::new();
    for row in rows {
        let logs: Vec<f64> = row.iter().map(|p| f64::from(*p).max(LEAST).ln()).collect();
        add_to(&mut sums, &logs);
    }
    most_likely(&sums, normal)
}

#[cfg(test)]
mod tests;
