//! A trained model of this crate, whatever its kind.

mod grams;
mod kind;
mod view;

use serde_json::{Value, json};
use traceward_run::classifier::{Neighbour, Session, Unreadable};
use traceward_run::tensors::Tensor;
use traceward_run::{Classifier, Labelled, Scores};

pub(crate) use grams::Grams;
pub(crate) use kind::{Extra, Inputs, Kind, Seen, Shape};
pub(crate) use view::View;

use crate::features::Dictionary;
use crate::novelty::Novelty;
use crate::parts::{PartsError, Reader, Writer};

/// A trained model: what it makes of n-gram counts, or of novelty, or of both.
#[derive(Clone, Debug)]
pub struct Model {
    classes: usize,
    vocabulary: usize,
    grams: Option<Grams>,
    novelty: Option<Novelty>,
}

impl Model {
    pub(crate) fn new(data: &Labelled<'_>, grams: Option<Grams>, novelty: Option<Novelty>) -> Self {
        Self { classes: data.classes, vocabulary: data.vocabulary, grams, novelty }
    }

    /// Tokens there are: every token that it reads is less.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The n-grams that it counts, if it counts any.
    pub fn dictionary(&self) -> Option<&Dictionary> {
        self.grams.as_ref().map(Grams::dictionary)
    }

    /// The novelty model in it, if there is one.
    pub fn novelty_model(&self) -> Option<&Novelty> {
        self.novelty.as_ref()
    }

    /// Everything that it is: a JSON document, and arrays.
    pub fn to_parts(&self) -> (Value, Vec<Tensor>) {
        let mut tensors = Vec::new();
        let mut writer = Writer::new(&mut tensors);
        let mut document = json!({ "classes": self.classes, "vocabulary": self.vocabulary });
        if let Some(grams) = &self.grams {
            document["grams"] = grams.write(&mut writer);
        }
        if let Some(novelty) = &self.novelty {
            document["novelty"] = novelty.write(&mut writer.part("novelty"));
        }
        (document, tensors)
    }

    /// Back from [`Model::to_parts`].
    ///
    /// # Errors
    /// If the parts are no such model, or a damaged one.
    pub fn from_parts(document: &Value, tensors: &[Tensor]) -> Result<Self, PartsError> {
        let from = Reader::new(tensors);
        let number = |name: &str| {
            let number = document[name].as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0);
            number.map(usize::from).ok_or_else(|| from.damaged(&format!("no number of {name}")))
        };
        let (classes, vocabulary) = (number("classes")?, number("vocabulary")?);
        let part = |name: &str| document.get(name);
        let grams = part("grams").map(|d| Grams::read(d, &from, vocabulary, classes)).transpose()?;
        let novelty = part("novelty").map(|d| Novelty::read(d, &from.part("novelty"))).transpose()?;
        if grams.is_none() && novelty.is_none() {
            return Err(from.damaged("neither n-grams nor novelty"));
        }
        if novelty.as_ref().is_some_and(|n| n.classes() != classes || n.vocabulary() != vocabulary) {
            return Err(from.damaged("parts of different classes or vocabularies"));
        }
        Ok(Self { classes, vocabulary, grams, novelty })
    }

    fn check(&self, traces: &[&[u32]]) -> Result<(), Unreadable> {
        for (place, trace) in traces.iter().enumerate() {
            let reason = if trace.is_empty() {
                "it is empty".to_owned()
            } else if let Some(token) = trace.iter().find(|token| **token as usize >= self.vocabulary) {
                format!("token {token} of {}", self.vocabulary)
            } else {
                continue;
            };
            return Err(Unreadable { trace: place, reason });
        }
        Ok(())
    }
}

impl Classifier for Model {
    fn classes(&self) -> usize {
        self.classes
    }

    fn predict(&self, traces: &[&[u32]]) -> Result<Scores, Unreadable> {
        self.check(traces)?;
        match (&self.grams, &self.novelty) {
            (Some(grams), _) => Ok(Scores::new(self.classes, grams.predict(traces, self.classes))),
            (None, Some(novelty)) => novelty.predict(traces),
            (None, None) => unreachable!("a model has one of both"),
        }
    }

    fn novelty(&self, traces: &[&[u32]]) -> Option<Vec<f32>> {
        self.check(traces).ok()?;
        self.novelty.as_ref()?.novelty(traces)
    }

    /// For trees and stacks, whose score is no sum over calls, the share of it that can be laid to n-grams.
    fn contributions(&self, trace: &[u32], class: usize) -> Option<Vec<f32>> {
        self.check(&[trace]).ok()?;
        if class >= self.classes {
            return None;
        }
        self.grams.as_ref()?.contributions(trace, class)
    }

    fn nearest(&self, trace: &[u32], count: usize) -> Vec<Neighbour> {
        if self.check(&[trace]).is_err() {
            return Vec::new();
        }
        match (&self.grams, &self.novelty) {
            (Some(grams), _) => grams.nearest(trace, count),
            (None, Some(novelty)) => novelty.nearest(trace, count),
            (None, None) => Vec::new(),
        }
    }

    fn session(&self) -> Option<Box<dyn Session + '_>> {
        match &self.grams {
            Some(_) => None,
            None => self.novelty.as_ref()?.session(),
        }
    }
}
