//! Logs in JSON: a dictionary of lists, a list of dictionaries, a dictionary a line, and what nests them.
//!
//! Keras' `History.history` is a dictionary of lists; so is what `print` gives of it. Hugging Face's
//! `trainer_state.json` is a list of dictionaries under `log_history`. mmcv, detectron2 and many a script write
//! a dictionary a line. pandas writes dictionaries of dictionaries by row. OverfitGuard's histories say beside
//! the lists which of them are the training's and the monitored curve; such a statement wins over our guess.

use serde_json::Map;

use super::csv::BadLines;
use super::names::{Side, counts_epochs, counts_steps, is_metric, meaning};
use super::number;
use super::shape::{self, promoted};
use super::table::Table;
use super::value::{self, Value};
use super::{Kind, LoggedRun};
use crate::history::History;

/// What a JSON text is, from its beginning: a log, or something else that is written in JSON.
pub(super) fn looks_like(head: &str) -> Option<Kind> {
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let mut begin = head.chars().filter(|sign| !sign.is_whitespace());
    let opens =
        matches!((begin.next()?, begin.next()), ('{', Some('"' | '\'' | '}')) | ('[', Some('{' | '[' | ']')));
    if !opens {
        return None;
    }
    let has = |name: &str| head.contains(&format!("\"{name}\"")) || head.contains(&format!("'{name}'"));
    if has("nbformat") || (has("cells") && has("cell_type")) {
        return Some(Kind::Script);
    }
    if has("class_name") && has("config") {
        return Some(Kind::KerasModel);
    }
    if has("log_history") || (has("best_model_checkpoint") && has("global_step")) {
        return Some(Kind::HuggingFace);
    }
    let first = value::parse(head).ok()?.value;
    let names_a_metric = names_of(&first, 4).iter().any(|name| is_metric(name));
    if names_a_metric {
        return Some(Kind::HistoryJson);
    }
    let keys = names_of(&first, 1);
    let calls = keys.iter().any(|key| matches!(key.as_str(), "calls" | "trace"));
    Some(if calls { Kind::DataSet } else { Kind::Unknown })
}

/// The keys of a value, of what is within it, and so on; from the first and the last element of a list.
fn names_of(value: &Value, depth: usize) -> Vec<String> {
    let mut names = Vec::new();
    if depth == 0 {
        return names;
    }
    match value {
        Value::Map(entries) => {
            for (name, value) in entries.iter().take(1000) {
                names.push(name.clone());
                names.extend(names_of(value, depth - 1));
            }
        }
        Value::List(values) => {
            for value in values.first().into_iter().chain(values.last()) {
                names.extend(names_of(value, depth));
            }
        }
        _ => {}
    }
    names
}

/// Reads a log in JSON, or in lines of it.
///
/// # Errors
/// Why nothing is read.
pub(super) fn read(text: &str, name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let line_of = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
    let whole = value::parse(text);
    if let Ok(parsed) = &whole
        && text[parsed.end..].trim().is_empty()
    {
        if parsed.torn {
            notes.push(format!(
                "The file ends in the middle of its JSON, in line {}; what came before was read.",
                line_of(text.len())
            ));
        }
        return runs_of(&parsed.value, name, notes, 0);
    }
    let rows = lines(text, notes);
    if rows.is_empty() {
        return Err(match whole {
            Err(mistake) => {
                format!("line {}: it is no JSON, {} was expected", line_of(mistake.at), mistake.expected)
            }
            Ok(_) => "no line of it is a JSON object with numbers".to_owned(),
        });
    }
    of_rows(&rows, name, notes)
}

/// The objects of a text of JSON lines.
fn lines(text: &str, notes: &mut Vec<String>) -> Vec<Value> {
    let mut bad = BadLines::default();
    let (mut rows, mut torn) = (Vec::new(), None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim().trim_end_matches(',');
        if line.is_empty() {
            continue;
        }
        torn = None;
        match value::parse(line) {
            Ok(parsed) if parsed.torn => torn = Some(index + 1),
            Ok(parsed) if parsed.value.map().is_some() => rows.push(parsed.value),
            Ok(_) => bad.add(index + 1, || "no object".to_owned()),
            Err(mistake) => bad.add(index + 1, || format!("no JSON, {} was expected", mistake.expected)),
        }
    }
    if let Some(line) = torn {
        notes.push(format!("The last line, {line}, is cut off and was left out."));
    }
    if !rows.is_empty() {
        bad.note(notes);
    }
    rows
}

/// The runs that a value holds.
fn runs_of(
    value: &Value,
    name: &str,
    notes: &mut Vec<String>,
    depth: usize,
) -> Result<Vec<LoggedRun>, String> {
    match value {
        Value::List(rows) if rows.iter().any(|row| row.map().is_some()) => of_rows(rows, name, notes),
        // TensorBoard's export of one tag: [wall time, step, value] each.
        Value::List(rows) if !rows.is_empty() && rows.iter().all(is_triple) => {
            Ok(of_triples(rows, name, notes))
        }
        Value::Map(entries) => of_map(entries, name, notes, depth),
        _ => Err("its JSON is neither a dictionary nor a list of dictionaries".to_owned()),
    }
}

fn is_triple(value: &Value) -> bool {
    value.list().is_some_and(|triple| triple.len() == 3 && triple.iter().all(|part| part.number().is_some()))
}

fn of_triples(rows: &[Value], name: &str, notes: &mut Vec<String>) -> Vec<LoggedRun> {
    let mut table = Table::new("row");
    let column = if is_metric(name) { name } else { "loss" };
    for row in rows.iter().filter_map(Value::list) {
        if table.row(table.len() as u64).is_err() {
            break;
        }
        if let (Some(step), Some(value)) = (row[1].number(), row[2].number()) {
            table.put("step", step);
            table.put(column, value);
        }
    }
    shape::runs(promoted(table), name, notes)
}

fn of_map(
    entries: &[(String, Value)],
    name: &str,
    notes: &mut Vec<String>,
    depth: usize,
) -> Result<Vec<LoggedRun>, String> {
    if depth > 4 {
        return Err("its dictionaries lie too deep within each other".to_owned());
    }
    let find = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    if let Some(rows) = find("log_history").and_then(Value::list) {
        let mut runs = of_rows(rows, name, notes)?;
        for run in &mut runs {
            run.hyperparameters = scalars(entries);
            run.planned_epochs =
                find("num_train_epochs").and_then(|epochs| number::counter(epochs.number()?));
        }
        return Ok(runs);
    }
    // Keras' History object, and whatever else wraps a history.
    for key in ["history", "logs", "log", "metrics", "results", "training_history", "train_history"] {
        if let Some(inner @ (Value::Map(_) | Value::List(_))) = find(key)
            && names_of(inner, 3).iter().any(|name| is_metric(name))
        {
            let mut runs = runs_of(inner, name, notes, depth + 1)?;
            for run in &mut runs {
                let mut more = scalars(entries);
                if let Some(params) = find("params").and_then(Value::map) {
                    more.extend(scalars(params));
                }
                more.append(&mut run.hyperparameters);
                run.hyperparameters = more;
                if let Some(epochs) = find("epoch").and_then(Value::list) {
                    recount(run, epochs);
                }
            }
            return Ok(runs);
        }
    }
    let flat = flattened(entries);
    if !flat.is_empty() {
        let runs = of_columns(&flat, entries, name, notes)?;
        if !runs.is_empty() {
            return Ok(runs);
        }
    }
    if let Some(rows) = numbered_rows(entries) {
        return of_rows(&rows, name, notes);
    }
    // A dictionary of runs: folds of a cross-validation, models side by side.
    let mut runs = Vec::new();
    for (key, value) in entries {
        if matches!(value, Value::Map(_) | Value::List(_))
            && names_of(value, 3).iter().any(|name| is_metric(name))
        {
            runs.extend(runs_of(value, key, notes, depth + 1).unwrap_or_default());
        }
    }
    if runs.is_empty() && entries.iter().any(|(key, value)| is_metric(key) && value.number().is_some()) {
        notes.push("It holds one value for each metric: the end of a run, or its only epoch.".to_owned());
        return of_rows(&[Value::Map(entries.to_vec())], name, notes);
    }
    if runs.is_empty() {
        Err("no list in it has the name of a loss or an accuracy".to_owned())
    } else {
        Ok(runs)
    }
}

/// Epochs as Keras' History lists them.
fn recount(run: &mut LoggedRun, epochs: &[Value]) {
    let counters: Option<Vec<u64>> = epochs.iter().map(|epoch| number::counter(epoch.number()?)).collect();
    let Some(counters) = counters.filter(|counters| counters.len() == run.history.len()) else { return };
    let columns: Vec<(String, Vec<Option<f64>>)> = run
        .history
        .names()
        .filter_map(|name| Some((name.to_owned(), run.history.column(name)?.to_vec())))
        .collect();
    run.history = History::from_columns("epoch", counters, columns);
}

/// Numbers and words that stand beside the curves.
fn scalars(entries: &[(String, Value)]) -> Map<String, serde_json::Value> {
    let plain = entries
        .iter()
        .filter(|(_, value)| matches!(value, Value::Number(_) | Value::Text(_) | Value::Bool(_)));
    plain.map(|(name, value)| (name.clone(), value.to_json())).collect()
}

/// The columns of a dictionary of lists, or of dictionaries of lists under the name of a side:
/// `{"train": {"loss": [...]}}` is `train_loss`.
fn flattened(entries: &[(String, Value)]) -> Vec<(String, Vec<Option<f64>>)> {
    let mut columns = Vec::new();
    for (name, value) in entries {
        if let Some(values) = numbers(value) {
            columns.push((name.clone(), values));
        } else if let Some(inner) = value.map() {
            let outer = meaning(name);
            if outer.side.is_some() || outer.quantity.is_some() {
                for (part, value) in inner {
                    if let Some(values) = numbers(value) {
                        columns.push((format!("{name}_{part}"), values));
                    }
                }
            }
        }
    }
    columns
}

/// A list of numbers with gaps, or pandas' dictionary from row to number.
fn numbers(value: &Value) -> Option<Vec<Option<f64>>> {
    let number = |value: &Value| match value {
        Value::Null => Some(None),
        Value::List(inner) if inner.len() == 1 => inner[0].number().map(Some),
        value => value.number().map(Some),
    };
    match value {
        Value::List(values) if !values.is_empty() => values.iter().map(number).collect(),
        Value::Map(entries) if !entries.is_empty() => {
            let mut rows = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                rows.push((key.parse::<u64>().ok()?, number(value)?));
            }
            rows.sort_by_key(|(row, _)| *row);
            Some(rows.into_iter().map(|(_, value)| value).collect())
        }
        _ => None,
    }
}

/// `{"0": {"loss": ...}, "1": {...}}` and `{"epoch_1": {...}}`: rows under their epoch.
fn numbered_rows(entries: &[(String, Value)]) -> Option<Vec<Value>> {
    let mut rows = Vec::new();
    for (key, value) in entries {
        let digits = key.trim_start_matches(|sign: char| !sign.is_ascii_digit());
        let word = key[..key.len() - digits.len()].trim_end_matches([' ', '_', '-', ':']);
        let (Ok(epoch), true) =
            (digits.parse::<u32>(), word.is_empty() || counts_epochs(word) || counts_steps(word))
        else {
            continue;
        };
        let mut row = value.map()?.to_vec();
        if row.iter().any(|(_, value)| matches!(value, Value::List(_))) {
            return None;
        }
        if !row.iter().any(|(name, _)| counts_epochs(name)) {
            row.push(("epoch".to_owned(), Value::Number(epoch.into())));
        }
        rows.push(Value::Map(row));
    }
    (!rows.is_empty() && rows.len() * 2 >= entries.len()).then_some(rows)
}

fn of_columns(
    flat: &[(String, Vec<Option<f64>>)],
    entries: &[(String, Value)],
    name: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<LoggedRun>, String> {
    let of_metrics = flat.iter().filter(|(name, _)| is_metric(name)).map(|(_, values)| values.len());
    let Some(rows) = of_metrics.max() else { return Ok(Vec::new()) };
    let mut table = Table::new("row");
    for row in 0..rows {
        table.row(row as u64).map_err(shape::too_long)?;
    }
    for (name, values) in flat {
        let Some(column) = table.column(name) else { continue };
        // Validation every few epochs gives a shorter list; each value stands where its stretch ends.
        let every = if rows % values.len() == 0 && is_metric(name) { rows / values.len() } else { 1 };
        if values.len() > rows || (values.len() < rows && !is_metric(name)) {
            continue;
        }
        if every > 1 {
            notes.push(format!(
                "{name} has {} values for {rows} rows: each was taken to stand at the end of {every} rows.",
                values.len()
            ));
        } else if values.len() < rows {
            notes.push(format!(
                "{name} has {} values for {rows} rows: they were taken to be the first.",
                values.len()
            ));
        }
        for (index, value) in values.iter().enumerate() {
            table.set_at((index + 1) * every - 1, column, *value);
        }
    }
    let mut runs = shape::runs(promoted(table), name, notes);
    for run in &mut runs {
        run.hyperparameters = scalars(entries);
        name_columns(run, entries);
    }
    Ok(runs)
}

/// OverfitGuard's files name the curves: `train_metric`, `monitor_metric`, and `_acc` of each.
fn name_columns(run: &mut LoggedRun, entries: &[(String, Value)]) {
    let named = |key: &str| {
        let name = entries.iter().find(|(name, _)| name == key)?.1.text()?;
        run.history.column(name).is_some().then(|| name.to_owned())
    };
    let (train, monitor) = (named("train_metric"), named("monitor_metric"));
    let (train_acc, monitor_acc) = (named("train_metric_acc"), named("monitor_metric_acc"));
    let columns = &mut run.columns;
    if train.is_some() || monitor.is_some() {
        columns.loss = train.or(columns.loss.take());
        columns.val_loss = monitor.or(columns.val_loss.take());
    }
    if train_acc.is_some() || monitor_acc.is_some() {
        columns.accuracy = train_acc.or(columns.accuracy.take());
        columns.val_accuracy = monitor_acc.or(columns.val_accuracy.take());
    }
    columns.accuracy_unit = shape::accuracy_unit(&run.history, columns);
}

/// The runs of a list of dictionaries, a row each.
pub(super) fn of_rows(rows: &[Value], name: &str, notes: &mut Vec<String>) -> Result<Vec<LoggedRun>, String> {
    let mut table = Table::new("row");
    for row in rows {
        let Some(entries) = row.map() else { continue };
        if !entries.iter().any(|(_, value)| value.number().is_some() || value.map().is_some()) {
            continue;
        }
        table.row(table.len() as u64).map_err(shape::too_long)?;
        // mmcv's {"mode": "val", "loss": ...}.
        let side = entries.iter().find_map(|(key, value)| {
            matches!(key.as_str(), "mode" | "split" | "phase" | "stage" | "part" | "type" | "subset")
                .then_some(())?;
            meaning(value.text()?).side
        });
        lay(&mut table, "", entries, side, 0);
    }
    if table.is_empty() {
        return Err("none of its rows holds a number".to_owned());
    }
    Ok(shape::runs(promoted(table), name, notes))
}

/// The runs of histories that were printed one after the other.
pub(super) fn of_histories(
    histories: &[Value],
    name: &str,
    notes: &mut Vec<String>,
) -> Result<Vec<LoggedRun>, String> {
    let mut runs = Vec::new();
    for (index, history) in histories.iter().enumerate() {
        let name = if histories.len() > 1 { shape::numbered(name, index) } else { name.to_owned() };
        runs.extend(runs_of(history, &name, notes, 0)?);
    }
    Ok(runs)
}

fn lay(table: &mut Table, prefix: &str, entries: &[(String, Value)], side: Option<Side>, depth: usize) {
    for (key, value) in entries {
        let name = format!("{prefix}{key}");
        if let Some(inner) = value.map().filter(|_| depth < 4) {
            lay(table, &format!("{name}/"), inner, side, depth + 1);
        } else if let Some(number) = value.number() {
            let sided = !counts_epochs(&name) && !counts_steps(&name) && meaning(&name).side.is_none();
            match side.filter(|_| sided) {
                Some(Side::Validation) => table.put(&format!("val_{name}"), number),
                Some(Side::Test) => table.put(&format!("test_{name}"), number),
                Some(Side::Train) | None => table.put(&name, number),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn runs(text: &str) -> (Vec<LoggedRun>, Vec<String>) {
        let mut notes = Vec::new();
        let runs = read(text, "", &mut notes).unwrap_or_else(|error| panic!("{error}: {text}"));
        (runs, notes)
    }

    #[track_caller]
    fn reads(text: &str, csv: &str) -> LoggedRun {
        let (mut runs, _) = runs(text);
        assert_eq!(runs.len(), 1, "{text}");
        assert_eq!(runs[0].history.to_csv(), csv, "{text}");
        runs.remove(0)
    }

    #[test]
    fn histories_in_many_nests() {
        let csv = "epoch,loss,val_loss\n0,1.0,2.0\n1,0.5,nan\n";
        reads(r#"{"loss": [1, 0.5], "val_loss": [2, NaN]}"#, csv);
        reads("{'loss': [1.0, np.float32(0.5)], 'val_loss': array([2., nan], dtype=float32)}", csv);
        reads(r#"{"loss": {"0": 1, "1": 0.5}, "val_loss": {"0": 2, "1": NaN}}"#, csv);
        reads(r#"[{"loss": 1, "val_loss": 2}, {"loss": 0.5, "val_loss": NaN}]"#, csv);
        reads("{\"loss\": 1, \"val_loss\": 2}\n\n{\"loss\": 0.5, \"val_loss\": NaN}\n", csv);
        reads(
            r#"{"train": {"loss": [1, 0.5]}, "val": {"loss": [2, 1]}}"#,
            "epoch,train_loss,val_loss\n0,1.0,2.0\n1,0.5,1.0\n",
        );
        reads(r#"{"0": {"loss": 1}, "1": {"loss": 0.5}}"#, "epoch,loss\n0,1.0\n1,0.5\n");
        reads(r#"{"epoch_1": {"loss": 1}, "epoch_2": {"loss": 0.5}}"#, "epoch,loss\n1,1.0\n2,0.5\n");
        let run = reads(
            r#"{"history": {"loss": [1, 0.5]}, "params": {"epochs": 20, "batch_size": 8}, "epoch": [3, 4], "name": "a"}"#,
            "epoch,loss\n3,1.0\n4,0.5\n",
        );
        assert_eq!(
            serde_json::to_string(&run.hyperparameters).unwrap(),
            r#"{"name":"a","epochs":20,"batch_size":8}"#
        );
    }

    #[test]
    fn several_runs_side_by_side() {
        let (runs, _) = runs(r#"{"fold_a": {"loss": [1, 2]}, "fold_b": {"loss": [3]}}"#);
        assert_eq!(
            runs.iter().map(|run| (run.name.as_str(), run.history.len())).collect::<Vec<_>>(),
            [("fold_a", 2), ("fold_b", 1)]
        );
    }

    #[test]
    fn hugging_face() {
        let run = reads(
            r#"{"global_step": 4, "num_train_epochs": 2, "log_history": [
                {"epoch": 0.5, "loss": 1.0, "grad_norm": 2, "learning_rate": 1e-4, "step": 2},
                {"epoch": 1.0, "loss": 0.5, "learning_rate": 5e-5, "step": 4}, {"epoch": 1.0, "eval_loss": 0.75, "step": 4}]}"#,
            "step,loss,grad_norm,learning_rate,eval_loss,epoch\n2,1.0,2.0,0.0001,NA,0.5\n4,0.5,NA,5e-5,0.75,1.0\n",
        );
        assert!(run.by_step);
        assert_eq!(run.planned_epochs, Some(2));
        assert_eq!(run.columns.gradient_norm.as_deref(), Some("grad_norm"));
    }

    #[test]
    fn the_modes_of_mmcv() {
        let run = reads(
            "{\"env_info\": \"x\"}\n{\"mode\": \"train\", \"epoch\": 1, \"iter\": 50, \"loss\": 2.0}\n{\"mode\": \"val\", \"epoch\": 1, \"iter\": 10, \"loss\": 3.0}\n{\"mode\": \"train\", \"epoch\": 2, \"iter\": 50, \"loss\": 1.0}\n",
            "epoch,loss,val_loss\n1,2.0,3.0\n2,1.0,NA\n",
        );
        assert_eq!(run.columns.val_loss.as_deref(), Some("val_loss"));
    }

    #[test]
    fn a_validation_every_other_epoch() {
        let (runs, notes) = runs(r#"{"loss": [4, 3, 2, 1], "val_loss": [5, 6]}"#);
        assert_eq!(runs[0].history.column("val_loss").unwrap(), [None, Some(5.0), None, Some(6.0)]);
        assert!(notes[0].contains("2 values for 4 rows"), "{notes:?}");
    }

    #[test]
    fn curves_that_are_named() {
        let run = reads(
            r#"{"a": [1, 2], "b_loss": [3, 4], "c_loss": [5, 6], "train_metric": "c_loss", "monitor_metric": "b_loss"}"#,
            "epoch,a,b_loss,c_loss\n0,1.0,3.0,5.0\n1,2.0,4.0,6.0\n",
        );
        assert_eq!(
            (run.columns.loss.as_deref(), run.columns.val_loss.as_deref()),
            (Some("c_loss"), Some("b_loss"))
        );
    }

    #[test]
    fn torn_ends_and_bad_lines_are_told() {
        let (runs_read, notes) = runs("{\"loss\": [1.5, 0.5, 0.2");
        assert_eq!(runs_read[0].history.column("loss").unwrap(), [Some(1.5), Some(0.5), None]);
        assert!(notes[0].contains("in the middle"), "{notes:?}");
        let (runs_read, notes) = runs("{\"loss\": 1}\nhello\n{\"loss\": 2}\n{\"loss\": 3");
        assert_eq!(runs_read[0].history.len(), 2);
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("line, 4") && notes[1].contains("line 2"), "{notes:?}");
        let error = read("[1, 2", "", &mut Vec::new()).unwrap_err();
        assert!(error.contains("neither"), "{error}");
        let error = read("{\"loss\" 3}", "", &mut Vec::new()).unwrap_err();
        assert!(error.contains("line 1"), "{error}");
    }

    #[test]
    fn kinds_of_json() {
        assert_eq!(looks_like("{\"loss\": [1, 2]}"), Some(Kind::HistoryJson));
        assert_eq!(looks_like("{'loss': [1, 2]}"), Some(Kind::HistoryJson));
        assert_eq!(looks_like("{\"class_name\": \"Sequential\", \"config\": {}}"), Some(Kind::KerasModel));
        assert_eq!(looks_like("{\"calls\": [1, 2]}\n"), Some(Kind::DataSet));
        assert_eq!(looks_like("{\"log_history\": []"), Some(Kind::HuggingFace));
        assert_eq!(looks_like("{\"cells\": [], \"nbformat\": 4}"), Some(Kind::Script));
        assert_eq!(looks_like("[1,  2000] loss: 2.5"), None);
        assert_eq!(looks_like("[2026-11-23] Epoch 1"), None);
        assert_eq!(looks_like("{\"a\": 3}"), Some(Kind::Unknown));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(\\{\"loss\": \\[1|[\\[\\]{}:,\"'0-9.a-z\n -]|\"loss\"|\"epoch\"|NaN){0,40}") {
            let _ = read(&text, "", &mut Vec::new());
            let _ = looks_like(&text);
        }

        #[test]
        fn lists_read_back(rows in prop::collection::vec((-1e6_f64..1e6, -1e6_f64..1e6), 1..20)) {
            let json = serde_json::json!({
                "loss": rows.iter().map(|row| row.0).collect::<Vec<_>>(),
                "val_loss": rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            });
            for text in [json.to_string(), format!("{json:#}")] {
                let (runs, _) = runs(&text);
                let column = |name: &str| -> Vec<f64> { runs[0].history.column(name).unwrap().iter().flatten().copied().collect() };
                prop_assert_eq!(column("loss"), rows.iter().map(|row| row.0).collect::<Vec<_>>());
                prop_assert_eq!(column("val_loss"), rows.iter().map(|row| row.1).collect::<Vec<_>>());
            }
        }
    }
}
