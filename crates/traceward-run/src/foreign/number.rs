//! Numbers as Python, its libraries and spreadsheets write them.

/// A number: what Rust reads, plus the spellings of not-a-number and infinity that Rust lacks.
///
/// `None` is for what is no number; whether that is a gap or a mistake depends on where it stands.
pub(super) fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    // Rust's own parser takes `nan`, `inf`, `infinity` in any case, and signs.
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => match text {
            "1.#QNAN" | "1.#IND" | "-1.#IND" | "-nan(ind)" | "#NUM!" | ".nan" => Some(f64::NAN),
            "1.#INF" | ".inf" => Some(f64::INFINITY),
            "-1.#INF" | "-.inf" => Some(f64::NEG_INFINITY),
            _ => None,
        },
    }
}

/// Whether a cell says that there is no value.
pub(super) fn is_gap(text: &str) -> bool {
    matches!(text, "" | "NA" | "N/A" | "n/a" | "<NA>" | "null" | "NULL" | "None" | "-" | "--" | "—")
}

/// A counter: a whole number that is not negative, even when it is written as `3.0`.
pub(super) fn counter(value: f64) -> Option<u64> {
    (value >= 0.0 && value.fract() == 0.0 && value <= 9e15).then_some(value as u64)
}
