//! All n-grams of the training traces, as one trie that is both a language model and STIDE's database.
//!
//! A node is an n-gram. Walking along a trace, the state is the longest n-gram at the end of what was read
//! that stands in the trie; the next call either is one of its children or the state gives up its oldest
//! call and asks again. How long the n-gram found is says what STIDE asks (is the window of n calls known?),
//! and the steps on the way add up to the interpolated probability, since interpolation is linear: an
//! n-gram that was seen has its whole probability precomputed, and one that was not has that of the shorter
//! one times a weight of the longer context (as in ARPA files). A step is one or two look-ups.
//!
//! Probabilities are interpolated by Witten and Bell's rule (1991, method C; Chen & Goodman 1998, eq. 14):
//! P(w | h) = (c(hw) + T(h) P(w | h')) / (c(h) + T(h)), where T(h) is the number of distinct calls seen after
//! h and h' is h without its oldest call; below single calls all are equally likely.

use super::NoveltyError;
use crate::features::Table;
use crate::parts::{LARGEST_INTEGER, PartsError, Reader, Writer};

/// The empty n-gram.
const ROOT: u32 = 0;
/// No node.
const NONE: u32 = u32::MAX;
/// The longest n-grams that are kept.
pub(crate) const LONGEST: usize = 16;

/// All n-grams up to a length.
#[derive(Clone, Debug)]
pub(crate) struct Trie {
    parents: Vec<u32>,
    tokens: Vec<u32>,
    counts: Vec<u32>,
    children: Table,
    /// The single calls, by token; [`NONE`] for a call never seen.
    singles: Vec<u32>,
    walk: Vec<Walk>,
}

/// What a step needs of a node, side by side.
#[derive(Clone, Copy, Debug)]
struct Walk {
    /// The n-gram without its oldest call.
    shorter: u32,
    /// The state after this n-gram: itself, or without its oldest call if it is as long as any.
    next: u32,
    /// How many calls it has.
    length: u32,
    /// -log2 of the probability of its last call after the others.
    bits: f32,
    /// -log2 of the weight of the shorter context where this one has not seen the call.
    back_off: f32,
}

/// What a call is after those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    /// -log2 of its probability.
    pub(crate) bits: f32,
    /// The length of the longest known n-gram that it ends.
    pub(crate) length: u32,
}

/// Where a walk stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State(u32);

impl Trie {
    /// The n-grams of up to `longest` calls of these traces, and probabilities from those of up to `order`.
    pub(crate) fn new(
        traces: &[&[u32]],
        vocabulary: usize,
        longest: usize,
        order: usize,
    ) -> Result<Self, NoveltyError> {
        debug_assert!((1..=longest).contains(&order) && longest <= LONGEST);
        let mut table = Table::with_capacity(1 << 12);
        let (mut parents, mut tokens, mut counts) = (vec![ROOT], vec![0], vec![0_u32]);
        // The nodes of the last 0, 1, 2, … calls.
        let mut ends = [ROOT; LONGEST + 1];
        for trace in traces {
            for (place, &token) in trace.iter().enumerate() {
                // Short ones first: an n-gram comes after its own end.
                let mut before = ROOT;
                for end in &mut ends[1..=longest.min(place + 1)] {
                    let node = table.intern(key(before, token)) + 1;
                    if node as usize == parents.len() {
                        parents.push(before);
                        tokens.push(token);
                        counts.push(0);
                    }
                    counts[node as usize] = (counts[node as usize] + 1).min(LARGEST_INTEGER);
                    before = std::mem::replace(end, node);
                }
            }
            if parents.len() >= LARGEST_INTEGER as usize {
                return Err(NoveltyError::TooMany(parents.len()));
            }
        }
        let derived = Self::derive(longest, order, vocabulary, parents, tokens, counts);
        // Every n-gram of a trace stands there with its own end, so nothing can be missing.
        derived.map_err(|_| NoveltyError::TooMany(0))
    }

    /// Everything that follows from the n-grams and their counts.
    fn derive(
        longest: usize,
        order: usize,
        vocabulary: usize,
        parents: Vec<u32>,
        tokens: Vec<u32>,
        counts: Vec<u32>,
    ) -> Result<Self, &'static str> {
        let nodes = parents.len();
        let mut children = Table::with_capacity(nodes);
        let mut singles = vec![NONE; vocabulary];
        // What follows each n-gram: how often anything does, and how many distinct calls.
        let (mut followed, mut kinds) = (vec![0.0_f64; nodes], vec![0.0_f64; nodes]);
        for node in 1..nodes {
            let (parent, token) = (parents[node], tokens[node]);
            if parent as usize >= node {
                return Err("an n-gram before the one that it extends");
            }
            if children.intern(key(parent, token)) as usize + 1 != node {
                return Err("an n-gram twice");
            }
            if parent == ROOT {
                singles[token as usize] = node as u32;
            }
            followed[parent as usize] += f64::from(counts[node]);
            kinds[parent as usize] += 1.0;
        }
        let equally = 1.0 / (kinds[0] + 1.0);
        let mut probability = vec![equally; nodes];
        let mut walk = vec![Walk { shorter: ROOT, next: ROOT, length: 0, bits: 0.0, back_off: 0.0 }; nodes];
        for node in 1..nodes {
            let (parent, token) = (parents[node] as usize, tokens[node]);
            let length = walk[parent].length + 1;
            if length as usize > longest {
                return Err("an n-gram longer than any");
            }
            let shorter = if parent == 0 {
                ROOT
            } else {
                match children.get(key(walk[parent].shorter, token)) {
                    // It must have been met before: its probability is needed here.
                    Some(shorter) if (shorter as usize + 1) < node => shorter + 1,
                    _ => return Err("an n-gram without its end"),
                }
            };
            let below = if parent == 0 { equally } else { probability[shorter as usize] };
            probability[node] = if length as usize > order {
                below
            } else {
                (f64::from(counts[node]) + kinds[parent] * below) / (followed[parent] + kinds[parent])
            };
            let weighs = (length as usize) < order && kinds[node] > 0.0;
            walk[node] = Walk {
                shorter,
                next: if length as usize == longest { shorter } else { node as u32 },
                length,
                bits: -probability[node].log2() as f32,
                back_off: if weighs {
                    ((followed[node] + kinds[node]) / kinds[node]).log2() as f32
                } else {
                    0.0
                },
            };
        }
        Ok(Self { parents, tokens, counts, children, singles, walk })
    }

    /// Reads the next call; `None` for one that was never seen, which is left out: the state stays.
    #[inline]
    pub(crate) fn step(&self, state: &mut State, token: u32) -> Option<Seen> {
        let single = *self.singles.get(token as usize)?;
        if single == NONE {
            return None;
        }
        let (mut at, mut bits) = (state.0, 0.0);
        let node = loop {
            if at == ROOT {
                break single;
            }
            if let Some(child) = self.children.get(key(at, token)) {
                break child + 1;
            }
            bits += self.walk[at as usize].back_off;
            at = self.walk[at as usize].shorter;
        };
        let found = &self.walk[node as usize];
        state.0 = found.next;
        Some(Seen { bits: bits + found.bits, length: found.length })
    }

    /// How many tokens its vocabulary has.
    pub(crate) fn vocabulary(&self) -> usize {
        self.singles.len()
    }

    /// How many n-grams there are.
    pub(crate) fn len(&self) -> usize {
        self.parents.len() - 1
    }

    /// Calls that were seen, ascending.
    pub(crate) fn calls(&self) -> impl Iterator<Item = u32> {
        self.singles.iter().enumerate().filter(|(_, node)| **node != NONE).map(|(token, _)| token as u32)
    }

    /// -log2 of the probability of a call of which nothing is known but how many calls there are.
    pub(crate) fn uniform_bits(&self) -> f32 {
        ((self.calls().count() + 1) as f32).log2()
    }

    pub(crate) fn write(&self, into: &mut Writer<'_>) {
        let from_first = |values: &[u32]| values[1..].to_vec();
        into.integers("parents", from_first(&self.parents));
        into.integers("tokens", from_first(&self.tokens));
        into.integers("counts", from_first(&self.counts));
    }

    pub(crate) fn read(
        from: &Reader<'_>,
        vocabulary: usize,
        longest: usize,
        order: usize,
    ) -> Result<Self, PartsError> {
        let with_root = |mut values: Vec<u32>| {
            values.insert(0, 0);
            values
        };
        let parents = from.integers("parents", None, LARGEST_INTEGER)?;
        let nodes = Some(parents.len());
        let tokens = from.integers("tokens", nodes, u32::try_from(vocabulary).unwrap_or(u32::MAX))?;
        let counts = from.integers("counts", nodes, u32::MAX)?;
        if counts.contains(&0) {
            return Err(from.damaged("an n-gram that was never seen"));
        }
        Self::derive(longest, order, vocabulary, with_root(parents), with_root(tokens), with_root(counts))
            .map_err(|reason| from.damaged(reason))
    }
}

#[inline]
fn key(node: u32, token: u32) -> u64 {
    u64::from(node) << u32::BITS | u64::from(token)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    /// Witten and Bell's formula as it stands, on counts of slices.
    struct ByFormula {
        counts: HashMap<Vec<u32>, f64>,
        calls: usize,
        order: usize,
    }

    impl ByFormula {
        fn new(traces: &[Vec<u32>], order: usize) -> Self {
            let mut counts = HashMap::new();
            for trace in traces {
                for length in 1..=order {
                    trace.windows(length).for_each(|w| *counts.entry(w.to_vec()).or_insert(0.0) += 1.0);
                }
            }
            let calls = counts.keys().filter(|gram| gram.len() == 1).count();
            Self { counts, calls, order }
        }

        fn probability(&self, history: &[u32], call: u32) -> f64 {
            let after = |context: &[u32]| -> Vec<(u32, f64)> {
                let grams = self
                    .counts
                    .iter()
                    .filter(|(g, _)| g.len() == context.len() + 1 && g.starts_with(context));
                grams.map(|(g, n)| (g[context.len()], *n)).collect()
            };
            let mut probability = 1.0 / (self.calls + 1) as f64;
            for length in 0..self.order.min(history.len() + 1) {
                let seen = after(&history[history.len() - length..]);
                let (all, kinds) = (seen.iter().map(|s| s.1).sum::<f64>(), seen.len() as f64);
                let own = seen.iter().find(|s| s.0 == call).map_or(0.0, |s| s.1);
                if kinds > 0.0 {
                    probability = (own + kinds * probability) / (all + kinds);
                }
            }
            probability
        }
    }

    fn traces() -> impl Strategy<Value = Vec<Vec<u32>>> {
        prop::collection::vec(prop::collection::vec(2_u32..7, 1..30), 1..6)
    }

    proptest! {
        #[test]
        fn steps_are_the_formula_and_the_longest_known_end(
            training in traces(),
            judged in prop::collection::vec(2_u32..7, 1..40),
            order in 1_usize..5,
            more in 0_usize..3,
        ) {
            let longest = order + more;
            let slices: Vec<&[u32]> = training.iter().map(Vec::as_slice).collect();
            let trie = Trie::new(&slices, 8, longest, order).unwrap();
            let formula = ByFormula::new(&training, order);
            let known: HashSet<&[u32]> = (1..=longest).flat_map(|n| slices.iter().flat_map(move |t| t.windows(n))).collect();
            prop_assert_eq!(trie.len(), known.len());
            let mut state = State::default();
            let judged: Vec<u32> = judged.into_iter().filter(|c| known.contains(&[*c][..])).collect();
            for (place, &call) in judged.iter().enumerate() {
                let seen = trie.step(&mut state, call).unwrap();
                let expected = -formula.probability(&judged[..place], call).log2();
                prop_assert!((f64::from(seen.bits) - expected).abs() < 1e-4, "{} {}", seen.bits, expected);
                let end = (1..=longest.min(place + 1)).rev().find(|n| known.contains(&judged[place + 1 - n..=place]));
                prop_assert_eq!(Some(seen.length as usize), end);
            }
        }
    }

    #[test]
    fn a_call_never_seen_leaves_the_walk_where_it_is() {
        let trie = Trie::new(&[&[2, 3, 4]], 9, 3, 3).unwrap();
        let mut state = State::default();
        trie.step(&mut state, 2);
        let before = state;
        for call in [8, 0, 9, u32::MAX] {
            assert_eq!(trie.step(&mut state, call), None);
        }
        assert_eq!(state, before);
        assert_eq!(trie.step(&mut state, 3).unwrap().length, 2);
    }
}
