//! From call names to a model's tokens.
//!
//! A vocabulary is over names, so a model outlives the numbering it was trained on. Data of the model's
//! own ABI is looked up by exact name. Data of another ABI is looked up under every name that the model
//! may know the call by ([`abi::candidates`]), and what share of it was found only so, or not at all, is
//! part of the answer: a model carried across ABIs silently would be a guess dressed up as a verdict.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::profile::numerals::{count, percent};
use crate::{Abi, Dataset, abi};

/// The calls that a model knows, in token order.
///
/// Token 0 is padding (Keras' `mask_zero`), token 1 any call the model has not seen, and the calls
/// follow from 2 on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// The ABI that the names were learnt from.
    pub abi: Abi,
    /// Call names; `names[i]` is token `i + 2`.
    pub names: Vec<String>,
}

/// How a data set's calls found their tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    /// `tokens[call id]` is the token of that call of the data set's table.
    pub tokens: Vec<u32>,
    /// The share of all calls, weighted by how often each occurs, that became [`Vocabulary::UNKNOWN`].
    pub unknown_share: f64,
    /// The share of all calls found only through canonical names, for another ABI's data.
    pub translated_share: f64,
    /// The most frequent calls without a token, with their counts, at most ten.
    pub unknown_calls: Vec<(String, u64)>,
}

impl Encoding {
    /// The most calls that [`Encoding::unknown_calls`] names.
    pub const NAMED: usize = 10;

    /// What the user must hear before trusting a model on this data; nothing if every call was found by
    /// its own name.
    pub fn warning(&self) -> Option<String> {
        let mut said = Vec::new();
        if self.translated_share > 0.0 {
            said.push(format!(
                "{} of the calls were translated by name from another ABI",
                percent(self.translated_share)
            ));
        }
        if self.unknown_share > 0.0 {
            let most: Vec<String> = (self.unknown_calls.iter().take(3))
                .map(|(name, n)| format!("{name}: {}", count(*n as usize)))
                .collect();
            said.push(format!(
                "{} of the calls have no counterpart in the model's vocabulary ({})",
                percent(self.unknown_share),
                most.join(", ")
            ));
        }
        (!said.is_empty()).then(|| format!("{}.", said.join("; ")))
    }
}

impl Vocabulary {
    /// The token of padding.
    pub const PADDING: u32 = 0;
    /// The token of a call that is not in the vocabulary.
    pub const UNKNOWN: u32 = 1;
    /// The token of the first call.
    const FIRST: u32 = 2;

    /// The calls of the traces `indices` of `data`, in the table's order.
    ///
    /// # Panics
    /// If an index lies outside the data set.
    pub fn learn(data: &Dataset, indices: &[u32]) -> Self {
        let mut used = vec![false; data.calls.len()];
        for &index in indices {
            for &call in &data.traces[index as usize].calls {
                used[usize::from(call)] = true;
            }
        }
        let names =
            data.calls.names().iter().zip(used).filter(|(_, used)| *used).map(|(name, _)| name.to_string());
        Self { abi: data.abi.clone(), names: names.collect() }
    }

    /// How many tokens there are, padding and unknown included: the Embedding's `input_dim`.
    pub fn size(&self) -> usize {
        self.names.len() + Self::FIRST as usize
    }

    /// The name of a call's token; `None` for padding, unknown, and tokens that there are not.
    pub fn name(&self, token: u32) -> Option<&str> {
        let place = token.checked_sub(Self::FIRST)?;
        self.names.get(place as usize).map(String::as_str)
    }

    /// Tokens for the calls of `data`: by name when the ABIs agree, by canonical name otherwise.
    pub fn encode(&self, data: &Dataset) -> Encoding {
        let known: HashMap<&str, u32> =
            (Self::FIRST..).zip(&self.names).map(|(token, name)| (name.as_str(), token)).collect();
        let lookup = |name: &str| -> (u32, Found) {
            if self.abi == data.abi {
                return known.get(name).map_or((Self::UNKNOWN, Found::Not), |&token| (token, Found::ByName));
            }
            // A number without a name means nothing under another ABI, though both may write `#412`.
            if name.starts_with('#') {
                return (Self::UNKNOWN, Found::Not);
            }
            for candidate in abi::candidates(name, &self.abi) {
                if let Some(&token) = known.get(candidate.as_str()) {
                    return (token, if candidate == name { Found::ByName } else { Found::Translated });
                }
            }
            (Self::UNKNOWN, Found::Not)
        };

        let mut counts = vec![0u64; data.calls.len()];
        for &call in data.traces.iter().flat_map(|t| &t.calls) {
            counts[usize::from(call)] += 1;
        }
        let (mut unknown, mut translated) = (0u64, 0u64);
        let mut unknown_calls = Vec::new();
        let mut tokens = Vec::with_capacity(data.calls.len());
        for (name, &count) in data.calls.names().iter().zip(&counts) {
            let (token, found) = lookup(name);
            tokens.push(token);
            match found {
                Found::ByName => {}
                Found::Translated => translated += count,
                Found::Not => {
                    unknown += count;
                    if count > 0 {
                        unknown_calls.push((name.to_string(), count));
                    }
                }
            }
        }
        unknown_calls.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        unknown_calls.truncate(Encoding::NAMED);
        let all: u64 = counts.iter().sum();
        let share = |n: u64| if all == 0 { 0.0 } else { n as f64 / all as f64 };
        Encoding { tokens, unknown_share: share(unknown), translated_share: share(translated), unknown_calls }
    }
}

/// How a call was found in a vocabulary.
enum Found {
    ByName,
    Translated,
    Not,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{dataset, datasets};

    fn x86_64(rows: &str) -> Dataset {
        Dataset { abi: Abi::X86_64, ..dataset(&[(rows, "normal", "", "")]) }
    }

    #[test]
    fn learns_the_calls_of_the_chosen_traces_only() {
        let data = dataset(&[
            ("open read", "normal", "", ""),
            ("kill", "web", "", ""),
            ("close open", "web", "", ""),
        ]);
        let words = Vocabulary::learn(&data, &[2, 0]);
        assert_eq!(words.names, ["open", "read", "close"]);
        assert_eq!((words.size(), &words.abi), (5, &Abi::I386));
        assert_eq!(
            (words.name(0), words.name(1), words.name(2), words.name(5)),
            (None, None, Some("open"), None)
        );
        let coded = words.encode(&data);
        assert_eq!(coded.tokens, [2, 3, Vocabulary::UNKNOWN, 4]);
        assert_eq!(coded.unknown_share, 0.2);
        assert_eq!(coded.translated_share, 0.0);
        assert_eq!(coded.unknown_calls, [("kill".to_owned(), 1)]);
    }

    #[test]
    fn another_abi_is_translated_by_name() {
        let words = Vocabulary {
            abi: Abi::I386,
            names: ["stat64", "mmap2", "read", "socketcall", "#412"].map(String::from).into(),
        };
        let coded = words.encode(&x86_64("read stat mmap connect #412 arch_prctl stat stat read read"));
        // read, stat, mmap, connect, #412, arch_prctl
        assert_eq!(coded.tokens, [4, 2, 3, 5, 1, 1]);
        assert_eq!(coded.translated_share, 0.5);
        assert_eq!(coded.unknown_share, 0.2);
        assert_eq!(coded.unknown_calls, [("#412".to_owned(), 1), ("arch_prctl".to_owned(), 1)]);
        assert_eq!(
            coded.warning().unwrap(),
            "50.0 % of the calls were translated by name from another ABI; 20.0 % of the calls have no counterpart \
             in the model's vocabulary (#412: 1, arch_prctl: 1)."
        );
    }

    #[test]
    fn the_exact_name_comes_before_a_relative() {
        let words = Vocabulary { abi: Abi::I386, names: ["stat64", "stat"].map(String::from).into() };
        assert_eq!(words.encode(&x86_64("stat")).tokens, [3]);
        let same_abi = dataset(&[("oldstat", "normal", "", "")]);
        assert_eq!(words.encode(&same_abi).tokens, [Vocabulary::UNKNOWN], "one ABI: no translation");
    }

    #[test]
    fn a_data_set_without_calls_warns_of_nothing() {
        let words = Vocabulary { abi: Abi::I386, names: vec![] };
        let coded = words.encode(&dataset(&[]));
        assert_eq!((coded.unknown_share, coded.translated_share, coded.warning()), (0.0, 0.0, None));
    }

    proptest! {
        #[test]
        fn what_was_learnt_is_known(data in datasets()) {
            let every: Vec<u32> = (0..data.traces.len() as u32).collect();
            let words = Vocabulary::learn(&data, &every);
            let coded = words.encode(&data);
            prop_assert_eq!(coded.unknown_share, 0.0);
            prop_assert_eq!(coded.warning(), None);
            for (id, &token) in coded.tokens.iter().enumerate() {
                prop_assert_eq!(words.name(token), Some(data.calls.name(id as u16)));
            }
            let json = serde_json::to_string(&words).unwrap();
            prop_assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), words);
        }

        #[test]
        fn shares_add_up_across_abis(data in datasets(), names in prop::collection::vec("[a-z0-9_#]{1,12}", 0..8)) {
            let words = Vocabulary { abi: Abi::Aarch64, names };
            let coded = words.encode(&data);
            prop_assert_eq!(coded.tokens.len(), data.calls.len());
            prop_assert!(coded.tokens.iter().all(|&t| t >= 1 && (t as usize) < words.size()));
            prop_assert!((0.0..=1.0).contains(&(coded.unknown_share + coded.translated_share)));
        }
    }
}
