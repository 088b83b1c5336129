//! From captured calls to a model's tokens, as `score` finds them for the recording of the same calls.

use traceward_capture::{Call, Names};
use traceward_trace::{Abi, Dataset, ReadReport, Vocabulary};

/// Numbers below this have an entry of their own; all others share the last one.
const NUMBERS: u16 = 1024;
/// Entries of one ABI's numbers.
const ENTRIES: usize = NUMBERS as usize + 1;

/// The token of every call, by way of a code: the tokens that calls can have, numbered without gaps, so that a
/// call is kept in one byte where there are few enough.
#[derive(Debug)]
pub(crate) struct Tokens {
    /// Codes of the machine's own numbers, then of i386's.
    codes: Box<[u16]>,
    /// The token of each code.
    tokens: Vec<u32>,
    /// Whether the machine's own calls are foreign to the model, and whether i386's are.
    foreign: [bool; 2],
}

impl Tokens {
    /// The tokens that a data set of these names would get.
    pub(crate) fn new(names: &Names, vocabulary: &Vocabulary) -> Self {
        let data = Dataset {
            name: String::new(),
            abi: names.abi().clone(),
            calls: names.table().clone(),
            classes: Vec::new(),
            traces: Vec::new(),
            report: ReadReport::default(),
        };
        let by_name = vocabulary.encode(&data).tokens;
        let mut distinct = by_name.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let code = |call: Call| {
            let token = by_name.get(usize::from(names.id(call))).copied().unwrap_or(Vocabulary::UNKNOWN);
            distinct.binary_search(&token).unwrap_or_default() as u16
        };
        let own = (0..=NUMBERS).map(|number| code(Call::new(number.into())));
        let i386 = (0..=NUMBERS).map(|number| code(Call::i386(number.into())));
        let codes = own.chain(i386).collect();
        let foreign = [vocabulary.abi != *names.abi(), vocabulary.abi != Abi::I386];
        Self { codes, tokens: distinct, foreign }
    }

    /// A call's code.
    #[inline]
    pub(crate) fn code(&self, call: Call) -> u16 {
        let entry = usize::from(call.number().min(NUMBERS));
        self.codes[if call.is_i386() { ENTRIES + entry } else { entry }]
    }

    /// A code's token.
    #[inline]
    pub(crate) fn token(&self, code: u16) -> u32 {
        self.tokens.get(usize::from(code)).copied().unwrap_or(Vocabulary::UNKNOWN)
    }

    /// How many bytes a code takes: 1 or 2.
    pub(crate) fn width(&self) -> usize {
        if self.tokens.len() <= 256 { 1 } else { 2 }
    }

    /// Whether some of `calls` calls, `i386` of them by i386's numbers, are of another ABI than the model's.
    pub(crate) fn foreign(&self, calls: u32, i386: u32) -> bool {
        (self.foreign[0] && calls > i386) || (self.foreign[1] && i386 > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(abi: Abi, names: &[&str]) -> Tokens {
        let vocabulary = Vocabulary { abi, names: names.iter().copied().map(String::from).collect() };
        Tokens::new(&Names::of(Abi::X86_64), &vocabulary)
    }

    fn token(tokens: &Tokens, call: Call) -> u32 {
        tokens.token(tokens.code(call))
    }

    #[test]
    fn calls_are_found_as_a_recording_finds_them() {
        let same = tokens(Abi::X86_64, &["read", "execve", "socketcall"]);
        assert_eq!(token(&same, Call::new(0)), 2);
        assert_eq!(token(&same, Call::new(59)), 3);
        assert_eq!(token(&same, Call::i386(11)), 3, "execve by its i386 number");
        assert_eq!(token(&same, Call::i386(102)), 4);
        for unknown in [Call::new(1), Call::new(5000), Call::i386(u64::MAX), Call::from_bits(0xffff)] {
            assert_eq!(token(&same, unknown), Vocabulary::UNKNOWN);
        }
        let other = tokens(Abi::I386, &["stat64", "socketcall"]);
        assert_eq!(token(&other, Call::new(4)), 2, "stat, by another name");
        assert_eq!(token(&other, Call::new(42)), 3, "connect");
        assert_eq!((same.width(), other.width()), (1, 1));
    }

    #[test]
    fn foreign_calls_are_told() {
        let here = tokens(Abi::X86_64, &[]);
        assert_eq!([here.foreign(9, 0), here.foreign(9, 1)], [false, true]);
        let adfa = tokens(Abi::I386, &[]);
        assert_eq!([adfa.foreign(9, 0), adfa.foreign(9, 1), adfa.foreign(9, 9)], [true, true, false]);
    }

    #[test]
    fn many_names_need_two_bytes() {
        let names = Names::of(Abi::X86_64);
        let all: Vec<&str> = names.table().names().iter().map(|name| &**name).collect();
        let tokens = tokens(Abi::X86_64, &all);
        assert_eq!(tokens.width(), 2);
        for number in 0..400 {
            let call = Call::new(number);
            assert_eq!(token(&tokens, call), u32::from(names.id(call)) + 2);
        }
    }
}
