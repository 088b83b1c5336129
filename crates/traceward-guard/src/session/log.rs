//! The calls of open traces, in memory that all sessions share and that has an end.
//!
//! A log is a list of small chunks: what a trace takes is what its calls take and half a chunk beside it, and
//! a log that is closed leaves no hole that another could not use.

/// The end of a list.
const NONE: u32 = u32::MAX;
/// Bytes of a chunk, and how many of them hold calls.
pub(crate) const CHUNK: usize = 64;
const ROOM: usize = CHUNK - 4;
/// By what share of themselves chunks grow, and by how many at least.
const GROWTH: usize = 16;
const LEAST_GROWTH: usize = 256;

/// One trace's calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    first: u32,
    last: u32,
    /// Bytes in it.
    bytes: u32,
}

impl Log {
    pub(crate) const EMPTY: Self = Self { first: NONE, last: NONE, bytes: 0 };
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    codes: [u8; ROOM],
    next: u32,
}

/// All logs.
#[derive(Debug)]
pub(crate) struct Logs {
    chunks: Vec<Chunk>,
    free: u32,
    free_count: usize,
    most: usize,
    /// Bytes a code.
    width: usize,
}

impl Logs {
    /// Logs of codes of `width` bytes (1 or 2) in at most `bytes` bytes.
    pub(crate) fn new(width: usize, bytes: usize) -> Self {
        let most = (bytes / CHUNK).min(NONE as usize - 1);
        Self { chunks: Vec::new(), free: NONE, free_count: 0, most, width }
    }

    /// Whether `codes` more codes find room in a log.
    pub(crate) fn fits(&self, log: &Log, codes: usize) -> bool {
        let left = (log.bytes as usize).next_multiple_of(ROOM) - log.bytes as usize;
        let more = (codes * self.width).saturating_sub(left).div_ceil(ROOM);
        more <= self.free_count + (self.most - self.chunks.len())
    }

    /// Bytes in use, and bytes set aside.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        ((self.chunks.len() - self.free_count) * CHUNK, self.chunks.capacity() * CHUNK)
    }

    /// Adds codes to a log; there must be room for them.
    pub(crate) fn append(&mut self, log: &mut Log, codes: &[u16]) {
        for &code in codes {
            let at = log.bytes as usize % ROOM;
            if at == 0 {
                let fresh = self.take();
                match log.last {
                    NONE => log.first = fresh,
                    last => self.chunks[last as usize].next = fresh,
                }
                log.last = fresh;
            }
            let bytes = code.to_le_bytes();
            self.chunks[log.last as usize].codes[at..at + self.width].copy_from_slice(&bytes[..self.width]);
            log.bytes += self.width as u32;
        }
    }

    /// The first `count` codes of a log, or all there are.
    pub(crate) fn read(&self, log: &Log, count: usize, mut each: impl FnMut(u16)) {
        let mut left = (log.bytes as usize / self.width).min(count);
        let mut at = log.first;
        while left > 0 {
            let chunk = &self.chunks[at as usize];
            for code in chunk.codes.chunks_exact(self.width).take(left) {
                each(u16::from_le_bytes([code[0], code.get(1).copied().unwrap_or(0)]));
            }
            left = left.saturating_sub(ROOM / self.width);
            at = chunk.next;
        }
    }

    /// Throws a log away.
    pub(crate) fn clear(&mut self, log: &mut Log) {
        if log.last != NONE {
            self.chunks[log.last as usize].next = self.free;
            self.free = log.first;
            self.free_count += (log.bytes as usize).div_ceil(ROOM);
        }
        *log = Log::EMPTY;
    }

    fn take(&mut self) -> u32 {
        if self.free != NONE {
            let taken = self.free;
            self.free = self.chunks[taken as usize].next;
            self.free_count -= 1;
            self.chunks[taken as usize].next = NONE;
            return taken;
        }
        if self.chunks.len() == self.chunks.capacity() {
            let more = (self.chunks.len() / GROWTH).max(LEAST_GROWTH);
            self.chunks.reserve_exact(more.min(self.most.saturating_sub(self.chunks.len())).max(1));
        }
        self.chunks.push(Chunk { codes: [0; ROOM], next: NONE });
        self.chunks.len() as u32 - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(logs: &Logs, log: &Log, count: usize) -> Vec<u16> {
        let mut read = Vec::new();
        logs.read(log, count, |code| read.push(code));
        read
    }

    proptest! {
        /// What was added is read, whatever was added to others and thrown away between.
        #[test]
        fn logs_keep_their_own(
            width in 1_usize..=2,
            steps in prop::collection::vec((0_usize..4, 0_usize..150, any::<bool>()), 0..40),
        ) {
            let mut logs = Logs::new(width, 40 * CHUNK);
            let mut kept = [const { (Log::EMPTY, Vec::<u16>::new()) }; 4];
            let mut next = 0_u16;
            for (which, count, clear) in steps {
                let (log, plain) = &mut kept[which];
                if clear {
                    logs.clear(log);
                    plain.clear();
                    prop_assert_eq!(log.bytes, 0);
                }
                let more: Vec<u16> = (0..count as u16).map(|at| (next + at) % if width == 1 { 256 } else { 999 }).collect();
                next = next.wrapping_add(count as u16) % 5000;
                if logs.fits(log, more.len()) {
                    logs.append(log, &more);
                    plain.extend(more);
                }
                for (log, plain) in &kept {
                    prop_assert_eq!(&codes(&logs, log, usize::MAX), plain);
                    prop_assert_eq!(codes(&logs, log, 61), &plain[..plain.len().min(61)]);
                }
                prop_assert!(logs.chunks.len() <= 40);
                let used: usize = kept.iter().map(|(_, plain)| (plain.len() * width).div_ceil(ROOM)).sum();
                prop_assert_eq!(logs.bytes().0, used * CHUNK);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_known_before() {
        let mut logs = Logs::new(1, 2 * CHUNK);
        let mut log = Log::EMPTY;
        assert!(logs.fits(&log, 2 * ROOM) && !logs.fits(&log, 2 * ROOM + 1));
        logs.append(&mut log, &[7; ROOM + 1]);
        assert!(logs.fits(&log, ROOM - 1) && !logs.fits(&log, ROOM));
        assert!(!logs.fits(&Log::EMPTY, 1));
        logs.clear(&mut log);
        assert!(logs.fits(&Log::EMPTY, 2 * ROOM));
    }
}
