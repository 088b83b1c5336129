//! A unified diff of two short texts: what a treatment changed in a configuration.
//!
//! Configurations have some hundred lines, so the plain table of longest common subsequences does, after
//! equal beginnings and ends are set aside. Texts too long for that are shown as replaced as a whole.

use std::fmt::Write as _;

/// Equal lines shown around a change.
const CONTEXT: usize = 3;
/// The table has at most this many cells.
const CELLS: usize = 4_000_000;

/// A line of the edit, with its text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Edit<'a> {
    Keep(&'a str),
    Remove(&'a str),
    Add(&'a str),
}

/// What leads from `before` to `after`, as `diff -u` and `git diff` write it, under the names `old` and
/// `new`; empty if they are equal.
pub fn unified_diff(before: &str, after: &str, old: &str, new: &str) -> String {
    let edits = edits(&lines(before), &lines(after));
    let changed: Vec<usize> = (0..edits.len()).filter(|&i| !matches!(edits[i], Edit::Keep(_))).collect();
    let mut out = String::new();
    let mut next = 0;
    while let Some(&first) = changed.get(next) {
        let mut last = first;
        while let Some(&further) = changed.get(next).filter(|&&further| further - last <= 2 * CONTEXT + 1) {
            last = further;
            next += 1;
        }
        if out.is_empty() {
            let _ = write!(out, "--- {old}\n+++ {new}\n");
        }
        hunk(&mut out, &edits, first.saturating_sub(CONTEXT), (last + CONTEXT + 1).min(edits.len()));
    }
    out
}

/// A text's lines, each without its newline; a last line that lacks one is marked as `diff` marks it.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn hunk(out: &mut String, edits: &[Edit<'_>], from: usize, to: usize) {
    let count = |edits: &[Edit<'_>]| {
        let old = edits.iter().filter(|edit| !matches!(edit, Edit::Add(_))).count();
        let new = edits.iter().filter(|edit| !matches!(edit, Edit::Remove(_))).count();
        (old, new)
    };
    let (before, inside) = (count(&edits[..from]), count(&edits[from..to]));
    let start = |before: usize, inside: usize| if inside == 0 { before } else { before + 1 };
    let _ = writeln!(
        out,
        "@@ -{},{} +{},{} @@",
        start(before.0, inside.0),
        inside.0,
        start(before.1, inside.1),
        inside.1
    );
    for edit in &edits[from..to] {
        let (mark, line) = match edit {
            Edit::Keep(line) => (' ', line),
            Edit::Remove(line) => ('-', line),
            Edit::Add(line) => ('+', line),
        };
        let _ = write!(out, "{mark}{line}");
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// The shortest way from `old` to `new`, removals before additions.
fn edits<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Edit<'a>> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);

    let mut edits: Vec<Edit<'a>> = old[..head].iter().map(|line| Edit::Keep(line)).collect();
    if a.len().saturating_mul(b.len()) > CELLS {
        edits.extend(a.iter().map(|line| Edit::Remove(line)));
        edits.extend(b.iter().map(|line| Edit::Add(line)));
    } else {
        between(&mut edits, a, b);
    }
    edits.extend(old[old.len() - tail..].iter().map(|line| Edit::Keep(line)));
    edits
}

fn between<'a>(edits: &mut Vec<Edit<'a>>, a: &[&'a str], b: &[&'a str]) {
    // common[i][j]: lines that a[i..] and b[j..] have in common, in one row after the other.
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            edits.push(Edit::Keep(a[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            edits.push(Edit::Remove(a[i]));
            i += 1;
        } else {
            edits.push(Edit::Add(b[j]));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_changed_value_stands_among_its_neighbours() {
        let before = "a\nb\nc\nd\nlearning_rate = 0.01\nf\ng\nh\ni\n";
        let after = before.replace("0.01", "0.0001");
        assert_eq!(
            unified_diff(before, &after, "before", "after"),
            "--- before\n+++ after\n@@ -2,7 +2,7 @@\n b\n c\n d\n-learning_rate = 0.01\n+learning_rate = 0.0001\n f\n g\n h\n"
        );
    }

    #[test]
    fn changes_far_apart_are_hunks_of_their_own() {
        let before: String = (0..30).map(|i| format!("{i}\n")).collect();
        let after = before.replace("3\n4\n", "3\n").replace("\n28\n", "\n28\nnew\n");
        let diff = unified_diff(&before, &after, "a", "b");
        assert_eq!(diff.matches("@@ -").count(), 2, "{diff}");
        assert!(
            diff.contains("@@ -2,7 +2,6 @@") && diff.contains("-4\n") && diff.contains("+new\n"),
            "{diff}"
        );
    }

    #[test]
    fn equal_texts_have_no_diff_and_a_missing_newline_is_said() {
        assert_eq!(unified_diff("a\n", "a\n", "x", "y"), "");
        assert_eq!(
            unified_diff("a", "", "x", "y"),
            "--- x\n+++ y\n@@ -1,1 +0,0 @@\n-a\n\\ No newline at end of file\n"
        );
    }

    proptest! {
        #[test]
        fn the_edits_lead_from_one_text_to_the_other(old in "[ab\n]{0,30}", new in "[ab\n]{0,30}") {
            let (before, after) = (lines(&old), lines(&new));
            let edits = edits(&before, &after);
            let side = |skip: fn(&Edit<'_>) -> bool| -> String {
                edits.iter().filter(|edit| !skip(edit)).map(|edit| match edit {
                    Edit::Keep(line) | Edit::Remove(line) | Edit::Add(line) => *line,
                }).collect()
            };
            prop_assert_eq!(side(|edit| matches!(edit, Edit::Add(_))), old.as_str());
            prop_assert_eq!(side(|edit| matches!(edit, Edit::Remove(_))), new.as_str());
        }
    }
}
