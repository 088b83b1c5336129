//! The rules, one file each, in the catalogue's groups.
//!
//! A rule must not claim what its evidence does not show. Each file's head is the page that
//! `traceward doctor --explain` prints.

mod curves;
mod data;
mod inside;
mod network;
mod probes;
mod process;

use crate::Rule;

/// All rules, in the order of the catalogue.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let groups = [network::RULES, data::RULES, probes::RULES, curves::RULES, inside::RULES, process::RULES];
    groups.into_iter().flatten()
}

/// The rule of this number, in any case.
pub fn by_id(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_page_under_its_own_number() {
        for rule in all() {
            let page = rule.page();
            assert!(page.starts_with(&format!("{}: {}\n", rule.id, rule.name)), "{}: {page}", rule.id);
            for part in ["What it sees:", "Why it is bad:", "Example:", "Treatment:", "Source:"] {
                assert!(page.contains(part), "{} lacks {part}", rule.id);
            }
        }
    }

    #[test]
    fn numbers_are_given_once() {
        let mut ids: Vec<_> = all().map(|rule| rule.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }
}
