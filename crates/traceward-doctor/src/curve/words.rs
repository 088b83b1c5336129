//! Numbers in sentences: few figures, and never more than a reader compares.

/// A value in four significant figures: `5.488`, `0.000195`, `2.87e13`.
pub fn figure(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let before = size.log10().floor() as i32 + 1;
    let digits = (4 - before).clamp(0, 7) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share as a percentage: `43 %`, `0.8 %`, `-3 %`; from ten times on as a factor: `12-fold`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent.abs() >= 1000.0 {
        return format!("{}-fold", figure((share + 1.0).round()));
    }
    if percent.abs() < 9.95 && percent != 0.0 {
        let text = format!("{percent:.1}");
        return format!("{} %", text.strip_suffix(".0").unwrap_or(&text));
    }
    format!("{percent:.0} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_significant_ones() {
        let cases = [
            (5.487_556, "5.488"),
            (0.000_195_3, "0.0001953"),
            (2.87e13, "2.87e13"),
            (153.04, "153"),
            (0.5, "0.5"),
            (0.0, "0"),
            (-0.25, "-0.25"),
            (9_999_999.0, "1.00e7"),
            (2350.2, "2350"),
        ];
        for (value, text) in cases {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn percentages() {
        let cases = [(0.43, "43 %"), (0.008, "0.8 %"), (-0.03, "-3 %"), (11.0, "12-fold"), (0.0, "0 %")];
        for (share, text) in cases {
            assert_eq!(percent(share), text);
        }
    }
}
