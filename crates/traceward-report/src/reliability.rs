//! Whether a model's probabilities mean what they say, as terminal text and as a diagram.

use traceward_detect::calibrate::Reliability;
use traceward_trace::profile::numerals::count;

use crate::figures::figure;
use crate::svg::{Chart, Line, Side, chart};
use crate::table::{Column, Table};
use crate::terminal::{Palette, styled, wrap};

/// The bins as styled text for a terminal of `width` columns.
pub fn text(reliability: &Reliability, width: usize) -> String {
    page(reliability, width, Palette::COLOUR)
}

/// The bins as text without any style.
pub fn plain(reliability: &Reliability, width: usize) -> String {
    page(reliability, width, Palette::PLAIN)
}

fn page(reliability: &Reliability, width: usize, palette: Palette) -> String {
    let mut out = styled("Do probabilities mean what they say?", palette.heading);
    out.push('\n');
    let mut table = Table::new(
        [Column::number("said"), Column::number("came true"), Column::number("traces")],
        palette.heading,
    );
    for bin in reliability.bins.iter().filter(|bin| bin.count > 0) {
        table.row([figure(bin.said), figure(bin.came_true), count(bin.count as usize)]);
    }
    out.push_str(&table.render(width));
    let note = format!(
        "Expected calibration error {}, largest of a bin {}, Brier score {}.",
        figure(reliability.ece),
        figure(reliability.mce),
        figure(reliability.brier)
    );
    out.push_str(&styled(&wrap(&note, width, 0), palette.faint));
    out.push('\n');
    out
}

/// The reliability diagram as an `<svg>` element: what came true over what was said, in per cent; the
/// diagonal is where it should be.
pub fn diagram(reliability: &Reliability) -> String {
    let found = reliability.bins.iter().filter(|bin| bin.count > 0);
    chart(&Chart {
        title: "share that came true",
        x_title: "probability said, %",
        lines: vec![
            Line { name: "as it should be", side: Side::Training, points: vec![(0.0, 0.0), (100.0, 1.0)] },
            Line {
                name: "as it is",
                side: Side::Validation,
                points: found.map(|bin| (100.0 * bin.said, bin.came_true)).collect(),
            },
        ],
        mark: None,
        y_range: Some((0.0, 1.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_as_text_and_as_a_diagram() {
        let said = [(0.9, true), (0.9, true), (0.9, false), (0.9, false), (0.1, false)];
        let reliability = Reliability::of(said).unwrap();
        insta::assert_snapshot!(plain(&reliability, 80));
        assert!(text(&reliability, 80).contains('\u{1b}'));
        let svg = diagram(&reliability);
        assert!(svg.starts_with("<svg") && svg.contains("as it should be"), "{svg}");
    }
}
