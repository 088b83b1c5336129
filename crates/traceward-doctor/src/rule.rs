//! What a rule is: a number, a name, a page and a function of the evidence.

use crate::{Evidence, Finding, Missing};

/// What a rule answers: its findings (none is "looked, and found nothing"), or what it lacks.
pub type Answer = Result<Vec<Finding>, Missing>;

/// A rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its number in the catalogue: `S01`.
    pub id: &'static str,
    /// Its name, as a short phrase.
    pub name: &'static str,
    /// The file it is written in, whose head is its page.
    pub file: &'static str,
    /// Looks.
    pub check: fn(&Evidence) -> Answer,
}

impl Rule {
    /// The page that `doctor --explain` prints: what it sees, why that is bad, an example, the treatment,
    /// the source. It is the head of the rule's own file, so the two cannot differ.
    pub fn page(&self) -> String {
        let head = self.file.lines().take_while(|line| line.starts_with("//!"));
        let mut page: String = head
            .map(|line| line.trim_start_matches("//!"))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        page.truncate(page.trim_end().len());
        page.push('\n');
        page
    }
}
