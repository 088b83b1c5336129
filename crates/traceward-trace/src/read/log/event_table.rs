//! Tables with one call a row, known by their header: NGIDS-DS's and BETH's.
//!
//! | data set | columns | label |
//! |---|---|---|
//! | NGIDS-DS | `date,time,pro_id,path,sys_call,event_id,attack_cat,attack_subcat,label` | `attack_cat` where `label` is 1 |
//! | BETH | `timestamp,processId,threadId,…,hostName,eventId,eventName,…,sus,evil` | `attack` where `evil` is 1 |
//!
//! A process is of the first attack that one of its rows is of, and `normal` without any.

use super::{Entered, Reader, Said, number};
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
    group: Option<usize>,
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
            return Some(Self { header, thread, call, attack, family, group: None });
        }
        let (thread, call, attack) = (column("threadid")?, column("eventname")?, column("evil")?);
        Some(Self { header, thread, call, attack, family: None, group: column("hostname") })
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
        let group = self.group.and_then(text);
        Ok(Said::Call(Entered { thread, call, class, group, ..Entered::default() }))
    }
}

fn unquoted(field: &[u8]) -> &[u8] {
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field)
}
