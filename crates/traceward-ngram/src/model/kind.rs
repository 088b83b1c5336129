//! What is made of the counts of a trace.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::View;
use crate::boost::Boosted;
use crate::forest::Forest;
use crate::linear::Linear;
use crate::neighbours::{self, DEPTH, mean_of};
use crate::parts::{PartsError, Reader, Writer};
use crate::probability::{Temperature, softmax};
use crate::stack::Stack;

/// A trace as the parts of a model see it.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// Its n-grams.
    pub(crate) columns: &'a [u32],
    /// How often each stands in it.
    pub(crate) counts: &'a [f32],
    /// For each bank, how near the nearest training traces of each class are.
    pub(crate) near: &'a [Vec<f32>],
}

/// What is made of the counts.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// One plane a class.
    Linear { view: View, linear: Linear },
    /// Boosted trees.
    Boosted { inputs: Inputs, boosted: Boosted },
    /// Extremely randomised trees.
    Forest { inputs: Inputs, forest: Forest },
    /// The nearest training traces.
    Neighbours { bank: u16, nearest: u8, temperature: Temperature },
    /// Several of the others.
    Stack(Stack),
}

/// What trees ask: n-grams, and likenesses beside them.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) view: View,
    pub(crate) extras: Vec<Extra>,
}

/// A column that says how near the nearest training traces of a class are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Extra {
    /// In which bank.
    pub(crate) bank: u16,
    /// Of which class.
    pub(crate) class: u16,
    /// Over how many traces the mean goes.
    pub(crate) nearest: u8,
}

impl Extra {
    pub(crate) fn value(self, near: &[Vec<f32>]) -> f32 {
        mean_of(&near[usize::from(self.bank)], self.class.into(), self.nearest.into())
    }
}

/// What the parts of a model must fit.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) columns: usize,
    pub(crate) classes: usize,
    pub(crate) banks: usize,
}

/// The least probability whose logarithm is taken.
const LEAST: f32 = 1e-9;

thread_local! {
    /// The row that trees see, so that scoring reserves no memory for each trace and part.
    static ROW: RefCell<(Vec<u32>, Vec<f32>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

impl Inputs {
    /// What `see` makes of the trees' row of a trace.
    fn with<T>(&self, seen: &Seen<'_>, see: impl FnOnce(&[u32], &[f32]) -> T) -> T {
        self.view.with(seen.columns, seen.counts, |columns, counts| {
            if self.extras.is_empty() {
                return see(columns, counts);
            }
            let (mut index, mut values) = ROW.take();
            index.clear();
            values.clear();
            index.extend_from_slice(columns);
            values.extend_from_slice(counts);
            let first = self.view.columns().len() as u32;
            for (place, extra) in (first..).zip(&self.extras) {
                index.push(place);
                values.push(extra.value(seen.near));
            }
            let result = see(&index, &values);
            ROW.set((index, values));
            result
        })
    }

    fn len(&self) -> usize {
        self.view.columns().len() + self.extras.len()
    }

    fn write(&self, into: &mut Writer<'_>) -> Value {
        self.view.write(into);
        json!(self.extras)
    }

    fn read(document: &Value, from: &Reader<'_>, shape: Shape) -> Result<Self, PartsError> {
        let extras: Vec<Extra> = from.document(document)?;
        let sound = |e: &Extra| {
            usize::from(e.bank) < shape.banks
                && usize::from(e.class) < shape.classes
                && (1..=DEPTH).contains(&usize::from(e.nearest))
        };
        if !extras.iter().all(sound) {
            return Err(from.damaged("a likeness to what is not there"));
        }
        Ok(Self { view: View::read(from, shape.columns)?, extras })
    }

    /// Adds what trees lay to their columns, `times` over, to what is laid to the n-grams of a trace.
    fn lay(&self, added: &[(u32, f32)], seen: &Seen<'_>, times: f32, by_gram: &mut [f32]) {
        for &(column, value) in added {
            let Some(&whole) = self.view.columns().0.get(column as usize) else { continue };
            // What is laid to an n-gram that the trace does not have cannot be laid to any of its calls.
            if let Ok(at) = seen.columns.binary_search(&whole) {
                by_gram[at] += times * value;
            }
        }
    }
}

impl Kind {
    /// Calls `each` with the columns of every part.
    pub(crate) fn views(&mut self, each: &mut dyn FnMut(&mut View)) {
        match self {
            Self::Linear { view, .. } => each(view),
            Self::Boosted { inputs, .. } | Self::Forest { inputs, .. } => each(&mut inputs.view),
            Self::Neighbours { .. } => {}
            Self::Stack(stack) => stack.kinds_mut().for_each(|kind| kind.views(each)),
        }
    }

    /// What a stack learns from: a number a class on a scale of the model's own, greater is more likely.
    pub(crate) fn margins_into(&self, seen: &Seen<'_>, into: &mut [f32]) {
        match self {
            Self::Linear { view, linear } => {
                view.with(seen.columns, seen.counts, |columns, counts| linear.margins(columns, counts, into));
            }
            Self::Boosted { inputs, boosted } => {
                inputs.with(seen, |columns, values| boosted.predict_into(columns, values, into));
                into.iter_mut().for_each(|p| *p = p.max(LEAST).ln());
            }
            Self::Forest { inputs, forest } => {
                inputs.with(seen, |columns, values| forest.predict_into(columns, values, into));
                // A forest of a few hundred trees cannot tell less from none.
                into.iter_mut().for_each(|p| *p = p.max(1e-4).ln());
            }
            Self::Neighbours { bank, nearest, .. } => {
                neighbours::margins(&seen.near[usize::from(*bank)], usize::from(*nearest), into);
            }
            Self::Stack(stack) => {
                stack.predict_into(seen, into);
                into.iter_mut().for_each(|p| *p = p.max(LEAST).ln());
            }
        }
    }

    /// The class probabilities of a trace.
    pub(crate) fn predict_into(&self, seen: &Seen<'_>, into: &mut [f32]) {
        match self {
            Self::Linear { view, linear } => view.with(seen.columns, seen.counts, |columns, counts| {
                linear.predict_into(columns, counts, into);
            }),
            Self::Boosted { inputs, boosted } => {
                inputs.with(seen, |columns, values| boosted.predict_into(columns, values, into));
            }
            Self::Forest { inputs, forest } => {
                inputs.with(seen, |columns, values| forest.predict_into(columns, values, into));
            }
            Self::Neighbours { temperature, .. } => {
                self.margins_into(seen, into);
                temperature.apply(into);
                softmax(into);
            }
            Self::Stack(stack) => stack.predict_into(seen, into),
        }
    }

    /// Adds to `by_gram`, `times` over, what each n-gram of a trace adds to the score of `class` against the
    /// other classes; `None` if that cannot be said.
    pub(crate) fn contributions(
        &self,
        seen: &Seen<'_>,
        class: usize,
        times: f32,
        by_gram: &mut [f32],
    ) -> Option<()> {
        match self {
            Self::Linear { view, linear } => {
                let slopes = view
                    .with(seen.columns, seen.counts, |columns, counts| linear.slopes(columns, counts, class));
                let own = seen.columns.iter().zip(by_gram).filter(|(column, _)| view.has(**column));
                own.zip(slopes).for_each(|((_, sum), slope)| *sum += times * slope);
            }
            Self::Boosted { inputs, boosted } => {
                let mut probabilities = vec![0.0; boosted.classes()];
                self.predict_into(seen, &mut probabilities);
                let rest = (1.0 - probabilities[class]).max(LEAST);
                inputs.with(seen, |columns, values| {
                    for (other, &probability) in probabilities.iter().enumerate() {
                        let share = if other == class { times } else { -times * probability / rest };
                        // A class that is out of the question moves nothing, and costs as much to ask.
                        if share.abs() > 0.01 * times.abs() {
                            let added = boosted.contributions(columns, values, other);
                            inputs.lay(&added.columns, seen, share, by_gram);
                        }
                    }
                });
            }
            Self::Forest { inputs, forest } => inputs.with(seen, |columns, values| {
                let added = forest.contributions(columns, values, class);
                inputs.lay(&added.columns, seen, times, by_gram);
            }),
            Self::Neighbours { .. } => return None,
            Self::Stack(stack) => return stack.contributions(seen, class, times, by_gram),
        }
        Some(())
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) -> Value {
        match self {
            Self::Linear { view, linear } => {
                view.write(into);
                json!({ "linear": linear.write(into) })
            }
            Self::Boosted { inputs, boosted } => {
                let beside = inputs.write(into);
                json!({ "boosted": { "beside": beside, "trees": boosted.write(into) } })
            }
            Self::Forest { inputs, forest } => {
                let beside = inputs.write(into);
                forest.write(into);
                json!({ "forest": { "beside": beside } })
            }
            Self::Neighbours { bank, nearest, temperature } => {
                json!({ "neighbours": { "bank": bank, "nearest": nearest, "temperature": temperature } })
            }
            Self::Stack(stack) => json!({ "stack": stack.write(into) }),
        }
    }

    pub(crate) fn read(document: &Value, from: &Reader<'_>, shape: Shape) -> Result<Self, PartsError> {
        let mut fields = document.as_object().into_iter().flatten();
        let (Some((kind, document)), None) = (fields.next(), fields.next()) else {
            return Err(from.damaged("no kind of model"));
        };
        match kind.as_str() {
            "linear" => {
                let view = View::read(from, shape.columns)?;
                let linear = Linear::read(document, from, view.columns().len(), shape.classes)?;
                Ok(Self::Linear { view, linear })
            }
            "boosted" => {
                let inputs = Inputs::read(&document["beside"], from, shape)?;
                let boosted = Boosted::read(&document["trees"], from, inputs.len(), shape.classes)?;
                Ok(Self::Boosted { inputs, boosted })
            }
            "forest" => {
                let inputs = Inputs::read(&document["beside"], from, shape)?;
                let forest = Forest::read(from, inputs.len(), shape.classes)?;
                Ok(Self::Forest { inputs, forest })
            }
            "neighbours" => {
                let bank: u16 = from.document(&document["bank"])?;
                let nearest: u8 = from.document(&document["nearest"])?;
                let temperature = from.document(&document["temperature"])?;
                if usize::from(bank) >= shape.banks || !(1..=DEPTH).contains(&usize::from(nearest)) {
                    return Err(from.damaged("neighbours that are not there"));
                }
                Ok(Self::Neighbours { bank, nearest, temperature })
            }
            "stack" => Ok(Self::Stack(Stack::read(document, from, shape)?)),
            other => Err(from.damaged(&format!("the unknown kind {other:?}"))),
        }
    }
}
