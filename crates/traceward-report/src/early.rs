//! What a model says after so many calls, as terminal text.

use traceward_detect::calibrate::Moments;
use traceward_detect::early::Curve;
use traceward_trace::profile::numerals::{count, percent};

use crate::figures::{figure, figure_or_dash};
use crate::table::{Column, Table};
use crate::terminal::{Palette, styled, wrap};

/// The curve as styled text for a terminal of `width` columns.
pub fn text(curve: &Curve, width: usize) -> String {
    page(curve, width, Palette::COLOUR)
}

/// The curve as text without any style.
pub fn plain(curve: &Curve, width: usize) -> String {
    page(curve, width, Palette::PLAIN)
}

fn page(curve: &Curve, width: usize, palette: Palette) -> String {
    let mut out = styled("After so many calls", palette.heading);
    out.push('\n');
    let mut table = Table::new(
        [
            Column::number("calls"),
            Column::number("AUC"),
            Column::number("found"),
            Column::number("false alarms"),
            Column::number("traces as long").optional(),
        ],
        palette.heading,
    );
    for point in &curve.points {
        table.row([
            point.calls.map_or_else(|| "all".into(), count),
            figure_or_dash(point.auc),
            percent(point.detection_rate),
            percent(point.false_alarm_rate),
            percent(point.reaching),
        ]);
    }
    out.push_str(&table.render(width));
    let when = match curve.moments {
        Moments::EveryCall => "asked after each call from the 20th on",
        Moments::Doubling | Moments::End => "asked after 20, 50, 100, 200, 400, … calls and at the end",
    };
    let alarms = match curve.median_calls {
        None => "No attack is ever alarmed.".to_owned(),
        Some(calls) => format!(
            "{} of {} attacks are alarmed at some moment of their lives, half of these within {} calls.",
            percent(curve.detected),
            count(curve.attacks as usize),
            calls
        ),
    };
    let note = format!(
        "P(attack) above {} counts as an attack. {alarms} So are {} of {} normals. The model is {when}.",
        figure(curve.threshold),
        percent(curve.false_alarms),
        count(curve.normals as usize),
    );
    out.push_str(&styled(&wrap(&note, width, 0), palette.faint));
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use traceward_detect::early::Point;

    use super::*;

    fn curve() -> Curve {
        let point = |calls, auc, found| Point {
            calls,
            reaching: if calls == Some(200) { 0.75 } else { 1.0 },
            auc: Some(auc),
            detection_rate: found,
            false_alarm_rate: 0.01,
        };
        Curve {
            threshold: 0.93,
            points: vec![
                point(Some(20), 0.943, 0.412),
                point(Some(200), 0.975, 0.7),
                point(None, 0.98, 0.75),
            ],
            alarmed: vec![(20, 0.412), (200, 0.75)],
            median_calls: Some(20.0),
            detected: 0.75,
            false_alarms: 0.012,
            moments: Moments::Doubling,
            attacks: 728,
            normals: 3121,
        }
    }

    #[test]
    fn the_curve_as_text() {
        insta::assert_snapshot!(plain(&curve(), 80));
        let none = Curve { median_calls: None, detected: 0.0, alarmed: Vec::new(), ..curve() };
        assert!(plain(&none, 80).contains("No attack is ever alarmed."));
        assert!(text(&curve(), 80).contains('\u{1b}'));
    }
}
