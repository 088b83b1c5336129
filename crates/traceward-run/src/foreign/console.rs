//! Console output: what a training printed, pasted from a terminal or kept in a file.
//!
//! Progress bars are drawn over themselves, in between stand summaries, warnings and whatever the script
//! prints. Lines are understood one by one ([`line`]); this module puts them in their epochs:
//!
//! * An epoch begins where a line names it (`Epoch 3/10`, `epoch: 3, loss ...`); a smaller number than before
//!   begins another run.
//! * Of a bar's drawings the last counts. A bar that is drawn after its epoch is complete is an evaluation's
//!   and no part of the curve.
//! * A value said of the epoch wins over values said within it. Where only batches are printed, the epoch's
//!   value is their mean; each of them stands in the run's steps.
//! * What is said once, after the last epoch, is a result (`Test accuracy: 0.98`), not a curve.
//! * Tables with a header (fastai, skorch, YOLO), dictionaries a line (Hugging Face) and printed histories are
//!   read too.

mod line;
mod summary;
mod terminal;

pub use self::summary::{ModelSummary, SummaryLayer};

use serde_json::Map;

use self::line::{Line, Progress};
use self::terminal::Piece;
use super::names::{self, Side, is_metric, meaning};
use super::shape::{self, finished};
use super::table::Table;
use super::value::{self, Value, json_number};
use super::{LoggedRun, StepLog, clock, json, number};

/// How many lines of a text hold metrics, at most `enough`: how it is told to be a log.
pub(super) fn metric_lines(text: &str, enough: usize) -> usize {
    let mut scan = Scan::default();
    for piece in terminal::pieces(text) {
        scan.piece(&piece);
        if scan.metric_lines() >= enough {
            break;
        }
    }
    scan.metric_lines().min(enough)
}

/// Reads console output.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read(text: &str, name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let mut scan = Scan::default();
    for piece in terminal::pieces(text) {
        scan.piece(&piece);
    }
    scan.finish(name, notes)
}

/// The numbers of a name within one epoch.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Said of the epoch.
    stated: usize,
    stated_sum: f64,
    stated_last: f64,
    /// Said without naming the epoch.
    loose: usize,
    loose_first: f64,
    loose_sum: f64,
    /// Said of batches.
    batches: usize,
    batch_sum: f64,
    /// The last drawing of a bar that was not complete yet.
    drawn: Option<f64>,
}

impl Seen {
    /// The value for the epoch.
    fn value(&self, keras: bool) -> Option<f64> {
        match self {
            Self { stated: 1 | 2, stated_last, .. } => Some(*stated_last),
            Self { stated: 3.., .. } => Some(self.stated_sum / self.stated as f64),
            Self { drawn: Some(drawn), .. } => Some(*drawn),
            Self { loose: 1.., .. } if keras || self.loose == 1 => Some(self.loose_first),
            Self { loose: 2.., .. } => Some(self.loose_sum / self.loose as f64),
            Self { batches: 1.., .. } => Some(self.batch_sum / self.batches as f64),
            _ => None,
        }
    }

    fn is_loose(&self) -> bool {
        self.stated == 0 && self.drawn.is_none() && self.batches == 0 && self.loose > 0
    }
}

/// An epoch that is being read.
#[derive(Debug, Default)]
struct Open {
    number: u64,
    seen: Vec<(String, Seen)>,
    bar: Option<Bar>,
    /// Whether what was said of it was in Keras' manner.
    keras: bool,
    /// A bar that was left before its end.
    unfinished: Option<Progress>,
}

impl Open {
    fn seen(&mut self, name: &str) -> &mut Seen {
        let at = self.seen.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.seen.push((name.to_owned(), Seen::default()));
            self.seen.len() - 1
        });
        &mut self.seen[at].1
    }

    fn has(&self, name: &str) -> bool {
        self.seen.iter().any(|(known, _)| known == name)
    }
}

/// A progress bar that is being drawn.
#[derive(Clone, Copy, Debug)]
struct Bar {
    at: u64,
    of: u64,
    /// Whether it is the epoch's, not that of an evaluation after it.
    own: bool,
}

/// A run that is being read.
#[derive(Debug)]
struct Run {
    epochs: Table,
    steps: Table,
    planned: Option<u64>,
    keras: bool,
    /// Columns whose values were only ever said loosely, and in how many epochs.
    loose: Vec<(String, usize)>,
    stopped_early: bool,
    interrupted: Option<String>,
    batches_averaged: bool,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            epochs: Table::new("epoch"),
            steps: Table::new("step"),
            planned: None,
            keras: false,
            loose: Vec::new(),
            stopped_early: false,
            interrupted: None,
            batches_averaged: false,
        }
    }
}

#[derive(Debug)]
struct Scan {
    runs: Vec<Run>,
    run: Run,
    open: Option<Open>,
    /// What the line before said of those after it.
    side: Option<Side>,
    header: Option<Header>,
    /// Of how many, where epochs are only counted: `[3/10]`.
    counted: Option<u64>,
    /// Values without any epoch about them.
    loose: Table,
    /// Drawings of a bar without any epoch about it.
    drawings: Table,
    dictionaries: Vec<Value>,
    printed_histories: Vec<Value>,
    summaries: summary::Reader,
    /// Lines, tables' rows and dictionaries that are of a training without doubt.
    understood: usize,
    /// Lines that name a loss, but nothing else: one of them may stand in any text.
    uncounted: usize,
    full: bool,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            runs: Vec::new(),
            run: Run::default(),
            open: None,
            side: None,
            header: None,
            counted: None,
            loose: Table::new("row"),
            drawings: Table::new("step"),
            dictionaries: Vec::new(),
            printed_histories: Vec::new(),
            summaries: summary::Reader::default(),
            understood: 0,
            uncounted: 0,
            full: false,
        }
    }
}

/// The header of a printed table.
#[derive(Debug)]
struct Header {
    names: Vec<String>,
    separator: Option<char>,
}

impl Scan {
    fn metric_lines(&self) -> usize {
        self.understood + self.uncounted / 3
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        let text = piece.text.as_ref();
        // No line of metrics is this long; an array that was printed may be.
        if text.len() > 1 << 16 && !text.contains('{') {
            return;
        }
        if self.summaries.line(text) || self.message(text) || self.dictionary(text) || self.table(text) {
            return;
        }
        if !text.contains(|sign: char| sign.is_ascii_digit())
            && !text.contains("nan")
            && !text.contains("inf")
        {
            let line = line::read(text, None);
            if line.words <= 4 && line.words > 0 {
                self.side = side_of_heading(text).or(self.side.filter(|_| line.words == 0));
            }
            return;
        }
        let line = line::read(text, self.side);
        if line.epoch.is_some() {
            // `Validation at epoch 5`: so are the lines below.
            self.side = line.side.filter(|_| line.values.is_empty());
        }
        let measured = line.has_metric() || (line.keras && !line.values.is_empty());
        if !measured {
            match line.epoch {
                // `Epoch 3`, but not a sentence that ends in one.
                Some((number, of)) if line.values.is_empty() && line.words <= 4 => {
                    self.reach(number, of, true);
                }
                _ if !line.values.is_empty() => self.beside(&line),
                _ => {}
            }
            return;
        }
        if line.is_counted() || self.open.is_some() {
            self.understood += 1;
        } else {
            self.uncounted += 1;
        }
        if line.epoch.is_none()
            && line.keras
            && let Some(progress @ Progress { of: Some(of), .. }) = line.progress
        {
            self.bar(&line, progress, of, piece.redrawn);
            return;
        }
        match (line.epoch, line.progress) {
            (Some((number, of)), progress) => {
                self.reach(number, of, false);
                self.say(&line, progress);
            }
            // `[3/10] loss: 0.5`
            (None, Some(Progress { at, of: Some(of), named: false }))
                if !line.keras && (self.open.is_none() || self.counted == Some(of)) =>
            {
                self.counted = Some(of);
                self.reach(at, Some(of), false);
                self.say(&line, None);
            }
            (None, progress) if self.open.is_some() => self.say_loosely(&line, progress),
            (None, progress) => self.without_epoch(&line, progress),
        }
    }

    /// The reader goes on to an epoch; `heading` if the line says nothing else.
    fn reach(&mut self, number: u64, of: Option<u64>, heading: bool) {
        if let Some(open) = &self.open {
            let begun_anew = heading
                && of.is_some()
                && open.keras
                && open.bar.is_none_or(|bar| bar.own && bar.at >= bar.of);
            if open.number == number && !begun_anew {
                return;
            }
            let restarts = number <= open.number;
            self.close();
            if restarts {
                self.finish_run();
            }
        }
        self.run.planned = self.run.planned.or(of);
        self.run.keras |= heading && of.is_some();
        self.open = Some(Open { number, ..Open::default() });
    }

    /// Values said of the open epoch, or of a batch in it.
    fn say(&mut self, line: &Line, progress: Option<Progress>) {
        let drawn = progress.filter(|progress| line.keras && progress.of.is_some());
        let Some(open) = &mut self.open else { return };
        if let (Some(progress), None) = (progress, drawn) {
            batch(&mut self.run, open, line, progress);
            return;
        }
        open.keras |= line.keras && line.epoch.is_none();
        let complete = drawn.is_none_or(Progress::is_complete);
        if let (Some(drawn), false) = (drawn, complete) {
            open.unfinished = Some(drawn);
        } else {
            open.unfinished = None;
        }
        for (name, value) in &line.values {
            let seen = open.seen(name);
            if complete {
                seen.stated += 1;
                seen.stated_sum += value;
                seen.stated_last = *value;
            } else {
                seen.drawn = Some(*value);
            }
        }
        if let (Some(seconds), true) = (line.seconds, complete) {
            let seen = open.seen("seconds");
            (seen.stated, seen.stated_last) = (1, seconds);
        }
    }

    /// Values said while an epoch is open, without naming it.
    fn say_loosely(&mut self, line: &Line, progress: Option<Progress>) {
        if let Some(progress) = progress.filter(|_| !line.keras) {
            if let Some(open) = &mut self.open {
                batch(&mut self.run, open, line, progress);
            }
            return;
        }
        // ` - 6s - loss: 0.5`, below its heading: said of the epoch. A second such line is an evaluation's.
        if line.keras {
            let said =
                self.open.as_ref().is_some_and(|open| line.values.iter().any(|(name, _)| open.has(name)));
            if !said {
                self.say(line, None);
            }
            return;
        }
        self.beside(line);
    }

    /// Values beside the epoch's own.
    fn beside(&mut self, line: &Line) {
        let Some(open) = &mut self.open else { return };
        for (name, value) in &line.values {
            let seen = open.seen(name);
            if seen.loose == 0 {
                seen.loose_first = *value;
            }
            seen.loose += 1;
            seen.loose_sum += value;
        }
        if line.seconds.is_some_and(|_| line.has_metric() && !open.has("seconds"))
            && let Some(seconds) = line.seconds
        {
            let seen = open.seen("seconds");
            (seen.stated, seen.stated_last) = (1, seconds);
        }
    }

    /// A drawing of a bar that names no epoch.
    fn bar(&mut self, line: &Line, progress: Progress, of: u64, redrawn: bool) {
        let at = progress.at;
        let Some(open) = &mut self.open else {
            if self.drawings.row(at).is_err() {
                self.full = true;
            }
            for (name, value) in &line.values {
                self.drawings.put(name, *value);
            }
            return;
        };
        let sided = line.side.is_some();
        let own = match open.bar {
            None => true,
            Some(bar) if bar.of == of && at >= bar.at && (redrawn || bar.at < bar.of) => bar.own,
            // A log in which every drawing became a line: the last one adds the validation.
            Some(bar) if bar.of == of && at == of && bar.own => {
                let mut news = line.values.iter().filter(|(name, _)| !open.has(name));
                news.any(|(name, _)| meaning(name).side == Some(Side::Validation))
            }
            Some(_) => sided,
        };
        open.bar = Some(Bar { at, of, own });
        if own {
            self.run.keras |= !sided;
            self.say(line, Some(progress));
        }
    }

    /// Values before any epoch was named.
    fn without_epoch(&mut self, line: &Line, progress: Option<Progress>) {
        if let Some(progress) = progress.filter(|_| !line.keras) {
            let at = progress.at;
            if self.run.steps.counters.last().is_some_and(|last| at < *last) {
                self.finish_run();
            }
            if self.run.steps.counters.last() != Some(&at) && self.run.steps.row(at).is_err() {
                self.full = true;
            }
            for (name, value) in &line.values {
                self.run.steps.put(name, *value);
            }
            return;
        }
        if self.loose.row(self.loose.len() as u64).is_err() {
            self.full = true;
        }
        for (name, value) in &line.values {
            self.loose.put(name, *value);
        }
        if let Some(seconds) = line.seconds {
            self.loose.put("seconds", seconds);
        }
    }

    /// Messages that name epochs or metrics and are no measurements. Returns whether it was one.
    fn message(&mut self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let ends = [
            "keyboardinterrupt",
            "out of memory",
            "outofmemoryerror",
            "resourceexhaustederror",
            "segmentation fault",
            "core dumped",
            "traceback (most recent call last)",
            "sigterm",
            "sigkill",
            "slurmstepd: error",
        ];
        if ends.iter().any(|end| lower.contains(end)) || lower.trim() == "killed" {
            self.run.interrupted.get_or_insert_with(|| text.trim().chars().take(200).collect());
            return true;
        }
        if ["early stopping", "earlystopping", "early-stopping", "stopping early", "stopped early"]
            .iter()
            .any(|words| lower.contains(words))
            && !lower.contains("counter")
            && !lower.contains("patience:")
            && !lower.contains("callbacks")
        {
            self.run.stopped_early = true;
            return true;
        }
        let passing = [
            "improved from",
            "did not improve",
            "reducing learning rate",
            "setting learning rate",
            "restoring model",
            "saving model",
            "saving checkpoint",
            "early stopping counter",
            "earlystopping counter",
            "adjusting learning rate",
            "best model",
            "loading",
            "loaded",
            "resuming",
            "saved",
            "validation loss decreased",
            "best epoch",
        ];
        let first: String = lower.chars().take(90).collect();
        passing.iter().any(|words| first.contains(words)) && !first.contains("] - ")
    }

    /// A dictionary in the line, as Hugging Face prints them.
    fn dictionary(&mut self, text: &str) -> bool {
        let Some(at) = text.find("{'").or_else(|| text.find("{\"")) else { return false };
        let Ok(parsed) = value::parse(&text[at..]) else { return false };
        let Some(entries) = parsed.value.map() else { return false };
        let is_list = |value: &Value| value.list().is_some_and(|list| list.len() > 1);
        let history = entries.iter().any(|(name, value)| is_metric(name) && is_list(value));
        let row =
            entries.iter().any(|(name, value)| is_metric(name) && value.number().is_some()) && !parsed.torn;
        let empty = entries.is_empty();
        self.understood += usize::from(history || row);
        if history {
            self.printed_histories.push(parsed.value);
        } else if row {
            self.dictionaries.push(parsed.value);
        }
        !empty
    }

    /// A row of a table, or its header.
    fn table(&mut self, text: &str) -> bool {
        if let Some(header) = Header::of(text) {
            self.header = Some(header);
            return true;
        }
        let Some(values) = self.header.as_ref().and_then(|header| header.row(text)) else { return false };
        self.understood += 1;
        let counted = values
            .iter()
            .find(|(name, _)| names::counts_epochs(name))
            .and_then(|(_, value)| number::counter(*value));
        let mut line = Line::default();
        line.values.extend(values.iter().filter(|(name, _)| !names::counts_epochs(name)).cloned());
        let step = values
            .iter()
            .find(|(name, _)| names::counts_steps(name))
            .and_then(|(_, value)| number::counter(*value));
        match (counted, step) {
            (Some(epoch), _) => {
                self.reach(epoch, None, false);
                self.say(&line, None);
            }
            (None, Some(at)) => self.without_epoch(&line, Some(Progress { at, of: None, named: true })),
            (None, None) => self.without_epoch(&line, None),
        }
        true
    }

    /// Puts the open epoch into the run.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let keras = self.run.keras;
        let mut values: Vec<(&String, f64, bool)> = open
            .seen
            .iter()
            .filter_map(|(name, seen)| Some((name, seen.value(keras)?, seen.is_loose())))
            .collect();
        if !values.iter().any(|(name, _, _)| is_metric(name)) {
            return;
        }
        values.sort_by_key(|(name, _, _)| *name == "seconds");
        self.run.batches_averaged |= open
            .seen
            .iter()
            .any(|(_, seen)| seen.batches > 1 && seen.stated == 0 && seen.loose == 0 && seen.drawn.is_none());
        if self.run.epochs.row(open.number).is_err() {
            self.full = true;
            return;
        }
        for (name, value, loose) in values {
            self.run.epochs.put(name, value);
            let entry = self.run.loose.iter_mut().find(|(known, _)| known == name);
            match (entry, loose) {
                (Some((_, count)), true) => *count += 1,
                (Some((_, count)), false) => *count = usize::MAX / 2,
                (None, true) => self.run.loose.push((name.clone(), 1)),
                (None, false) => self.run.loose.push((name.clone(), usize::MAX / 2)),
            }
        }
    }

    fn finish_run(&mut self) {
        self.close();
        let run = std::mem::take(&mut self.run);
        if !run.epochs.is_empty() || !run.steps.is_empty() {
            self.runs.push(run);
        } else {
            // What was said before the first epoch belongs to the run that begins.
            (self.run.stopped_early, self.run.interrupted) = (run.stopped_early, run.interrupted);
        }
    }

    fn finish(mut self, name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
        let cut = self.open.as_ref().and_then(|open| Some((open.number, open.unfinished?)));
        if let Some((epoch, Progress { at, of: Some(of), .. })) = cut
            && at.saturating_mul(20) < of.saturating_mul(19)
        {
            notes.push(format!("Epoch {epoch} was cut off at step {at} of {of} and was left out."));
            self.open = None;
            self.run.interrupted.get_or_insert_with(|| format!("the log ends within epoch {epoch}"));
        }
        self.finish_run();
        if self.full {
            notes.push("The log has more values than fit in memory; the rest was left out.".to_owned());
        }
        let mut runs = join_single_epochs(self.runs, notes);
        let epochs: usize = runs.iter().map(|run| run.epochs.len()).sum();
        if self.dictionaries.len() > epochs.max(self.loose.len()) {
            return json::of_rows(&self.dictionaries, name, notes);
        }
        let steps: usize = runs.iter().map(|run| run.steps.len()).sum();
        if epochs == 0 && steps == 0 {
            for table in [self.loose, self.drawings] {
                if table.len() > 1 || (table.len() == 1 && self.printed_histories.is_empty()) {
                    let mut epochs = table;
                    if epochs.counter == "row" {
                        epochs.counter = "epoch".to_owned();
                    }
                    runs = epochs
                        .into_runs(notes)
                        .into_iter()
                        .map(|epochs| Run { epochs, ..Run::default() })
                        .collect();
                    break;
                }
            }
        }
        if runs.is_empty() && !self.printed_histories.is_empty() {
            return json::of_histories(&self.printed_histories, name, notes);
        }
        if runs.is_empty() && !self.dictionaries.is_empty() {
            return json::of_rows(&self.dictionaries, name, notes);
        }
        if runs.iter().any(|run| run.batches_averaged) {
            notes
                .push("Some values are printed for batches only: an epoch's value is their mean.".to_owned());
        }
        let several = runs.len() > 1;
        let mut summaries = self.summaries.finish().into_iter();
        let mut summary = summaries.next();
        let mut logged = Vec::new();
        for (index, run) in runs.into_iter().enumerate() {
            let name = if several { shape::numbered(name, index) } else { name.to_owned() };
            let mut run = run.logged(name);
            if index > 0 {
                summary = summaries.next().or(summary);
            }
            run.model.clone_from(&summary);
            if run.has_metrics() {
                logged.push(run);
            }
        }
        if logged.is_empty() {
            Err("no line of it holds a loss or an accuracy".to_owned())
        } else {
            Ok(logged)
        }
    }
}

/// Values said of a batch: a row of the steps, and a part of the epoch's mean.
fn batch(run: &mut Run, open: &mut Open, line: &Line, progress: Progress) {
    for (name, value) in &line.values {
        let seen = open.seen(name);
        seen.batches += 1;
        seen.batch_sum += value;
    }
    let next = run.steps.counters.last().map_or(0, |last| last + 1);
    let first = run.epochs.counters.first().copied().unwrap_or(open.number);
    let at = match progress.of {
        Some(of) => open.number.saturating_sub(first).saturating_mul(of).saturating_add(progress.at),
        None => progress.at,
    };
    if run.steps.row(at.max(next)).is_ok() {
        for (name, value) in &line.values {
            run.steps.put(name, *value);
        }
    }
}

/// `for _ in range(100): model.fit(x, y, epochs=1)` prints `Epoch 1/1` a hundred times: one run.
fn join_single_epochs(mut runs: Vec<Run>, notes: &mut Vec<String>) -> Vec<Run> {
    let single = |run: &Run| run.epochs.len() == 1 && run.planned == Some(1);
    if runs.len() < 3 || !runs.iter().all(single) {
        return runs;
    }
    notes.push(format!(
        "Epoch 1 of 1 is printed {} times: fit was called in a loop, and the calls were read as one run.",
        runs.len()
    ));
    let mut joined = Run::default();
    let last = runs.pop();
    for (index, run) in runs.into_iter().chain(last).enumerate() {
        if joined.epochs.row(index as u64 + 1).is_err() {
            break;
        }
        for column in 0..run.epochs.width() {
            if let Some(value) = run.epochs.get(0, column) {
                joined.epochs.put(run.epochs.name(column), value);
            }
        }
        joined.keras |= run.keras;
        joined.stopped_early |= run.stopped_early;
        joined.interrupted = joined.interrupted.or(run.interrupted);
    }
    vec![joined]
}

impl Run {
    fn logged(mut self, name: String) -> LoggedRun {
        let mut results = Map::new();
        if self.epochs.len() > 1 {
            for (name, count) in &self.loose {
                let column = self.epochs.find(name);
                let last = column.and_then(|column| self.epochs.get(self.epochs.len() - 1, column));
                if let (1, Some(value)) = (*count, last)
                    && self.epochs.take(name).is_some()
                {
                    results.insert(name.clone(), json_number(value));
                }
            }
        }
        let steps = (!self.steps.is_empty()).then(|| finished(self.steps));
        let by_step = self.epochs.is_empty();
        let ((history, columns), steps) = match steps {
            Some(steps) if by_step => (steps, None),
            steps => (finished(self.epochs), steps.map(|(history, columns)| StepLog { history, columns })),
        };
        LoggedRun {
            name,
            history,
            columns,
            by_step,
            steps,
            results,
            planned_epochs: self.planned,
            stopped_early: self.stopped_early,
            interrupted: self.interrupted,
            ..LoggedRun::default()
        }
    }
}

/// The side that a heading says of the lines below it: `Validation:`, `Test Error:`.
fn side_of_heading(text: &str) -> Option<Side> {
    let text = text.trim().trim_matches(['-', '=', '*', '#', ' ', ':', '.', '>', '<', '!']);
    let found = meaning(text);
    (text.split_whitespace().count() <= 3).then_some(found.side).flatten()
}

impl Header {
    /// The header of a table: names of metrics in columns, and no number.
    fn of(text: &str) -> Option<Self> {
        if text.len() > 600 || text.contains([':', '=']) {
            return None;
        }
        let separator = ['|', ',', '│'].into_iter().find(|sign| text.matches(*sign).count() >= 1);
        let names: Vec<String> = match separator {
            Some(sign) => {
                text.trim().trim_matches(sign).split(sign).map(|name| name.trim().to_owned()).collect()
            }
            None => {
                let wide: Vec<String> = text
                    .trim()
                    .split("  ")
                    .flat_map(|part| part.split('\t'))
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect();
                if wide.len() >= 2 { wide } else { text.split_whitespace().map(str::to_owned).collect() }
            }
        };
        let metrics = names.iter().filter(|name| is_metric(name)).count();
        let counts = names.iter().any(|name| names::counts_epochs(name) || names::counts_steps(name));
        let names_all = names.iter().all(|name| {
            name.split_whitespace().all(|word| number::parse(word).is_none())
                && name.split_whitespace().count() <= 3
                && !name.is_empty()
                && name.len() <= 40
        });
        let narrow = separator.is_none() && !text.trim().contains("  ") && !text.contains('\t');
        let plausible = names_all
            && names.len() >= 2
            && metrics >= 1
            && (counts || metrics >= 2)
            && (!narrow || (counts && metrics >= 2));
        plausible.then_some(Self { names, separator })
    }

    /// A row below it.
    fn row(&self, text: &str) -> Option<Vec<(String, f64)>> {
        // YOLO draws its bar behind the row.
        let text = text.find("%|").map_or(text, |bar| {
            text[..bar].trim_end_matches(|sign: char| sign.is_ascii_digit()).trim_end_matches([':', ' '])
        });
        let cells: Vec<&str> = match self.separator {
            Some(sign) => text.trim().trim_matches(sign).split(sign).map(str::trim).collect(),
            None => text.split_whitespace().collect(),
        };
        if cells.len() < 2
            || cells.len().abs_diff(self.names.len()) > usize::from(self.separator.is_none()) * 2
        {
            return None;
        }
        let mut values = Vec::new();
        for (name, cell) in self.names.iter().zip(&cells) {
            let cell = cell.trim_end_matches(['*', '%', 's']);
            let cell = cell.split_once('/').filter(|_| names::counts_epochs(name)).map_or(cell, |(at, _)| at);
            if let Some(value) = number::parse(cell).or_else(|| clock(cell)) {
                values.push((name.to_lowercase().replace(' ', "_"), value));
            }
        }
        let first = self.names.first().zip(cells.first()).is_some_and(|(name, cell)| {
            let cell =
                cell.split_once('/').filter(|_| names::counts_epochs(name)).map_or(*cell, |(at, _)| at);
            number::parse(cell).is_some()
        });
        (first && values.len() >= 2 && values.len() * 2 >= self.names.len()).then_some(values)
    }
}

#[cfg(test)]
mod tests;
