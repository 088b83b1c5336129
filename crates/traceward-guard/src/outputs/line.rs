//! What is told, written out once for all outputs.

use std::sync::Arc;

use traceward_detect::verdict::Word;

use super::text;
use crate::desk::Told;
use crate::{Kind, ecs};

/// How alerts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// As [`crate::Alert`] and [`crate::desk::Held`] have them.
    #[default]
    Json,
    /// By the Elastic Common Schema's names.
    Ecs,
    /// For people, on standard output; other outputs have [`Format::Json`].
    Text,
}

/// What is told in JSON, on one line, or in a [`Format::Text`]; and what outputs need to know without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The alert's id.
    pub id: String,
    /// `alarm`, `update`, `end` or `held`.
    pub kind: &'static str,
    /// When: RFC 3339 in UTC.
    pub time: String,
    /// The host.
    pub host: String,
    /// The verdict; of a summary, the gravest.
    pub verdict: Word,
    /// The family, if one is named.
    pub family: Option<String>,
    /// The process, if it is known.
    pub pid: Option<u32>,
    /// What is written, without its last line's end.
    pub text: String,
}

impl Line {
    /// Writes out what is told.
    pub fn new(told: &Told, format: Format) -> Arc<Self> {
        let text = match (format, told) {
            (Format::Text, told) => Ok(text::text(told)),
            (Format::Ecs, told) => Ok(ecs::document(told).to_string()),
            (Format::Json, Told::Alert(alert)) => serde_json::to_string(alert),
            (Format::Json, Told::Held(held)) => serde_json::to_string(held),
        };
        // Nothing in these types can fail to be written; a number that is no number becomes null.
        let text = text.unwrap_or_default();
        Arc::new(match told {
            Told::Alert(alert) => Self {
                id: alert.id.clone(),
                kind: match alert.kind {
                    Kind::Alarm => "alarm",
                    Kind::Update => "update",
                    Kind::End => "end",
                },
                time: alert.time.clone(),
                host: alert.host.clone(),
                verdict: alert.verdict,
                family: alert.family.clone(),
                pid: alert.process.pid,
                text,
            },
            Told::Held(held) => Self {
                id: held.id.clone(),
                kind: held.kind,
                time: held.time.clone(),
                host: held.host.clone(),
                verdict: held.gravest(),
                family: None,
                pid: None,
                text,
            },
        })
    }
}
