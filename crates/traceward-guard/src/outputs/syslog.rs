//! Syslog: the format of RFC 5424, over datagrams (RFC 5426, `/dev/log`) or a stream with octet counts
//! (RFC 6587, 3.4.1); and the older form of syslog(3) for daemons that understand nothing else on `/dev/log`.
//!
//! The message is the alert's JSON; what a daemon filters by stands in the structured data. Its id would need
//! the number of an enterprise; the project has none, and uses 32473, which RFC 5612 sets aside for examples.

use std::fmt::Write as _;

use chrono::DateTime;
use traceward_detect::verdict::Word;

use super::socket::Socket;
use super::status::Fate;
use super::{Failure, Line, Output, Syslog};

/// Security messages, private (RFC 5424, table 1): an alert holds command lines.
const AUTHPRIV: u8 = 10;

/// Names of RFC 5424's structured data.
const DATA_ID: &str = "traceward@32473";

/// A daemon.
#[derive(Debug)]
pub(super) struct Sender {
    socket: Socket,
    bsd: bool,
    process: u32,
}

impl Sender {
    pub(super) fn new(to: Syslog) -> Self {
        Self { bsd: matches!(to, Syslog::Bsd(_)), socket: Socket::new(to), process: std::process::id() }
    }
}

impl Output for Sender {
    fn send(&mut self, line: &Line) -> Result<Fate, Failure> {
        let message = if self.bsd { bsd(line, self.process) } else { message(line, self.process) };
        self.socket.send(&message).map(|()| Fate::Sent)
    }
}

/// The severity of RFC 5424, table 2: an attack wants somebody at once.
fn severity(word: Word) -> u8 {
    match word {
        Word::Attack => 1,
        Word::UnknownAttack => 2,
        Word::Novel => 4,
        Word::Abstain => 5,
        Word::Normal => 6,
    }
}

/// The whole message, without a frame.
fn message(line: &Line, process: u32) -> String {
    let priority = AUTHPRIV * 8 + severity(line.verdict);
    let (time, host) = (header(&line.time, 64), header(&line.host, 255));
    let mut text = format!("<{priority}>1 {time} {host} traceward {process} {} [{DATA_ID}", line.kind);
    let pid = line.pid.map(|pid| pid.to_string());
    for (name, value) in [
        ("id", Some(line.id.as_str())),
        ("verdict", Some(line.verdict.name())),
        ("family", line.family.as_deref()),
        ("pid", pid.as_deref()),
    ] {
        if let Some(value) = value {
            let _ = write!(text, " {name}=\"{}\"", escaped(value));
        }
    }
    // A message of UTF-8 begins with the byte order mark (6.4).
    text.push_str("] \u{feff}");
    text.push_str(&line.text);
    text
}

/// A message as syslog(3) sends it: no host, and a time that daemons skip for the one of arrival.
fn bsd(line: &Line, process: u32) -> String {
    let priority = AUTHPRIV * 8 + severity(line.verdict);
    let time = DateTime::parse_from_rfc3339(&line.time).unwrap_or_default();
    format!("<{priority}>{} traceward[{process}]: {}", time.format("%b %e %H:%M:%S"), line.text)
}

/// A field of the header: visible ASCII, or `-` for what is not known.
fn header(value: &str, most: usize) -> String {
    let kept: String = value.chars().filter(char::is_ascii_graphic).take(most).collect();
    if kept.is_empty() { "-".into() } else { kept }
}

/// A value of structured data: `"`, `\` and `]` escaped (6.3.3), and nothing that would end a line.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' | ']' => text.extend(['\\', c]),
            c if c.is_control() => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::desk::Told;
    use crate::example::alert;
    use crate::outputs::Format;

    #[test]
    fn as_rfc_5424_has_it() {
        let mut alert = alert();
        let known = message(&Line::new(&Told::Alert(Box::new(alert.clone())), Format::Json), 99);
        alert.verdict = Word::Novel;
        alert.host = "wéb 1".into();
        alert.family = Some("a \"family\" [of] back\\slashes\n".into());
        alert.process = Default::default();
        let odd = message(&Line::new(&Told::Alert(Box::new(alert)), Format::Json), 99);
        let head = |text: &str| text.split_once('\u{feff}').map(|(head, _)| head.to_owned()).unwrap();
        insta::assert_snapshot!(format!("{known}\n\n{}", head(&odd)));
    }

    #[test]
    fn as_syslog_3_has_it() {
        let line = Line::new(&Told::Alert(Box::new(alert())), Format::Json);
        assert_eq!(bsd(&line, 99), format!("<81>Nov 23 15:40:12 traceward[99]: {}", line.text));
    }

    /// Reads a value as RFC 5424's receivers do: to the first quote that is not escaped.
    fn read(text: &str) -> (String, usize) {
        let mut value = String::new();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return (value, at),
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                c => value.push(c),
            }
        }
        (value, text.len())
    }

    proptest! {
        #[test]
        fn an_escaped_value_is_read_as_it_was(value in r"[\PC]{0,30}") {
            let escaped = escaped(&value);
            let (back, end) = read(&format!("{escaped}\" rest=\"x\"]"));
            prop_assert_eq!(back, value);
            prop_assert_eq!(end, escaped.len());
        }

        #[test]
        fn nothing_breaks_the_header(host in any::<String>(), family in any::<String>()) {
            let mut alert = alert();
            (alert.host, alert.family) = (host, Some(family));
            let text = message(&Line::new(&Told::Alert(Box::new(alert)), Format::Json), 1);
            let (head, json) = text.split_once("] \u{feff}{").unwrap();
            prop_assert!(!head.chars().any(char::is_control));
            prop_assert_eq!(head.split(' ').nth(3), Some("traceward"));
            prop_assert!(!json.contains('\n'));
        }
    }
}
