//! Who was taken for whom, as terminal text.
//!
//! A matrix that is too wide for the terminal gets letters for heads; one that is too wide even so becomes
//! a list of the most frequent confusions.

use crate::table::{Cell, Column, Table};
use crate::terminal::{Palette, columns, cut, printable, styled, wrap};
use traceward_trace::profile::numerals::count;

/// The widest label of a row.
const WIDEST_NAME: usize = 18;
/// The narrowest abbreviation of a class at the head of a column.
const NARROWEST_HEAD: usize = 6;
/// How many confusions are listed where the matrix does not fit.
const LISTED: usize = 10;

/// The matrix `confusion[true class][called class]` of the classes `names`.
pub(crate) fn confusion(confusion: &[Vec<u64>], names: &[&str], width: usize, palette: Palette) -> String {
    let names: Vec<String> = names.iter().map(|name| printable(name).into_owned()).collect();
    let matrix = Matrix { confusion, names: &names, width, palette };
    match matrix.heads() {
        Some(heads) => {
            let title = wrap("rows: the true class, columns: what it was called", width, 0);
            format!("{}\n{}", styled(&title, palette.faint), matrix.table(&heads))
        }
        None => matrix.list(),
    }
}

struct Matrix<'a> {
    confusion: &'a [Vec<u64>],
    names: &'a [String],
    width: usize,
    palette: Palette,
}

impl Matrix<'_> {
    /// The heads of the columns: names, or letters where names do not fit; `None` if nothing fits.
    fn heads(&self) -> Option<Vec<String>> {
        let labels = self.names.iter().map(|name| columns(name)).max().unwrap_or(0).min(WIDEST_NAME);
        let room = (self.width.saturating_sub(labels) / self.names.len().max(1)).saturating_sub(2);
        let shortened: Vec<String> = self.names.iter().map(|name| cut(name, room).into_owned()).collect();
        let distinct = shortened.iter().enumerate().all(|(i, head)| !shortened[..i].contains(head));
        if room >= NARROWEST_HEAD && distinct && self.width_with(labels, &shortened) <= self.width {
            return Some(shortened);
        }
        let letters: Vec<String> = (0..self.names.len()).map(letter).collect();
        // The narrowest label that still says something: its letter and a few columns of the name.
        let narrowest = columns(&letter(self.names.len())) + 1 + Table::NARROWEST;
        (self.width_with(narrowest, &letters) <= self.width).then_some(letters)
    }

    /// How wide the matrix is with these labels and heads.
    fn width_with(&self, labels: usize, heads: &[String]) -> usize {
        let column = |(called, head): (usize, &String)| {
            let cells = self.confusion.iter().map(|row| columns(&number(row[called])));
            2 + cells.chain([columns(head)]).max().unwrap_or(0)
        };
        labels + heads.iter().enumerate().map(column).sum::<usize>()
    }

    fn table(&self, heads: &[String]) -> String {
        let lettered = heads.iter().zip(self.names).any(|(head, name)| *head == letter(0) && head != name);
        let columns = heads.iter().map(|head| Column::number(head.as_str()));
        let mut table =
            Table::new(std::iter::once(Column::text("").elastic()).chain(columns), self.palette.heading);
        for (class, row) in self.confusion.iter().enumerate() {
            let name = cut(&self.names[class], WIDEST_NAME);
            let label = if lettered { format!("{} {name}", heads[class]) } else { name.into_owned() };
            let cells = row.iter().enumerate().map(|(called, &n)| {
                let style = match n {
                    0 => self.palette.faint,
                    _ if called == class => self.palette.good,
                    _ => self.palette.warning,
                };
                Cell::styled(if n == 0 { "·".into() } else { number(n) }, style)
            });
            table.row(std::iter::once(Cell::from(label)).chain(cells));
        }
        table.render(self.width)
    }

    fn list(&self) -> String {
        let mut wrong: Vec<(u64, usize, usize)> = Vec::new();
        for (class, row) in self.confusion.iter().enumerate() {
            wrong.extend(
                row.iter()
                    .enumerate()
                    .filter_map(|(called, &n)| (n > 0 && called != class).then_some((n, class, called))),
            );
        }
        wrong.sort_by_key(|&(n, class, called)| (std::cmp::Reverse(n), class, called));
        if wrong.is_empty() {
            return format!("{}\n", styled("No trace was taken for another class.", self.palette.good));
        }
        let title = wrap(&format!("most frequent confusions, {} kinds in all", wrong.len()), self.width, 0);
        let mut out = format!("{}\n", styled(&title, self.palette.heading));
        for (n, class, called) in wrong.into_iter().take(LISTED) {
            let said = format!("{} of {} taken for {}", number(n), self.names[class], self.names[called]);
            out.push_str(&format!("  {}\n", wrap(&said, self.width, 2)));
        }
        out
    }
}

fn number(n: u64) -> String {
    count(n.try_into().unwrap_or(usize::MAX))
}

/// Columns as spreadsheets count them: a to z, aa, ab, …
fn letter(index: usize) -> String {
    let last = char::from(b'a' + (index % 26) as u8);
    match index / 26 {
        0 => last.into(),
        more => format!("{}{last}", letter(more - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_on_after_z() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letter), ["a", "z", "aa", "az", "ba", "zz", "aaa"]);
    }
}
