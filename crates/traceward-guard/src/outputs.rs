//! The ways out: standard output, files, syslog, webhooks; several at once.
//!
//! ```text
//! Told -> Line -> queue -> thread -> stdout, file, syslog
//!              -> queue -> thread -> spool -> thread -> webhook
//! ```
//!
//! Every output has a thread and a bounded queue of its own, so that a slow receiver stalls neither the scoring
//! nor another output; what a full queue costs is counted. What an output cannot do at present it tries again,
//! in order, and the guard tells of it once, not with every alert.

mod backoff;
mod dead_letters;
mod file;
mod line;
mod socket;
mod status;
mod stdout;
mod syslog;
mod target;
mod text;
mod webhook;
mod worker;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::desk::Told;
use crate::spool::{Bounds, SpoolError};
use crate::token::Token;

pub use self::line::{Format, Line};
pub use self::status::{Fate, Status};
pub use self::target::{Syslog, Target, TargetError, Url};
pub use self::worker::{Failure, Output};

use self::worker::Worker;

/// How outputs work.
#[derive(Clone)]
pub struct Options {
    /// How alerts are written.
    pub format: Format,
    /// How many lines wait for an output that is slow.
    pub queue: usize,
    /// Webhooks.
    pub webhook: WebhookOptions,
    /// Who is told of trouble.
    pub notice: Notice,
}

/// Is told in a sentence when an output begins to fail and when it works again.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

impl Default for Options {
    fn default() -> Self {
        Self {
            format: Format::Json,
            queue: 1024,
            webhook: WebhookOptions::default(),
            notice: Arc::new(|_| {}),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { format, queue, webhook, notice: _ } = self;
        f.debug_struct("Options")
            .field("format", format)
            .field("queue", queue)
            .field("webhook", webhook)
            .finish_non_exhaustive()
    }
}

/// How webhooks work.
#[derive(Clone)]
pub struct WebhookOptions {
    /// Under this folder every webhook has its spool.
    pub spool: Option<PathBuf>,
    /// How large a spool may get.
    pub bounds: Bounds,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<Token>,
    /// A file of certificates (PEM) to trust instead of the public ones.
    pub authorities: Option<PathBuf>,
    /// 1 posts an alert a request, as an object; more post arrays of up to as many.
    pub batch: usize,
    /// A request may take this long, all in all.
    pub timeout: Duration,
    /// The first pause after a failure; it doubles with every other.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How large the file of refused alerts may get.
    pub dead_letters: u64,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            spool: None,
            bounds: Bounds::default(),
            token: None,
            authorities: None,
            batch: 1,
            timeout: Duration::from_secs(10),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(300),
            dead_letters: 16 << 20,
        }
    }
}

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookOptions")
            .field("spool", &self.spool)
            .field("bounds", &self.bounds)
            .field("token", &self.token)
            .field("batch", &self.batch)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Why outputs cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file cannot be opened.
    #[error("cannot write alerts to {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
    /// Standard output is not there.
    #[error("cannot write alerts to standard output: {0}")]
    Stdout(io::Error),
    /// A webhook has nowhere to keep what it has not sent.
    #[error("the webhook {0} needs a folder for what it has not sent yet; name a spool")]
    NoSpool(String),
    /// Its spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Certificates cannot be read.
    #[error("cannot read certificates (PEM) from {}: {why}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// The same target twice.
    #[error("the output {0} is named twice; every alert would be told twice")]
    Twice(String),
    /// No thread could be started.
    #[error("cannot start a thread for an output: {0}")]
    Thread(io::Error),
}

/// What an output had not done when the guard ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which output.
    pub output: String,
    /// Alerts in its queue: lost.
    pub queued: u64,
    /// Alerts in its spool on disk: sent when the guard runs again.
    pub spooled: u64,
    /// Alerts of its spool that the disk would not take: lost.
    pub in_memory: u64,
}

/// The outputs at work.
#[derive(Debug)]
pub struct Outputs {
    workers: Vec<(Format, Worker)>,
}

impl Outputs {
    /// Opens outputs and starts their threads.
    ///
    /// # Errors
    /// If a file or a spool cannot be opened, or a webhook has no spool. Receivers that cannot be reached now are
    /// no error.
    pub fn open(targets: &[Target], options: &Options) -> Result<Self, OutputError> {
        let mut workers = Vec::new();
        for (at, target) in targets.iter().enumerate() {
            if targets[..at].contains(target) {
                return Err(OutputError::Twice(target.to_string()));
            }
            let mut name = target.to_string();
            // Two addresses may differ in what is not shown.
            if workers.iter().any(|(_, worker): &(Format, Worker)| worker.status().name() == name) {
                name = format!("{name}#{}", at + 1);
            }
            let status = Arc::new(Status::new(name));
            let output: Box<dyn Output> = match target {
                Target::Stdout => Box::new(stdout::open().map_err(OutputError::Stdout)?),
                Target::File(path) => Box::new(
                    file::File::open(path)
                        .map_err(|error| OutputError::File { path: path.clone(), error })?,
                ),
                Target::Syslog(to) => Box::new(syslog::Sender::new(to.clone())),
                Target::Webhook(url) => Box::new(webhook::Webhook::open(
                    url,
                    &options.webhook,
                    Arc::clone(&status),
                    Arc::clone(&options.notice),
                )?),
            };
            let notice = Arc::clone(&options.notice);
            let format = match (options.format, target) {
                (Format::Text, Target::Stdout) => Format::Text,
                (Format::Text, _) => Format::Json,
                (format, _) => format,
            };
            let worker = Worker::start(output, status, options.queue, notice).map_err(OutputError::Thread)?;
            workers.push((format, worker));
        }
        Ok(Self { workers })
    }

    /// Hands on what is told; never waits.
    pub fn send(&self, told: &Told) {
        let mut lines: Vec<(Format, Arc<Line>)> = Vec::new();
        for (format, worker) in &self.workers {
            let line = match lines.iter().find(|(of, _)| of == format) {
                Some((_, line)) => Arc::clone(line),
                None => {
                    let line = Line::new(told, *format);
                    lines.push((*format, Arc::clone(&line)));
                    line
                }
            };
            worker.send(line);
        }
    }

    /// Opens files anew within a second: they were renamed.
    pub fn reopen(&self) {
        for (_, worker) in &self.workers {
            worker.reopen();
        }
    }

    /// How the outputs fare.
    pub fn statuses(&self) -> Vec<Arc<Status>> {
        self.workers.iter().map(|(_, worker)| Arc::clone(worker.status())).collect()
    }

    /// Empties the queues and sends what spools hold, as far as the time suffices; tells what is left.
    pub fn finish(self, timeout: Duration) -> Vec<Left> {
        let deadline = Instant::now() + timeout;
        let ending: Vec<_> = self.workers.into_iter().map(|(_, worker)| worker.end(deadline)).collect();
        ending.into_iter().filter_map(|ending| ending.wait(deadline)).collect()
    }
}

#[cfg(test)]
mod tests;
