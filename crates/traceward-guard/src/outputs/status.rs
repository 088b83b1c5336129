//! How an output fares, in numbers that its thread writes and everybody reads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What may become of an alert at an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// With the receiver, as far as the output can know: written, or acknowledged.
    Sent,
    /// Tried again; not a fate for good.
    Retried,
    /// Given up: the receiver refuses it. A webhook's is in its dead-letter file.
    Failed,
    /// Lost, since the output's queue was full.
    QueueFull,
    /// On disk, to be sent.
    Spooled,
    /// Lost, since spool, or disk and memory, were full.
    SpoolFull,
    /// Not wanted: the reader of standard output has gone.
    Closed,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Sent,
        Self::Retried,
        Self::Failed,
        Self::QueueFull,
        Self::Spooled,
        Self::SpoolFull,
        Self::Closed,
    ];

    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::QueueFull => "queue_full",
            Self::Spooled => "spooled",
            Self::SpoolFull => "spool_full",
            Self::Closed => "closed",
        }
    }
}

/// An output's numbers.
#[derive(Debug, Default)]
pub struct Status {
    /// What it is called, without secrets.
    name: String,
    fates: [AtomicU64; Fate::ALL.len()],
    queued: AtomicU64,
    spool_alerts: AtomicU64,
    spool_bytes: AtomicU64,
    spool_memory: AtomicU64,
    failing: AtomicBool,
    trouble: Mutex<Option<String>>,
}

impl Status {
    pub(super) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// What the output is called, without secrets.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many alerts met a fate.
    pub fn count(&self, fate: Fate) -> u64 {
        self.fates[fate as usize].load(Ordering::Relaxed)
    }

    /// How many wait in its queue.
    pub fn queued(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    /// How many wait in its spool, on disk and in memory.
    pub fn spool_alerts(&self) -> u64 {
        self.spool_alerts.load(Ordering::Relaxed)
    }

    /// Bytes of its spool on disk.
    pub fn spool_bytes(&self) -> u64 {
        self.spool_bytes.load(Ordering::Relaxed)
    }

    /// How many of its spool's alerts are in memory only, since the disk takes nothing.
    pub fn spool_memory(&self) -> u64 {
        self.spool_memory.load(Ordering::Relaxed)
    }

    /// What is wrong at present.
    pub fn trouble(&self) -> Option<String> {
        self.failing.load(Ordering::Relaxed).then(|| self.lock().clone()).flatten()
    }

    pub(super) fn add(&self, fate: Fate, alerts: u64) {
        self.fates[fate as usize].fetch_add(alerts, Ordering::Relaxed);
    }

    pub(super) fn enqueued(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dequeued(&self) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn spool(&self, alerts: usize, bytes: u64, memory: usize) {
        self.spool_alerts.store(alerts as u64, Ordering::Relaxed);
        self.spool_bytes.store(bytes, Ordering::Relaxed);
        self.spool_memory.store(memory as u64, Ordering::Relaxed);
    }

    /// Notes what is wrong; true if nothing was before.
    pub(super) fn fails(&self, why: &str) -> bool {
        *self.lock() = Some(why.to_owned());
        !self.failing.swap(true, Ordering::Relaxed)
    }

    /// Notes that all is well; true if something was wrong before.
    pub(super) fn works(&self) -> bool {
        self.failing.swap(false, Ordering::Relaxed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
