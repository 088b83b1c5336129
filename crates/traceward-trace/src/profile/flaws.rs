//! What deserves a warning, in sentences: each says what is so, with numbers, and what it does.

use crate::split::Role;

use super::Profile;
use super::numerals::{count, counted, list, percent};

/// The share of copies from which they are worth a word.
const COPIES: f64 = 0.01;

/// The flaws of a data set, the gravest first.
pub(super) fn of(profile: &Profile) -> Vec<String> {
    [
        doubtful_abi(profile),
        outside_table(profile),
        one_class(profile),
        sorted_rows(profile),
        between_parts(profile),
        copies(profile),
        conflicts(profile),
        imbalance(profile),
        left_over_parts(profile),
        lonely_groups(profile),
        unlabelled(profile),
        skipped(profile),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn doubtful_abi(p: &Profile) -> Option<String> {
    let other = p.abi_doubt.as_ref()?;
    Some(format!("The calls look like {other}, but were read as {}: if so, every name is wrong.", p.abi))
}

fn outside_table(p: &Profile) -> Option<String> {
    let first = p.outside_table.first()?;
    Some(format!(
        "{} of {} calls ({}) are not in the table of {}, {} most often.",
        count(p.outside_table_calls),
        count(p.calls),
        percent(p.outside_table_calls as f64 / p.calls as f64),
        p.abi,
        first.name
    ))
}

fn one_class(p: &Profile) -> Option<String> {
    let held: Vec<&str> = p.classes.0.iter().filter(|(_, n)| *n > 0).map(|(name, _)| name.as_str()).collect();
    match held.as_slice() {
        [] => Some("No trace has a label: there is nothing to learn a classifier from.".into()),
        [only] => Some(format!("All labelled traces are {only}: there is nothing to tell apart.")),
        _ => None,
    }
}

fn sorted_rows(p: &Profile) -> Option<String> {
    p.neighbours.is_sorted().then(|| {
        format!(
            "Rows of one class stand together: {} of neighbouring rows have the same label, where {} would by \
             chance. A split by position (Keras' validation_split) validates on other classes than it trains \
             on, unless the rows are shuffled first.",
            percent(p.neighbours.equal_share),
            percent(p.neighbours.expected_share)
        )
    })
}

fn between_parts(p: &Profile) -> Option<String> {
    let role = |part: &str| Role::of(part);
    let leaks: Vec<String> = (p.copies.across_parts.iter())
        .filter(|o| role(&o.also_in).is_some() && role(&o.part).is_some())
        .map(|o| {
            let all = p.parts.iter().find(|part| part.name == o.part).map_or(0, |part| part.traces);
            format!(
                "{} of the {} traces of part {} ({}) equal a trace of part {}",
                count(o.traces),
                count(all),
                o.part,
                percent(o.share),
                o.also_in
            )
        })
        .collect();
    (!leaks.is_empty())
        .then(|| format!("{}: a model that remembers would look like one that has learnt.", leaks.join("; ")))
}

fn copies(p: &Profile) -> Option<String> {
    let biggest = p.copies.biggest.as_ref()?;
    (p.copies.share >= COPIES).then(|| {
        format!(
            "{} of {} traces ({}) equal an earlier one; the biggest set of equal traces has {}. A random split \
             puts equal traces on both sides; the grouped split keeps one of each.",
            count(p.copies.traces),
            count(p.traces),
            percent(p.copies.share),
            count(biggest.traces)
        )
    })
}

fn conflicts(p: &Profile) -> Option<String> {
    (p.conflicts.sets > 0).then(|| {
        format!(
            "{} of equal traces {} more than one label ({}): no classifier of the calls alone can be right on \
             more than {} of the traces.",
            counted(p.conflicts.sets, "set"),
            if p.conflicts.sets == 1 { "carries" } else { "carry" },
            counted(p.conflicts.traces, "trace"),
            percent(p.conflicts.accuracy_ceiling)
        )
    })
}

fn imbalance(p: &Profile) -> Option<String> {
    let i = p.imbalance.as_ref().filter(|i| i.is_grave())?;
    Some(format!(
        "{} holds {} of the traces, {:.0} to each one of {}: accuracy alone says little, look at macro-F1 and \
         at each class.",
        i.largest,
        percent(i.largest_share),
        i.ratio,
        i.smallest
    ))
}

fn left_over_parts(p: &Profile) -> Option<String> {
    let (placed, left): (Vec<_>, Vec<_>) = p.parts.iter().partition(|part| Role::of(&part.name).is_some());
    if placed.is_empty() || left.is_empty() {
        return None;
    }
    let names: Vec<&str> = left.iter().map(|part| part.name.as_str()).collect();
    Some(format!(
        "The data set's own parts are no split to train on: {} in {} {} in neither training nor validation.",
        counted(left.iter().map(|part| part.traces).sum(), "trace"),
        list(&names),
        if left.iter().map(|part| part.traces).sum::<usize>() == 1 { "stands" } else { "stand" },
    ))
}

fn lonely_groups(p: &Profile) -> Option<String> {
    if p.groups < 2 {
        return None;
    }
    let lonely: Vec<&str> = (p.per_class.iter())
        .filter(|class| class.groups == 1 && class.ungrouped == 0)
        .map(|class| class.name.as_str())
        .collect();
    (!lonely.is_empty()).then(|| {
        format!(
            "All traces of {} come from one group{}: the grouped split can train on {} but not validate.",
            list(&lonely),
            if lonely.len() == 1 { "" } else { " each" },
            if lonely.len() == 1 { "it" } else { "them" }
        )
    })
}

fn unlabelled(p: &Profile) -> Option<String> {
    (p.unlabelled > 0 && p.unlabelled < p.traces).then(|| {
        format!("{} of {} traces have no label: no split uses them.", count(p.unlabelled), count(p.traces))
    })
}

fn skipped(p: &Profile) -> Option<String> {
    let first = p.skipped_first.first()?;
    let rows = usize::try_from(p.skipped).unwrap_or(usize::MAX);
    Some(format!(
        "{} skipped while reading; the first at {}: {}",
        if rows == 1 { "1 row or file was".into() } else { format!("{} rows or files were", count(rows)) },
        first.source,
        first.reason
    ))
}
