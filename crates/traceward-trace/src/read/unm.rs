//! The University of New Mexico's traces: `PID NUMBER` a line, the processes of a recording interleaved.
//!
//! Each process of each file becomes a trace, the file its group. Folders tell the class: one with
//! `normal` in its name, one with `intrusion` (or `attack`, `exploit`). Programs of that time ran on
//! systems with tables of their own, so recordings come with a mapping file (`0 exit`, `1 fork`, …);
//! the nearest one in the same folder or above is used, recognised by what is in it. Without one, the
//! numbers are a kernel's, and which is guessed as for any other format: UNM's later sets are Linux.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::sync::Arc;

use super::Format;
use super::calls::{Mapping, parse_name, parse_number};
use super::collect::{Collector, Labels, Refusal};
use super::lines::{Line, Lines, without_mark};
use super::tree::Tree;
use crate::{Error, Source};

/// The longest mapping file, in bytes.
pub(super) const LONGEST_MAPPING: usize = 1 << 20;

/// Words in the name of a folder that tell its class.
const CLASS_WORDS: [(&str, &str); 4] =
    [("normal", "normal"), ("intrusion", "intrusion"), ("attack", "intrusion"), ("exploit", "intrusion")];

/// Whether a text is lines of `PID NUMBER` or `PID NAME`. One line alone could be a trace of two calls.
pub(super) fn looks_like(head: &[u8], all: bool) -> bool {
    let mut lines: Vec<&[u8]> = without_mark(head).split(|&b| b == b'\n').collect();
    if !all {
        lines.pop();
    }
    let (mut pairs, mut others) = (0, 0);
    for line in lines {
        match pair(line) {
            Some(_) => pairs += 1,
            None if line.iter().all(u8::is_ascii_whitespace) => {}
            None => others += 1,
        }
    }
    pairs >= 2 && others * 4 <= pairs
}

/// The two words of a line: a process, and a number or name.
fn pair(line: &[u8]) -> Option<(u32, &[u8])> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    let (first, second) = (words.next()?, words.next()?);
    if words.next().is_some() || (parse_number(second).is_none() && parse_name(second).is_none()) {
        return None;
    }
    Some((parse_number(first)?, second))
}

/// Reads a mapping: `NUMBER NAME` a line; or a name a line, counted from 0.
///
/// # Errors
/// Says which line is neither.
pub(super) fn mapping(text: &[u8]) -> Result<Mapping, String> {
    let mut mapping = Mapping::new();
    for (number, line) in without_mark(text).split(|&b| b == b'\n').enumerate() {
        let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect();
        let found = match words.as_slice() {
            [] => continue,
            [name] => u32::try_from(number).ok().zip(parse_name(name)),
            [number, name] => parse_number(number).zip(parse_name(name)),
            _ => None,
        };
        let Some((call, name)) = found else {
            return Err(format!("line {} is neither `NUMBER NAME` nor a name", number + 1));
        };
        if mapping.insert(call, name.into()).is_some() {
            return Err(format!("line {} names the number {call} a second time", number + 1));
        }
    }
    if mapping.is_empty() { Err("it is empty".into()) } else { Ok(mapping) }
}

/// Whether a whole text is a mapping, and not the trace of a process in names: its numbers rise from 0 by
/// one. Names may come twice; SunOS's do.
pub(super) fn is_mapping(text: &[u8]) -> bool {
    let mut next = 0;
    for line in without_mark(text).split(|&b| b == b'\n') {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match pair(line) {
            Some((number, name)) if number == next && parse_name(name).is_some() => next += 1,
            _ => return false,
        }
    }
    next >= 2
}

/// Whether a text is nothing but names, a line each and none twice: a list of calls, not a trace.
fn is_list_of_names(text: &[u8]) -> bool {
    let mut names = HashSet::new();
    for line in without_mark(text).split(|&b| b == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty()) {
        if parse_name(line).is_none() || !names.insert(line) {
            return false;
        }
    }
    names.len() >= 32
}

/// The class that the parts of a path tell, the innermost first.
fn class_of(path: &str) -> Option<&'static str> {
    path.rsplit(['/', '!']).find_map(|part| {
        let part = part.to_ascii_lowercase();
        CLASS_WORDS.iter().find(|(word, _)| part.contains(word)).map(|(_, class)| *class)
    })
}

/// The folder of a path, without the slash; empty at the root.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What two files of the same recording have in common: `sm10763` of `sm-10763.int` and of
/// `result-sm-10763.txt`, which holds the same calls in names.
fn recording(path: &str) -> (String, bool) {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let (name, in_names) = match name.strip_prefix("result-") {
        Some(rest) => (rest.to_owned(), true),
        None => (name, false),
    };
    let stem = name.trim_end_matches(".gz").trim_end_matches(".int").trim_end_matches(".txt");
    let plain: String = stem.chars().filter(char::is_ascii_alphanumeric).collect();
    (format!("{}/{plain}", folder_of(path)), in_names)
}

/// Reads all recordings of a tree.
pub(super) fn read_tree(tree: &mut Tree<'_>, into: &mut Collector<'_>) -> Result<(), Error> {
    into.set_format(Format::Unm);
    let mut mappings: Vec<(String, Arc<Mapping>)> = Vec::new();
    let mut recordings = Vec::new();
    let mut ignored: Vec<String> = Vec::new();
    for index in 0..tree.len() {
        let path = tree.path(index).to_owned();
        // A member that cannot be opened is reported when it is read.
        let (head, all) = tree.head(index, 64 << 10).unwrap_or((Vec::new(), true));
        if all && is_mapping(&head) {
            if let Ok(found) = mapping(&head) {
                mappings.push((folder_of(&path).to_owned(), Arc::new(found)));
            }
        } else if all && !head.is_empty() && (is_list_of_names(&head) || !looks_like(&head, all)) {
            ignored.push(path);
        } else if looks_like(&head, all) || head.is_empty() {
            recordings.push((index, path));
        } else {
            ignored.push(path);
        }
    }
    let in_numbers: HashSet<String> = recordings
        .iter()
        .map(|(_, path)| recording(path))
        .filter(|(_, names)| !names)
        .map(|(key, _)| key)
        .collect();
    let abi = format!("unm-{}", tree.root_name());
    let given = into.has_mapping();
    let chosen = into.options.abi.is_some();
    let mut copies = 0;
    for (index, path) in recordings {
        let (key, in_names) = recording(&path);
        if in_names && in_numbers.contains(&key) {
            copies += 1;
            continue;
        }
        let at = tree.source(index);
        let mut labels = Labels {
            class: class_of(&path).or_else(|| class_of(tree.root_name())).map(Into::into),
            group: Some(path.clone().into()),
            ..Labels::default()
        };
        if !given && !chosen && !mappings.is_empty() {
            let nearest = mappings
                .iter()
                .filter(|(folder, _)| {
                    folder.is_empty()
                        || path.strip_prefix(folder.as_str()).is_some_and(|r| r.starts_with('/'))
                })
                .max_by_key(|(folder, _)| folder.len());
            let Some((_, mapping)) = nearest else {
                into.bad(&at, "Other recordings here have a mapping file and this one has none; read its folder by itself.")?;
                continue;
            };
            into.calls.set_mapping(Some(Arc::clone(mapping)));
            labels.abi = Some(abi.as_str().into());
        }
        match tree.open(index) {
            Ok(mut input) => read(&mut *input, &labels, &at, into)?,
            Err(error) => into.row(&at, |_| Err(Refusal::reading(&at)(error)))?,
        }
        if !given {
            into.calls.set_mapping(None);
        }
    }
    if copies > 0 {
        into.note(format!(
            "{copies} files hold in names what others beside them hold in numbers, and were left alone."
        ));
    }
    if let Some(first) = ignored.first() {
        into.note(format!(
            "{} files are not lines of `PID NUMBER` and were left alone, the first of them {first}; name an archive \
             itself to read it.",
            ignored.len()
        ));
    }
    Ok(())
}

/// Reads one recording that was named by itself.
pub(super) fn read_file(input: &mut dyn BufRead, at: &Source, into: &mut Collector<'_>) -> Result<(), Error> {
    into.set_format(Format::Unm);
    let last_two = at.file.rmatch_indices('/').nth(1).map_or(0, |(place, _)| place + 1);
    let class = class_of(&at.file[last_two..]);
    let labels = Labels { class: class.map(Into::into), ..Labels::default() };
    read(input, &labels, at, into)
}

/// Takes a recording apart into its processes, in order of their first call.
fn read(
    input: &mut dyn BufRead,
    labels: &Labels<'_>,
    file: &Source,
    into: &mut Collector<'_>,
) -> Result<(), Error> {
    struct Process {
        line: u64,
        calls: Vec<u16>,
    }
    let (line_limit, total_limit) = (into.options.limits.line_bytes, into.options.limits.total_calls);
    let trace_limit = into.options.limits.trace_calls;
    let mut processes: Vec<Process> = Vec::new();
    let mut by_pid: HashMap<u32, usize> = HashMap::new();
    let mut weight = 0usize;
    let mut lines = Lines::new(input, line_limit);
    loop {
        let number = lines.number() + 1;
        let at = Source { file: file.file.clone(), line: Some(number) };
        let line = match lines.next() {
            Ok(Some(Line::Text(line))) => line,
            Ok(Some(Line::TooLong)) => {
                into.bad(&at, format!("The line is longer than {line_limit} bytes."))?;
                continue;
            }
            Ok(None) => break,
            Err(error) => {
                into.row(&at, |_| Err(Refusal::reading(&at)(error)))?;
                break;
            }
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let Some((pid, call)) = pair(line) else {
            into.bad(&at, "The line is not a process and a call, with a blank between them.")?;
            continue;
        };
        let call = match into.calls.token(call) {
            Ok(call) => call,
            Err(reason) => {
                into.bad(&at, reason)?;
                continue;
            }
        };
        let process = *by_pid.entry(pid).or_insert_with(|| {
            weight += 1;
            processes.push(Process { line: number, calls: Vec::new() });
            processes.len() - 1
        });
        let calls = &mut processes[process].calls;
        // One call over the limit is kept, so that the trace is refused for its length.
        if calls.len() <= trace_limit {
            weight += 1;
            calls.push(call);
        }
        if weight > total_limit {
            return Err(Error::TooLarge {
                source_at: at,
                what: "the data set".into(),
                limit: format!("{total_limit} calls and rows"),
            });
        }
    }
    for process in processes {
        let at = Source { file: file.file.clone(), line: Some(process.line) };
        into.trace(&process.calls, labels.clone(), &at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_from_traces() {
        assert!(looks_like(b"551 4  \n551 2  \n552 66  \n", true));
        assert!(looks_like(b"551   open\r\n551   read\r\n", true));
        assert!(!looks_like(b"4 5", true));
        assert!(!looks_like(b"4 5 6\n7 8 9\n", true));
        assert!(!looks_like(b"open read\nread close\n", true));
        assert!(looks_like(b"1 2\n1 2\n1 2", false));
    }

    #[test]
    fn mappings_are_read_in_both_forms() {
        let numbered = mapping(b"0 exit\n1 fork\n").unwrap();
        let listed = mapping(b"exit\r\nfork\r\n").unwrap();
        assert_eq!(numbered, listed);
        assert_eq!(numbered[&1], "fork".into());
        assert!(mapping(b"0 exit\n0 fork\n").unwrap_err().contains("line 2"));
        assert!(mapping(b"0 exit now\n").unwrap_err().contains("line 1"));
        assert!(mapping(b"\n").is_err());
    }

    #[test]
    fn a_mapping_is_told_from_a_trace_in_names() {
        assert!(is_mapping(b"0 exit\n1 fork\n2 read\n"));
        assert!(!is_mapping(b"551 open\n551 read\n"));
        assert!(is_mapping(b"0 exit\n1 exit\n"));
        assert!(!is_mapping(b"0 exit\n2 fork\n"));
        assert!(!is_mapping(b"0 4\n1 5\n"));
    }

    #[test]
    fn folders_tell_the_class() {
        assert_eq!(class_of("Intrusion-trace-data/sm-280.int"), Some("intrusion"));
        assert_eq!(class_of("normal-data/plus.int"), Some("normal"));
        assert_eq!(class_of("a/b.int"), None);
    }

    #[test]
    fn two_files_of_one_recording_are_known() {
        assert_eq!(recording("n/result-sendmail-log.txt").0, recording("n/sendmail.log.int").0);
        assert_ne!(recording("n/result-bounce.txt").0, recording("n/bounce-1.int").0);
    }
}
