//! Reasons in words.

use traceward_trace::Vocabulary;

use super::Reasons;

/// Names in a sentence at most; of a longer stretch the beginning and the end are named.
const NAMED: usize = 8;

/// What a token is called.
pub(super) fn name(vocabulary: &Vocabulary, token: u32) -> String {
    vocabulary.name(token).map_or_else(|| "(unknown call)".to_owned(), str::to_owned)
}

/// `open, read ×12, close`: the shortest repeated units counted, at most [`NAMED`] of them.
pub(super) fn abridged(names: &[String]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = names;
    while !rest.is_empty() {
        // The unit of one to four calls that, repeated, covers most.
        let covers = |unit: usize| {
            let times = rest.chunks_exact(unit).take_while(|chunk| *chunk == &rest[..unit]).count();
            (unit * times, times)
        };
        let units = (1..=4.min(rest.len())).filter(|&unit| covers(unit).1 > 1);
        match units.max_by_key(|&unit| (covers(unit).0, 4 - unit)) {
            Some(unit) => {
                let (length, times) = covers(unit);
                let one = rest[..unit].join(" ");
                parts.push(if unit == 1 { format!("{one} ×{times}") } else { format!("({one}) ×{times}") });
                rest = &rest[length..];
            }
            None => {
                parts.push(rest[0].clone());
                rest = &rest[1..];
            }
        }
    }
    if parts.len() > NAMED {
        let cut = parts.len() - NAMED;
        let tail = parts.split_off(NAMED / 2 + cut);
        parts.truncate(NAMED / 2);
        parts.push("…".into());
        parts.extend(tail);
    }
    parts.join(", ")
}

impl Reasons {
    /// The reasons in full sentences, for people.
    pub fn sentences(&self) -> Vec<String> {
        let mut said: Vec<String> = self
            .reasons
            .iter()
            .map(|reason| {
                let place = if reason.to - reason.from == 1 {
                    format!("Call {}", reason.from + 1)
                } else {
                    format!("Calls {} to {}", reason.from + 1, reason.to)
                };
                let again = match reason.times {
                    0 | 1 => String::new(),
                    2 => ", here and once more in the trace".into(),
                    times => format!(", here and {} times more in the trace", times - 1),
                };
                let what = if self.of_novelty { "novelty" } else { "log-odds" };
                format!(
                    "{place} ({}{again}): without them the {what} would be {:.2} less.",
                    reason.text, reason.weight
                )
            })
            .collect();
        match self.reasons.len() {
            0 => said.push(
                "No single stretch of calls decides: leaving any one out does not move the score.".into(),
            ),
            1 => {}
            _ if self.of_novelty => said.push(format!(
                "Without all of these its novelty would be {:.2} instead of {:.2}.",
                self.score_without, self.score
            )),
            _ => said.push(format!(
                "Without all of these its probability would be {:.3} instead of {:.3}.",
                probability(self.score_without),
                probability(self.score)
            )),
        }
        if let Some(nearest) = &self.nearest {
            let source =
                nearest.source.as_ref().map_or_else(|| format!("number {}", nearest.trace + 1), Clone::clone);
            said.push(format!(
                "Most like a training trace of {} ({source}), cosine {:.2}.",
                nearest.class, nearest.similarity
            ));
        }
        said
    }
}

fn probability(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abridge(names: &str) -> String {
        abridged(&names.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn repetitions_are_counted_and_long_stretches_cut() {
        assert_eq!(abridge("open read read read close"), "open, read ×3, close");
        assert_eq!(abridge("a b a b a b c"), "(a b) ×3, c");
        assert_eq!(abridge("a a a a"), "a ×4");
        assert_eq!(abridge("a b c d e f g h i j k"), "a, b, c, d, …, h, i, j, k");
        assert_eq!(abridge("a"), "a");
    }
}
