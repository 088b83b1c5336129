//! Who has been silent longest.

/// The end of the list.
const NONE: u32 = u32::MAX;

/// Slots in the order in which they were last heard of.
#[derive(Debug)]
pub(crate) struct Order {
    /// Of each slot the one heard of before it, and the one after it; both the slot itself if it is not listed.
    links: Vec<[u32; 2]>,
    oldest: u32,
    newest: u32,
}

impl Order {
    pub(crate) fn new() -> Self {
        Self { links: Vec::new(), oldest: NONE, newest: NONE }
    }

    /// The slot silent longest.
    pub(crate) fn oldest(&self) -> Option<u32> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    /// The slot was heard of just now.
    pub(crate) fn touch(&mut self, slot: u32) {
        if self.newest == slot {
            return;
        }
        self.remove(slot);
        if let Ok(missing) = u32::try_from(self.links.len()) {
            self.links.extend((missing..=slot).map(|own| [own, own]));
        }
        self.links[slot as usize] = [self.newest, NONE];
        match self.newest {
            NONE => self.oldest = slot,
            newest => self.links[newest as usize][1] = slot,
        }
        self.newest = slot;
    }

    /// The slot is listed no more.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(&[older, newer]) = self.links.get(slot as usize).filter(|&&[older, _]| older != slot) else {
            return;
        };
        match older {
            NONE => self.oldest = newer,
            older => self.links[older as usize][1] = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.links[newer as usize][0] = older,
        }
        self.links[slot as usize] = [slot, slot];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A list kept plainly says the same.
        #[test]
        fn the_oldest_is_the_oldest(steps in prop::collection::vec((0_u32..12, any::<bool>()), 0..80)) {
            let (mut order, mut plain) = (Order::new(), Vec::new());
            for (slot, touched) in steps {
                plain.retain(|&listed| listed != slot);
                if touched {
                    plain.push(slot);
                    order.touch(slot);
                } else {
                    order.remove(slot);
                }
                prop_assert_eq!(order.oldest(), plain.first().copied());
            }
            while let Some(oldest) = order.oldest() {
                prop_assert_eq!(plain.remove(0), oldest);
                order.remove(oldest);
            }
            prop_assert!(plain.is_empty());
        }
    }
}
