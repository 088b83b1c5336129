//! What a training reads: traces as tokens, with their classes.

use traceward_run::config::{Input, Truncating};
use traceward_trace::split::Split;
use traceward_trace::{Dataset, Vocabulary};

/// Encoded traces with their classes, packed into one array.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traces {
    tokens: Vec<u32>,
    ends: Vec<usize>,
    labels: Vec<u32>,
}

impl Traces {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a trace of class number `label`. An empty one is left out: there is nothing to read in it.
    pub fn push(&mut self, tokens: impl IntoIterator<Item = u32>, label: u32) {
        let before = self.tokens.len();
        self.tokens.extend(tokens);
        if self.tokens.len() > before {
            self.ends.push(self.tokens.len());
            self.labels.push(label);
        }
    }

    /// How many traces there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The tokens of trace `index`.
    ///
    /// # Panics
    /// If there are not so many traces.
    pub fn get(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.tokens[start..self.ends[index]]
    }

    /// The tokens of all traces.
    pub fn all(&self) -> Vec<&[u32]> {
        (0..self.len()).map(|index| self.get(index)).collect()
    }

    /// The classes of all traces.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}

/// Both sides of a training, and what the classes are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// What is learnt from.
    pub train: Traces,
    /// What it is judged on after each epoch; may be empty.
    pub validation: Traces,
    /// Class names; labels are places in this list.
    pub classes: Vec<String>,
    /// The data's fingerprint: a checkpoint of a run on other data is refused.
    pub fingerprint: String,
}

impl Examples {
    /// Encodes both sides of a split and cuts the traces as `input` says. Traces without a class are left
    /// out.
    pub fn of(data: &Dataset, split: &Split, vocabulary: &Vocabulary, input: &Input) -> Self {
        let encoding = vocabulary.encode(data).tokens;
        let side = |indices: &[u32]| {
            let mut traces = Traces::new();
            for &index in indices {
                let trace = &data.traces[index as usize];
                if let Some(class) = trace.class {
                    let calls = cut(&trace.calls, input);
                    traces.push(calls.iter().map(|&call| encoding[usize::from(call)]), class.into());
                }
            }
            traces
        };
        Self {
            train: side(&split.train),
            validation: side(&split.validation),
            classes: data.classes.clone(),
            fingerprint: data.fingerprint().to_string(),
        }
    }
}

/// What is left of a trace that is longer than `input` allows.
fn cut<'a, T>(calls: &'a [T], input: &Input) -> &'a [T] {
    let length = input.max_len.unwrap_or(usize::MAX).min(calls.len());
    match input.truncating {
        Truncating::Pre => &calls[calls.len() - length..],
        Truncating::Post => &calls[..length],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_come_back_as_they_went_in() {
        let mut traces = Traces::new();
        traces.push([1, 2, 3], 0);
        traces.push([], 1);
        traces.push([4], 2);
        assert_eq!(traces.all(), [&[1, 2, 3][..], &[4]]);
        assert_eq!(traces.labels(), [0, 2]);
    }

    #[test]
    fn cutting_keeps_the_end_that_was_asked_for() {
        let input = |max_len, truncating| Input { max_len, truncating };
        let calls = [1, 2, 3, 4, 5];
        assert_eq!(cut(&calls, &input(Some(2), Truncating::Pre)), [4, 5]);
        assert_eq!(cut(&calls, &input(Some(2), Truncating::Post)), [1, 2]);
        assert_eq!(cut(&calls, &input(Some(9), Truncating::Pre)), calls);
        assert_eq!(cut(&calls, &input(None, Truncating::Post)), calls);
    }
}
