//! Tables with one call a row, known by their header: NGIDS-DS's and BETH's.
//!
//! | data set | columns | label |
//! |---|---|---|
//! | NGIDS-DS | `date,time,pro_id,path,sys_call,event_id,attack_cat,attack_subcat,label` | `attack_cat` where `label` is 1 |
//! | BETH | `timestamp,processId,threadId,…,hostName,eventId,eventName,…,sus,evil` | `attack` where `evil` is 1 |
//!
//! A process is of the first attack that one of its rows is of, and `normal` without any. NGIDS-DS tells
//! processes apart, BETH threads and hosts; BETH's rows are Tracee's events, of which those that are no calls
//! are passed over.

use super::events::is_call;
use super::{Entered, Reader, Said, Who, number};
use crate::read::calls::Reason;

/// Where the columns stand that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::read) struct EventTable {
    header: Vec<u8>,
    thread: usize,
    call: usize,
    /// The column that says whether a row is of an attack, and the one that says which, if there is one.
    attack: usize,
    family: Option<usize>,
    host: Option<usize>,
    /// The thread is a process, and the call may be a number.
    processes: bool,
}

impl EventTable {
    /// The table that a first line begins, if it is one of those known.
    pub(super) fn of_header(line: &[u8]) -> Option<Self> {
        let names: Vec<String> = line
            .split(|&b| b == b',')
            .map(|name| String::from_utf8_lossy(name).trim().trim_matches('"').to_ascii_lowercase())
            .collect();
        let column = |name: &str| names.iter().position(|known| known == name);
        let header = line.to_vec();
        if let (Some(thread), Some(call), Some(attack)) =
            (column("pro_id"), column("sys_call"), column("label"))
        {
            let family = column("attack_cat");
            return Some(Self { header, thread, call, attack, family, host: None, processes: true });
        }
        let (thread, call, attack) = (column("threadid")?, column("eventname")?, column("evil")?);
        let host = column("hostname");
        Some(Self { header, thread, call, attack, family: None, host, processes: false })
    }

    /// Whether the numbers are processes', not threads'.
    pub(super) fn of_processes(&self) -> bool {
        self.processes
    }
}

/// The fields of a row; a quoted one may hold separators.
fn fields(line: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (place, &byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                fields.push(line[start..place].trim_ascii());
                start = place + 1;
            }
            _ => {}
        }
    }
    fields.push(line[start..].trim_ascii());
    fields
}

impl Reader for EventTable {
    fn line<'l>(&mut self, line: &'l [u8]) -> Result<Said<'l>, Reason> {
        if line == self.header {
            return Ok(Said::Nothing);
        }
        let fields = fields(line);
        let field = |place: usize| fields.get(place).copied().map(unquoted).filter(|field| !field.is_empty());
        let (Some(thread), Some(call), Some(attack)) =
            (field(self.thread).and_then(number), field(self.call), field(self.attack))
        else {
            return Err("The row has no thread, no call or no label.".into());
        };
        let text = |place: usize| field(place).and_then(|field| std::str::from_utf8(field).ok());
        let class = (attack != b"0").then(|| self.family.and_then(text).unwrap_or("attack"));
        let host = self.host.and_then(text);
        if !self.processes {
            if call == b"sched_process_exit" {
                return Ok(Said::Exit(Who { host, thread }));
            }
            if !std::str::from_utf8(call).is_ok_and(is_call) {
                return Ok(Said::Nothing);
            }
        }
        Ok(Said::Call(Entered { thread, call, host, class, group: host, ..Entered::default() }))
    }
}

fn unquoted(field: &[u8]) -> &[u8] {
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field)
}
