//! A data set's profile as terminal text: what `data inspect` prints.
//!
//! From the whole to its parts: the figures that people quote, the classes, the parts, the most frequent
//! calls, the evidence for the ABI, and last, where the eye rests when the command is done, what is wrong.

use traceward_trace::profile::numerals::{count, counted, percent};
use traceward_trace::profile::{Lengths, Profile, SplitProfile};

use crate::table::{Cell, Column, Table};
use crate::terminal::{Palette, printable, styled, wrap};

/// The columns that labels of facts take, the gap included.
const LABEL: usize = 11;
/// The longest bar beside a call.
const BAR: usize = 30;

/// The profile as styled text for a terminal of `width` columns.
pub fn text(profile: &Profile, width: usize) -> String {
    Page::new(width, Palette::COLOUR).profile(profile)
}

/// The profile as text without any style.
pub fn plain(profile: &Profile, width: usize) -> String {
    Page::new(width, Palette::PLAIN).profile(profile)
}

/// A split's profile as styled text for a terminal of `width` columns.
pub fn split_text(split: &SplitProfile, width: usize) -> String {
    Page::new(width, Palette::COLOUR).split(split)
}

/// A split's profile as text without any style.
pub fn split_plain(split: &SplitProfile, width: usize) -> String {
    Page::new(width, Palette::PLAIN).split(split)
}

/// Text that grows downwards.
struct Page {
    out: String,
    width: usize,
    palette: Palette,
}

impl Page {
    fn new(width: usize, palette: Palette) -> Self {
        Self { out: String::new(), width, palette }
    }

    fn profile(mut self, p: &Profile) -> String {
        self.out.push_str(&styled(&printable(&p.name), self.palette.heading));
        self.out.push_str(&styled(&format!("  {}\n", p.fingerprint.short()), self.palette.faint));
        self.figures(p);
        self.classes(p);
        self.parts(p);
        self.frequent_calls(p);
        // The reader's note on how it chose holds the evidence already.
        let said =
            p.abi_evidence.first().is_some_and(|first| p.notes.iter().any(|note| note.contains(first)));
        if !said {
            self.sentences("whose calls", &p.abi_evidence);
        }
        self.sentences("notes", &p.notes);
        self.flaws("data set", &p.flaws);
        self.out
    }

    /// One line each: what people quote.
    fn figures(&mut self, p: &Profile) {
        self.fact("traces", &format!("{}, {} distinct", count(p.traces), count(p.distinct_traces)));
        let numbers = match p.numbers {
            Some(range) => format!(", numbers {} to {}", range.min, range.max),
            None => String::new(),
        };
        self.fact(
            "calls",
            &format!("{}, {} distinct, ABI {}{numbers}", count(p.calls), count(p.distinct_calls), p.abi),
        );
        let Lengths { min, median, p95, max } = p.lengths;
        self.fact(
            "lengths",
            &format!(
                "{} to {}, median {}, 95 % are at most {}",
                count(min),
                count(max),
                count(median),
                count(p95)
            ),
        );
        if p.groups > 0 {
            self.fact("groups", &count(p.groups));
        }
        if let Some(biggest) = &p.copies.biggest {
            self.fact(
                "copies",
                &format!(
                    "{} ({}) equal an earlier one, in {}; the biggest has {} of length {}",
                    counted(p.copies.traces, "trace"),
                    percent(p.copies.share),
                    counted(p.copies.sets, "set"),
                    counted(biggest.traces, "trace"),
                    count(biggest.length)
                ),
            );
        }
        for overlap in &p.copies.across_parts {
            self.fact(
                "",
                &format!(
                    "{} of part {} also {} in part {}",
                    counted(overlap.traces, "trace"),
                    overlap.part,
                    if overlap.traces == 1 { "stands" } else { "stand" },
                    overlap.also_in
                ),
            );
        }
        if p.conflicts.sets > 0 {
            self.fact(
                "conflicts",
                &format!(
                    "{} of equal traces with more than one label ({}); best possible accuracy {}",
                    counted(p.conflicts.sets, "set"),
                    counted(p.conflicts.traces, "trace"),
                    percent(p.conflicts.accuracy_ceiling)
                ),
            );
        }
        if p.classes.0.len() > 1 {
            self.fact(
                "order",
                &format!(
                    "{} of neighbouring rows have equal labels, {} expected in random order",
                    percent(p.neighbours.equal_share),
                    percent(p.neighbours.expected_share)
                ),
            );
        }
    }

    fn classes(&mut self, p: &Profile) {
        let heads = [
            Column::text("class").elastic(),
            Column::number("traces"),
            Column::number("share"),
            Column::number("distinct").optional(),
            Column::number("groups").optional(),
            Column::number("calls").optional(),
            Column::number("shortest").optional(),
            Column::number("median").optional(),
            Column::number("95 %").optional(),
            Column::number("longest").optional(),
        ];
        let mut table = self.table(heads);
        for class in &p.per_class {
            let groups = if class.groups == 0 {
                Cell::styled("-", self.palette.faint)
            } else {
                count(class.groups).into()
            };
            table.row([
                class.name.as_str().into(),
                count(class.traces).into(),
                percent(class.share).into(),
                count(class.distinct_traces).into(),
                groups,
                count(class.calls).into(),
                count(class.lengths.min).into(),
                count(class.lengths.median).into(),
                count(class.lengths.p95).into(),
                count(class.lengths.max).into(),
            ]);
        }
        if p.unlabelled > 0 {
            table.row([Cell::styled("(no label)", self.palette.faint), count(p.unlabelled).into()]);
        }
        self.section(&table);
    }

    fn parts(&mut self, p: &Profile) {
        let mut table =
            self.table([Column::text("part"), Column::number("traces"), Column::text("classes").elastic()]);
        for part in &p.parts {
            let classes: Vec<String> =
                part.classes.0.iter().map(|(class, n)| format!("{class} {}", count(*n))).collect();
            table.row([part.name.clone(), count(part.traces), classes.join(", ")]);
        }
        self.section(&table);
    }

    fn frequent_calls(&mut self, p: &Profile) {
        let mut table = self.table([
            Column::text("most frequent calls").elastic(),
            Column::number("times"),
            Column::number("share"),
            Column::text("").optional(),
        ]);
        let most = p.frequent_calls.first().map_or(1.0, |call| call.share);
        for call in &p.frequent_calls {
            let bar = "▪".repeat((call.share / most * BAR as f64).round() as usize);
            table.row([
                call.name.as_str().into(),
                count(call.count).into(),
                percent(call.share).into(),
                Cell::styled(bar, self.palette.faint),
            ]);
        }
        self.section(&table);
    }

    fn split(mut self, s: &SplitProfile) -> String {
        let mut table = self.table([
            Column::text("class").elastic(),
            Column::number("training"),
            Column::number("validation"),
        ]);
        for class in &s.classes {
            let of = |n: usize| {
                if n == 0 { Cell::styled("0", self.palette.warning) } else { count(n).into() }
            };
            table.row([class.name.as_str().into(), of(class.train), of(class.validation)]);
        }
        table.row(["all".into(), count(s.train), count(s.validation)]);
        self.out.push_str(&table.render(self.width));
        if s.dropped > 0 {
            self.fact("dropped", &format!("{} on neither side", counted(s.dropped, "trace")));
        }
        self.flaws("split", &s.flaws);
        self.out
    }

    fn table(&self, columns: impl IntoIterator<Item = Column>) -> Table {
        Table::new(columns, self.palette.heading)
    }

    fn section(&mut self, table: &Table) {
        if !table.is_empty() {
            self.out.push('\n');
            self.out.push_str(&table.render(self.width));
        }
    }

    fn fact(&mut self, label: &str, said: &str) {
        self.out.push_str(&styled(&format!("{label:LABEL$}"), self.palette.faint));
        self.out.push_str(&wrap(&printable(said), self.width, LABEL));
        self.out.push('\n');
    }

    fn sentences(&mut self, title: &str, sentences: &[String]) {
        if sentences.is_empty() {
            return;
        }
        self.out.push_str(&format!("\n{}\n", styled(title, self.palette.heading)));
        for sentence in sentences {
            self.out.push_str(&format!("  {}\n", wrap(&printable(sentence), self.width, 2)));
        }
    }

    fn flaws(&mut self, what: &str, flaws: &[String]) {
        if flaws.is_empty() {
            let none = format!("Nothing wrong was found with the {what}.");
            self.out.push_str(&format!("\n{}\n", styled(&none, self.palette.good)));
            return;
        }
        self.out.push_str(&format!("\n{}\n", styled("what to know before training", self.palette.heading)));
        for flaw in flaws {
            let mark = styled("!", self.palette.warning);
            self.out.push_str(&format!("{mark} {}\n", wrap(&printable(flaw), self.width, 2)));
        }
    }
}

#[cfg(test)]
mod tests;
