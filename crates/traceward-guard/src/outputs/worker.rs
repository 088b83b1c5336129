//! A thread and a queue for an output.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::status::{Fate, Status};
use super::{Left, Line, Notice};

/// A way out, as its own thread works it.
pub trait Output: Send {
    /// Hands an alert on. It may wait, since nobody waits for it.
    ///
    /// # Errors
    /// If it is to be tried again, or never, or the output is over.
    fn send(&mut self, line: &Line) -> Result<Fate, Failure>;

    /// Called about once a second, whether there are alerts or not.
    ///
    /// # Errors
    /// If something does not work at present.
    fn tick(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Opens anew what can be renamed.
    ///
    /// # Errors
    /// If it cannot be opened; then it stays as it was, and this is called again.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// The last call: what is on its way is brought to its end by the deadline.
    fn finish(&mut self, deadline: Instant) {
        let _ = deadline;
    }
}

/// Why an alert was not handed on.
#[derive(Debug)]
pub enum Failure {
    /// It may work later.
    Retry(String),
    /// This alert will never pass.
    Refused(String),
    /// No alert ever will; nobody listens.
    Closed,
}

/// Between calls of [`Output::tick`], and the first pause after a failure.
const SECOND: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const LONGEST: Duration = Duration::from_secs(30);

/// An output at work.
#[derive(Debug)]
pub(super) struct Worker {
    queue: SyncSender<Arc<Line>>,
    status: Arc<Status>,
    signals: Arc<Signals>,
    thread: JoinHandle<()>,
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Signals {
    reopen: AtomicBool,
    /// Set once the guard ends; the deadline is in the other field then.
    ending: AtomicBool,
    deadline: std::sync::OnceLock<Instant>,
}

/// A worker that was told to end.
pub(super) struct Ending {
    status: Arc<Status>,
    ended: Receiver<()>,
}

impl Worker {
    pub(super) fn start(
        output: Box<dyn Output>,
        status: Arc<Status>,
        queue: usize,
        notice: Notice,
    ) -> io::Result<Self> {
        let (sender, receiver) = mpsc::sync_channel(queue.max(1));
        let (done, ended) = mpsc::sync_channel(1);
        let signals = Arc::new(Signals::default());
        let mut task =
            Task { output, status: Arc::clone(&status), signals: Arc::clone(&signals), notice, receiver };
        let thread = thread::Builder::new().name("alerts".into()).spawn(move || {
            task.run();
            done.send(()).ok();
        })?;
        Ok(Self { queue: sender, status, signals, thread, ended })
    }

    pub(super) fn status(&self) -> &Arc<Status> {
        &self.status
    }

    pub(super) fn send(&self, line: Arc<Line>) {
        self.status.enqueued();
        if let Err(error) = self.queue.try_send(line) {
            self.status.dequeued();
            self.status.add(
                match error {
                    TrySendError::Full(_) => Fate::QueueFull,
                    TrySendError::Disconnected(_) => Fate::Closed,
                },
                1,
            );
        }
    }

    pub(super) fn reopen(&self) {
        self.signals.reopen.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
    }

    /// Takes no more alerts; what is queued is handed on until the deadline.
    pub(super) fn end(self, deadline: Instant) -> Ending {
        let Self { queue, status, signals, thread, ended } = self;
        signals.deadline.set(deadline).ok();
        signals.ending.store(true, Ordering::Release);
        drop(queue);
        thread.thread().unpark();
        Ending { status, ended }
    }
}

impl Ending {
    /// Waits for the end, or the deadline and a little more; a thread that hangs in a call of the kernel is
    /// left to it.
    pub(super) fn wait(self, deadline: Instant) -> Option<Left> {
        let time = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(200);
        self.ended.recv_timeout(time).ok();
        let status = self.status;
        let in_memory = status.spool_memory();
        let left = Left {
            output: status.name().to_owned(),
            queued: status.queued(),
            spooled: status.spool_alerts().saturating_sub(in_memory),
            in_memory,
        };
        (left.queued + left.spooled + left.in_memory > 0).then_some(left)
    }
}

/// What the thread does.
struct Task {
    output: Box<dyn Output>,
    status: Arc<Status>,
    signals: Arc<Signals>,
    notice: Notice,
    receiver: Receiver<Arc<Line>>,
}

impl Task {
    fn run(&mut self) {
        let mut ticked = Instant::now();
        loop {
            let next = self.receiver.recv_timeout(SECOND.saturating_sub(ticked.elapsed()));
            if ticked.elapsed() >= SECOND || self.signals.reopen.load(Ordering::Relaxed) {
                ticked = Instant::now();
                self.tick();
            }
            match next {
                Ok(line) => {
                    let over = !self.hand_on(&line);
                    self.status.dequeued();
                    if over {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.output.finish(self.signals.deadline.get().copied().unwrap_or_else(Instant::now));
    }

    fn tick(&mut self) {
        if self.signals.reopen.swap(false, Ordering::Relaxed)
            && let Err(error) = self.output.reopen()
        {
            self.signals.reopen.store(true, Ordering::Relaxed);
            self.fails(&format!("cannot be opened anew: {error}"));
        }
        if let Err(Failure::Retry(why) | Failure::Refused(why)) = self.output.tick() {
            self.fails(&why);
        }
    }

    /// Hands an alert on, trying as often as it takes; false if the output is over, or time is.
    fn hand_on(&mut self, line: &Line) -> bool {
        let mut pause = SECOND;
        loop {
            match self.output.send(line) {
                Ok(fate) => {
                    self.status.add(fate, 1);
                    // What is spooled has not passed yet.
                    if fate == Fate::Sent && self.status.works() {
                        (self.notice)(&format!("alerts to {}: pass again", self.status.name()));
                    }
                    return true;
                }
                Err(Failure::Refused(why)) => {
                    self.status.add(Fate::Failed, 1);
                    self.fails(&why);
                    return true;
                }
                Err(Failure::Closed) => {
                    self.status.add(Fate::Closed, 1 + self.drain());
                    return false;
                }
                Err(Failure::Retry(why)) => {
                    self.status.add(Fate::Retried, 1);
                    self.fails(&why);
                }
            }
            if !self.pause(pause) {
                // It stays counted as queued, so that the end tells of it.
                self.status.enqueued();
                return false;
            }
            pause = (pause * 2).min(LONGEST);
        }
    }

    /// Waits; false once the guard ends and its time is over.
    fn pause(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            let ending = self.signals.ending.load(Ordering::Acquire);
            let deadline = self.signals.deadline.get().filter(|_| ending);
            let now = Instant::now();
            if deadline.is_some_and(|&deadline| now >= deadline) {
                return false;
            }
            // Whoever ends waits for every output: they try more often.
            let until = if ending { until.min(now + SECOND / 10) } else { until };
            if self.signals.reopen.load(Ordering::Relaxed) {
                self.tick();
            }
            if now >= until {
                return true;
            }
            thread::park_timeout(until - now);
            if ending {
                return true;
            }
        }
    }

    fn drain(&self) -> u64 {
        let drained = self.receiver.try_iter().count() as u64;
        (0..drained).for_each(|_| self.status.dequeued());
        drained
    }

    fn fails(&self, why: &str) {
        if self.status.fails(why) {
            (self.notice)(&format!("alerts to {}: {why}", self.status.name()));
        }
    }
}
