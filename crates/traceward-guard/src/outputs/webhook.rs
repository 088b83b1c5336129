//! A receiver over HTTP.
//!
//! The output's thread does no more than put alerts into the spool; another sends what is there, in order, and
//! takes it out when the receiver answers 2xx. What it answers otherwise decides:
//!
//! | answer | what is done |
//! |---|---|
//! | none, 401, 403, 408, 429, 5xx, 1xx | tried again, after what `Retry-After` asks for or a pause that doubles |
//! | other 4xx, 3xx | will never pass: into the dead-letter file. An array is first sent one by one |
//!
//! `Idempotency-Key` carries the alert's id (of an array, the first one's, and how many follow); the same alert
//! carries the same id however often it is sent.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use chrono::DateTime;
use traceward_run::run_dir::unix_seconds;
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::dead_letters::DeadLetters;
use super::status::{Fate, Status};
use super::{Failure, Line, Notice, Output, OutputError, Url, WebhookOptions, backoff};
use crate::spool::{Entry, Kept, Spool};

/// So many bytes of alerts go into a request, unless one alone has more.
const REQUEST: usize = 1 << 20;

/// While the guard ends, the pauses are this long.
const ENDING: Duration = Duration::from_millis(100);

/// The side that takes alerts.
pub(super) struct Webhook {
    shared: Arc<Shared>,
    ended: Receiver<()>,
    /// Whether the spool was full, and the disk, the last time; told once.
    full: bool,
    disk_full: bool,
}

struct Shared {
    state: Mutex<State>,
    /// Something was put into the spool, or the guard ends.
    news: Condvar,
    status: Arc<Status>,
    notice: Notice,
}

struct State {
    spool: Spool,
    /// Set when the guard ends: until when alerts may be sent.
    ending: Option<Instant>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, what: &str) {
        (self.notice)(&format!("alerts to {}: {what}", self.status.name()));
    }
}

impl State {
    fn count(&self, status: &Status) {
        status.spool(self.spool.len(), self.spool.bytes(), self.spool.in_memory());
    }
}

impl Webhook {
    pub(super) fn open(
        url: &Url,
        options: &WebhookOptions,
        status: Arc<Status>,
        notice: Notice,
    ) -> Result<Self, OutputError> {
        let parent = options.spool.as_ref().ok_or_else(|| OutputError::NoSpool(url.origin()))?;
        let folder = parent.join(url.folder());
        let agent = agent(options)?;
        let (spool, found) = Spool::open(&folder, options.bounds)?;
        let state = State { spool, ending: None };
        state.count(&status);
        let shared = Arc::new(Shared { state: Mutex::new(state), news: Condvar::new(), status, notice });
        if found.damaged > 0 {
            shared.tell(&format!("{} lines of the spool {} were damaged", found.damaged, folder.display()));
        }
        if found.pending > 0 {
            shared.tell(&format!("{} were not sent before, and are sent now", found.pending));
        }
        let mut sender = Sender {
            url: url.as_str().to_owned(),
            agent,
            batch: options.batch.max(1),
            array: options.batch > 1,
            options: options.clone(),
            dead_letters: DeadLetters::new(&folder, options.dead_letters),
            shared: Arc::clone(&shared),
            singly: 0,
        };
        let (done, ended) = mpsc::sync_channel(1);
        let run = move || {
            sender.run();
            // The spool's lock is free before the end is told.
            drop(sender);
            done.send(()).ok();
        };
        thread::Builder::new().name("webhook".into()).spawn(run).map_err(OutputError::Thread)?;
        Ok(Self { shared, ended, full: false, disk_full: false })
    }
}

impl Output for Webhook {
    fn send(&mut self, line: &Line) -> Result<Fate, Failure> {
        let mut state = self.shared.lock();
        let kept = state.spool.append(&line.id, &line.text);
        state.count(&self.shared.status);
        let folder = state.spool.folder().to_owned();
        drop(state);
        self.shared.news.notify_one();
        let (full, disk_full) = (kept == Kept::Refused, matches!(kept, Kept::InMemory(_)));
        if full && !self.full {
            self.shared
                .tell(&format!("the spool {} is full; the newest are lost and counted", folder.display()));
        }
        if let Kept::InMemory(why) = &kept
            && !self.disk_full
        {
            self.shared
                .tell(&format!("the spool {} takes none: {why}; they wait in memory", folder.display()));
        }
        (self.full, self.disk_full) = (full, disk_full || full && self.disk_full);
        Ok(if full { Fate::SpoolFull } else { Fate::Spooled })
    }

    fn tick(&mut self) -> Result<(), Failure> {
        let mut state = self.shared.lock();
        if state.spool.in_memory() > 0 && state.spool.flush().is_ok() {
            state.count(&self.shared.status);
        }
        Ok(())
    }

    fn finish(&mut self, deadline: Instant) {
        let mut state = self.shared.lock();
        state.ending = Some(deadline);
        state.spool.flush().ok();
        state.count(&self.shared.status);
        drop(state);
        self.shared.news.notify_one();
        self.ended.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok();
    }
}

/// The side that sends.
struct Sender {
    url: String,
    agent: Agent,
    batch: usize,
    array: bool,
    options: WebhookOptions,
    dead_letters: DeadLetters,
    shared: Arc<Shared>,
    /// So many alerts are sent one by one, since the array that they were in was refused.
    singly: usize,
}

/// What a receiver made of a request.
enum Answer {
    Taken,
    Refused(u16),
    Later { why: String, after: Option<Duration> },
}

impl Sender {
    fn run(&mut self) {
        let mut failures = 0;
        while let Some((entries, ending)) = self.next() {
            let timeout = ending.map_or(self.options.timeout, |deadline| {
                deadline.saturating_duration_since(Instant::now()).min(self.options.timeout)
            });
            if timeout.is_zero() {
                return;
            }
            let (why, after) = match self.post(&entries, timeout) {
                Answer::Taken => {
                    self.done(&entries, Fate::Sent);
                    failures = 0;
                    if self.shared.status.works() {
                        self.shared.tell("pass again");
                    }
                    continue;
                }
                Answer::Refused(_) if entries.len() > 1 => {
                    self.singly = entries.len();
                    continue;
                }
                Answer::Refused(status) => match self.bury(&entries, status) {
                    Ok(()) => continue,
                    Err(why) => (why, None),
                },
                Answer::Later { why, after } => (why, after),
            };
            self.shared.status.add(Fate::Retried, entries.len() as u64);
            if self.shared.status.fails(&why) {
                self.shared.tell(&format!("{why}; they are kept and tried again"));
            }
            let own = backoff::pause(
                failures,
                self.options.first_pause,
                self.options.longest_pause,
                backoff::random(),
            );
            failures = failures.saturating_add(1);
            if !self.pause(after.unwrap_or(own), after.is_some()) {
                return;
            }
        }
    }

    /// Waits for alerts to send; `None` when the guard ends and there are none, or no time.
    fn next(&self) -> Option<(Vec<Entry>, Option<Instant>)> {
        let mut state = self.shared.lock();
        loop {
            let batch = if self.singly > 0 { 1 } else { self.batch };
            let entries = state.spool.peek(batch, REQUEST);
            if !entries.is_empty() {
                return Some((entries, state.ending));
            }
            if state.ending.is_some() {
                return None;
            }
            state = self.shared.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits before the next try; false if the guard ends before that is due.
    fn pause(&self, pause: Duration, asked: bool) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.shared.lock();
        loop {
            let now = Instant::now();
            let mut until = until;
            if let Some(deadline) = state.ending {
                // What the receiver asked for holds at the end, too: the spool keeps the alerts.
                if !asked {
                    until = until.min(now + ENDING);
                }
                if until >= deadline {
                    return false;
                }
                drop(state);
                thread::sleep(until.saturating_duration_since(now));
                return true;
            }
            if now >= until {
                return true;
            }
            let waited = self.shared.news.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn post(&self, entries: &[Entry], timeout: Duration) -> Answer {
        let Some(first) = entries.first() else { return Answer::Taken };
        let texts: Vec<&str> = entries.iter().map(|entry| entry.json.as_str()).collect();
        let body = if self.array { format!("[{}]", texts.join(",")) } else { texts.concat() };
        let key =
            if entries.len() > 1 { format!("{}+{}", first.id, entries.len() - 1) } else { first.id.clone() };
        let mut request = self
            .agent
            .post(&self.url)
            .config()
            .timeout_global(Some(timeout))
            .build()
            .content_type("application/json")
            .header("Idempotency-Key", key);
        if let Some(token) = &self.options.token {
            request = request.header("Authorization", format!("Bearer {}", token.expose()));
        }
        let response = match request.send(&body) {
            Ok(response) => response,
            Err(error) => return Answer::Later { why: format!("cannot be sent: {error}"), after: None },
        };
        let status = response.status().as_u16();
        match status {
            200..=299 => Answer::Taken,
            // A token that is wrong today is put right tomorrow.
            401 | 403 | 408 | 429 => {
                Answer::Later { why: format!("the receiver answers {status}"), after: asked(&response) }
            }
            300..=499 => Answer::Refused(status),
            _ => Answer::Later { why: format!("the receiver answers {status}"), after: asked(&response) },
        }
    }

    /// Keeps an alert that the receiver will never take.
    fn bury(&mut self, entries: &[Entry], status: u16) -> Result<(), String> {
        for entry in entries {
            let path = self.dead_letters.path().display();
            match self.dead_letters.keep(entry, status) {
                Ok(true) => {
                    if self.shared.status.fails(&format!("the receiver answers {status}")) {
                        self.shared
                            .tell(&format!("the receiver answers {status}; such alerts are kept in {path}"));
                    }
                }
                Ok(false) => self
                    .shared
                    .tell(&format!("the receiver answers {status}, and {path} is full: one is lost")),
                // It stays in the spool until there is room for it.
                Err(error) => return Err(format!("the receiver answers {status}, and {path}: {error}")),
            }
        }
        self.done(entries, Fate::Failed);
        Ok(())
    }

    /// Takes alerts out of the spool.
    fn done(&mut self, entries: &[Entry], fate: Fate) {
        let Some(last) = entries.last() else { return };
        self.singly = self.singly.saturating_sub(entries.len());
        self.shared.status.add(fate, entries.len() as u64);
        let mut state = self.shared.lock();
        state.spool.acknowledge(last.number);
        state.count(&self.shared.status);
    }
}

fn asked(response: &ureq::http::Response<ureq::Body>) -> Option<Duration> {
    let now = i64::try_from(unix_seconds(SystemTime::now())).ok()?;
    backoff::asked(response.headers().get("retry-after")?.to_str().ok()?, DateTime::from_timestamp(now, 0)?)
}

fn agent(options: &WebhookOptions) -> Result<Agent, OutputError> {
    let mut config = Agent::config_builder()
        .user_agent(concat!("traceward/", env!("CARGO_PKG_VERSION")))
        .http_status_as_error(false)
        // An alert is not sent where its receiver did not say so.
        .max_redirects(0)
        .max_redirects_will_error(false);
    if let Some(path) = &options.authorities {
        config = config.tls_config(TlsConfig::builder().root_certs(authorities(path)?).build());
    }
    Ok(config.build().into())
}

fn authorities(path: &Path) -> Result<RootCerts, OutputError> {
    let wrong = |why: String| OutputError::Authorities { path: path.into(), why };
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("there is none in it".into()));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
