//! What a path holds, from the first and last bytes of its files.
//!
//! Magic bytes tell event files, run records, archives and models. A text is a script if it reads as one, a
//! table if its header names metrics, JSON by its first brackets, console output if the console's reader finds
//! metrics in it. A folder is what its files are: the first log among them, best kinds first.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::{Kind, console, csv, events, json, mlflow, wandb};
use crate::tensorboard;

/// How much is looked at, at either end, in bytes.
const HEAD: usize = 64 << 10;
const TAIL: usize = 16 << 10;
/// How many files of a folder are looked at.
const MOST_FILES: usize = 64;

/// What was found, and where: the file within a folder that makes it what it is.
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
    /// Of the unknown: what was missed.
    pub(super) reason: String,
}

/// What the file or directory at `path` holds. At most some tens of KiB of a file are read.
///
/// # Errors
/// If it cannot be read.
pub fn look(path: &Path) -> io::Result<Kind> {
    find(path).map(|found| found.kind)
}

/// What these bytes, a file's first ones or all of it, are.
pub fn look_at(bytes: &[u8]) -> Kind {
    let head = &bytes[..bytes.len().min(HEAD)];
    // Of a short file the head is all there is.
    let tail = bytes.get(bytes.len().max(HEAD + TAIL) - TAIL..).unwrap_or_default();
    kind(head, tail)
}

pub(super) fn find(path: &Path) -> io::Result<Found> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return folder(path);
    }
    let (head, tail) = ends(path)?;
    let kind = kind(&head, &tail);
    let reason = if kind == Kind::Unknown { reason(&head) } else { String::new() };
    Ok(Found { kind, path: path.to_owned(), reason })
}

/// A file's first and last bytes, which do not overlap.
fn ends(path: &Path) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut file = File::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let length = file.metadata()?.len();
    let mut tail = Vec::new();
    if length > HEAD as u64 {
        file.seek(SeekFrom::Start((length - TAIL as u64).max(HEAD as u64)))?;
        file.take(TAIL as u64).read_to_end(&mut tail)?;
    }
    Ok((head, tail))
}

/// Why bytes are unknown.
pub(super) fn reason(head: &[u8]) -> String {
    if head.is_empty() {
        "it is empty".to_owned()
    } else if head.contains(&0) && !head.starts_with(&[0xff, 0xfe]) && !head.starts_with(&[0xfe, 0xff]) {
        "it is binary and no event file".to_owned()
    } else {
        "no line in it names a loss or an accuracy".to_owned()
    }
}

fn kind(head: &[u8], tail: &[u8]) -> Kind {
    if tensorboard::looks_like(head) {
        return Kind::TensorBoard;
    }
    if head.starts_with(wandb::MAGIC) {
        return Kind::WandB;
    }
    if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Kind::KerasModel;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let names = |name: &[u8]| {
            [head, tail].iter().any(|part| part.windows(name.len()).any(|window| window == name))
        };
        let keras = names(b"config.json") && (names(b"metadata.json") || names(b"model.weights.h5"));
        // A PyTorch checkpoint is a zip archive, too.
        let torch = names(b"data.pkl");
        return if keras {
            Kind::KerasModel
        } else if torch {
            Kind::Unknown
        } else {
            Kind::DataSet
        };
    }
    if is_data_set(head) && (head.starts_with(b"PAR1") || head.starts_with(&[0x1f, 0x8b])) {
        return Kind::DataSet;
    }
    let wide = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    if head.contains(&0) && !wide {
        // Logs of killed machines may end in zeroes; archives and traces in other formats are told by reading.
        let zeroes = head.iter().filter(|byte| **byte == 0).count();
        if zeroes * 10 > head.len() || tar_like(head) {
            return if tar_like(head) { Kind::DataSet } else { Kind::Unknown };
        }
    }
    let mut notes = Vec::new();
    let text = super::decoded(head, &mut notes);
    let tail = if wide { "".into() } else { String::from_utf8_lossy(tail) };
    text_kind(&text, &tail, head)
}

fn tar_like(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

fn text_kind(text: &str, tail: &str, head: &[u8]) -> Kind {
    if text.trim().is_empty() {
        return Kind::Unknown;
    }
    if let Some(kind) = json::looks_like(text) {
        if kind != Kind::Unknown {
            return kind;
        }
        return if is_data_set(head) { Kind::DataSet } else { Kind::Unknown };
    }
    if let Some(kind) = csv::looks_like(text) {
        return kind;
    }
    let code = Code::of(text);
    let metrics = console::metric_lines(text, 3).max(console::metric_lines(tail, 3));
    if metrics >= 3 && code.lines < 5 {
        return Kind::Console;
    }
    if code.is_python() && code.lines >= 2 {
        // A log may end in a traceback, and begin with the code that was run; a script prints nothing.
        let epochs = console::metric_lines(text, 50);
        return if epochs > code.lines { Kind::Console } else { Kind::Script };
    }
    if metrics >= 1 {
        return Kind::Console;
    }
    if code.is_python() {
        return Kind::Script;
    }
    if is_data_set(head) { Kind::DataSet } else { Kind::Unknown }
}

/// What of a text is Python.
struct Code {
    /// Lines that look like code.
    lines: usize,
    /// Those of them that only Python has.
    telling: usize,
    /// Whether it is prose with code in it.
    fenced: bool,
}

impl Code {
    fn of(text: &str) -> Self {
        let mut code = Self { lines: 0, telling: 0, fenced: false };
        for line in text.lines().take(2000) {
            let line = line.trim();
            let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| line.starts_with(prefix));
            let words = line.split_whitespace().count();
            let imports = (line.starts_with("import ")
                && (words == 2 || line.contains(" as ") || line.contains(", ")))
                || (line.starts_with("from ") && line.contains(" import "));
            let imports = imports && !line.contains([';', '{', ':']) && words <= 20;
            let defines = begins(&["def ", "class ", "async def "]) && line.ends_with(':')
                || line.starts_with("if __name__")
                || begins(&["#!/usr/bin/env python", "#!/usr/bin/python"]);
            let model =
                begins(&["model.add(", "model.compile(", "model.fit(", "model = ", "nn.", "keras.", "tf."]);
            let block = begins(&["for ", "while ", "with ", "elif ", "else:", "try:", "except"])
                && line.ends_with(':');
            let calls = line.contains(" = ")
                && line.ends_with([')', ']'])
                && line.contains('(')
                && !line.contains(": ");
            code.telling += usize::from(imports || defines || model);
            code.lines += usize::from(imports || defines || model || block || calls);
            code.fenced |= line.starts_with("```");
        }
        code
    }

    fn is_python(&self) -> bool {
        self.telling > 0 && !self.fenced
    }
}

/// Whether traces are in it: what the readers of data sets make of the beginning.
fn is_data_set(head: &[u8]) -> bool {
    if head.starts_with(b"PAR1") || head.starts_with(&[0x1f, 0x8b]) {
        return true;
    }
    let whole = head.len() < HEAD;
    let end = if whole {
        head.len()
    } else {
        head.iter().rposition(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1)
    };
    let options = traceward_trace::ReadOptions::default();
    traceward_trace::read::bytes("head", &head[..end], &options)
        .is_ok_and(|data| !data.traces.is_empty() && data.report.skipped_count * 2 < data.traces.len() as u64)
}

/// What a folder is.
fn folder(path: &Path) -> io::Result<Found> {
    let found = |kind, path: PathBuf| Ok(Found { kind, path, reason: String::new() });
    if crate::run_dir::RunDir::open(path).is_ok() {
        return found(Kind::RunDirectory, path.to_owned());
    }
    if !wandb::files(path).is_empty() || path.join("files/wandb-summary.json").is_file() {
        return found(Kind::WandB, path.to_owned());
    }
    if mlflow::runs(path).iter().any(|run| mlflow::is_run(run)) {
        return found(Kind::MLflow, path.to_owned());
    }
    let mut best = None;
    best_log(path, 0, &mut best, &mut 0)?;
    if let Some((_, kind, file)) = best
        && kind != Kind::TensorBoard
    {
        return found(kind, file);
    }
    if !events::folders(path).is_empty() {
        return found(Kind::TensorBoard, path.to_owned());
    }
    if data_folder(path) {
        return found(Kind::DataSet, path.to_owned());
    }
    Ok(Found {
        kind: Kind::Unknown,
        path: path.to_owned(),
        reason: "no file in the folder is a log".to_owned(),
    })
}

/// Looks for the best log in a folder, then in those below it: kinds that say most first, the last of folders
/// that are numbered (`checkpoint-500`, `version_3`), whose state holds what came before.
fn best_log(
    folder: &Path,
    depth: usize,
    best: &mut Option<(usize, Kind, PathBuf)>,
    looked: &mut usize,
) -> io::Result<()> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                folders.push((number_in(&entry.file_name().to_string_lossy()), entry.path()));
            }
            Ok(_) => files.push(entry.path()),
            _ => {}
        }
    }
    files.sort();
    for file in files {
        *looked += 1;
        if *looked > MOST_FILES {
            return Ok(());
        }
        let Ok((head, tail)) = ends(&file) else { continue };
        let kind = kind(&head, &tail);
        let rank = match kind {
            Kind::LightningCsv | Kind::KerasCsv => 0,
            Kind::HuggingFace => 1,
            Kind::TensorBoard => 2,
            Kind::HistoryJson => 3,
            Kind::Console => 4,
            _ => continue,
        };
        let rank = rank + 10 * depth;
        if best.as_ref().is_none_or(|(before, _, _)| rank < *before) {
            *best = Some((rank, kind, file));
        }
    }
    folders.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    if best.is_none() && depth < 3 {
        for (_, inner) in folders {
            // A folder that cannot be listed holds nothing for us.
            let _ = best_log(&inner, depth + 1, best, looked);
            if best.is_some() {
                break;
            }
        }
    }
    Ok(())
}

/// The number at the end of a name.
fn number_in(name: &str) -> Option<u64> {
    let digits = name.trim_start_matches(|sign: char| !sign.is_ascii_digit());
    digits.parse().ok()
}

/// Whether the first files below a folder are traces.
fn data_folder(path: &Path) -> bool {
    let (mut pending, mut looked, mut traces) = (vec![(path.to_owned(), 0)], 0, 0);
    while let Some((folder, depth)) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut entries: Vec<_> = entries.flatten().take(64).collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < 3 => pending.push((entry.path(), depth + 1)),
                Ok(kind) if kind.is_file() && looked < 4 => {
                    looked += 1;
                    let kind = ends(&entry.path()).map(|(head, tail)| self::kind(&head, &tail));
                    traces += usize::from(kind.is_ok_and(|kind| kind == Kind::DataSet));
                }
                _ => {}
            }
        }
        if looked >= 4 {
            break;
        }
    }
    traces * 2 > looked
}
