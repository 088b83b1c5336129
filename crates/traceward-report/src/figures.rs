//! Numbers as reports write them: short, but never rounded to "all" or "none" when they are not.

/// A figure between 0 and 1 with three decimals, and with more where it would read 0.000 or 1.000
/// without being that.
pub(crate) fn figure(value: f64) -> String {
    if value.is_nan() {
        return "–".into();
    }
    let whole = |text: &str| !text.trim_matches(['0', '.', '-']).is_empty() && !text.starts_with("1.000");
    (3..=6)
        .map(|decimals| format!("{value:.decimals$}"))
        .find(|text| whole(text) || value == 0.0 || value == 1.0)
        .unwrap_or_else(|| format!("{value:.3e}"))
}

/// A dash where there is no figure.
pub(crate) fn figure_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), figure)
}

/// A loss: four significant digits or so, whatever its size.
pub(crate) fn loss(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "nan".into(),
        size if size == 0.0 || (1e-3..1e5).contains(&size) => format!("{value:.4}"),
        size if size.is_infinite() => format!("{value}"),
        _ => format!("{value:.3e}"),
    }
}

/// A dash where there is no loss.
pub(crate) fn loss_or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), loss)
}

/// A per cent sign and a number without trailing zeros: `1 %`, `0.1 %`.
pub(crate) fn rate(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A duration as people say it: `4.2 s`, `3 min 20 s`, `1 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 60.0 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_never_rounded_to_none_or_all() {
        let cases = [
            (0.0, "0.000"),
            (1.0, "1.000"),
            (0.5, "0.500"),
            (0.999_96, "0.99996"),
            (0.0004, "0.0004"),
            (1e-9, "1.000e-9"),
            (f64::NAN, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn losses_keep_their_digits() {
        let cases = [(1.943, "1.9430"), (0.0, "0.0000"), (3.2e-7, "3.200e-7"), (1.5e9, "1.500e9")];
        for (value, text) in cases {
            assert_eq!(loss(value), text);
        }
        assert_eq!([loss(f64::NAN), loss(f64::INFINITY)], ["nan", "inf"]);
    }

    #[test]
    fn rates_and_durations() {
        assert_eq!([rate(0.01), rate(0.001), rate(0.25)], ["1 %", "0.1 %", "25 %"]);
        let durations = [0.04, 59.0, 61.0, 3_725.0].map(duration);
        assert_eq!(durations, ["0.0 s", "59.0 s", "1 min 1 s", "1 h 2 min"]);
    }
}
