//! Numbers of keys: an open-addressing table.

/// The number of an empty slot.
const EMPTY: u32 = u32::MAX;

/// Keys and their numbers, in the order of their coming. Linear probing, at most half full; one key and its
/// number share a cache line, which is what makes looking up millions of n-grams a second cheap.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    slots: Vec<(u64, u32)>,
    /// `slots.len()` is 2 to the power of this.
    log: u32,
    len: usize,
}

impl Table {
    pub(crate) fn with_capacity(keys: usize) -> Self {
        let log = (2 * keys.max(8)).next_power_of_two().trailing_zeros();
        Self { slots: vec![(0, EMPTY); 1 << log], log, len: 0 }
    }

    /// Where a key's search starts: Fibonacci hashing after folding the upper half (the series and the
    /// oldest calls) into the lower.
    #[inline]
    fn home(&self, key: u64) -> usize {
        let folded = (key ^ (key >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((folded ^ (folded >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - self.log)) as usize
    }

    /// The number of a key.
    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<u32> {
        let mut at = self.home(key);
        loop {
            let (known, number) = self.slots[at];
            if number == EMPTY {
                return None;
            }
            if known == key {
                return Some(number);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The number of a key, which becomes the next one if it is new.
    #[inline]
    pub(crate) fn intern(&mut self, key: u64) -> u32 {
        let mut at = self.home(key);
        loop {
            match self.slots[at] {
                (_, EMPTY) => break,
                (known, number) if known == key => return number,
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
        let number = self.len as u32;
        self.slots[at] = (key, number);
        self.len += 1;
        if 2 * self.len > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let mut larger = Self { slots: vec![(0, EMPTY); 2 << self.log], log: self.log + 1, len: self.len };
        for &(key, number) in self.slots.iter().filter(|s| s.1 != EMPTY) {
            let mut at = larger.home(key);
            while larger.slots[at].1 != EMPTY {
                at = (at + 1) & (larger.slots.len() - 1);
            }
            larger.slots[at] = (key, number);
        }
        *self = larger;
    }

    /// The keys, by their numbers.
    pub(crate) fn keys(&self) -> Vec<u64> {
        let mut keys = vec![0; self.len];
        for &(key, number) in self.slots.iter().filter(|s| s.1 != EMPTY) {
            keys[number as usize] = key;
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(keys in proptest::collection::vec(0u64..300, 0..600)) {
            let mut table = Table::with_capacity(0);
            let mut known = HashMap::new();
            for key in keys {
                let key = key << 40 | key;
                let next = known.len() as u32;
                prop_assert_eq!(table.intern(key), *known.entry(key).or_insert(next));
            }
            for key in 0..300u64 {
                let key = key << 40 | key;
                prop_assert_eq!(table.get(key), known.get(&key).copied());
            }
            prop_assert!(table.keys().iter().enumerate().all(|(n, k)| known[k] == n as u32));
        }
    }
}
