//! The lines of a spool's files.
//!
//! ```text
//! 9f3c21aa a 17 web-1-18f2c1a0-7 {"id":"web-1-18f2c1a0-7",...}      an alert
//! 0c77d1e2 k 17                                                     all up to the 17th are with the receiver
//! ```
//!
//! The first field is the CRC-32C of the rest of the line. Lines rather than lengths: after a damaged one the
//! next is found again, and a person can rescue alerts with `cut`.

use traceward_run::crc;

static CASTAGNOLI: [u32; 256] = crc::table(0x82f6_3b78);

/// A line, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    Alert { number: u64, id: &'a str, json: &'a str },
    Acknowledged { through: u64 },
}

/// An alert's line, with its end. The JSON holds no line break, as JSON on one line does.
pub(super) fn alert(number: u64, id: &str, json: &str) -> String {
    sealed(&format!("a {number} {} {json}", token(id)))
}

/// An acknowledgement's line, with its end.
pub(super) fn acknowledged(through: u64) -> String {
    sealed(&format!("k {through}"))
}

fn sealed(text: &str) -> String {
    format!("{:08x} {text}\n", crc::checksum(&CASTAGNOLI, text.as_bytes()))
}

/// An id as one word of visible ASCII, which is what a header of HTTP takes, too.
pub(super) fn token(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).collect()
}

/// Reads a line, given without its end; `None` if it is damaged.
pub(super) fn read(line: &[u8]) -> Option<Record<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (sum, text) = line.split_once(' ')?;
    if sum.len() != 8 || u32::from_str_radix(sum, 16).ok()? != crc::checksum(&CASTAGNOLI, text.as_bytes()) {
        return None;
    }
    let (kind, rest) = text.split_once(' ')?;
    match kind {
        "a" => {
            let mut parts = rest.splitn(3, ' ');
            let (number, id, json) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
            Some(Record::Alert { number, id, json })
        }
        "k" => Some(Record::Acknowledged { through: rest.parse().ok()? }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, id in "[!-~]{1,20}", json in r"[ -~äß]{0,60}") {
            let line = alert(number, &id, &json);
            prop_assert_eq!(
                read(line.trim_end_matches('\n').as_bytes()),
                Some(Record::Alert { number, id: &id, json: &json })
            );
            let line = acknowledged(number);
            prop_assert_eq!(read(line.trim_end().as_bytes()), Some(Record::Acknowledged { through: number }));
        }

        #[test]
        fn one_wrong_byte_is_noticed(at: prop::sample::Index, flip in 1_u8..) {
            let line = alert(7, "host-1", r#"{"id":"host-1","score":0.97}"#);
            let mut bytes = line.trim_end().as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            // The sum may be written in capitals: the case of a hexadecimal digit says nothing.
            prop_assume!(at >= 8 || !bytes[at].is_ascii_hexdigit() || flip != 0x20);
            prop_assert_eq!(read(&bytes), None);
        }

        #[test]
        fn any_bytes_are_a_record_or_none(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            read(&bytes);
        }
    }

    #[test]
    fn ids_are_one_word() {
        assert_eq!(token("wéb 1\n-7"), "w_b_1_-7");
        assert!(matches!(
            read(alert(1, "a b", "{}").trim_end().as_bytes()),
            Some(Record::Alert { id: "a_b", .. })
        ));
    }
}
