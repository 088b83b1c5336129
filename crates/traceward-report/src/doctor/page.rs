//! Terminal text that is being written: paragraphs with hanging indents, in a width and a palette.

use anstyle::Style;
use traceward_doctor::Level;

use super::cells::{columns, fill};
use crate::terminal::{Palette, styled};

/// Narrower than this, no terminal is taken to be: carets and numbers need some room.
pub(super) const NARROWEST: usize = 24;

/// A stretch of text in a style.
pub(super) type Piece<'a> = (&'a str, Style);

/// Text on its way to a terminal.
pub(super) struct Page {
    out: String,
    pub(super) width: usize,
    pub(super) palette: Palette,
}

impl Page {
    pub(super) fn new(width: usize, palette: Palette) -> Self {
        Self { out: String::new(), width: width.max(NARROWEST), palette }
    }

    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// How findings of this level look.
    pub(super) fn level(&self, level: Level) -> Style {
        match level {
            Level::Error => self.palette.bad,
            Level::Warning => self.palette.warning,
            Level::Note => self.palette.heading,
        }
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// A line of pieces that are known to fit.
    pub(super) fn line(&mut self, pieces: &[Piece<'_>]) {
        let shown = pieces.iter().rposition(|(text, _)| !text.trim_end().is_empty());
        for (place, (text, style)) in pieces[..shown.map_or(0, |last| last + 1)].iter().enumerate() {
            let text = if Some(place) == shown { text.trim_end() } else { text };
            self.out.push_str(&if text.trim().is_empty() { text.into() } else { styled(text, *style) });
        }
        self.out.push('\n');
    }

    /// `text` after the pieces of `lead`, broken into lines that begin with the pieces of `hang`.
    pub(super) fn paragraph(&mut self, lead: &[Piece<'_>], hang: &[Piece<'_>], text: &str, style: Style) {
        let room = |pieces: &[Piece<'_>]| {
            self.width.saturating_sub(pieces.iter().map(|(text, _)| columns(text)).sum())
        };
        let lines = fill(text, room(lead), room(hang));
        for (place, line) in lines.iter().enumerate() {
            let before = if place == 0 { lead } else { hang };
            let pieces: Vec<Piece<'_>> = before.iter().copied().chain([(line.as_str(), style)]).collect();
            self.line(&pieces);
        }
    }
}

/// `n` blanks.
pub(super) fn blanks(n: usize) -> String {
    " ".repeat(n)
}
