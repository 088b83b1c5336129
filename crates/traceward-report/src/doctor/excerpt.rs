//! The lines of a source that a finding means, with carets under the stretch, as rustc shows them.
//!
//! A place is a range of bytes that some reader computed; it may end within a character, past the end, or
//! before it begins. All of that is put right here, for a wrong place must not cost the message. Tabs
//! become four blanks and what cannot be printed a replacement character, so columns are counted after
//! that, not before.

use std::ops::Range;

use anstyle::Style;
use traceward_doctor::Source;
use traceward_doctor::finding::Repair;

use super::cells::{char_columns, columns, cut};
use super::page::{Page, blanks};
use crate::terminal::printable;

/// Blanks for a tab.
const TAB: &str = "    ";
/// A stretch of more lines than this is shown by its first and last ones.
const MOST_LINES: usize = 6;

/// A stretch of a source, put right.
pub(super) struct Stretch {
    /// First line, from 1.
    pub(super) first: usize,
    /// Last line, from 1.
    pub(super) last: usize,
    /// Bytes of the source.
    pub(super) span: Range<usize>,
}

impl Stretch {
    pub(super) fn new(source: &Source, span: &Range<usize>) -> Self {
        let text = source.text.as_str();
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.ceil_char_boundary(span.end.min(text.len())).max(start);
        // A stretch that ends behind a newline ends on the line before it.
        let inside = &text[start..end];
        let last_byte = start + inside.trim_end_matches(['\n', '\r']).len();
        let line = |offset: usize| text[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1;
        Self { first: line(start), last: line(last_byte), span: start..last_byte }
    }

    /// Columns of the number of its last line.
    pub(super) fn number_columns(&self) -> usize {
        self.last.to_string().len()
    }
}

/// A line as it is shown, and where in it, in columns, the bytes from `from` to `to` stand.
fn shown(line: &str, from: usize, to: usize) -> (String, usize, usize) {
    let mut text = String::new();
    let (mut start, mut end) = (None, None);
    let mut used = 0;
    for (offset, c) in line.char_indices() {
        if offset >= from {
            start.get_or_insert(used);
        }
        if offset >= to {
            end.get_or_insert(used);
        }
        if c == '\t' {
            text.push_str(TAB);
            used += TAB.len();
        } else {
            let c = printable(c.encode_utf8(&mut [0; 4])).chars().next().unwrap_or(c);
            text.push(c);
            used += char_columns(c);
        }
    }
    (text, start.unwrap_or(used), end.unwrap_or(used))
}

/// Writes the lines of `stretch`, behind a gutter of `gutter` columns for their numbers.
pub(super) fn write(page: &mut Page, source: &Source, stretch: &Stretch, gutter: usize, mark: Style) {
    let lines: Vec<(usize, &str, usize)> = lines(source, stretch);
    let empty = blanks(gutter);
    let faint = page.palette.faint;
    page.line(&[(&empty, faint), (" |", faint)]);
    if let [(number, line, offset)] = lines.as_slice() {
        let from = stretch.span.start.saturating_sub(*offset);
        let to = stretch.span.end.saturating_sub(*offset);
        let room = page.width.saturating_sub(gutter + 3);
        let (text, carets) = window(&shown(line, from, to), room);
        page.line(&[(&format!("{number:>gutter$} | "), faint), (&text, Style::new())]);
        page.line(&[(&empty, faint), (" | ", faint), (&carets, mark)]);
    } else {
        several(page, &lines, stretch, gutter, mark);
    }
}

/// Writes what a repair makes of the lines it touches: those taken out, those put in.
pub(super) fn write_repair(page: &mut Page, source: &Source, repair: &Repair, gutter: usize) {
    let Some((removed, added)) = repaired_lines(source, repair) else { return };
    let faint = page.palette.faint;
    let bar = format!("{} | ", blanks(gutter));
    let room = page.width.saturating_sub(columns(&bar) + 2);
    let (good, bad) = (page.palette.good, page.palette.bad);
    let before = match (removed.as_slice(), added.as_slice()) {
        ([old], [new]) => {
            let changed = |line: &str, other: &str| {
                let (start, end) = difference(line, other);
                window_start(columns(line), start, end, room)
            };
            changed(old, new).max(changed(new, old))
        }
        _ => 0,
    };
    let removed = removed.iter().map(|line| (line, "- ", bad));
    for (line, mark, style) in removed.chain(added.iter().map(|line| (line, "+ ", good))) {
        page.line(&[(&bar, faint), (mark, style), (&clipped(line, before, room), style)]);
    }
}

/// The columns of `line`, from and to, that are not as in `other`.
fn difference(line: &str, other: &str) -> (usize, usize) {
    let same = |(a, b): &(char, char)| a == b;
    let width = |chars: usize| line.chars().take(chars).map(char_columns).sum::<usize>();
    let head = line.chars().zip(other.chars()).take_while(same).count();
    let rest = line.chars().count().min(other.chars().count()) - head;
    let tail = line.chars().rev().zip(other.chars().rev()).take(rest).take_while(same).count();
    (width(head), width(line.chars().count() - tail))
}

/// The lines that a repair touches, without and with it; `None` if they are too many to show.
pub(super) fn repaired_lines(source: &Source, repair: &Repair) -> Option<(Vec<String>, Vec<String>)> {
    let stretch = Stretch::new(source, &repair.span);
    let lines = lines(source, &stretch);
    let ((_, _, offset), (_, last, last_offset)) = (lines.first()?, lines.last()?);
    if lines.len() > MOST_LINES {
        return None;
    }
    let head = &source.text[*offset..stretch.span.start.max(*offset)];
    let end = stretch.span.end.clamp(*last_offset, last_offset + last.len());
    let tail = &source.text[end..last_offset + last.len()];
    let repaired = format!("{head}{}{tail}", repair.text);
    let line = |line: &str| shown(line, 0, 0).0;
    Some((lines.iter().map(|(_, text, _)| line(text)).collect(), repaired.lines().map(line).collect()))
}

/// A line of a source with the part of it that is meant.
pub(crate) struct MarkedLine {
    /// Its number, from 1, as wide as the widest; dots where lines are left out.
    pub(crate) number: String,
    /// What stands before the part.
    pub(crate) before: String,
    /// The part.
    pub(crate) marked: String,
    /// What stands behind it.
    pub(crate) after: String,
}

/// The lines of a stretch, for forms that can mark text themselves.
pub(super) fn marked_lines(source: &Source, stretch: &Stretch) -> Vec<MarkedLine> {
    let lines = lines(source, stretch);
    let wide = stretch.number_columns();
    let (head, tail) = left_out(lines.len());
    let line = |(place, (number, text, offset)): (usize, &(usize, &str, usize))| {
        let cut = |at: usize| text.floor_char_boundary(at.saturating_sub(*offset).min(text.len()));
        let (from, to) = (cut(stretch.span.start), cut(stretch.span.end));
        if (head..tail).contains(&place) {
            let empty = String::new;
            let number = format!("{:>wide$}", "…");
            return (place == head).then(|| MarkedLine {
                number,
                before: empty(),
                marked: empty(),
                after: empty(),
            });
        }
        let line = |text: &str| shown(text, 0, 0).0;
        Some(MarkedLine {
            number: format!("{number:>wide$}"),
            before: line(&text[..from]),
            marked: line(&text[from..to]),
            after: line(&text[to..]),
        })
    };
    lines.iter().enumerate().filter_map(line).collect()
}

/// Which of so many lines are left out: from, to.
fn left_out(lines: usize) -> (usize, usize) {
    if lines > MOST_LINES { (MOST_LINES / 2, lines - MOST_LINES / 2 + 1) } else { (lines, lines) }
}

/// The lines of a stretch: number from 1, text, offset in the source.
fn lines<'a>(source: &'a Source, stretch: &Stretch) -> Vec<(usize, &'a str, usize)> {
    let mut offset = 0;
    let lines = source.text.split_inclusive('\n').enumerate().map(|(index, line)| {
        let at = offset;
        offset += line.len();
        (index + 1, line.trim_end_matches(['\n', '\r']), at)
    });
    let mut lines: Vec<_> = lines.skip(stretch.first - 1).take(stretch.last - stretch.first + 1).collect();
    if lines.is_empty() {
        lines.push((stretch.first, "", source.text.len()));
    }
    lines
}

/// The part of a line that has room, the marked stretch in it, and carets under that.
fn window((text, start, end): &(String, usize, usize), room: usize) -> (String, String) {
    // The caret of an empty stretch at the line's end stands behind it.
    let (start, end) = (*start, (*end).max(start + 1));
    let before = window_start(columns(text).max(end), start, end, room);
    let left = start - before;
    let carets = (end - start).min(room.saturating_sub(left + usize::from(before > 0)).max(1));
    (clipped(text, before, room), format!("{}{}", blanks(left), "^".repeat(carets)))
}

/// From which column a line of `total` columns is shown, so that those from `start` to `end` are seen in
/// `room` columns.
fn window_start(total: usize, start: usize, end: usize, room: usize) -> usize {
    let marked = (end - start).min(room.saturating_sub(2));
    if total <= room || start + marked < room {
        return 0;
    }
    // Some of what stands before the stretch tells what it is, if there is room for it.
    start.saturating_sub(room.saturating_sub(marked + 2).div_ceil(2) + 1)
}

/// The `room` columns of a line from column `before` on, with an ellipsis where more is.
fn clipped(text: &str, before: usize, room: usize) -> String {
    let mut kept = String::new();
    let (mut used, mut width) = (0, 0);
    for c in text.chars() {
        let size = char_columns(c);
        if used >= before && width + size <= room {
            kept.push(c);
            width += size;
        } else if used < before && used + size > before {
            // A wide character that the cut would halve leaves a blank.
            kept.push(' ');
            width += used + size - before;
        }
        used += size;
        if used >= before + room {
            break;
        }
    }
    let kept = if before > 0 { ellipsis_first(&kept) } else { kept };
    if columns(text) > before + room { ellipsis_last(&kept, room) } else { kept }
}

/// The first column of `text` becomes an ellipsis.
fn ellipsis_first(text: &str) -> String {
    // Marks of a character that was cut off take no column.
    let mut chars = text.chars().skip_while(|&c| char_columns(c) == 0);
    let first = chars.next().map_or(1, char_columns);
    let rest: String = chars.skip_while(|&c| char_columns(c) == 0).collect();
    format!("…{}{rest}", blanks(first.saturating_sub(1)))
}

/// `text`, of which more follows, in `room` columns with an ellipsis last.
fn ellipsis_last(text: &str, room: usize) -> String {
    let mut kept = text.to_owned();
    while columns(&kept) >= room.max(1) {
        kept.pop();
    }
    kept.push('…');
    kept
}

/// Several lines, joined by a bar on their left.
fn several(page: &mut Page, lines: &[(usize, &str, usize)], stretch: &Stretch, gutter: usize, mark: Style) {
    let faint = page.palette.faint;
    let room = page.width.saturating_sub(gutter + 5);
    let expanded: Vec<String> = lines.iter().map(|(_, line, _)| shown(line, 0, 0).0).collect();
    let indent = |line: &String| line.chars().take_while(|c| *c == ' ').count();
    let shared = expanded.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let (head, tail) = left_out(lines.len());
    for (place, (number, _, _)) in lines.iter().enumerate() {
        if place == head {
            page.line(&[(&cut("...", gutter.max(3)), faint)]);
        }
        if (head..tail).contains(&place) {
            continue;
        }
        let bar = if place == 0 { "/ " } else { "| " };
        let text: String = expanded[place].chars().skip(shared).collect();
        let text = cut(&text, room);
        page.line(&[(&format!("{number:>gutter$} | "), faint), (bar, mark), (&text, Style::new())]);
    }
    let Some((_, line, offset)) = lines.last() else { return };
    let (_, _, end) = shown(line, 0, stretch.span.end.saturating_sub(*offset));
    let under = end.saturating_sub(shared).clamp(1, room);
    let end = format!("|{}^", "_".repeat(under));
    page.line(&[(&blanks(gutter), faint), (" | ", faint), (&end, mark)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_what_was_cut_off_take_no_room() {
        assert_eq!(clipped("a\u{301}bcdef", 1, 4), "…cd…");
        assert_eq!(clipped("abcdef", 1, 4), "…cd…");
    }
}
