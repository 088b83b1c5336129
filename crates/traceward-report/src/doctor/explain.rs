//! The page of a rule, as `doctor --explain` prints it, and the list of all rules.
//!
//! A page is the head of the rule's own file: paragraphs, and code between fences. Paragraphs are broken
//! anew for the terminal; code is shown as it stands, however wide, for it is there to be copied.

use traceward_doctor::{Rule, rules};

use super::page::Page;
use crate::terminal::{Palette, printable};

/// A page's parts, each begun by its name and a colon.
const PARTS: [&str; 5] = ["What it sees", "Why it is bad", "Example", "Treatment", "Source"];

/// The groups of the catalogue.
const GROUPS: [(&str, &str); 6] = [
    ("S", "Network and configuration"),
    ("D", "Data"),
    ("P", "Probes"),
    ("C", "Curves"),
    ("G", "Inside the network"),
    ("R", "The run itself"),
];

/// What a page consists of.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block<'a> {
    /// Text that may be broken anew, and the part that it begins, if it does.
    Paragraph(Option<&'a str>, String),
    /// Lines of code.
    Code(Vec<&'a str>),
}

/// The blocks of a page, its first line left out.
pub(super) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut text: Vec<&str> = Vec::new();
    let mut code: Option<Vec<&str>> = None;
    for line in page.lines().skip(1) {
        if line.trim_start().starts_with("```") {
            match code.take() {
                Some(lines) => blocks.push(Block::Code(lines)),
                None => {
                    end(&mut blocks, &mut text);
                    code = Some(Vec::new());
                }
            }
        } else if let Some(lines) = &mut code {
            lines.push(line);
        } else {
            let item = line.trim_start().starts_with(['-', '*', '|']);
            if line.trim().is_empty() || item {
                end(&mut blocks, &mut text);
            }
            if !line.trim().is_empty() {
                text.push(line);
            }
        }
    }
    end(&mut blocks, &mut text);
    blocks.extend(code.map(Block::Code));
    blocks
}

/// Ends the paragraph that was gathered.
fn end<'a>(blocks: &mut Vec<Block<'a>>, text: &mut Vec<&'a str>) {
    let Some(first) = text.first() else { return };
    let part = first.split_once(':').map(|(part, _)| part).filter(|part| PARTS.contains(part));
    let whole = text.join(" ");
    let rest = part.map_or(whole.as_str(), |part| whole[part.len() + 1..].trim_start());
    blocks.push(Block::Paragraph(part, rest.to_owned()));
    text.clear();
}

/// The rule's page in at most `width` columns, code apart.
pub fn explain(rule: &Rule, width: usize, palette: Palette) -> String {
    let mut page = Page::new(width, palette);
    page.paragraph(
        &[(rule.id, palette.warning), (": ", palette.heading)],
        &[("  ", palette.heading)],
        rule.name,
        palette.heading,
    );
    let plain = anstyle::Style::new();
    for block in blocks(&rule.page()) {
        match block {
            Block::Paragraph(part, text) => {
                if let Some(part) = part {
                    page.blank();
                    page.line(&[(part, palette.heading)]);
                } else if !text.starts_with(['-', '*', '|']) {
                    page.blank();
                }
                if !text.is_empty() {
                    let hang = if text.starts_with(['-', '*']) { "    " } else { "  " };
                    page.paragraph(&[("  ", plain)], &[(hang, plain)], &text, plain);
                }
            }
            Block::Code(lines) => {
                for line in lines {
                    page.line(&[("      ", plain), (&printable(line), palette.good)]);
                }
            }
        }
    }
    page.finish()
}

/// All rules by their groups, number and name.
pub fn list(width: usize, palette: Palette) -> String {
    let mut page = Page::new(width, palette);
    for (place, (letter, title)) in GROUPS.iter().enumerate() {
        let mut rules = rules::all().filter(|rule| rule.id.starts_with(letter)).peekable();
        if rules.peek().is_none() {
            continue;
        }
        if place > 0 {
            page.blank();
        }
        page.line(&[(title, palette.heading)]);
        for rule in rules {
            let hang = [("       ", palette.faint)];
            page.paragraph(
                &[("  ", palette.faint), (rule.id, palette.warning), ("  ", palette.faint)],
                &hang,
                rule.name,
                anstyle::Style::new(),
            );
        }
    }
    page.blank();
    let help = "A rule's page: traceward doctor --explain RULE";
    page.paragraph(&[], &[("  ", palette.faint)], help, palette.faint);
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn softmax_of_one() -> &'static Rule {
        rules::by_id("S03").unwrap()
    }

    #[test]
    fn a_page_in_two_widths_and_in_colour() {
        let rule = softmax_of_one();
        insta::assert_snapshot!("explain_40", explain(rule, 40, Palette::PLAIN));
        insta::assert_snapshot!("explain_80", explain(rule, 80, Palette::PLAIN));
        insta::assert_snapshot!("explain_in_colour", explain(rule, 80, Palette::COLOUR));
    }

    #[test]
    fn every_page_has_its_parts_and_keeps_its_words() {
        for rule in rules::all() {
            let text = explain(rule, 60, Palette::PLAIN);
            for part in PARTS {
                assert!(text.lines().any(|line| line == part), "{}: no {part} in\n{text}", rule.id);
            }
            let words = |text: &str| -> Vec<String> {
                let text = text.replace("```text", "").replace("```", "");
                let text = PARTS
                    .iter()
                    .fold(text, |text, part| text.replace(&format!("\n{part}:"), &format!("\n{part}")));
                text.split_whitespace().map(Into::into).collect()
            };
            assert_eq!(words(&text), words(&rule.page()), "{}", rule.id);
        }
    }

    #[test]
    fn lists_and_code_keep_their_lines() {
        let page = "X01: name\n\nWhat it sees: one\ntwo\n\n- a\n- b\n\n```text\nx = 1\n\n  y\n```\n";
        assert_eq!(
            blocks(page),
            [
                Block::Paragraph(Some("What it sees"), "one two".into()),
                Block::Paragraph(None, "- a".into()),
                Block::Paragraph(None, "- b".into()),
                Block::Code(vec!["x = 1", "", "  y"]),
            ]
        );
        assert_eq!(blocks("X01: name\n```text\nnever closed"), [Block::Code(vec!["never closed"])]);
    }

    #[test]
    fn all_rules_are_listed_in_their_groups() {
        let list = list(80, Palette::PLAIN);
        for rule in rules::all() {
            assert!(list.contains(&format!("\n  {}  ", rule.id)), "{} is missing in\n{list}", rule.id);
        }
        assert!(list.starts_with("Network and configuration\n"), "{list}");
    }
}
