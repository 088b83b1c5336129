//! What the operator has looked at and does not want to hear of again.
//!
//! A suppression silences an alert only by what is known of it: a field that is `null` in the alert matches no
//! pattern, not even `*`. A container's name that arrives late can so neither raise an alarm nor hide one.
//! Rules carry a reason, since a silence that nobody can explain a year later is a hole in the guard.

mod glob;

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;
use traceward_detect::verdict::Word;

pub use self::glob::{Glob, GlobError};
use crate::Alert;

/// The suppressions of a file, and how often each was used.
#[derive(Debug, Default)]
pub struct Suppressions {
    path: Option<PathBuf>,
    rules: Vec<Rule>,
}

/// A suppression: all that it names must be so.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    exe: Option<Glob>,
    uid: Option<u32>,
    container: Option<Glob>,
    family: Option<String>,
    comm: Option<Glob>,
    cmdline: Option<Glob>,
    verdict: Option<Word>,
    reason: String,
    /// The last day on which it holds, `2026-12-31`, in UTC.
    until: Option<String>,
    used: u64,
}

/// How often a rule silenced an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The rule's place in the file, from 1.
    pub rule: usize,
    /// Its reason.
    pub reason: String,
    /// How many alerts, since it is known; a reload that leaves it as it was goes on counting.
    pub used: u64,
}

/// What is wrong with a file of suppressions.
#[derive(Debug, thiserror::Error)]
pub enum SuppressError {
    /// It cannot be read.
    #[error("cannot read the suppressions {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// It says something that is no suppression.
    #[error("{}, line {line}{}: {what}", path.display(), key.as_ref().map(|k| format!(", `{k}`")).unwrap_or_default())]
    Rule {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key, where it is about one.
        key: Option<String>,
        /// What is wrong, and what to do.
        what: String,
    },
}

impl Suppressions {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// The suppressions of a TOML file:
    ///
    /// ```toml
    /// [[suppress]]
    /// exe = "/usr/lib/jvm/*/bin/java"
    /// family = "java-meterpreter"
    /// reason = "the application server; looked at in November"
    /// until = 2026-12-31
    /// ```
    ///
    /// # Errors
    /// If it cannot be read, or a rule is wrong: file, line and key are told, and what to do.
    pub fn load(path: &Path) -> Result<Self, SuppressError> {
        let text =
            fs::read_to_string(path).map_err(|error| SuppressError::Read { path: path.into(), error })?;
        Ok(Self { path: Some(path.into()), rules: rules(path, &text)? })
    }

    /// Reads the file again. Rules that are as they were go on counting. Returns how many there are now.
    ///
    /// # Errors
    /// As [`Self::load`]; then the rules stay as they were.
    pub fn reload(&mut self) -> Result<usize, SuppressError> {
        if let Some(path) = &self.path {
            let mut new = Self::load(path)?;
            for rule in &mut new.rules {
                let same = |old: &&Rule| Rule { used: 0, ..(*old).clone() } == *rule;
                rule.used = self.rules.iter().find(same).map_or(0, |old| old.used);
            }
            self.rules = new.rules;
        }
        Ok(self.rules.len())
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rule, from 1, that silences an alert, if one does; it is counted.
    pub fn silences(&mut self, alert: &Alert) -> Option<usize> {
        let at = self.rules.iter().position(|rule| rule.matches(alert))?;
        self.rules[at].used += 1;
        Some(at + 1)
    }

    /// How often each rule was used, in the file's order.
    pub fn uses(&self) -> impl Iterator<Item = Use> + '_ {
        let all = self.rules.iter().enumerate();
        all.map(|(at, rule)| Use { rule: at + 1, reason: rule.reason.clone(), used: rule.used })
    }

    /// The reasons of rules that no longer hold on a day, `2026-11-23`: they may be deleted, or prolonged.
    pub fn expired(&self, day: &str) -> impl Iterator<Item = &str> {
        self.rules.iter().filter(move |rule| !rule.holds_on(day)).map(|rule| rule.reason.as_str())
    }
}

impl Rule {
    fn matches(&self, alert: &Alert) -> bool {
        let glob = |pattern: &Option<Glob>, field: &Option<String>| match (pattern, field) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(pattern), Some(field)) => pattern.matches(field),
        };
        let process = &alert.process;
        glob(&self.exe, &process.exe)
            && glob(&self.container, &process.container)
            && glob(&self.comm, &process.comm)
            && glob(&self.cmdline, &process.cmdline)
            && self.uid.is_none_or(|uid| process.uid == Some(uid))
            && self.family.as_ref().is_none_or(|family| alert.family.as_ref() == Some(family))
            && self.verdict.is_none_or(|verdict| alert.verdict == verdict)
            && self.holds_on(alert.time.get(..10).unwrap_or(&alert.time))
    }

    /// Whether it holds on a day, written `2026-11-23`, which sorts as days do.
    fn holds_on(&self, day: &str) -> bool {
        self.until.as_ref().is_none_or(|until| day <= until.as_str())
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    suppress: Vec<Spanned<Written>>,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    exe: Option<Spanned<String>>,
    uid: Option<u32>,
    container: Option<Spanned<String>>,
    family: Option<String>,
    comm: Option<Spanned<String>>,
    cmdline: Option<Spanned<String>>,
    verdict: Option<Spanned<String>>,
    reason: Option<Spanned<String>>,
    until: Option<Spanned<Datetime>>,
}

/// What may be named, for hints.
const FIELDS: &str = "exe, uid, container, family, comm, cmdline, verdict";

fn rules(path: &Path, text: &str) -> Result<Vec<Rule>, SuppressError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let what =
            format!("{}; a rule is `[[suppress]]` with any of {FIELDS}, and `reason`", error.message());
        wrong(path, text, &span, key_at(text, &span), what)
    })?;
    file.suppress.iter().map(|written| rule(path, text, written)).collect()
}

fn rule(path: &Path, text: &str, spanned: &Spanned<Written>) -> Result<Rule, SuppressError> {
    let written = spanned.get_ref();
    let glob = |key: &'static str, pattern: &Option<Spanned<String>>| {
        let Some(pattern) = pattern else { return Ok(None) };
        let made = Glob::new(pattern.get_ref());
        made.map(Some)
            .map_err(|error| wrong(path, text, &pattern.span(), Some(key.into()), format!("{error}")))
    };
    let reason = match &written.reason {
        Some(reason) if !reason.get_ref().trim().is_empty() => reason.get_ref().trim().to_owned(),
        Some(reason) => {
            let what = "is empty; say why this is no attack, for whoever reads the rule next".into();
            return Err(wrong(path, text, &reason.span(), Some("reason".into()), what));
        }
        None => {
            let what = "is missing; say why this is no attack, for whoever reads the rule next".into();
            return Err(wrong(path, text, &spanned.span(), Some("reason".into()), what));
        }
    };
    let verdict = match &written.verdict {
        None => None,
        Some(verdict) => Some(word(verdict.get_ref()).ok_or_else(|| {
            let known: Vec<&str> = Word::ALL.iter().map(|word| word.name()).collect();
            let what = format!("{:?} is no verdict; there are {}", verdict.get_ref(), known.join(", "));
            wrong(path, text, &verdict.span(), Some("verdict".into()), what)
        })?),
    };
    let until = match &written.until {
        None => None,
        Some(until) => match until.get_ref() {
            Datetime { date: Some(date), time: None, offset: None } => Some(date.to_string()),
            _ => {
                let what =
                    "is no date; write `until = 2026-12-31`: the last day (UTC) on which the rule holds";
                return Err(wrong(path, text, &until.span(), Some("until".into()), what.into()));
            }
        },
    };
    let rule = Rule {
        exe: glob("exe", &written.exe)?,
        uid: written.uid,
        container: glob("container", &written.container)?,
        family: written.family.clone(),
        comm: glob("comm", &written.comm)?,
        cmdline: glob("cmdline", &written.cmdline)?,
        verdict,
        reason,
        until,
        used: 0,
    };
    let bare = Rule { reason: rule.reason.clone(), until: rule.until.clone(), ..Rule::all() };
    if rule == bare {
        let what = format!("names nothing and would silence every alert; add at least one of {FIELDS}");
        return Err(wrong(path, text, &spanned.span(), None, what));
    }
    Ok(rule)
}

impl Rule {
    /// A rule that names nothing.
    fn all() -> Self {
        Self {
            exe: None,
            uid: None,
            container: None,
            family: None,
            comm: None,
            cmdline: None,
            verdict: None,
            reason: String::new(),
            until: None,
            used: 0,
        }
    }
}

fn word(name: &str) -> Option<Word> {
    Word::ALL.into_iter().find(|word| word.name() == name)
}

fn wrong(path: &Path, text: &str, span: &Range<usize>, key: Option<String>, what: String) -> SuppressError {
    let line = 1 + text.bytes().take(span.start).filter(|&byte| byte == b'\n').count();
    SuppressError::Rule { path: path.into(), line, key, what }
}

/// The key of the line where a span begins.
fn key_at(text: &str, span: &Range<usize>) -> Option<String> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let (key, _) = text.get(start..)?.lines().next()?.split_once('=')?;
    Some(key.trim().to_owned()).filter(|key| !key.is_empty() && !key.starts_with('#'))
}

#[cfg(test)]
mod tests;
