//! The serial numbers of audit events: what order they give, and what is missing between them.
//!
//! The kernel counts events in 32 bits: after 2^32 - 1 comes 0, and a boot begins anew. Numbers are followed
//! from one to the next by the shorter way round, which is right over the end of the count and for records
//! that come out of order.

use std::collections::BTreeMap;

/// A number that goes back by more than this while time goes on belongs to another boot: records come out
/// of order by few places, a boot starts at 1.
const OUT_OF_ORDER: i64 = 1 << 10;

/// A jump by more than this is no hole in one log, but another log.
const ANOTHER_LOG: i64 = 1 << 20;

/// Stretches without a hole that are kept apart; what has passed beyond them is settled.
const MOST_STRETCHES: usize = 1 << 10;

/// Follows the serial numbers of one kernel's events.
#[derive(Debug, Default)]
pub(super) struct Serials {
    /// The last event's time in milliseconds and its unwrapped number.
    last: Option<(u64, i64)>,
    /// Numbers seen without a hole, first to last.
    stretches: BTreeMap<i64, i64>,
    holes: u64,
    missing: u64,
}

impl Serials {
    /// The number of an event as one that does not wrap, for the order of events of one moment.
    pub(super) fn unwrapped(&mut self, milliseconds: u64, serial: u32) -> i64 {
        let Some((last_time, last)) = self.last else {
            let first = i64::from(serial);
            self.last = Some((milliseconds, first));
            self.stretches.insert(first, first);
            return first;
        };
        // The low half of the last number is the serial as it was written.
        let step = i64::from((serial.wrapping_sub(last as u32)) as i32);
        let number = last.saturating_add(step);
        if (step < -OUT_OF_ORDER && milliseconds >= last_time) || step.abs() > ANOTHER_LOG {
            self.settle(0);
        }
        self.last = Some((milliseconds, number));
        self.see(number);
        number
    }

    fn see(&mut self, number: i64) {
        let before = self.stretches.range(..=number).next_back().map(|(&first, &last)| (first, last));
        let first = match before {
            Some((_, last)) if last >= number => return,
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let last = self.stretches.remove(&number.saturating_add(1)).unwrap_or(number);
        self.stretches.insert(first, last);
        if self.stretches.len() > MOST_STRETCHES {
            self.settle(MOST_STRETCHES / 2);
        }
    }

    /// Counts the holes between the oldest stretches until `keep` are left.
    fn settle(&mut self, keep: usize) {
        let mut end = None;
        while self.stretches.len() > keep {
            let Some((first, last)) = self.stretches.pop_first() else { break };
            self.count(end, first);
            end = Some(last);
        }
        // The hole up to what is kept is one too.
        if let (Some(end), Some((&first, _))) = (end, self.stretches.first_key_value()) {
            self.count(Some(end), first);
        }
    }

    fn count(&mut self, end: Option<i64>, first: i64) {
        if let Some(end) = end {
            self.holes += 1;
            self.missing += first.abs_diff(end).saturating_sub(1);
        }
    }

    /// How many events are missing, and in how many places.
    pub(super) fn missing(&self) -> (u64, u64) {
        let mut all = Self { holes: self.holes, missing: self.missing, ..Self::default() };
        let mut end = None;
        for (&first, &last) in &self.stretches {
            all.count(end, first);
            end = Some(last);
        }
        (all.missing, all.holes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn follow(events: &[(u64, u32)]) -> (Vec<i64>, (u64, u64)) {
        let mut serials = Serials::default();
        let numbers = events.iter().map(|&(time, serial)| serials.unwrapped(time, serial)).collect();
        (numbers, serials.missing())
    }

    #[test]
    fn the_count_goes_on_over_its_end() {
        let end = u32::MAX;
        let (numbers, missing) = follow(&[(5, end - 1), (5, 0), (5, end), (5, 1), (5, 1)]);
        let first = i64::from(end) - 1;
        assert_eq!(numbers, [first, first + 2, first + 1, first + 3, first + 3]);
        assert_eq!(missing, (0, 0));
    }

    #[test]
    fn holes_are_counted_and_boots_are_none() {
        assert_eq!(follow(&[(1, 49), (2, 59), (3, 60), (4, 64)]).1, (9 + 3, 2));
        assert_eq!(follow(&[(1, 90_000), (2, 90_001), (70_000, 1), (70_001, 2)]).1, (0, 0));
    }

    #[test]
    fn a_log_of_holes_is_held_in_bounded_memory() {
        let mut serials = Serials::default();
        for place in 0..10_000_u32 {
            serials.unwrapped(u64::from(place), 2 * place);
        }
        assert!(serials.stretches.len() <= MOST_STRETCHES);
        assert_eq!(serials.missing(), (9999, 9999));
    }

    proptest! {
        /// Whatever the order within a window, and wherever the count wraps, what was left out is missing.
        #[test]
        fn what_is_left_out_is_missing(
            start in any::<u32>(),
            left_out in prop::collection::btree_set(1_u32..198, 0..40),
            swaps in prop::collection::vec((0_usize..150, 0_usize..8), 0..100),
        ) {
            let mut events: Vec<u32> = (0..200).filter(|place| !left_out.contains(place)).collect();
            for (place, far) in swaps {
                if place + far < events.len() {
                    events.swap(place, place + far);
                }
            }
            let mut serials = Serials::default();
            let numbers: Vec<i64> =
                events.iter().map(|&place| serials.unwrapped(7, start.wrapping_add(place))).collect();
            for (number, place) in numbers.iter().zip(&events) {
                prop_assert_eq!(number - numbers[0], i64::from(*place) - i64::from(events[0]));
            }
            prop_assert_eq!(serials.missing().0, left_out.len() as u64);
        }
    }
}
