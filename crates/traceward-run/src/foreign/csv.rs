//! Logs in CSV: Keras' CSVLogger, Lightning's metrics.csv, YOLO's results.csv, our own steps.csv.
//!
//! Separator, order of columns and the column that counts are found, not known. What writers do in practice
//! is read: lines ended twice on Windows, blank lines between, no counter at all, lists in quotes, a header
//! repeated where files were put together. A cell that is empty or `NA` is a gap, `nan` is a value.

use super::names::{counts_epochs, counts_steps, is_metric};
use super::number;
use super::shape::{self, promoted};
use super::table::Table;
use super::{Kind, LoggedRun, clock, counted};

/// The separator of a header line and its names; `None` if it is no header of a log.
pub(super) fn header(line: &str) -> Option<(char, Vec<String>)> {
    let line = line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    let separator = [',', ';', '\t', '|'].into_iter().max_by_key(|&sign| line.matches(sign).count())?;
    let names: Vec<String> = cells(line, separator).iter().map(|cell| cell.trim().to_owned()).collect();
    let plausible = names.len() >= 2
        && names.iter().all(|name| {
            number::parse(name).is_none() && name.len() <= 100 && !name.contains(['{', '=', '\x1b'])
        })
        && names.iter().any(|name| is_metric(name))
        && names.iter().any(|name| !name.contains(' ') || counts_epochs(name) || counts_steps(name));
    plausible.then_some((separator, names))
}

/// Whether a text begins as a log in CSV: a header, then a row of as many values. Also whether it is Lightning's.
pub(super) fn looks_like(text: &str) -> Option<Kind> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let (separator, names) = header(lines.next()?)?;
    let numbers = |line: &str| {
        let cells = cells(line, separator);
        let values = cells
            .iter()
            .filter(|cell| number::parse(cell).is_some() || cell.trim_start().starts_with('['))
            .count();
        cells.len() == names.len()
            && values > 0
            && cells.iter().all(|cell| number::parse(cell).is_some() || !is_prose(cell))
    };
    // Nothing but a header: a run that was stopped before its first row.
    if !lines.next().is_none_or(numbers) {
        return None;
    }
    let has = |test: fn(&str) -> bool| names.iter().any(|name| test(name));
    let steps_first = names.first().is_some_and(|name| name == "step");
    let gaps = text
        .lines()
        .skip(1)
        .take(50)
        .any(|line| cells(line, separator).iter().any(|cell| cell.trim().is_empty()));
    let lightning = has(|name| name == "epoch") && has(|name| name == "step") && (!steps_first || gaps);
    Some(if lightning { Kind::LightningCsv } else { Kind::KerasCsv })
}

fn is_prose(cell: &str) -> bool {
    cell.split_whitespace().count() > 3 && !cell.trim_start().starts_with('[')
}

/// Cuts a line at the separator, but not within quotes or brackets in quotes.
fn cells(line: &str, separator: char) -> Vec<&str> {
    if !line.contains('"') {
        return line.split(separator).map(str::trim).collect();
    }
    let (mut cells, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, sign) in line.char_indices() {
        if sign == '"' {
            quoted = !quoted;
        } else if sign == separator && !quoted {
            cells.push(unquoted(&line[start..at]));
            start = at + sign.len_utf8();
        }
    }
    cells.push(unquoted(&line[start..]));
    cells
}

fn unquoted(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell).trim()
}

/// The lines of a file with the number of each, a line that ends within quotes joined with those that follow.
struct Records<'a> {
    text: &'a str,
    line: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.text.is_empty() {
            return None;
        }
        let first = self.line + 1;
        let mut end = self.text.find('\n').unwrap_or(self.text.len());
        let mut lines = 1;
        if self.text[..end].contains('"') {
            let closed = |end: usize| self.text[..end].matches('"').count().is_multiple_of(2);
            let mut reach = end;
            // A quote that is never closed is a mistake of one line, not of the rest of the file.
            for further in 0..64 {
                if closed(reach) {
                    (end, lines) = (reach, 1 + further);
                    break;
                }
                let Some(rest) = self.text.get(reach + 1..).filter(|rest| !rest.is_empty()) else { break };
                reach += 1 + rest.find('\n').unwrap_or(rest.len());
            }
        }
        let record = &self.text[..end];
        self.text = self.text.get(end + 1..).unwrap_or_default();
        self.line += lines;
        Some((first, record.trim_end_matches('\r')))
    }
}

/// What bad lines come to: how many, and the first few.
#[derive(Default)]
pub(super) struct BadLines {
    count: usize,
    first: Vec<String>,
}

impl BadLines {
    pub(super) fn add(&mut self, line: usize, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < 3 {
            self.first.push(format!("line {line}: {}", what()));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn note(self, notes: &mut Vec<String>) {
        if self.count > 0 {
            let more = if self.count > self.first.len() { "; and so on" } else { "" };
            let lines = counted(self.count, "line");
            notes.push(format!("{lines} skipped: {}{more}.", self.first.join("; ")));
        }
    }
}

/// Reads a log in CSV.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read(text: &str, name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let torn_end = !text.ends_with('\n');
    let text = text.trim_start_matches('\u{feff}');
    let mut records = Records { text, line: 0 }.filter(|(_, line)| !line.trim().is_empty());
    let (line, first) = records.next().ok_or("it is empty")?;
    let (mut separator, names) =
        header(first).ok_or_else(|| format!("line {line} is no header with names of metrics in it"))?;
    let mut section = Section::new(names);
    let mut sections = Vec::new();
    let mut bad = BadLines::default();
    let mut records = records.peekable();
    while let Some((line, text)) = records.next() {
        let cells = cells(text, separator);
        if cells.iter().filter(|cell| number::parse(cell).is_some()).count() == 0
            && let Some((found, names)) = header(text)
        {
            sections.push(std::mem::replace(&mut section, Section::new(names)));
            separator = found;
            continue;
        }
        if cells.len() != section.names.len() {
            if records.peek().is_none() && torn_end && cells.len() < section.names.len() {
                notes.push(format!("The last line, {line}, is cut off and was left out."));
            } else {
                bad.add(line, || format!("{} values under {} names", cells.len(), section.names.len()));
            }
            continue;
        }
        section.row(line, &cells, separator, &mut bad).map_err(shape::too_long)?;
    }
    sections.push(section);
    let read_rows: usize = sections.iter().map(|section| section.table.len()).sum();
    if read_rows == 0 && bad.count() > 0 {
        return Err(format!("none of its {} rows fits its header: {}", bad.count(), bad.first.join("; ")));
    }
    bad.note(notes);
    let several = sections.len() > 1;
    let mut runs = Vec::new();
    for (index, section) in sections.into_iter().enumerate() {
        let name = if several { shape::numbered(name, index) } else { name.to_owned() };
        section.note(notes);
        runs.extend(shape::runs(promoted(section.table), &name, notes));
    }
    Ok(runs)
}

/// The rows under one header.
struct Section {
    names: Vec<String>,
    columns: Vec<Option<usize>>,
    table: Table,
    /// Per column, cells that are text, and the first of them.
    odd: Vec<(usize, String)>,
}

impl Section {
    fn new(names: Vec<String>) -> Self {
        let mut table = Table::new("row");
        let mut seen = std::collections::HashSet::new();
        let columns = names.iter().map(|name| if seen.insert(name) { table.column(name) } else { None });
        let columns = columns.collect();
        let odd = vec![(0, String::new()); names.len()];
        Self { names, columns, table, odd }
    }

    fn row(
        &mut self,
        line: usize,
        cells: &[&str],
        separator: char,
        bad: &mut BadLines,
    ) -> Result<(), super::table::Full> {
        let number_of = |cell: &str| {
            number::parse(cell).or_else(|| clock(cell)).or_else(|| {
                // `0,5` where the separator is not a comma.
                (separator != ',' && cell.contains(','))
                    .then(|| number::parse(&cell.replacen(',', ".", 1)))
                    .flatten()
            })
        };
        let mut values = Vec::with_capacity(cells.len());
        let mut any = false;
        for cell in cells {
            let value = if number::is_gap(cell) { Ok(None) } else { number_of(cell).map(Some).ok_or(()) };
            any |= matches!(value, Ok(Some(_)));
            values.push(value);
        }
        if !any {
            bad.add(line, || "no number in it".to_owned());
            return Ok(());
        }
        self.table.row(self.table.len() as u64)?;
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Ok(None) => {}
                Ok(value) => {
                    if let Some(column) = self.columns[index] {
                        self.table.set(column, value);
                    }
                }
                Err(()) => {
                    let (count, first) = &mut self.odd[index];
                    *count += 1;
                    if *count == 1 {
                        *first = format!("line {line}: {:?}", shortened(cells[index]));
                    }
                }
            }
        }
        Ok(())
    }

    fn note(&self, notes: &mut Vec<String>) {
        for ((count, first), name) in self.odd.iter().zip(&self.names) {
            // A column of words only is no metric; one of lists only holds no scalar.
            let numbers = self.table.find(name).is_some_and(|column| self.table.count(column) > 0);
            if *count > 0 && numbers {
                let values = counted(*count, "value");
                notes.push(format!("{values} no number and left as a gap in the column {name}: {first}."));
            }
        }
    }
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(30).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_with_notes(text: &str) -> (Vec<LoggedRun>, Vec<String>) {
        let mut notes = Vec::new();
        let runs = read(text, "", &mut notes).unwrap_or_else(|error| panic!("{error}: {text}"));
        (runs, notes)
    }

    #[track_caller]
    fn reads(text: &str, csv: &str) -> Vec<String> {
        let (runs, notes) = read_with_notes(text);
        let all: String = runs.iter().map(|run| run.history.to_csv()).collect();
        assert_eq!(all, csv, "{text}");
        notes
    }

    #[test]
    fn a_log_of_keras() {
        let notes = reads(
            "epoch,acc,loss,lr,val_acc,val_loss\n0,0.5,1.5,0.001,NA,NA\n1,0.75,nan,0.001,0.5,inf\n",
            "epoch,acc,loss,lr,val_acc,val_loss\n0,0.5,1.5,0.001,NA,NA\n1,0.75,nan,0.001,0.5,inf\n",
        );
        assert!(notes.is_empty());
    }

    #[test]
    fn other_separators_lines_and_counters() {
        reads(
            "loss;val_loss\r\r\n0,5;0,75\r\r\n\r\r\n0,25;1\r\r\n",
            "epoch,loss,val_loss\n0,0.5,0.75\n1,0.25,1.0\n",
        );
        reads("\u{feff}val_loss\tloss\n1\t2\n", "epoch,val_loss,loss\n0,1.0,2.0\n");
        reads(",loss,time\n0,0.5,00:15\n1,0.25,01:00\n", "epoch,loss,time\n0,0.5,15.0\n1,0.25,60.0\n");
        reads(
            "  epoch,  train/box_loss,   val/box_loss\n      1,      0.5,    0.25\n",
            "epoch,train/box_loss,val/box_loss\n1,0.5,0.25\n",
        );
        reads("epoch,loss\n0.0,1\n1.0,2\n", "epoch,loss\n0,1.0\n1,2.0\n");
    }

    #[test]
    fn bad_lines_are_counted_and_named() {
        let notes = reads(
            "epoch,loss,note\n0,1.5,a b\n1,2\n2,abc,x\n3,0.5,\"[1, 2]\"\nxx\n4,0.25\n",
            "epoch,loss\n0,1.5\n2,NA\n3,0.5\n",
        );
        assert_eq!(
            notes,
            [
                "3 lines were skipped: line 3: 2 values under 3 names; line 6: 1 values under 3 names; line 7: 2 values under 3 names.",
                "1 value was no number and left as a gap in the column loss: line 4: \"abc\".",
            ]
        );
        let notes = reads("epoch,loss,val_loss\n0,1,2\n1,0.5", "epoch,loss,val_loss\n0,1.0,2.0\n");
        assert_eq!(notes, ["The last line, 3, is cut off and was left out."]);
        let error = read("epoch,loss\n1;2\n3;4\n", "", &mut Vec::new()).unwrap_err();
        assert!(error.contains("line 2: 1 values under 2 names"), "{error}");
    }

    #[test]
    fn files_put_together_are_several_runs() {
        let restarted = "epoch,loss\n0,3\n1,2\n0,5\n1,4\n2,3\n";
        reads(restarted, "epoch,loss\n0,3.0\n1,2.0\nepoch,loss\n0,5.0\n1,4.0\n2,3.0\n");
        let two_headers = "epoch,loss\n0,3\n1,2\nepoch,loss,val_loss\n0,5,6\n";
        reads(two_headers, "epoch,loss\n0,3.0\n1,2.0\nepoch,loss,val_loss\n0,5.0,6.0\n");
    }

    #[test]
    fn a_run_resumed_within_repeats_what_it_had() {
        let notes = reads(
            "epoch,loss\n0,9\n1,8\n2,7\n3,6\n2,5\n3,4\n4,3\n",
            "epoch,loss\n0,9.0\n1,8.0\n2,5.0\n3,4.0\n4,3.0\n",
        );
        assert!(notes[0].contains("From epoch 2 on"), "{notes:?}");
        let notes = reads("epoch,loss\n0,9\n2,7\n1,8\n3,6\n", "epoch,loss\n0,9.0\n1,8.0\n2,7.0\n3,6.0\n");
        assert!(notes[0].contains("put in order"), "{notes:?}");
    }

    #[test]
    fn lightning_writes_a_row_an_event() {
        let text = "epoch,step,train_loss_epoch,train_loss_step,val_loss\n0,9,,0.75,\n0,19,,0.5,\n0,19,,,1.5\n0,19,0.625,,\n1,29,,0.25,\n1,39,,,nan\n1,39,0.5,,\n";
        let (runs, notes) = read_with_notes(text);
        assert!(notes.is_empty());
        assert_eq!(runs[0].history.to_csv(), "epoch,train_loss_epoch,val_loss\n0,0.625,1.5\n1,0.5,nan\n");
        let steps = runs[0].steps.as_ref().unwrap();
        assert_eq!(
            steps.history.to_csv(),
            "step,train_loss_step,epoch\n9,0.75,0.0\n19,0.5,0.0\n29,0.25,1.0\n"
        );
        assert_eq!(looks_like(text), Some(Kind::LightningCsv));
    }

    #[test]
    fn a_loss_by_step_only_stays_by_step() {
        let (runs, _) =
            read_with_notes("step,epoch,accuracy,loss\n0,0,0.5,3\n1,0,0.5,2\n2,1,0.5,1\n3,1,0.5,0.5\n");
        assert!(runs[0].by_step);
        assert_eq!(runs[0].history.counters(), [0, 1, 2, 3]);
        // mmcv's steps begin anew with each epoch.
        let (runs, _) = read_with_notes("epoch,iter,loss\n1,50,3\n1,100,2\n2,50,1\n2,100,0.5\n");
        assert_eq!((runs.len(), runs[0].history.len(), runs[0].by_step), (1, 4, true));
    }

    #[test]
    fn a_counter_that_counts_nothing_is_replaced_by_the_rows() {
        reads("epoch,loss\n0,3\n0,2\n0,1\n", "epoch,loss\n0,3.0\n1,2.0\n2,1.0\n");
        let alternating: String = (0..5000).map(|row| format!("{},0.5\n", row % 2)).collect();
        let (runs, notes) = read_with_notes(&format!("epoch,loss\n{alternating}"));
        assert_eq!((runs.len(), runs[0].history.len()), (1, 5000));
        assert!(notes[0].contains("begins anew"), "{notes:?}");
        let shuffled: String = (0..5000_u64).map(|row| format!("{},0.5\n", 1 + row * 2017 % 5003)).collect();
        let (runs, notes) = read_with_notes(&format!("step,loss\n0,1\n{shuffled}"));
        assert_eq!((runs.len(), runs[0].history.len()), (1, 5001));
        assert!(notes[0].contains("put in order"), "{notes:?}");
    }

    #[test]
    fn what_is_no_log() {
        for text in [
            "label,trace\nx,3 4 5\n",
            "name,age\nbob,3\n",
            "loss is high, accuracy low\n",
            "1,2\n3,4\n",
            "",
            "loss\n",
        ] {
            assert_eq!(looks_like(text), None, "{text}");
        }
    }

    #[test]
    fn percentages_are_told_from_shares() {
        let whole = |text: &str| read_with_notes(text).0[0].columns.accuracy_unit.whole();
        assert_eq!(whole("epoch,loss,acc,val_acc\n0,1,10,55.5\n"), 100.0);
        assert_eq!(whole("epoch,loss,acc,val_acc\n0,1,0.5,1.0\n"), 1.0);
        assert_eq!(whole("epoch,loss,acc\n0,1,-3\n"), 1.0);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(epoch,loss\n)?([a-z,;\t\"\n\r0-9.é \\[\\]-]|loss|epoch|nan|step){0,40}") {
            let _ = read(&text, "", &mut Vec::new());
            let _ = looks_like(&text);
        }

        #[test]
        fn a_history_reads_back(rows in prop::collection::vec((any::<f64>(), prop::option::of(any::<f64>())), 1..30)) {
            let columns = [
                ("loss".to_owned(), rows.iter().map(|row| Some(row.0)).collect()),
                ("val_loss".to_owned(), rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            ];
            let counters = (0..rows.len() as u64).collect();
            let history = crate::History::from_columns("epoch", counters, columns);
            let (runs, notes) = read_with_notes(&history.to_csv());
            prop_assert!(notes.is_empty());
            let lines = |text: String| -> Vec<String> { text.lines().skip(1).map(str::to_owned).collect() };
            let had_validation = rows.iter().any(|row| row.1.is_some());
            if had_validation {
                prop_assert_eq!(lines(runs[0].history.to_csv()), lines(history.to_csv()));
            } else {
                prop_assert_eq!(runs[0].history.len(), rows.len());
            }
        }
    }
}
