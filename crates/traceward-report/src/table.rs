//! Tables for terminals: columns line up, and a narrow terminal loses what matters least.
//!
//! Where a table does not fit, its optional columns go first, the last of them first; then the elastic
//! column (names, as a rule) is cut, down to [`Table::NARROWEST`]. What is left may still be wider than
//! the terminal: numbers are never cut, since half a number is a wrong number.

use anstyle::Style;

use crate::terminal::{columns, cut, printable, styled};

/// A column: its head, and how its cells stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    head: String,
    right: bool,
    optional: bool,
    elastic: bool,
}

impl Column {
    /// A column of words, lined up at their beginning.
    pub fn text(head: impl Into<String>) -> Self {
        Self { head: head.into(), right: false, optional: false, elastic: false }
    }

    /// A column of numbers, lined up at their end.
    pub fn number(head: impl Into<String>) -> Self {
        Self { right: true, ..Self::text(head) }
    }

    /// Leave the column out where the table would be too wide.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Cut the cells of the column where the table would be too wide.
    #[must_use]
    pub fn elastic(self) -> Self {
        Self { elastic: true, ..self }
    }
}

/// What stands in a row and a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell that looks like `style`.
    pub fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: printable(&text.into()).into_owned(), style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// Rows under heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    head: Style,
    indent: usize,
}

impl Table {
    /// The fewest columns of the terminal to which an elastic column is cut.
    pub const NARROWEST: usize = 6;
    /// The blanks between two columns.
    const GAP: usize = 2;

    /// An empty table, whose heads look like `head`.
    pub fn new(columns: impl IntoIterator<Item = Column>, head: Style) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new(), head, indent: 0 }
    }

    /// Moves the table to the right by `blanks`.
    #[must_use]
    pub fn indented(self, blanks: usize) -> Self {
        Self { indent: blanks, ..self }
    }

    /// Adds a row. Missing cells are empty, surplus ones are left out.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut row: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), "".into());
        self.rows.push(row);
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table in at most `width` columns, as far as it can be; each line ends in `\n` and has no
    /// trailing blanks. Heads are left out if all are empty.
    pub fn render(&self, width: usize) -> String {
        let (shown, sizes) = self.fit(width);
        let mut out = String::new();
        if shown.iter().any(|&c| !self.columns[c].head.is_empty()) {
            let heads: Vec<(&str, Style)> =
                self.columns.iter().map(|column| (column.head.as_str(), self.head)).collect();
            self.line(&mut out, &shown, &sizes, &heads);
        }
        for row in &self.rows {
            let cells: Vec<(&str, Style)> = row.iter().map(|cell| (cell.text.as_str(), cell.style)).collect();
            self.line(&mut out, &shown, &sizes, &cells);
        }
        out
    }

    /// Which columns are shown, and how wide each is.
    fn fit(&self, width: usize) -> (Vec<usize>, Vec<usize>) {
        let mut sizes: Vec<usize> = (self.columns.iter().enumerate())
            .map(|(c, column)| {
                let cells = self.rows.iter().map(|row| columns(&row[c].text));
                cells.chain([columns(&column.head)]).max().unwrap_or(0)
            })
            .collect();
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let total = |shown: &[usize], sizes: &[usize]| {
            self.indent
                + shown.iter().map(|&c| sizes[c]).sum::<usize>()
                + Self::GAP * shown.len().saturating_sub(1)
        };
        while total(&shown, &sizes) > width {
            let Some(place) = shown.iter().rposition(|&c| self.columns[c].optional) else { break };
            shown.remove(place);
        }
        let over = total(&shown, &sizes).saturating_sub(width);
        if let Some(&elastic) = shown.iter().find(|&&c| self.columns[c].elastic) {
            let narrowest = Self::NARROWEST.min(sizes[elastic]);
            sizes[elastic] = sizes[elastic].saturating_sub(over).max(narrowest);
        }
        (shown, sizes)
    }

    fn line(&self, out: &mut String, shown: &[usize], sizes: &[usize], cells: &[(&str, Style)]) {
        let mut line = " ".repeat(self.indent);
        // Blanks are owed until a cell follows, so that no line ends in them.
        let mut owed = 0;
        for (place, &c) in shown.iter().enumerate() {
            let (text, style) = cells[c];
            let text = cut(text, sizes[c]);
            let padding = sizes[c] - columns(&text);
            owed += if place > 0 { Self::GAP } else { 0 };
            if self.columns[c].right {
                owed += padding;
            }
            if !text.is_empty() {
                line.extend(std::iter::repeat_n(' ', owed));
                line.push_str(&styled(&text, style));
                owed = 0;
            } else if self.columns[c].right {
                continue;
            }
            if !self.columns[c].right {
                owed += padding;
            }
        }
        out.push_str(if line.trim().is_empty() { "" } else { &line });
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Table {
        let mut table = Table::new(
            [
                Column::text("class").elastic(),
                Column::number("traces"),
                Column::number("share").optional(),
                Column::number("longest").optional(),
            ],
            Style::new(),
        );
        table.row(["normal", "5,205", "87.5 %", "4,494"]);
        table.row(["java_meterpreter", "124", "2.1 %", "1,283"]);
        table.row(["web", "", "", "7"]);
        table
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(
            classes().render(80),
            "class             traces   share  longest\n\
             normal             5,205  87.5 %    4,494\n\
             java_meterpreter     124   2.1 %    1,283\n\
             web                                     7\n"
        );
    }

    #[test]
    fn a_narrow_terminal_loses_optional_columns_first() {
        assert_eq!(
            classes().render(34),
            "class             traces   share\n\
             normal             5,205  87.5 %\n\
             java_meterpreter     124   2.1 %\n\
             web\n"
        );
        assert_eq!(
            classes().render(20),
            "class         traces\nnormal         5,205\njava_meterp…     124\nweb\n"
        );
        assert_eq!(classes().render(1), "class   traces\nnormal   5,205\njava_…     124\nweb\n");
    }

    #[test]
    fn no_line_is_wider_than_asked_while_there_is_something_to_lose() {
        for width in 14..60 {
            let text = classes().indented(0).render(width);
            assert!(text.lines().all(|line| columns(line) <= width), "{width}:\n{text}");
        }
    }

    #[test]
    fn heads_may_be_absent_and_rows_uneven() {
        let mut table = Table::new([Column::text(""), Column::number("")], Style::new()).indented(2);
        assert!(table.is_empty());
        table.row(["a"]);
        table.row(["b", "10", "surplus"]);
        assert_eq!(table.render(80), "  a\n  b  10\n");
    }

    #[test]
    fn styles_take_no_room_and_names_cannot_speak() {
        let mut table = Table::new([Column::text("class"), Column::number("n")], Style::new().bold());
        table.row([Cell::styled("a\x1b[2J", Style::new().bold()), "1".into()]);
        assert_eq!(
            table.render(80),
            "\u{1b}[1mclass\u{1b}[0m  \u{1b}[1mn\u{1b}[0m\n\u{1b}[1ma\u{fffd}[2J\u{1b}[0m  1\n"
        );
    }
}
