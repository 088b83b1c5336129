//! The cut that a data set brings along: its parts.

use std::collections::BTreeSet;

use crate::profile::numerals::{count, list};
use crate::{Dataset, Error};

use super::{Side, Split};

/// What a part of a data set is for, told by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// To learn from.
    Training,
    /// To check on.
    Validation,
    /// Kept back for the end; it validates where nothing else does.
    Test,
}

impl Role {
    /// The role of a part called `part`; `None` for a name that says nothing (`attack`).
    pub(crate) fn of(part: &str) -> Option<Self> {
        Some(match part.to_ascii_lowercase().as_str() {
            "train" | "training" => Self::Training,
            "validation" | "validate" | "valid" | "val" => Self::Validation,
            "test" | "testing" => Self::Test,
            _ => return None,
        })
    }
}

/// Cuts `data` along its own parts. A side may be empty.
pub(super) fn split(data: &Dataset) -> Result<Split, Error> {
    if data.traces.iter().all(|t| t.part.is_none()) {
        return Err(Error::Split(
            "the data set has no parts of its own; try the grouped or the random split".into(),
        ));
    }
    let roles: Vec<Option<Role>> = data.traces.iter().map(|t| t.part.as_deref().and_then(Role::of)).collect();
    if roles.iter().any(Option::is_none) {
        return Err(Error::Split(left_over(data, &roles)));
    }
    let has_validation = roles.contains(&Some(Role::Validation));
    Ok(Split::by(data, |row| match (data.traces[row as usize].class, roles[row as usize]) {
        (Some(_), Some(Role::Training)) => Side::Train,
        (Some(_), Some(Role::Validation)) => Side::Validation,
        (Some(_), Some(Role::Test)) if !has_validation => Side::Validation,
        _ => Side::Neither,
    }))
}

/// Says which traces the parts leave on neither side, and which classes are lost by it.
fn left_over(data: &Dataset, roles: &[Option<Role>]) -> String {
    let rows = || data.traces.iter().zip(roles);
    let parts: BTreeSet<&str> =
        rows().filter(|(_, role)| role.is_none()).filter_map(|(t, _)| t.part.as_deref()).collect();
    let traces = roles.iter().filter(|role| role.is_none()).count();
    let placed: BTreeSet<u16> =
        rows().filter(|(_, role)| role.is_some()).filter_map(|(t, _)| t.class).collect();
    let lost: Vec<&str> = (0u16..)
        .zip(&data.classes)
        .filter(|(class, _)| !placed.contains(class))
        .map(|(_, name)| name.as_str())
        .collect();
    let named = if parts.is_empty() {
        String::new()
    } else {
        format!(" (part {})", list(&parts.into_iter().collect::<Vec<_>>()))
    };
    let classes = if lost.is_empty() {
        String::new()
    } else {
        format!(", and with them every trace of {}", list(&lost))
    };
    format!(
        "the data set's own parts put {} of its {} traces{named} on neither side{classes}; \
         try the grouped or the random split",
        count(traces),
        count(roles.len()),
    )
}
