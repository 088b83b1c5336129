//! What the limit on the rate held back, told in one line.

use serde::Serialize;
use traceward_detect::verdict::Word;

use crate::{Alert, Kind};

/// A summary of alerts that were held back. In JSON its `kind` is `held`, which no alert's is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    /// Unique, as an alert's.
    pub id: String,
    /// `held`.
    pub kind: &'static str,
    /// When the last of them would have been told: RFC 3339 in UTC.
    pub time: String,
    /// When the first would have been.
    pub since: String,
    /// The host's name.
    pub host: String,
    /// How many alerts, those folded into them included.
    pub held: u64,
    /// How many of them were the first of a trace.
    pub alarms: u64,
    /// Whom they were about, in the order of coming.
    pub groups: Vec<Group>,
    /// Alerts about more programs and families than are listed.
    pub others: u64,
}

/// Alerts of one program, verdict and family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// What was said.
    pub verdict: Word,
    /// The family, if one was named.
    pub family: Option<String>,
    /// The program.
    pub exe: Option<String>,
    /// How many.
    pub alerts: u64,
}

impl Held {
    /// So many groups are listed.
    const GROUPS: usize = 32;

    /// A summary of one.
    pub(super) fn new(first: &Alert) -> Self {
        let mut held = Self {
            id: format!("{}-held", first.id),
            kind: "held",
            time: String::new(),
            since: first.time.clone(),
            host: first.host.clone(),
            held: 0,
            alarms: 0,
            groups: Vec::new(),
            others: 0,
        };
        held.add(first);
        held
    }

    /// And one more.
    pub(super) fn add(&mut self, alert: &Alert) {
        let alerts = 1 + alert.folded;
        self.time.clone_from(&alert.time);
        self.held += alerts;
        self.alarms += u64::from(alert.kind == Kind::Alarm);
        let of = |group: &&mut Group| {
            group.verdict == alert.verdict && group.family == alert.family && group.exe == alert.process.exe
        };
        if let Some(group) = self.groups.iter_mut().find(of) {
            group.alerts += alerts;
        } else if self.groups.len() < Self::GROUPS {
            let (family, exe) = (alert.family.clone(), alert.process.exe.clone());
            self.groups.push(Group { verdict: alert.verdict, family, exe, alerts });
        } else {
            self.others += alerts;
        }
    }

    /// The gravest verdict among them: an attack before what is unknown before what is novel.
    pub fn gravest(&self) -> Word {
        const GRAVE: [Word; 5] =
            [Word::Attack, Word::UnknownAttack, Word::Novel, Word::Abstain, Word::Normal];
        let said = |word: &Word| self.groups.iter().any(|group| group.verdict == *word);
        GRAVE.into_iter().find(said).unwrap_or(Word::Attack)
    }
}
