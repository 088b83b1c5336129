//! From a table of rows to runs: which number counts them, what is one run, epochs or steps.
//!
//! Logs disagree on what a row is. Keras writes one an epoch. Lightning writes one an event, so that an
//! epoch's training and validation stand in two rows with gaps, beside rows of single steps. Others write
//! one every so many steps. A run's history has a row an epoch wherever the log gives the loss by epoch; what
//! is finer then stands in [`LoggedRun::steps`].

use super::names::{AccuracyUnit, Columns, Meaning, Quantity, Side, counts_epochs, counts_steps, meaning};
use super::number;
use super::table::{Full, Table};
use super::{LoggedRun, StepLog};
use crate::history::History;

/// Finds the column that counts the rows of `table`, whose own counter is the row's number.
///
/// A column of epochs stays as the column `epoch` where steps are counted.
pub(super) fn promoted(mut table: Table) -> Table {
    let is = |test: fn(&str) -> bool| {
        let names = (0..table.width()).map(|column| table.name(column).to_owned());
        names.into_iter().find(|name| test(name))
    };
    let (epoch, step) = (is(counts_epochs), is(counts_steps));
    let index = is(|name| name.is_empty() || name == "Unnamed: 0");
    let epochs = epoch.as_deref().and_then(|name| table.take(name));
    let steps = step.as_deref().and_then(|name| table.take(name));
    let _ = index.as_deref().and_then(|name| table.take(name));
    let whole_epochs = epochs.as_deref().and_then(whole);
    let whole_steps = steps.as_deref().and_then(whole);
    if let Some(steps) = whole_steps
        && !starts_anew_with_epochs(&steps, whole_epochs.as_deref())
    {
        table.counter = "step".to_owned();
        table.counters = steps;
        if let Some(epochs) = epochs {
            lay(&mut table, "epoch", epochs);
        }
        return table;
    }
    if let Some(epochs) = &whole_epochs
        && !repeats(&table, epochs)
    {
        table.counter = "epoch".to_owned();
        table.counters = epochs.clone();
        return table;
    }
    // `epoch` that stays 0 is that of a `fit` called in a loop, an epoch each.
    let constant =
        |epochs: &[Option<f64>]| epochs.len() > 2 && epochs.windows(2).all(|pair| pair[0] == pair[1]);
    if let Some(epochs) = epochs.filter(|epochs| steps.is_some() || !constant(epochs)) {
        lay(&mut table, "epoch", epochs);
    }
    if let Some(steps) = steps {
        lay(&mut table, step.as_deref().unwrap_or("step"), steps);
    }
    table
}

fn lay(table: &mut Table, name: &str, values: Vec<Option<f64>>) {
    if let Some(column) = table.column(name) {
        for (row, value) in values.into_iter().enumerate() {
            table.set_at(row, column, value);
        }
    }
}

/// The values as counters; a gap counts as the row before. `None` if they are no counters.
fn whole(values: &[Option<f64>]) -> Option<Vec<u64>> {
    let first = values.iter().flatten().next()?;
    let mut last = number::counter(*first)?;
    let counters = values.iter().map(|value| {
        if let Some(value) = value {
            last = number::counter(*value)?;
        }
        Some(last)
    });
    counters.collect()
}

/// Whether steps count from the beginning of each epoch, and so count nothing over the run.
fn starts_anew_with_epochs(steps: &[u64], epochs: Option<&[u64]>) -> bool {
    let Some(epochs) = epochs else { return false };
    let rows = 1..steps.len();
    let rises = rows.clone().filter(|&row| epochs[row] > epochs[row - 1]).count();
    let falls = rows.clone().filter(|&row| steps[row] < steps[row - 1]);
    // Where both fall, a run begins anew; a lone row out of order is no rule.
    let within = falls.filter(|&row| epochs[row] >= epochs[row - 1]).count();
    rises > 0 && within * 3 >= rises && within > 0
}

/// Whether rows of one epoch give the same column several values: then rows are finer than epochs.
fn repeats(table: &Table, epochs: &[u64]) -> bool {
    let mut conflicts = 0;
    for row in 1..epochs.len() {
        if epochs[row] == epochs[row - 1] {
            let both = |column| table.get(row, column).is_some() && table.get(row - 1, column).is_some();
            conflicts += usize::from((0..table.width()).any(both));
        }
    }
    conflicts * 4 > epochs.len()
}

/// The runs of a table, shaped. A table without any metric gives none.
pub(super) fn runs(table: Table, name: &str, notes: &mut Vec<String>) -> Vec<LoggedRun> {
    if table.dropped_columns() > 0 {
        notes.push(format!("The log has too many columns; only the first {} are kept.", table.width()));
    }
    let tables = table.into_runs(notes);
    let several = tables.len() > 1;
    let runs = tables.into_iter().enumerate().map(|(index, table)| {
        let name = if several { numbered(name, index) } else { name.to_owned() };
        run(table, name)
    });
    runs.filter(LoggedRun::has_metrics).collect()
}

pub(super) fn numbered(name: &str, index: usize) -> String {
    if name.is_empty() { format!("run {}", index + 1) } else { format!("{name}, run {}", index + 1) }
}

fn run(mut table: Table, name: String) -> LoggedRun {
    if let Some((epochs, steps)) = by_epoch(&table) {
        let steps = steps.map(|steps| {
            let (history, columns) = finished(steps);
            StepLog { history, columns }
        });
        let (history, columns) = finished(epochs);
        return LoggedRun { name, history, columns, steps, ..LoggedRun::default() };
    }
    let by_step = counts_single_steps(&table);
    // What counts nothing is taken to be a row an epoch, as Keras' histories are.
    if table.counter == "row" && !by_step {
        "epoch".clone_into(&mut table.counter);
    }
    let (history, columns) = finished(table);
    LoggedRun { name, history, columns, by_step, ..LoggedRun::default() }
}

/// A run's rows gathered by its column `epoch`, and the columns that are finer; `None` if the loss is finer,
/// or there is no such column.
fn by_epoch(table: &Table) -> Option<(Table, Option<Table>)> {
    let column = table.find("epoch")?;
    let epochs: Vec<Option<f64>> = (0..table.len()).map(|row| table.get(row, column)).collect();
    let key = whole(&epochs)?;
    let (mut grouped, finer) = table.grouped("epoch", &key);
    grouped.take("epoch");
    let (by_epoch, all) = (Columns::find(&grouped.census()), Columns::find(&table.census()));
    let enough = by_epoch.loss.is_some()
        || (all.loss.is_none() && (by_epoch.val_loss.is_some() || all.accuracy.is_none()));
    if !enough || grouped.len() < 2 && table.len() > 2 && !finer.is_empty() {
        return None;
    }
    let measured = |row: usize| finer.iter().any(|&other| other != column && table.get(row, other).is_some());
    let steps = (!finer.is_empty()).then(|| {
        let mut steps = Table::new(&table.counter);
        for row in 0..table.len() {
            if measured(row) {
                steps.counters.push(table.counters[row]);
                for &column in &finer {
                    if let (Some(into), value) = (steps.column(table.name(column)), table.get(row, column)) {
                        steps.set(into, value);
                    }
                }
            }
        }
        steps
    });
    Some((grouped, steps.filter(|steps| !steps.is_empty())))
}

/// Whether rows are steps rather than epochs.
///
/// Steps that grow by more than one are. Those that grow by one are epochs where each has a validation, or
/// where there is none and they are no more than epochs would be: PyTorch's writers count whatever they are
/// told to.
fn counts_single_steps(table: &Table) -> bool {
    if table.find("epoch").is_some() {
        return true;
    }
    if table.counter != "step" {
        return false;
    }
    let by_one = table.counters.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let of = |side: fn(&Meaning) -> bool| {
        let counts = table.census().into_iter().filter(|(name, _)| {
            let meaning = meaning(name);
            meaning.quantity == Some(Quantity::Loss) && side(&meaning)
        });
        counts.map(|(_, count)| count).max().unwrap_or(0)
    };
    let validated = of(|meaning| matches!(meaning.side, Some(Side::Validation | Side::Test)));
    let trained = of(|meaning| matches!(meaning.side, None | Some(Side::Train)));
    !by_one || !(validated * 2 > trained || (validated == 0 && table.len() <= 500))
}

/// A table as a history, its columns found.
pub(super) fn finished(table: Table) -> (History, Columns) {
    let mut columns = Columns::find(&table.census());
    let history = table.into_history();
    columns.accuracy_unit = accuracy_unit(&history, &columns);
    (history, columns)
}

/// Percentages are told from shares by their size: no share is above 1.
pub(super) fn accuracy_unit(history: &History, columns: &Columns) -> AccuracyUnit {
    let values = [&columns.accuracy, &columns.val_accuracy].into_iter().flatten();
    let values = values.filter_map(|name| history.column(name)).flatten().flatten().copied();
    let mut largest: f64 = 0.0;
    for value in values.filter(|value| value.is_finite()) {
        if !(0.0..=100.000_1).contains(&value) {
            return AccuracyUnit::Share;
        }
        largest = largest.max(value);
    }
    if largest > 1.5 { AccuracyUnit::Percent } else { AccuracyUnit::Share }
}

/// Why a table could not be filled.
pub(super) fn too_long(_: Full) -> String {
    "it has more rows than fit in memory; keep every tenth of them".to_owned()
}
