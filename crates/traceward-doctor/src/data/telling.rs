//! Whether one call gives a class away: a tree of depth one on which calls occur.
//!
//! A call that occurs in every trace of a class and in no other is either what the class does, or what
//! recording it left behind: the recorder's own calls, another kernel, another program. Which of the two it
//! is, only a person can say, but they should be told.

use crate::facts::TellingToken;

use super::Reads;

/// A class with fewer traces may be told by a call by chance.
const FEWEST_TRACES: usize = 20;
/// Precision and recall from which a call gives its class away.
const GIVES_AWAY: f64 = 0.99;

/// The call that tells most, if any gives a class away.
pub(super) fn find(read: &Reads<'_>, rows: &[u32]) -> Option<TellingToken> {
    let classes = read.dataset.classes.len();
    let distinct = read.dataset.calls.len();
    let mut with = vec![0usize; distinct * classes];
    let mut sizes = vec![0usize; classes];
    let mut seen = vec![u32::MAX; distinct];
    for (mark, &row) in (0u32..).zip(rows) {
        let Some(class) = read.class(row).map(usize::from) else { continue };
        sizes[class] += 1;
        for &call in read.calls(row) {
            let call = usize::from(call);
            if seen[call] != mark {
                seen[call] = mark;
                with[call * classes + class] += 1;
            }
        }
    }
    let mut best: Option<(f64, TellingToken)> = None;
    for (call, counts) in with.chunks(classes.max(1)).enumerate() {
        let all: usize = counts.iter().sum();
        for (class, &here) in counts.iter().enumerate() {
            let items = sizes[class];
            if items < FEWEST_TRACES || rows.len() - items < FEWEST_TRACES || all == 0 {
                continue;
            }
            let (precision, recall) = (here as f64 / all as f64, here as f64 / items as f64);
            let least = precision.min(recall);
            if least >= GIVES_AWAY && best.as_ref().is_none_or(|(so_far, _)| least > *so_far) {
                let name = read.dataset.calls.names()[call].to_string();
                let class = read.dataset.classes[class].clone();
                best = Some((least, TellingToken { name, class, items, precision, recall }));
            }
        }
    }
    best.map(|(_, found)| found)
}
