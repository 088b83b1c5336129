//! An evaluation as terminal text: what `eval` prints, and `train` at its end.
//!
//! First the figures that one quotes, each with its interval and what a trivial classifier reaches, then
//! the classes, then who was taken for whom.

use traceward_run::Evaluation;
use traceward_run::evaluation::OperatingPoint;
use traceward_trace::profile::numerals::{count, counted, percent};

use crate::figures::{figure, figure_or_dash, rate};
use crate::table::{Cell, Column, Table};
use crate::terminal::{Palette, printable, styled, wrap};

/// The columns that labels take, the gap included.
const LABEL: usize = 12;

/// The evaluation as styled text for a terminal of `width` columns.
pub fn text(evaluation: &Evaluation, width: usize) -> String {
    Page { out: String::new(), width, palette: Palette::COLOUR }.evaluation(evaluation)
}

/// The evaluation as text without any style.
pub fn plain(evaluation: &Evaluation, width: usize) -> String {
    Page { out: String::new(), width, palette: Palette::PLAIN }.evaluation(evaluation)
}

/// Text that grows downwards.
struct Page {
    out: String,
    width: usize,
    palette: Palette,
}

impl Page {
    fn evaluation(mut self, e: &Evaluation) -> String {
        let title = format!("{} judged, {} split", counted(e.traces, "trace"), printable(&e.protocol));
        self.out.push_str(&format!("{}\n", styled(&title, self.palette.heading)));
        self.figures(e);
        self.classes(e);
        self.confusion(e);
        if !e.notes.is_empty() {
            self.out.push('\n');
        }
        for note in &e.notes {
            let mark = styled("!", self.palette.warning);
            self.out.push_str(&format!("{mark} {}\n", wrap(&printable(note), self.width, 2)));
        }
        self.out
    }

    fn figures(&mut self, e: &Evaluation) {
        let between = |key: &str| {
            e.intervals.get(key).map_or(String::new(), |[low, high]| {
                format!(", 95 % interval {} to {}", figure(*low), figure(*high))
            })
        };
        self.fact("macro-F1", &format!("{}{}", figure(e.macro_f1), between("macro_f1")));
        self.fact("accuracy", &format!("{}{}", figure(e.accuracy), between("accuracy")));
        match e.auc {
            Some(auc) => self.fact("AUC", &format!("{}, attack or not", figure(auc))),
            None => self.fact("AUC", "–, since it takes both normals and attacks"),
        }
        if let Some(loss) = e.log_loss {
            self.fact("log loss", &figure(loss));
        }
        for (index, point) in e.operating_points.iter().enumerate() {
            self.fact(if index == 0 { "detection" } else { "" }, &detection(e, point));
        }
        for (index, baseline) in e.baselines.iter().enumerate() {
            self.fact(
                if index == 0 { "baseline" } else { "" },
                &format!(
                    "{}: macro-F1 {}, accuracy {}, AUC {}",
                    baseline.name,
                    figure(baseline.macro_f1),
                    figure(baseline.accuracy),
                    figure_or_dash(baseline.auc)
                ),
            );
        }
    }

    fn classes(&mut self, e: &Evaluation) {
        let mut table = Table::new(
            [
                Column::text("class").elastic(),
                Column::number("precision"),
                Column::number("recall"),
                Column::number("F1"),
                Column::number("traces").optional(),
            ],
            self.palette.heading,
        );
        for class in &e.per_class {
            let style = if class.support > 0 && class.f1 == 0.0 {
                self.palette.bad
            } else if class.f1 < 0.5 {
                self.palette.warning
            } else {
                anstyle::Style::new()
            };
            table.row([
                class.name.as_str().into(),
                figure(class.precision).into(),
                figure(class.recall).into(),
                Cell::styled(figure(class.f1), style),
                number(class.support).into(),
            ]);
        }
        self.out.push('\n');
        self.out.push_str(&table.render(self.width));
    }

    fn confusion(&mut self, e: &Evaluation) {
        let names: Vec<&str> = e.per_class.iter().map(|class| class.name.as_str()).collect();
        self.out.push('\n');
        self.out.push_str(&crate::confusion::confusion(&e.confusion, &names, self.width, self.palette));
    }

    fn fact(&mut self, label: &str, said: &str) {
        self.out.push_str(&styled(&format!("{label:LABEL$}"), self.palette.faint));
        self.out.push_str(&wrap(&printable(said), self.width, LABEL));
        self.out.push('\n');
    }
}

/// What is found at a false-alarm rate, and how sure that is.
fn detection(e: &Evaluation, point: &OperatingPoint) -> String {
    let interval = e
        .intervals
        .get(&format!("dr_at_far.{}", point.far))
        .map_or(String::new(), |[low, high]| format!(" ({} to {})", percent(*low), percent(*high)));
    format!(
        "{} of {} at {} false alarms{interval}",
        percent(point.detection_rate),
        counted(point.attacks.try_into().unwrap_or(usize::MAX), "attack"),
        rate(point.far),
    )
}

fn number(n: u64) -> String {
    count(n.try_into().unwrap_or(usize::MAX))
}

#[cfg(test)]
pub(crate) mod tests {
    use traceward_run::evaluation::Predictions;

    use super::*;
    use crate::terminal::columns;

    const FAMILIES: [&str; 7] =
        ["normal", "adduser", "hydra_ftp", "hydra_ssh", "java_meterpreter", "meterpreter", "web_shell"];

    /// A classifier that is right three times out of four and otherwise takes a class for the next.
    pub(crate) fn judged(classes: &[&str], traces: usize) -> Evaluation {
        let names: Vec<String> = classes.iter().map(|&name| name.to_owned()).collect();
        let n = classes.len();
        let labels: Vec<u16> = (0..traces).map(|i| if i % 2 == 0 { 0 } else { (i / 2 % n) as u16 }).collect();
        let mut probabilities = Vec::new();
        for (i, label) in labels.iter().enumerate() {
            let called = if i % 4 == 3 { (usize::from(*label) + i / 4) % n } else { usize::from(*label) };
            let sure = 0.5 + 0.4 * (i % 7) as f32 / 7.0;
            probabilities.extend(
                (0..n).map(|class| if class == called { sure } else { (1.0 - sure) / (n - 1) as f32 }),
            );
        }
        Evaluation::new(&Predictions {
            probabilities: &probabilities,
            labels: &labels,
            classes: &names,
            normal: Some(0),
            training_counts: None,
            protocol: "grouped",
            seed: 1,
        })
        .unwrap()
    }

    fn widest(text: &str) -> usize {
        text.lines().map(columns).max().unwrap_or(0)
    }

    #[test]
    fn on_eighty_columns() {
        let text = plain(&judged(&FAMILIES, 2400), 80);
        assert!(widest(&text) <= 80, "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_wide_terminal_has_room_for_names() {
        insta::assert_snapshot!(plain(&judged(&FAMILIES, 2400), 120));
    }

    #[test]
    fn a_narrow_terminal_abbreviates() {
        let text = plain(&judged(&FAMILIES, 2400), 48);
        assert!(widest(&text) <= 48, "{text}");
        insta::assert_snapshot!(text);
        let text = plain(&judged(&FAMILIES, 2400), 36);
        assert!(widest(&text) <= 36 && text.contains("most frequent confusions"), "{text}");
    }

    #[test]
    fn many_classes_are_listed_by_their_confusions() {
        let names: Vec<String> = (0..40).map(|i| format!("family_{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = plain(&judged(&names, 400), 80);
        assert!(widest(&text) <= 80 && text.contains("most frequent confusions"), "{text}");
    }

    #[test]
    fn without_attacks_there_is_no_curve() {
        let normal = ["normal".to_owned(), "web\x1b[2Jshell".to_owned()];
        let evaluation = Evaluation::new(&Predictions {
            probabilities: &[0.75, 0.25, 0.5, 0.5],
            labels: &[0, 0],
            classes: &normal,
            normal: Some(0),
            training_counts: None,
            protocol: "tail",
            seed: 1,
        });
        insta::assert_snapshot!(plain(&evaluation.unwrap(), 80));
    }

    #[test]
    fn styles_change_no_letter() {
        let evaluation = judged(&FAMILIES, 240);
        let mut bare = String::new();
        let mut escape = false;
        for c in text(&evaluation, 80).chars() {
            match c {
                '\x1b' => escape = true,
                'm' if escape => escape = false,
                _ if !escape => bare.push(c),
                _ => {}
            }
        }
        assert_eq!(bare, plain(&evaluation, 80));
    }
}
