//! Small line charts as SVG: the curves of a run.
//!
//! A chart is text, needs no script and no font of its own, and stands in a page or in a file by itself.
//! Its colours follow the reader's light or dark setting by a media query. An epoch whose value is not a
//! number is a gap in the line, and the chart says so: that a loss became `nan` is what its reader must
//! not miss.

use std::fmt::Write as _;

/// The chart's size, in units that a page scales to its width.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
/// Room around the plot for ticks, title and legend.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 44.0;
/// About as wide as a letter is.
const LETTER: f64 = 7.0;
/// About as many ticks as an axis bears.
const TICKS: f64 = 6.0;
/// A largest value this many times the smallest is drawn on a logarithmic axis.
const LOGARITHMIC_FROM: f64 = 100.0;

/// What a line is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// On the traces that are trained on.
    Training,
    /// On the others.
    Validation,
}

impl Side {
    fn class(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
        }
    }
}

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Its colour.
    pub side: Side,
    /// Its points, by rising x; a y that is not finite is a gap.
    pub points: Vec<(f64, f64)>,
}

/// A chart of lines over epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart<'a> {
    /// What the y axis is.
    pub title: &'a str,
    /// What the x axis is.
    pub x_title: &'a str,
    /// The lines.
    pub lines: Vec<Line<'a>>,
    /// A place on the x axis to mark, and what to write there.
    pub mark: Option<(f64, &'a str)>,
    /// The y axis, if it is known beforehand: 0 to 1 for an accuracy.
    pub y_range: Option<(f64, f64)>,
}

/// The chart as an `<svg>` element.
pub fn chart(chart: &Chart<'_>) -> String {
    let finite = |value: &f64| value.is_finite();
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let x = Axis::linear(points().map(|(x, _)| *x).filter(finite), None);
    let y = Axis::of_values(points().map(|(_, y)| *y).filter(finite), chart.y_range);
    let at_x = |value: f64| LEFT + x.place(value) * (WIDTH - LEFT - RIGHT);
    let at_y = |value: f64| HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM);

    let mut svg = String::new();
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{}</title><style>{STYLE}</style>"#,
        escape(&description(chart))
    );
    let scale = if y.logarithmic { ", logarithmic" } else { "" };
    let _ = write!(svg, r#"<text class="head" x="{LEFT}" y="18">{}{scale}</text>"#, escape(chart.title));
    for (value, label) in y.ticks() {
        let place = at_y(value);
        let _ = write!(
            svg,
            r#"<path class="grid" d="M{LEFT} {place:.1}H{:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{label}</text>"#,
            WIDTH - RIGHT,
            LEFT - 8.0,
            place + 4.0
        );
    }
    let floor = HEIGHT - BOTTOM;
    for (value, label) in x.ticks().into_iter().filter(|(value, _)| value.fract() == 0.0) {
        let place = at_x(value);
        let _ = write!(
            svg,
            r#"<path class="axis" d="M{place:.1} {floor}v5"/><text class="tick" x="{place:.1}" y="{}" text-anchor="middle">{label}</text>"#,
            floor + 18.0
        );
    }
    let _ = write!(svg, r#"<path class="axis" d="M{LEFT} {floor}H{}"/>"#, WIDTH - RIGHT);
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    let _ = write!(
        svg,
        r#"<text class="tick" x="{middle}" y="{}" text-anchor="middle">{}</text>"#,
        HEIGHT - 8.0,
        escape(chart.x_title)
    );
    if let Some((value, label)) = chart.mark {
        let drawn = points().map(|(x, y)| (at_x(*x), at_y(*y)));
        mark(&mut svg, at_x(value), label, drawn);
    }
    for line in &chart.lines {
        draw(&mut svg, line, &at_x, &at_y);
    }
    legend(&mut svg, chart);
    warn(&mut svg, chart);
    svg.push_str("</svg>");
    svg
}

/// A dashed line from top to bottom. Its label stands on the side that has room, and above or below the
/// curves, wherever they leave more.
fn mark(svg: &mut String, place: f64, label: &str, drawn: impl Iterator<Item = (f64, f64)>) {
    let right = place < f64::midpoint(LEFT, WIDTH);
    let (anchor, shift) = if right { ("start", 5.0) } else { ("end", -5.0) };
    let width = LETTER * label.chars().count() as f64;
    let span = if right { place..=place + width } else { place - width..=place };
    let (top, bottom) = (TOP, HEIGHT - BOTTOM);
    let (above, below) = drawn
        .filter(|(x, y)| span.contains(x) && y.is_finite())
        .fold((bottom - top, bottom - top), |(above, below), (_, y)| {
            (above.min(y - top), below.min(bottom - y))
        });
    let height = if above >= below { top + 11.0 } else { bottom - 7.0 };
    let _ = write!(
        svg,
        r#"<path class="mark" d="M{place:.1} {top}V{bottom}"/><text class="note" x="{:.1}" y="{height}" text-anchor="{anchor}">{}</text>"#,
        place + shift,
        escape(label)
    );
}

fn draw(svg: &mut String, line: &Line<'_>, at_x: &dyn Fn(f64) -> f64, at_y: &dyn Fn(f64) -> f64) {
    let class = line.side.class();
    for piece in line.points.split(|(x, y)| !x.is_finite() || !y.is_finite()) {
        match piece {
            [] => {}
            [(x, y)] => {
                let _ = write!(
                    svg,
                    r#"<circle class="{class}" cx="{:.1}" cy="{:.1}" r="3"/>"#,
                    at_x(*x),
                    at_y(*y)
                );
            }
            piece => {
                let _ = write!(svg, r#"<polyline class="{class}" points=""#);
                for (index, (x, y)) in piece.iter().enumerate() {
                    let blank = if index > 0 { " " } else { "" };
                    let _ = write!(svg, "{blank}{:.1},{:.1}", at_x(*x), at_y(*y));
                }
                svg.push_str("\"/>");
            }
        }
    }
}

/// From the right, above the plot.
fn legend(svg: &mut String, chart: &Chart<'_>) {
    let mut right = WIDTH - RIGHT;
    for line in chart.lines.iter().rev() {
        let text = right - LETTER * line.name.chars().count() as f64;
        let _ = write!(
            svg,
            r#"<path class="{}" d="M{:.1} 14h18"/><text class="tick" x="{text:.1}" y="18">{}</text>"#,
            line.side.class(),
            text - 24.0,
            escape(line.name)
        );
        right = text - 40.0;
    }
}

/// Epochs that are no numbers, in words.
fn warn(svg: &mut String, chart: &Chart<'_>) {
    let mut below = 0.0;
    for line in &chart.lines {
        let mut gaps = line.points.iter().filter(|(_, y)| !y.is_finite());
        if let Some((first, _)) = gaps.next() {
            let more = gaps.count();
            let also = if more > 0 { format!(" and {more} more") } else { String::new() };
            let said = format!("{}: not a number at {first}{also}", line.name);
            let _ = write!(
                svg,
                r#"<text class="warn" x="{}" y="{}">{}</text>"#,
                LEFT + 8.0,
                HEIGHT - BOTTOM - 10.0 - below,
                escape(&said)
            );
            below += 16.0;
        }
    }
}

/// The chart in a sentence, for readers who cannot see it.
fn description(chart: &Chart<'_>) -> String {
    let ends = chart.lines.iter().filter_map(|line| {
        let (_, first) = line.points.first()?;
        let (_, last) = line.points.last()?;
        Some(format!("{} from {} to {}", line.name, tick_label(*first), tick_label(*last)))
    });
    let ends: Vec<String> = ends.collect();
    format!("{} by {}: {}", chart.title, chart.x_title, ends.join(", "))
}

/// Values to places from 0 to 1.
struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
}

impl Axis {
    /// Values beyond this, either way, stand at the edge: further out an f64 has no room to reckon.
    const FAR: f64 = 1e300;

    fn linear(values: impl Iterator<Item = f64>, range: Option<(f64, f64)>) -> Self {
        let (low, high) = range.unwrap_or_else(|| {
            values
                .map(|value| value.clamp(-Self::FAR, Self::FAR))
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        });
        let (low, high) = if low > high {
            (0.0, 1.0)
        } else if (high - low).is_normal() {
            (low, high)
        } else {
            let around = (low.abs() / 2.0).max(0.5);
            (low - around, high + around)
        };
        Self { low, high, logarithmic: false }
    }

    /// Linear from 0 (or the least, if that is far from 0) with a little room, or logarithmic.
    fn of_values(values: impl Iterator<Item = f64>, range: Option<(f64, f64)>) -> Self {
        if range.is_some() {
            return Self::linear(values, range);
        }
        let Self { low, high, .. } = Self::linear(values, None);
        if low > 1.0 / Self::FAR && high / low >= LOGARITHMIC_FROM {
            return Self { low: low / 1.1, high: high * 1.1, logarithmic: true };
        }
        let room = (high - low) * 0.05;
        let near_0 = low >= 0.0 && low < 0.5 * high;
        Self { low: if near_0 { 0.0 } else { low - room }, high: high + room, logarithmic: false }
    }

    fn place(&self, value: f64) -> f64 {
        let (low, high, value) = if self.logarithmic {
            (self.low.ln(), self.high.ln(), value.ln())
        } else {
            (self.low, self.high, value)
        };
        // Halves first: the range of huge values may itself be too large for an f64.
        ((value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)).clamp(0.0, 1.0)
    }

    /// Round values within the axis, with what to write there.
    fn ticks(&self) -> Vec<(f64, String)> {
        let mut values = Vec::new();
        if self.logarithmic {
            let decades = (self.high / self.low).log10();
            let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
            let every = ((last - first) / 8).max(1) as usize;
            for decade in (first..=last).step_by(every) {
                values.extend(steps.iter().map(|step| step * 10_f64.powi(decade)));
            }
        } else {
            let step = round_step((self.high / TICKS - self.low / TICKS).abs());
            let first = (self.low / step).ceil();
            // Counted rather than added up, so that 0.1 thrice is 0.3.
            values.extend((0..=2 * TICKS as u32).map(|i| (first + f64::from(i)) * step));
        }
        let slack = (self.high / 2.0 - self.low / 2.0) * 1e-9;
        values.retain(|value| *value >= self.low - slack && *value <= self.high + slack);
        values.into_iter().map(|value| (value, tick_label(value))).collect()
    }
}

/// 1, 2 or 5 times a power of ten, the next above `step`.
fn round_step(step: f64) -> f64 {
    if !step.is_normal() {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    let digit = step / power;
    let rounded = [1.0, 2.0, 5.0].into_iter().find(|round| digit <= *round + 1e-9).unwrap_or(10.0);
    rounded * power
}

fn tick_label(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "not a number".into()
    } else if size < 1e-12 {
        "0".into()
    } else if !(1e-4..1e6).contains(&size) {
        format!("{value:.0e}")
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').into()
    }
}

/// Text between tags or in an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Blue and orange are told apart by almost everyone.
const STYLE: &str = ".chart{--ink:#1c2430;--faint:#5c6675;--line:#dfe4ea;--training:#1f6feb;--validation:#c2570c;--bad:#b42318;font:12px system-ui,sans-serif}\
@media(prefers-color-scheme:dark){.chart{--ink:#e6eaf0;--faint:#98a2b3;--line:#2c3440;--training:#6ea8fe;--validation:#f5a35c;--bad:#ff8a80}}\
.chart .head{fill:var(--ink);font-weight:600;font-size:13px}\
.chart .tick{fill:var(--faint)}.chart .note{fill:var(--faint)}.chart .warn{fill:var(--bad);font-weight:600}\
.chart .grid{stroke:var(--line);fill:none}.chart .axis{stroke:var(--faint);fill:none}\
.chart .mark{stroke:var(--faint);stroke-dasharray:3 3;fill:none}\
.chart .training,.chart .validation{fill:none;stroke-width:2;stroke-linejoin:round}\
.chart .training{stroke:var(--training)}.chart .validation{stroke:var(--validation)}\
.chart circle.training{fill:var(--training)}.chart circle.validation{fill:var(--validation)}";

#[cfg(test)]
mod tests {
    use super::*;

    fn line<'a>(name: &'a str, side: Side, values: &[f64]) -> Line<'a> {
        let points = values.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect();
        Line { name, side, points }
    }

    fn of(lines: Vec<Line<'_>>) -> Chart<'_> {
        Chart { title: "loss", x_title: "epoch", lines, mark: None, y_range: None }
    }

    #[test]
    fn two_curves() {
        let training: Vec<f64> = (0..6).map(|i| 1.9 * 0.7_f64.powi(i)).collect();
        let lines = vec![
            line("training", Side::Training, &training),
            line("validation", Side::Validation, &[1.8, 1.4, 1.1, 1.0, 1.05, 1.2]),
        ];
        insta::assert_snapshot!(chart(&Chart { mark: Some((3.0, "best epoch 3")), ..of(lines) }));
    }

    #[test]
    fn what_is_not_a_number_is_a_gap_and_said() {
        let lines =
            vec![line("training", Side::Training, &[1.0, 0.5, f64::NAN, 0.25, f64::INFINITY, 2.0, 3.0])];
        let svg = chart(&of(lines));
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("training: not a number at 2 and 1 more"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn names_are_escaped() {
        let svg = chart(&of(vec![line("<script>&\"'\u{1}", Side::Training, &[1.0])]));
        assert!(svg.contains("&lt;script&gt;&amp;&quot;&#39;\u{fffd}") && !svg.contains("<script"), "{svg}");
    }

    #[test]
    fn ticks_are_round() {
        let ticks = |low, high| -> Vec<String> {
            Axis { low, high, logarithmic: false }.ticks().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(ticks(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(ticks(0.0, 199.0), ["0", "50", "100", "150"]);
        assert_eq!(ticks(-0.31, 0.29), ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2"]);
        let logarithmic = Axis { low: 0.03, high: 40.0, logarithmic: true };
        let labels: Vec<String> = logarithmic.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.1", "1", "10"]);
    }

    #[test]
    fn a_large_range_is_logarithmic() {
        assert!(
            chart(&of(vec![line("training", Side::Training, &[2000.0, 3.0, 2.0])]))
                .contains("loss, logarithmic")
        );
        assert!(
            !chart(&of(vec![line("training", Side::Training, &[20.0, 3.0, 2.0])])).contains("logarithmic")
        );
    }

    proptest::proptest! {
        /// Whatever a run's history holds, a chart of it is drawn within its frame.
        #[test]
        fn every_point_is_in_the_frame(values in proptest::collection::vec(proptest::num::f64::ANY, 0..20)) {
            let svg = chart(&of(vec![line("training", Side::Training, &values)]));
            for piece in svg.split("points=\"").skip(1) {
                let points = piece.split('"').next().unwrap();
                for point in points.split(' ') {
                    let (x, y) = point.split_once(',').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    proptest::prop_assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{}", point);
                }
            }
        }
    }
}
