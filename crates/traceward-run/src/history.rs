//! The scalars of a run, over epochs and over steps, as CSV files that grow while it trains.
//!
//! `history.csv` is what Keras' CSVLogger writes, and pandas reads it the same way: epochs count from 0,
//! the columns come in its order, more columns of ours follow, numbers are written as Python writes
//! them. [`History`] reads any such file, whatever its columns, since logs come from other trainers too.
//!
//! While training, a [`RowFile`] appends one row at a time, each in one write. A run that is killed
//! leaves at worst a torn last line. [`RowFile::resume`] drops it, and with it the rows of every epoch
//! or step that the resumed run will do again, so that a resumed history equals an uninterrupted one.

use std::fs::File;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::Path;

use crate::config::Monitor;
use crate::run_dir::write_atomically;

/// What an epoch came to: one row of `history.csv`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Counted from 0, as Keras does.
    pub epoch: u32,
    /// Training accuracy, the running mean over the epoch.
    pub accuracy: f64,
    /// Training loss, the running mean over the epoch.
    pub loss: f64,
    /// Accuracy on the validation side after the epoch.
    pub val_accuracy: Option<f64>,
    /// Loss on the validation side after the epoch.
    pub val_loss: Option<f64>,
    /// Step size at the end of the epoch.
    pub learning_rate: f64,
    /// How long the epoch took, validation included.
    pub seconds: f64,
}

/// What a step came to: one row of `steps.csv`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Counted from 0 over the whole run.
    pub step: u64,
    /// The epoch it belongs to, from 0.
    pub epoch: u32,
    /// Share of the batch's traces whose class was right.
    pub accuracy: f64,
    /// The batch's loss.
    pub loss: f64,
    /// Step size.
    pub learning_rate: f64,
    /// Norm of the gradient over all weights, before clipping, where it was measured.
    pub gradient_norm: Option<f64>,
}

/// A kind of row: its columns, and where it stands in the run.
pub trait Row {
    /// The column names, the counter first.
    const COLUMNS: &'static [&'static str];

    /// The counter, which grows from row to row.
    fn counter(&self) -> u64;

    /// The values after the counter; `None` is written as `NA`, as CSVLogger does.
    fn values(&self) -> Vec<Option<f64>>;
}

impl Row for Epoch {
    const COLUMNS: &'static [&'static str] =
        &["epoch", "accuracy", "loss", "val_accuracy", "val_loss", "learning_rate", "seconds"];

    fn counter(&self) -> u64 {
        self.epoch.into()
    }

    fn values(&self) -> Vec<Option<f64>> {
        vec![
            Some(self.accuracy),
            Some(self.loss),
            self.val_accuracy,
            self.val_loss,
            Some(self.learning_rate),
            Some(self.seconds),
        ]
    }
}

impl Row for Step {
    const COLUMNS: &'static [&'static str] =
        &["step", "epoch", "accuracy", "loss", "learning_rate", "gradient_norm"];

    fn counter(&self) -> u64 {
        self.step
    }

    fn values(&self) -> Vec<Option<f64>> {
        vec![
            Some(self.epoch.into()),
            Some(self.accuracy),
            Some(self.loss),
            Some(self.learning_rate),
            self.gradient_norm,
        ]
    }
}

/// The scalars of a run over epochs (or steps): a counter, and named columns beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    counter: String,
    counters: Vec<u64>,
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq)]
struct Column {
    name: String,
    values: Vec<Option<f64>>,
}

/// Why a history could not be read. Lines are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file could not be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// There is not even a header.
    #[error("it is empty: no header line")]
    Empty,
    /// A row with more or fewer values than the header has names.
    #[error("line {line} has {found} values, but the header names {expected}")]
    Width {
        /// Where.
        line: usize,
        /// How many values there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A value that is no number.
    #[error("line {line}, column {column}: {value:?} is not a number")]
    Number {
        /// Where.
        line: usize,
        /// In which column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// The same name twice.
    #[error("the header names the column {0:?} twice")]
    DuplicateColumn(String),
}

impl History {
    /// An empty history with the columns of [`Epoch`].
    pub fn new() -> Self {
        Self::of::<Epoch>()
    }

    /// A history of any columns. Columns that are too short end in absent values; values past the last
    /// counter and columns of a name that was given before are dropped.
    pub fn from_columns(
        counter: &str,
        counters: Vec<u64>,
        columns: impl IntoIterator<Item = (String, Vec<Option<f64>>)>,
    ) -> Self {
        let mut history = Self { counter: counter.to_owned(), counters, columns: Vec::new() };
        for (name, mut values) in columns {
            if history.column(&name).is_none() {
                values.resize(history.len(), None);
                history.columns.push(Column { name, values });
            }
        }
        history
    }

    fn of<R: Row>() -> Self {
        Self::empty(R::COLUMNS.iter().map(|&name| name.to_owned()))
    }

    fn empty(names: impl IntoIterator<Item = String>) -> Self {
        let mut names = names.into_iter();
        let counter = names.next().unwrap_or_default();
        let columns = names.map(|name| Column { name, values: Vec::new() }).collect();
        Self { counter, counters: Vec::new(), columns }
    }

    /// Adds a row. Columns that this history lacks are not added.
    pub fn push(&mut self, row: &impl Row) {
        fn add<R: Row>(history: &mut History, row: &R) {
            let values = row.values();
            history.counters.push(row.counter());
            for column in &mut history.columns {
                let at = R::COLUMNS.iter().skip(1).position(|name| *name == column.name);
                column.values.push(at.and_then(|at| values[at]));
            }
        }
        add(self, row);
    }

    /// Reads a CSV file whose first column counts epochs or steps.
    ///
    /// Empty values and `NA` are absent values; `nan` and `inf` are numbers. A last line without its
    /// newline, which a killed run may leave, is read if it is whole and dropped if it is not.
    ///
    /// # Errors
    /// With the line.
    pub fn parse(text: &str) -> Result<Self, HistoryError> {
        let mut lines = text.lines().enumerate();
        let header = lines.next().map(|(_, line)| line.trim_start_matches('\u{feff}')).unwrap_or_default();
        if header.trim().is_empty() {
            return Err(HistoryError::Empty);
        }
        let names: Vec<String> = header.split(',').map(|name| unquote(name).to_owned()).collect();
        if let Some(twice) = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name)) {
            return Err(HistoryError::DuplicateColumn(twice.1.clone()));
        }
        let mut history = Self::empty(names.iter().cloned());
        let last_line = text.lines().count();
        for (index, line) in lines {
            if line.trim().is_empty() {
                continue;
            }
            let torn = index + 1 == last_line && !text.ends_with('\n');
            match read_row(line, index + 1, &names) {
                Ok((counter, values)) => {
                    history.counters.push(counter);
                    for (column, value) in history.columns.iter_mut().zip(values) {
                        column.values.push(value);
                    }
                }
                Err(_) if torn => {}
                Err(error) => return Err(error),
            }
        }
        Ok(history)
    }

    /// Reads the file at `path`, as [`Self::parse`].
    ///
    /// # Errors
    /// As there, and if it cannot be read.
    pub fn load(path: &Path) -> Result<Self, HistoryError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// The history as a CSV file.
    pub fn to_csv(&self) -> String {
        let names: Vec<&str> = self.names().collect();
        let mut text = self.counter.clone();
        for name in names {
            text.push(',');
            text.push_str(name);
        }
        text.push('\n');
        for (row, counter) in self.counters.iter().enumerate() {
            text.push_str(&line(*counter, self.columns.iter().map(|column| column.values[row])));
        }
        text
    }

    /// The name of the counting column: `epoch` or `step`.
    pub fn counter(&self) -> &str {
        &self.counter
    }

    /// The counter of each row.
    pub fn counters(&self) -> &[u64] {
        &self.counters
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.counters.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    /// The names of the columns after the counter.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The values of a column, one a row.
    pub fn column(&self, name: &str) -> Option<&[Option<f64>]> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.values.as_slice())
    }

    /// The value of a column in the last row.
    pub fn last(&self, name: &str) -> Option<f64> {
        *self.column(name)?.last()?
    }

    /// The row that was best by `monitor`: the first of equals; `None` if it was never a number.
    pub fn best(&self, monitor: Monitor) -> Option<usize> {
        let values = self.column(monitor.column())?;
        let mut best: Option<(usize, f64)> = None;
        for (row, value) in values.iter().enumerate() {
            if let Some(value) = value.filter(|value| !value.is_nan())
                && best.is_none_or(|(_, so_far)| monitor.is_better(value, so_far))
            {
                best = Some((row, value));
            }
        }
        best.map(|(row, _)| row)
    }

    /// Drops the rows from `counter` on, which a resumed run does again.
    pub fn truncate_from(&mut self, counter: u64) {
        let keep = self.counters.iter().position(|&c| c >= counter).unwrap_or(self.counters.len());
        self.counters.truncate(keep);
        for column in &mut self.columns {
            column.values.truncate(keep);
        }
    }
}

impl Monitor {
    /// The column's name.
    pub fn column(self) -> &'static str {
        match self {
            Self::ValLoss => "val_loss",
            Self::ValAccuracy => "val_accuracy",
        }
    }

    /// Whether `value` is better than `other`.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        match self {
            Self::ValLoss => value < other,
            Self::ValAccuracy => value > other,
        }
    }
}

fn read_row(line: &str, number: usize, names: &[String]) -> Result<(u64, Vec<Option<f64>>), HistoryError> {
    let fields: Vec<&str> = line.split(',').map(unquote).collect();
    if fields.len() != names.len() {
        return Err(HistoryError::Width { line: number, found: fields.len(), expected: names.len() });
    }
    let bad = |column: usize| HistoryError::Number {
        line: number,
        column: names[column].clone(),
        value: fields[column].into(),
    };
    let counter = fields[0].parse().map_err(|_| bad(0))?;
    let values = fields[1..].iter().enumerate().map(|(i, field)| match *field {
        "" | "NA" => Ok(None),
        field => field.parse().map(Some).map_err(|_| bad(i + 1)),
    });
    Ok((counter, values.collect::<Result<_, _>>()?))
}

fn unquote(field: &str) -> &str {
    let field = field.trim();
    field.strip_prefix('"').and_then(|field| field.strip_suffix('"')).unwrap_or(field)
}

/// A row as text. Numbers are written so that they read back to the same bits, not-a-number as `nan`.
fn line(counter: u64, values: impl IntoIterator<Item = Option<f64>>) -> String {
    let mut line = counter.to_string();
    for value in values {
        line.push(',');
        match value {
            None => line.push_str("NA"),
            Some(value) if value.is_nan() => line.push_str("nan"),
            Some(value) => line.push_str(&format!("{value:?}")),
        }
    }
    line.push('\n');
    line
}

/// `history.csv`, growing.
pub type HistoryFile = RowFile<Epoch>;
/// `steps.csv`, growing.
pub type StepsFile = RowFile<Step>;

/// A CSV file that grows by one row at a time.
#[derive(Debug)]
pub struct RowFile<R> {
    file: File,
    rows: PhantomData<fn(&R)>,
}

impl<R: Row> RowFile<R> {
    /// Begins a new file, replacing one that is there.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::begin(path, &History::of::<R>())
    }

    /// Goes on with a file, keeping only the rows before `next`, the first epoch or step to come.
    ///
    /// Returns the rows that were kept. A missing file, as after a crash before the first row, is begun.
    ///
    /// # Errors
    /// If it cannot be read or written, or does not hold rows of this kind.
    pub fn resume(path: &Path, next: u64) -> Result<(Self, History), HistoryError> {
        let mut kept = match History::load(path) {
            Ok(found) => found,
            Err(HistoryError::Empty) => History::of::<R>(),
            Err(HistoryError::Io(error)) if error.kind() == io::ErrorKind::NotFound => History::of::<R>(),
            Err(error) => return Err(error),
        };
        let expected: Vec<&str> = std::iter::once(kept.counter()).chain(kept.names()).collect();
        if expected != R::COLUMNS {
            return Err(HistoryError::Io(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("it has the columns {}, not {}", expected.join(","), R::COLUMNS.join(",")),
            )));
        }
        kept.truncate_from(next);
        Ok((Self::begin(path, &kept)?, kept))
    }

    fn begin(path: &Path, rows: &History) -> io::Result<Self> {
        write_atomically(path, rows.to_csv().as_bytes())?;
        let file = File::options().append(true).open(path)?;
        Ok(Self { file, rows: PhantomData })
    }

    /// Adds rows, in one write.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn append(&mut self, rows: &[R]) -> io::Result<()> {
        let text: String = rows.iter().map(|row| line(row.counter(), row.values())).collect();
        self.file.write_all(text.as_bytes())
    }

    /// Sees to it that the rows so far survive a loss of power. Call it before a checkpoint is written:
    /// a checkpoint must never know of more than the history does.
    ///
    /// # Errors
    /// If the system cannot.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn epoch(epoch: u32, loss: f64) -> Epoch {
        Epoch {
            epoch,
            accuracy: 0.5,
            loss,
            val_accuracy: Some(0.25),
            val_loss: None,
            learning_rate: 1e-4,
            seconds: 1.5,
        }
    }

    #[test]
    fn written_as_csv_logger_writes() {
        let mut history = History::new();
        history.push(&epoch(0, 1.0));
        history.push(&epoch(1, f64::NAN));
        history.push(&epoch(2, f64::INFINITY));
        assert_eq!(
            history.to_csv(),
            "epoch,accuracy,loss,val_accuracy,val_loss,learning_rate,seconds\n\
             0,0.5,1.0,0.25,NA,0.0001,1.5\n\
             1,0.5,nan,0.25,NA,0.0001,1.5\n\
             2,0.5,inf,0.25,NA,0.0001,1.5\n"
        );
    }

    /// What Keras' own logger wrote, carriage returns and all, and with more columns than ours.
    #[test]
    fn csv_logger_is_read() {
        let text = "epoch,accuracy,learning_rate,loss,top-3,val_accuracy,val_loss\r\n\
                    0,0.4684859812259674,0.01,1.9,0.7,NA,NA\r\n\
                    1,0.5,0.01,nan,0.8,0.25,-inf\r\n";
        let history = History::parse(text).unwrap();
        assert_eq!(history.counters(), [0, 1]);
        assert_eq!(history.column("accuracy").unwrap(), [Some(0.468_485_981_225_967_4), Some(0.5)]);
        assert!(history.last("loss").unwrap().is_nan());
        assert_eq!(history.column("val_loss").unwrap(), [None, Some(f64::NEG_INFINITY)]);
        assert_eq!(history.last("top-3"), Some(0.8));
        assert_eq!(history.column("momentum"), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = |text| History::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                error(""),
                error("epoch,loss\n0,1.0\n1\n2,0.5\n"),
                error("epoch,loss\n0,1.0\n1,low\n"),
                error("epoch,loss\nfirst,1.0\n"),
                error("epoch,loss,loss\n"),
            ]
            .join("\n"),
            @r#"
        it is empty: no header line
        line 3 has 1 values, but the header names 2
        line 3, column loss: "low" is not a number
        line 2, column epoch: "first" is not a number
        the header names the column "loss" twice
        "#
        );
    }

    #[test]
    fn the_best_epoch_is_the_first_of_equals() {
        let text = "epoch,val_accuracy,val_loss\n0,0.5,nan\n1,0.75,0.5\n2,0.75,0.5\n3,NA,0.625\n";
        let history = History::parse(text).unwrap();
        assert_eq!(history.best(Monitor::ValLoss), Some(1));
        assert_eq!(history.best(Monitor::ValAccuracy), Some(1));
        assert_eq!(History::parse("epoch,val_loss\n0,nan\n").unwrap().best(Monitor::ValLoss), None);
        assert_eq!(History::parse("epoch,loss\n0,1\n").unwrap().best(Monitor::ValLoss), None);
    }

    #[test]
    fn a_resumed_file_equals_an_uninterrupted_one() {
        let directory = tempfile::tempdir().unwrap();
        let (whole, cut) = (directory.path().join("whole.csv"), directory.path().join("cut.csv"));
        let rows: Vec<Epoch> = (0..5).map(|i| epoch(i, 1.0 / f64::from(i + 1))).collect();
        RowFile::create(&whole).unwrap().append(&rows).unwrap();
        let expected = std::fs::read_to_string(&whole).unwrap();
        for bytes in 0..=expected.len() {
            std::fs::write(&cut, &expected[..bytes]).unwrap();
            // As many epochs as a checkpoint may know of: those whose rows stand there whole.
            let next = expected[..bytes].matches('\n').count().saturating_sub(1).min(3);
            let resumed = RowFile::<Epoch>::resume(&cut, next as u64);
            let Ok((mut file, kept)) = resumed else {
                assert!(bytes < expected.find('\n').unwrap(), "{bytes}");
                continue;
            };
            assert_eq!(kept.len(), next);
            file.append(&rows[next..]).unwrap();
            assert_eq!(std::fs::read_to_string(&cut).unwrap(), expected, "cut after {bytes} bytes");
        }
    }

    #[test]
    fn steps_have_their_own_columns() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("steps.csv");
        let step = Step {
            step: 7,
            epoch: 1,
            accuracy: 0.5,
            loss: 2.0,
            learning_rate: 0.01,
            gradient_norm: Some(3.5),
        };
        StepsFile::create(&path).unwrap().append(&[step]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "step,epoch,accuracy,loss,learning_rate,gradient_norm\n7,1.0,0.5,2.0,0.01,3.5\n");
        assert!(HistoryFile::resume(&path, 0).unwrap_err().to_string().contains("it has the columns step,"));
    }

    proptest! {
        #[test]
        fn round_trip(
            names in prop::collection::hash_set("[a-z_][a-z_0-9 ]{0,8}[a-z]", 1..5),
            rows in prop::collection::vec(prop::collection::vec(any::<Option<f64>>(), 5), 0..8),
        ) {
            let mut history = History::empty(std::iter::once("epoch".to_owned()).chain(names));
            for (row, values) in rows.iter().enumerate() {
                history.counters.push(row as u64);
                for (column, value) in history.columns.iter_mut().zip(values) {
                    column.values.push(*value);
                }
            }
            prop_assume!(history.names().all(|name| name != "epoch"));
            let read = History::parse(&history.to_csv()).unwrap();
            // Not-a-number differs from itself; as text it does not.
            prop_assert_eq!(read.to_csv(), history.to_csv());
            for (a, b) in read.columns.iter().zip(&history.columns) {
                prop_assert_eq!(&a.name, &b.name);
                for (a, b) in a.values.iter().zip(&b.values) {
                    let both_nan = a.is_some_and(f64::is_nan) && b.is_some_and(f64::is_nan);
                    prop_assert!(both_nan || a.map(f64::to_bits) == b.map(f64::to_bits));
                }
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[a-z0-9,.\n\r\"NA-]{0,80}") {
            let _ = History::parse(&text);
        }
    }
}
