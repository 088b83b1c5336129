//! What the ring carries, as `capture.bpf.c` writes it: records in the machine's own byte order.
//!
//! The kernel is trusted to have written them, and yet nothing is read past a record's end: what is too short
//! or of no known kind is no event.

use crate::{Call, Comm, Event, Exec, Start, TaskId};

const CALLS: u32 = 1;
const START: u32 = 2;
const EXEC: u32 = 3;
const EXIT: u32 = 4;

/// `struct counters`: what each processor counts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    /// Calls told or lost.
    pub(super) seen: u64,
    /// Calls lost for want of room in the ring.
    pub(super) ring_full: u64,
    /// Starts, executions and exits lost.
    pub(super) events: u64,
    /// Calls of tasks for which there was no storage.
    pub(super) no_memory: u64,
    /// Tasks put under capture.
    pub(super) met: u64,
    /// Those of them that have exited.
    pub(super) gone: u64,
}

// SAFETY: six numbers of 8 bytes, any bits of which are numbers, and no padding.
unsafe impl aya::Pod for Counters {}

impl Counters {
    /// The sum over processors.
    pub(super) fn sum<'a>(each: impl IntoIterator<Item = &'a Self>) -> Self {
        each.into_iter().fold(Self::default(), |sum, one| Self {
            seen: sum.seen + one.seen,
            ring_full: sum.ring_full + one.ring_full,
            events: sum.events + one.events,
            no_memory: sum.no_memory + one.no_memory,
            met: sum.met + one.met,
            gone: sum.gone + one.gone,
        })
    }
}

/// A record's bytes, read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(n)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_ne_bytes)
    }
}

/// The event that a record tells; its calls are laid out in `calls`.
pub(super) fn event<'a>(record: &'a [u8], calls: &'a mut Vec<Call>) -> Option<Event<'a>> {
    let mut bytes = Bytes(record);
    // Of a start: whether its birth was seen; of an execution: the user; of calls: how many.
    let (kind, about) = (bytes.u32()?, bytes.u32()?);
    let (task, at) = (TaskId(bytes.u64()?), bytes.u64()?);
    match kind {
        CALLS => {
            let first = bytes.u64()?;
            let packed = bytes.take(usize::try_from(about).ok()?.checked_mul(2)?)?;
            calls.clear();
            calls.extend(packed.as_chunks().0.iter().map(|&bits| Call::from_bits(u16::from_ne_bytes(bits))));
            Some(Event::Calls { task, first, at, calls })
        }
        START => {
            let parent = Some(bytes.u64()?).filter(|&id| id != 0).map(TaskId);
            let cgroup = bytes.u64()?;
            let (pid, tid, ppid, uid) = (bytes.u32()?, bytes.u32()?, bytes.u32()?, bytes.u32()?);
            let (born, comm) = (about != 0, Comm::from_bytes(bytes.array()?));
            Some(Event::Start(Start { task, parent, pid, tid, ppid, at, born, uid, comm, cgroup }))
        }
        EXEC => {
            let cgroup = bytes.u64()?;
            let comm = Comm::from_bytes(bytes.array()?);
            let (file, args) = (bytes.u32()?, bytes.u32()?);
            let exe = bytes.take(file.try_into().ok()?)?;
            let exe = exe.split(|&byte| byte == 0).next().unwrap_or_default();
            let cmdline = bytes.take(args.try_into().ok()?)?;
            Some(Event::Exec(Exec { task, at, uid: about, comm, exe, cmdline, cgroup }))
        }
        EXIT => Some(Event::Exit { task, calls: bytes.u64()?, at }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(kind: u32, about: u32, task: u64, at: u64) -> Vec<u8> {
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend(about.to_ne_bytes());
        bytes.extend(task.to_ne_bytes());
        bytes.extend(at.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_start_says_who_and_whose_child() {
        let mut record = head(START, 1, 7, 99);
        [3u64, 41].iter().for_each(|number| record.extend(number.to_ne_bytes()));
        [10u32, 11, 9, 1000].iter().for_each(|number| record.extend(number.to_ne_bytes()));
        record.extend(b"worker\0\0\0\0\0\0\0\0\0\0");
        let expected = Start {
            task: TaskId(7),
            parent: Some(TaskId(3)),
            pid: 10,
            tid: 11,
            ppid: 9,
            at: 99,
            born: true,
            uid: 1000,
            comm: Comm::of(b"worker"),
            cgroup: 41,
        };
        assert_eq!(event(&record, &mut Vec::new()), Some(Event::Start(expected)));
    }

    #[test]
    fn an_execution_says_file_and_arguments() {
        let mut record = head(EXEC, 1000, 7, 99);
        record.extend(41u64.to_ne_bytes());
        record.extend(b"ls\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        record.extend(8u32.to_ne_bytes());
        record.extend(6u32.to_ne_bytes());
        record.extend(b"/bin/ls\0ls\0-l\0");
        let expected = Exec {
            task: TaskId(7),
            at: 99,
            uid: 1000,
            comm: Comm::of(b"ls"),
            exe: b"/bin/ls",
            cmdline: b"ls\0-l\0",
            cgroup: 41,
        };
        assert_eq!(event(&record, &mut Vec::new()), Some(Event::Exec(expected)));
    }

    #[test]
    fn an_exit_says_how_many_calls_there_were() {
        let mut record = head(EXIT, 0, 7, 99);
        record.extend(12u64.to_ne_bytes());
        assert_eq!(event(&record, &mut Vec::new()), Some(Event::Exit { task: TaskId(7), calls: 12, at: 99 }));
    }

    proptest! {
        #[test]
        fn calls_come_back_as_they_were_packed(
            task: u64, at: u64, first: u64, bits in proptest::collection::vec(any::<u16>(), 0..128), unused in 0usize..64,
        ) {
            let mut record = head(CALLS, bits.len() as u32, task, at);
            record.extend(first.to_ne_bytes());
            bits.iter().for_each(|call| record.extend(call.to_ne_bytes()));
            // A sweep's record is always as long as the longest.
            record.extend(std::iter::repeat_n(0xff, unused));
            let calls: Vec<Call> = bits.iter().map(|&call| Call::from_bits(call)).collect();
            let expected = Event::Calls { task: TaskId(task), first, at, calls: &calls };
            let mut scratch = Vec::new();
            prop_assert_eq!(event(&record, &mut scratch), Some(expected));
        }

        #[test]
        fn any_bytes_are_an_event_or_none(kind in 0u32..6, about: u32, rest in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut record = kind.to_ne_bytes().to_vec();
            record.extend(about.to_ne_bytes());
            record.extend(&rest);
            let _ = event(&record, &mut Vec::new());
            let _ = event(&rest, &mut Vec::new());
        }

        #[test]
        fn a_record_cut_short_is_none(bits in proptest::collection::vec(any::<u16>(), 1..128), missing in 1usize..32) {
            let mut record = head(CALLS, bits.len() as u32, 1, 2);
            record.extend(3u64.to_ne_bytes());
            bits.iter().for_each(|call| record.extend(call.to_ne_bytes()));
            record.truncate(record.len() - missing);
            let mut scratch = Vec::new();
            prop_assert_eq!(event(&record, &mut scratch), None);
        }
    }
}
