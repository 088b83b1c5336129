//! How numbers and lists are written in sentences, the same in every finding: `2,747,550`, `35.3 %`.

/// A count with a comma between thousands.
///
/// ```
/// assert_eq!(traceward_trace::profile::numerals::count(2_747_550), "2,747,550");
/// ```
pub fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as per cent with one decimal, and with more where one would round a small rest away:
/// `99.96 %` is not `100.0 %`.
///
/// ```
/// use traceward_trace::profile::numerals::percent;
/// assert_eq!(percent(0.3527), "35.3 %");
/// assert_eq!(percent(0.9996), "99.96 %");
/// assert_eq!(percent(1.0), "100 %");
/// ```
pub fn percent(share: f64) -> String {
    let hundredths = share * 100.0;
    if hundredths == 0.0 || hundredths == 100.0 || !hundredths.is_finite() {
        return format!("{hundredths:.0} %");
    }
    let decimals = (1..4).find(|&d| {
        let rounded = format!("{hundredths:.d$}");
        !rounded.trim_matches(['0', '.']).is_empty() && !rounded.starts_with("100")
    });
    format!("{hundredths:.*} %", decimals.unwrap_or(4))
}

/// `n` of something, with its plural: `1 trace`, `2 traces`.
pub fn counted(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(n))
}

/// Names as a sentence lists them: `a`, `a and b`, `a, b and c`.
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted_by_commas() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0, 999, 1000, 1_234_567].map(count).each_ref().map(String::as_str)
        );
    }

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        let cases = [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.5, "50.0 %"),
            (0.9996, "99.96 %"),
            (0.0004, "0.04 %"),
            (0.0001, "0.01 %"),
        ];
        for (share, text) in cases {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn lists_read_as_sentences() {
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(counted(1, "trace"), "1 trace");
        assert_eq!(counted(1200, "trace"), "1,200 traces");
    }
}
