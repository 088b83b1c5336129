//! What is told of an attack: one JSON object, the same for all ways out.

mod scribe;

use serde::Serialize;
use traceward_detect::verdict::Word;

pub use scribe::Scribe;

/// Why an alert is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The first of a trace: its score passed the threshold.
    Alarm,
    /// The trace goes on; the verdict or the score has changed.
    Update,
    /// The trace has ended, and this is the last word on it.
    End,
}

/// An alert. What is not known is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// Unique over hosts and restarts; a receiver that has seen it may drop it.
    pub id: String,
    /// The `id` of the first alert of the same trace.
    pub alarm: String,
    /// Why it is sent.
    pub kind: Kind,
    /// When, by the host's clock: RFC 3339 in UTC, milliseconds.
    pub time: String,
    /// The host's name.
    pub host: String,
    /// What is said of the trace.
    pub verdict: Word,
    /// The family, if one is named.
    pub family: Option<String>,
    /// What MITRE ATT&CK calls it.
    pub technique: Option<Technique>,
    /// P(attack) of the calls so far.
    pub p_attack: Option<f64>,
    /// The score that was held against the threshold: the highest P(attack) of the trace's life.
    pub score: Option<f64>,
    /// After how many calls of the trace that was.
    pub score_at: Option<u32>,
    /// After how many calls the threshold was first passed.
    pub first_alarm: Option<u32>,
    /// The threshold.
    pub threshold: Option<f64>,
    /// The chance that a normal trace scores as high.
    pub p_value: Option<f64>,
    /// How unlike anything in training.
    pub novelty: Option<f64>,
    /// Why, in full sentences.
    pub reasons: Vec<String>,
    /// Whether calls were lost inside or beside the trace: the verdict may be about a hole.
    pub tainted: bool,
    /// Share of the calls that the model does not know.
    pub unknown_share: f64,
    /// Whether some calls were made by another ABI's numbers than the model was trained on.
    pub foreign_abi: bool,
    /// Whose calls they are.
    pub process: Origin,
    /// Which calls.
    pub trace: Extent,
    /// Who says so.
    pub model: ModelId,
    /// Alerts of the same kind that were folded into this one since the last.
    pub folded: u64,
    /// The same in alerts that belong together: of one container, or of one tree of processes.
    pub incident: Option<String>,
}

/// A technique of MITRE ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Technique {
    /// `T1110.001`.
    pub id: &'static str,
    /// `Brute Force: Password Guessing`.
    pub name: &'static str,
}

/// A process, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// The process.
    pub pid: Option<u32>,
    /// The thread.
    pub tid: Option<u32>,
    /// The thread's name.
    pub comm: Option<String>,
    /// The file that it executes.
    pub exe: Option<String>,
    /// Its arguments.
    pub cmdline: Option<String>,
    /// The user.
    pub uid: Option<u32>,
    /// The container.
    pub container: Option<String>,
    /// Its parent, that one's, and so on.
    pub ancestors: Vec<Ancestor>,
}

/// A process above another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ancestor {
    /// The process.
    pub pid: u32,
    /// Its name.
    pub comm: String,
    /// The file that it executes.
    pub exe: Option<String>,
}

/// Which calls of a task a verdict is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Extent {
    /// The task, as the capture numbers it; as in a recording made at the same time.
    pub task: u64,
    /// How many calls it had made before, since it was met.
    pub first: u64,
    /// How many calls the verdict rests on.
    pub calls: u32,
    /// Whether the task's own first calls were not seen.
    pub joined: bool,
    /// Calls known to be lost right before and right after.
    pub lost: u64,
}

/// The model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelId {
    /// What its file is called.
    pub name: String,
    /// The first 16 digits of the file's SHA-256.
    pub id: String,
}
